import { Exact } from "../decimal.ts";
import type { NumberAnswers } from "../numberAnswers.ts";
import { type Penalty, withPenalty } from "../penalty.ts";
import type { TextAnswers } from "../textAnswers.ts";
import { QuestionProblem } from "./fileProblem.ts";
import type { ImportedQuestion } from "./questionFormat.ts";
import type { Definitions } from "./typedQuestion.ts";

/** Digits a definition may have. */
const MAX_DIGITS = 60;
/** Of a share that does not end, like a third; grading divides by the sum, so the rest does not matter. */
const SHARE_PLACES = 18;

/**
 * What each option of a multiple choice is worth, for formats that know weights and nothing else.
 * @throws QuestionProblem for scoring that is no sum of weights
 */
export function optionWeights({ options, scoring, floor = "0" }: Definitions["MULTIPLE_CHOICE"]): string[] {
  if (floor !== "0") throw new QuestionProblem("The format has no choices that take points down below 0.");
  const hasFlags = options.some(({ correct }) => correct !== undefined);
  const isRight = ({ correct, fraction }: (typeof options)[number]) => correct ?? new Exact(fraction ?? 0).gt(0);
  if (scoring === "weighted" && !hasFlags) return options.map(({ fraction = "0" }) => fraction);
  if (scoring !== "weighted" && scoring !== "rightMinusWrong")
    throw new QuestionProblem(`The format has no scoring "${scoring}", only weights that are added.`);
  const share = new Exact(1).div(options.filter(isRight).length).toDecimalPlaces(SHARE_PLACES);
  return options.map((option) => (isRight(option) ? share : share.neg()).toFixed());
}

/** What each option of a single choice is worth with penalty and floor, for formats that know fractions of options only. */
export const singleWorth = ({ options, ...penalty }: Definitions["SINGLE_CHOICE"]): string[] =>
  options.map(({ fraction }) => withPenalty(new Exact(fraction), penalty).toString());

/** @throws QuestionProblem if wrong answers cost points */
export function requireNoPenalty({ penalty = "0" }: Penalty): void {
  if (penalty !== "0") throw new QuestionProblem("The format cannot say that a wrong answer costs points.");
}

export interface PatternAnswer {
  pattern: string;
  fraction: string;
  feedback?: string | undefined;
}

/** @throws QuestionProblem for rules of comparing that only this server knows */
export function patternAnswers({ answers, ignoreAccents, spaces }: Omit<TextAnswers, "caseSensitive">) {
  if (ignoreAccents) throw new QuestionProblem("The format cannot say that accents do not count.");
  if (spaces !== "collapse") throw new QuestionProblem("The format cannot say how white space counts.");
  return answers.map((answer): PatternAnswer => {
    if ("regex" in answer) throw new QuestionProblem("The format has no regular expressions.");
    return answer;
  });
}

export interface NominalAnswer {
  value: string;
  tolerance: string;
  fraction: string;
  feedback?: string | undefined;
}
export type NumberKey = NominalAnswer | { any: true; fraction: string; feedback?: string | undefined };

/** Ranges and relative tolerances as a value and what it may be off. @throws QuestionProblem for what is no such */
export function nominalAnswers({ answers }: Pick<NumberAnswers, "answers">): NumberKey[] {
  return answers.map((answer): NumberKey => {
    const { fraction, feedback } = answer;
    if ("any" in answer) return answer;
    if ("significantFigures" in answer)
      throw new QuestionProblem("The format cannot say that numbers are compared after rounding.");
    if ("min" in answer) {
      const value = new Exact(answer.min).plus(answer.max).div(2);
      const tolerance = new Exact(answer.max).minus(answer.min).div(2);
      return { value: exactly(value), tolerance: exactly(tolerance), fraction, feedback };
    }
    const { value, tolerance, toleranceType } = answer;
    const off = toleranceType === "relative" ? exactly(new Exact(value).abs().times(tolerance)) : tolerance;
    return { value, tolerance: off, fraction, feedback };
  });
}

/** @throws QuestionProblem if the number has more digits than can be read again */
function exactly(number: InstanceType<typeof Exact>): string {
  if (number.precision(true) > MAX_DIGITS || number.decimalPlaces() > MAX_DIGITS)
    throw new QuestionProblem("A number of the question has too many digits.");
  return number.toString();
}

/** A fraction as a percentage without an exponent. */
export const percent = (fraction: string) => new Exact(fraction).times(100).toFixed();

/** For formats in which an option is its text. @throws QuestionProblem if two have the same */
export function requireDistinct(texts: readonly string[]): void {
  if (new Set(texts.map((text) => text.replace(/\s+/g, " ").trim())).size < texts.length)
    throw new QuestionProblem("Two of the options have the same text, which the format cannot tell apart.");
}

/** What most formats have no place for, a sentence each. */
export const lostOutcomes = ({ outcomeFeedback }: Pick<ImportedQuestion, "outcomeFeedback">): string[] =>
  outcomeFeedback ? ["The feedback for right, partly right and wrong answers."] : [];

/** What only this server keeps of a question, a sentence each; nothing of it decides a grade. */
export function lostHere(options: readonly { pinned?: boolean | undefined }[]): string[] {
  return options.some(({ pinned }) => pinned) ? ["Options that keep their place are shuffled like the others."] : [];
}
