/** What is wrong in a line of a caption file; lines count from 1. */
export interface LineProblem {
  line: number;
  message: string;
}

/** A caption file that was read: WebVTT that browsers show, or what keeps it from being that. */
export type ReadCaptions = { vtt: string; problems: readonly [] } | { vtt: null; problems: readonly LineProblem[] };

/** Nobody reads more of them at once. */
const MOST_PROBLEMS = 20;

export const refused = (problems: readonly LineProblem[]): ReadCaptions => ({
  vtt: null,
  problems: [...problems].sort((a, b) => a.line - b.line).slice(0, MOST_PROBLEMS),
});

/** The lines of a text file, however they end, without a byte order mark. */
export const linesOf = (text: string): string[] => text.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/);

/** Between the beginning and the end of a cue. */
export const ARROW = "-->";
