import { ARROW, type LineProblem, linesOf, type ReadCaptions, refused } from "./captionLines.ts";
import { cueTimeMs } from "./cueTime.ts";

const SIGNATURE = /^WEBVTT([ \t]|$)/;
const COMMENT = /^NOTE([ \t]|$)/;
const DEFINITION = /^(STYLE|REGION)[ \t]*$/;
const TIME = String.raw`(?:(\d{2,4}):)?([0-5]\d):([0-5]\d)\.(\d{3})`;
const TIMING = new RegExp(`^[ \\t]*${TIME}[ \\t]*${ARROW}[ \\t]*${TIME}(?:[ \\t]+(.*))?$`);
const SETTING = /^(vertical|line|position|size|align|region):\S+$/;

/** Lines between empty ones. */
interface Block {
  /** Number of the first line. */
  line: number;
  lines: string[];
}

/**
 * Checks a WebVTT file (https://www.w3.org/TR/webvtt1) for what makes browsers leave something out: signature, times, settings,
 * and blank lines where they belong. What is right is given back with its lines ended alike, else as it was.
 */
export function readWebVtt(text: string): ReadCaptions {
  const lines = linesOf(text);
  if (!SIGNATURE.test(lines[0]!)) return refused([{ line: 1, message: "A WebVTT file begins with the line WEBVTT." }]);
  const [header, ...blocks] = blocksOf(lines);
  const problems = strayArrows(header!, 1, "An empty line is missing above this cue.");
  let cues = 0;
  for (const block of blocks) {
    const first = block.lines[0]!;
    if (COMMENT.test(first) || DEFINITION.test(first)) {
      if (DEFINITION.test(first) && cues > 0)
        problems.push({ line: block.line, message: `A ${first.trim()} block stands above the first cue.` });
      problems.push(...strayArrows(block, 0, `"${ARROW}" ends what is not a cue: an empty line is missing above it.`));
      continue;
    }
    cues += 1;
    problems.push(...cueProblems(block));
  }
  if (cues === 0) problems.push({ line: lines.length, message: "The file holds no cue." });
  return problems.length > 0 ? refused(problems) : { vtt: `${lines.join("\n").trimEnd()}\n`, problems: [] };
}

function blocksOf(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  let open: Block | null = null;
  lines.forEach((text, index) => {
    if (text === "") open = null;
    else if (open) open.lines.push(text);
    else {
      open = { line: index + 1, lines: [text] };
      blocks.push(open);
    }
  });
  return blocks;
}

const strayArrows = ({ line, lines }: Block, from: number, message: string): LineProblem[] =>
  lines.flatMap((text, index) => (index >= from && text.includes(ARROW) ? [{ line: line + index, message }] : []));

function cueProblems(block: Block): LineProblem[] {
  const timingAt = block.lines[0]!.includes(ARROW) ? 0 : 1; // a cue may have a name
  const line = block.line + timingAt;
  const timing = block.lines[timingAt] ?? "";
  if (!timing.includes(ARROW))
    return [{ line: block.line, message: `This is no cue: a time such as 00:01.000 ${ARROW} 00:04.000 is missing.` }];
  return [
    ...timingProblems(timing).map((message) => ({ line, message })),
    ...strayArrows(block, timingAt + 1, "An empty line is missing above this cue."),
  ];
}

function timingProblems(timing: string): string[] {
  const match = TIMING.exec(timing);
  if (!match) return [`This is not a time such as 00:01.000 ${ARROW} 00:04.000.`];
  const [from, to] = [cueTimeMs(...match.slice(1, 5)), cueTimeMs(...match.slice(5, 9))];
  const settings = match[9]?.split(/[ \t]+/).filter(Boolean) ?? [];
  return [
    ...(to > from ? [] : ["The cue does not end after its beginning."]),
    ...settings.filter((setting) => !SETTING.test(setting)).map((setting) => `"${setting}" is no setting of a cue.`),
  ];
}
