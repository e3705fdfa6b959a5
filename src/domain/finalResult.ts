import { Decimal } from "decimal.js";
import { Exact } from "./decimal.ts";
import { type GradeBand, gradeFor, isPassed, percentOf, type Score } from "./results.ts";

const POINT_PLACES = 4;

/** Which of a student's attempts make the final result. */
export const ATTEMPT_GRADINGS = ["BEST", "MEAN", "FIRST", "LAST"] as const;
export type AttemptGrading = (typeof ATTEMPT_GRADINGS)[number];

/** An attempt as far as a final result asks. */
export interface AttemptToCount {
  id: string;
  number: number;
  status: "IN_PROGRESS" | "SUBMITTED" | "GRADED";
  score: string | null;
  maxScore: string;
}

/** What all attempts of a student at an exam come to. */
export interface FinalScore {
  /** The attempts it is made of. */
  countedIds: string[];
  /** Whether every attempt that may decide it is graded. Until then there is neither a pass nor a grade. */
  complete: boolean;
  /** Null while nothing counts. The mean is rounded half to even to 4 places. */
  score: string | null;
  maxScore: string | null;
  percent: string | null;
  passed: boolean | null;
  grade: string | null;
}

export interface FinalRules {
  attemptGrading: AttemptGrading;
  passMarkPercent: Decimal.Value | null;
  gradeScale: readonly GradeBand[];
}

/**
 * The final result of one student. FIRST and LAST take the attempt begun first and last, BEST and MEAN all of them; what of these is
 * not completely graded does not count yet. The best is the one with the greatest share of its points, the earlier of two that are
 * equal. The mean is the sum of the scores out of the sum of what could be had, so that it passes by exact numbers.
 */
export function finalScore(attempts: readonly AttemptToCount[], rules: FinalRules): FinalScore {
  const inOrder = [...attempts].sort((a, b) => a.number - b.number);
  const deciding = { FIRST: inOrder.slice(0, 1), LAST: inOrder.slice(-1), BEST: inOrder, MEAN: inOrder };
  const mayCount = deciding[rules.attemptGrading];
  const graded = mayCount.flatMap(({ id, status, score, maxScore }) =>
    status === "GRADED" && score !== null ? [{ id, score, maxScore }] : [],
  );
  const best = rules.attemptGrading === "BEST" ? bestAttempt(graded) : undefined;
  const counted = best ? [best] : graded;
  const complete = mayCount.length > 0 && graded.length === mayCount.length;
  const nothing = { score: null, maxScore: null, percent: null, passed: null, grade: null };
  if (counted.length === 0) return { countedIds: [], complete, ...nothing };
  const sum = { score: sumOf(counted.map(({ score }) => score)), maxScore: sumOf(counted.map((one) => one.maxScore)) };
  return {
    countedIds: counted.map(({ id }) => id),
    complete,
    score: meanText(sum.score, counted.length),
    maxScore: meanText(sum.maxScore, counted.length),
    percent: percentOf(sum),
    passed: complete ? isPassed({ ...sum, passMarkPercent: rules.passMarkPercent }) : null,
    grade: complete ? gradeFor(sum, rules.gradeScale) : null,
  };
}

const sumOf = (numbers: readonly string[]) =>
  numbers.reduce<Decimal>((total, number) => total.plus(number), new Exact(0));

const meanText = (sum: Decimal, count: number) =>
  sum.div(count).toDecimalPlaces(POINT_PLACES, Decimal.ROUND_HALF_EVEN).toFixed();

/** The one with the greatest share of its points, the first of those that are equal: so give the earlier ones first. */
export function bestAttempt<Attempt extends Score>(attempts: readonly Attempt[]): Attempt | undefined {
  return attempts.reduce<Attempt | undefined>(
    (best, one) => (best === undefined || isMore(one, best) ? one : best),
    undefined,
  );
}

/** Multiplied across, because shares such as thirds have no end. An attempt in which no points could be had is less than any other. */
function isMore(one: Score, other: Score): boolean {
  if (new Exact(other.maxScore).isZero()) return !new Exact(one.maxScore).isZero();
  return new Exact(one.score).times(other.maxScore).gt(new Exact(other.score).times(one.maxScore));
}
