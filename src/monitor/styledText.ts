/** What a piece of text means to the eye; without colour it reads the same. */
export type Tone = "title" | "quiet" | "good" | "warning" | "bad";

export interface Piece {
  text: string;
  tone?: Tone;
}

/** A line of a screen. */
export type Line = readonly Piece[];

/** The basic colours: every terminal has them, and its owner has chosen how they look. */
const codes: Record<Tone, string> = { title: "1", quiet: "2", good: "32", warning: "33", bad: "1;31" };

export const widthOf = (line: Line): number => line.reduce((width, { text }) => width + text.length, 0);

/** The line, or its beginning and an ellipsis where it is wider. */
export function cut(line: Line, width: number): Line {
  if (widthOf(line) <= width) return line;
  const kept: Piece[] = [];
  let left = width - 1;
  for (const piece of line) {
    if (left <= 0) break;
    kept.push({ ...piece, text: piece.text.slice(0, left) });
    left -= piece.text.length;
  }
  return [...kept, { text: "…" }];
}

/** The text in as many lines as it takes, broken between words; all but the first are indented. */
export function wrap(text: string, { width, indent, tone }: { width: number; indent: number; tone?: Tone }): Line[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = " ".repeat(indent) + word;
    } else line += lines.length === 0 && line === "" ? word : ` ${word}`;
  }
  return [...lines, line].map((part) => cut([{ text: part, tone }], width));
}

/** As it is written to a terminal. What others wrote, such as the name of a host, cannot steer it. */
export function write(line: Line, isColoured: boolean): string {
  return line
    .map(({ text, tone }) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
      const harmless = text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
      return isColoured && tone ? `\u001b[${codes[tone]}m${harmless}\u001b[0m` : harmless;
    })
    .join("")
    .trimEnd();
}
