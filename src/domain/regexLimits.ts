import { RE2JSException } from "re2js";
import type { z } from "zod";
import { regexSteps } from "./regexSteps.ts";
import { compiled, MAX_REGEX_LENGTH, type TextAnswers } from "./textAnswers.ts";

/** Expressions of one question, over all of its gaps. */
const MAX_REGEXES = 200;
/** Grading takes time in proportion to the steps and to the text, and 1,000 characters of repetitions would come to 140,000. */
const MAX_STEPS = 5_000;
/** Of a whole question: while it is compiled nothing else is done, which takes some hundredths of a second. */
const MAX_TOTAL_STEPS = 20_000;

const figures = (count: number) => count.toLocaleString("en");

type Path = (string | number)[];
interface Regex {
  source: string;
  caseSensitive: boolean;
  path: Path;
}
interface Problem {
  path: Path;
  message: string;
}

/**
 * Adds an issue for each regular expression that is none, and for what would take too long to compile, before anything is compiled.
 * Asked of what is written from now on; what is stored is graded as it is.
 * @param keys all accepted texts of a definition, with the way to each of them
 */
export function checkRegexes(
  keys: readonly { path: Path; key: Pick<TextAnswers, "answers" | "caseSensitive"> }[],
  context: z.RefinementCtx,
): void {
  const regexes = keys.flatMap(({ path, key: { answers, caseSensitive } }) =>
    answers.flatMap((answer, at): Regex[] =>
      "regex" in answer && answer.regex.length <= MAX_REGEX_LENGTH // longer ones are refused already
        ? [{ source: answer.regex, caseSensitive, path: [...path, "answers", at, "regex"] }]
        : [],
    ),
  );
  const tooDear = tooDearOf(regexes);
  const problems = tooDear.length > 0 ? tooDear : regexes.flatMap(notRe2);
  for (const problem of problems) context.addIssue({ code: "custom", ...problem });
}

function tooDearOf(regexes: readonly Regex[]): Problem[] {
  const beyond = regexes[MAX_REGEXES];
  if (beyond) return [{ path: beyond.path, message: `A question has at most ${MAX_REGEXES} regular expressions.` }];
  const priced = regexes.map(({ source, path }) => ({ path, steps: regexSteps(source) }));
  const tooLarge = priced.filter(({ steps }) => steps > MAX_STEPS);
  if (tooLarge.length > 0) return tooLarge.map(({ path }) => ({ path, message: TOO_LARGE }));
  let total = 0;
  for (const { path, steps } of priced) {
    total += steps;
    if (total > MAX_TOTAL_STEPS) return [{ path, message: TOO_MUCH }];
  }
  return [];
}

const TOO_LARGE = `This regular expression is too large: with its repetitions, as in x{1000}, written out and its sets of characters, as \\p{L}, it comes to more than ${figures(MAX_STEPS)} steps. Make them shorter.`;
const TOO_MUCH = `With this regular expression, those of the question come to more than ${figures(MAX_TOTAL_STEPS)} steps together. Make their repetitions shorter.`;

function notRe2({ source, caseSensitive, path }: Regex): Problem[] {
  try {
    compiled(source, caseSensitive);
    return [];
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const problem = error.message.replace("`(?i)", "`"); // which is put before it where case does not count
    return [{ path, message: `This is not a regular expression of RE2: ${problem}.` }];
  }
}
