import { ARROW, type LineProblem, linesOf, type ReadCaptions, refused } from "./captionLines.ts";
import { cueTimeMs, cueTimeText } from "./cueTime.ts";

const TIME = String.raw`(\d{1,4}):([0-5]?\d):([0-5]?\d)[,.](\d{1,3})`;
/** Some programs write a place on the screen behind the time; WebVTT has no such thing. */
const PLACE = String.raw`(?:\s+[XY][12]:.*)?`;
const TIMING = new RegExp(String.raw`^\s*${TIME}\s*${ARROW}\s*${TIME}${PLACE}\s*$`);
const NUMBER = /^\s*\d+\s*$/;
/** `{\an8}` and its like. */
const OVERRIDE = /\{\\[^{}]*\}/g;
const MARKUP = /<(\/?[biuBIU])>|<\/?[fF][oO][nN][tT]\b[^<>]*>|&(?:amp|lt|gt|nbsp|lrm|rlm);|[&<>]/g;
const ESCAPED: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

interface Cue {
  /** Index of the line that its number or, without one, its time stands in. */
  head: number;
  timing: number;
}

const isBlank = (line: string | undefined): boolean => line === undefined || line.trim() === "";

/**
 * Makes WebVTT of a SubRip file. Forgives what players forgive: missing numbers, points for commas, empty lines within a
 * text. Bold, italic and underlined stay; fonts, colours and places are left out; cues without a text too.
 */
export function srtToWebVtt(text: string): ReadCaptions {
  const lines = linesOf(text);
  const problems: LineProblem[] = [];
  const cues = lines.flatMap((line, timing): Cue[] => {
    if (!line.includes(ARROW)) return [];
    const isNumbered = timing > 0 && NUMBER.test(lines[timing - 1]!);
    const head = isNumbered ? timing - 1 : timing;
    if (!isBlank(lines[head - 1]))
      problems.push({ line: head + 1, message: "An empty line is missing above this cue." });
    return [{ head, timing }];
  });
  const before = lines.slice(0, cues[0]?.head).findIndex((line) => !isBlank(line));
  if (before >= 0)
    problems.push({
      line: before + 1,
      message: `This is no cue: a time such as 00:00:01,000 ${ARROW} 00:00:04,000 is missing.`,
    });

  const shown = cues.flatMap(({ timing }, index) => {
    const range = readTiming(lines[timing]!);
    if (typeof range === "string") problems.push({ line: timing + 1, message: range });
    const payload = lines
      .slice(timing + 1, cues[index + 1]?.head)
      .map((line) => toWebVttText(line).trimEnd())
      .filter((line) => !isBlank(line));
    return typeof range === "string" || payload.length === 0
      ? []
      : [`${range.join(` ${ARROW} `)}\n${payload.join("\n")}\n`];
  });
  if (shown.length === 0 && problems.length === 0) problems.push({ line: 1, message: "The file holds no cue." });
  return problems.length > 0 ? refused(problems) : { vtt: `WEBVTT\n\n${shown.join("\n")}`, problems: [] };
}

/** Beginning and end as WebVTT writes them, or what is wrong. */
function readTiming(line: string): [string, string] | string {
  const match = TIMING.exec(line);
  if (!match) return `This is not a time such as 00:00:01,000 ${ARROW} 00:00:04,000.`;
  const [from, to] = [cueTimeMs(...match.slice(1, 5)), cueTimeMs(...match.slice(5, 9))];
  return to > from ? [cueTimeText(from), cueTimeText(to)] : "The cue does not end after its beginning.";
}

const toWebVttText = (line: string): string =>
  line.replace(OVERRIDE, "").replace(MARKUP, (found, tag?: string) => {
    if (tag !== undefined) return `<${tag.toLowerCase()}>`;
    return ESCAPED[found] ?? (found.startsWith("&") ? found : "");
  });
