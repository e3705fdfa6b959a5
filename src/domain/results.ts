import { Decimal } from "decimal.js";
import { Exact } from "./decimal.ts";

export type ResultsPolicy = "IMMEDIATE" | "AFTER_CLOSE" | "MANUAL";

/** What of a result can be shown or kept back. */
export const REVIEW_PARTS = ["RESPONSE", "CORRECTNESS", "MARK", "KEY", "FEEDBACK"] as const;
export type ReviewPart = (typeof REVIEW_PARTS)[number];

/** While an attempt is in progress, after it was handed in, and after the exam has closed for its last student. */
export const REVIEW_PHASES = ["during", "afterSubmission", "afterClose"] as const;
export type ReviewPhase = (typeof REVIEW_PHASES)[number];

/** Which parts each phase shows. */
export type ReviewMatrix = Readonly<Record<ReviewPhase, readonly ReviewPart[]>>;

/** Of an exam's results: staff must release them; they will be released; they are; staff took them back. */
export type ReleaseState = "HELD" | "SCHEDULED" | "RELEASED" | "WITHDRAWN";

export interface Release {
  state: ReleaseState;
  /** When what is SCHEDULED is released. */
  at: Date | null;
}

/** Why less is shown than there will be. */
export type HiddenReason = "WITHDRAWN" | "NOT_SUBMITTED" | "HELD" | "SCHEDULED" | "NOT_GRADED" | "EXAM_NOT_CLOSED";

/** What of an attempt its student may see, and if there is more to come: why it is not there and when it will be. */
export interface Review {
  visible: readonly ReviewPart[];
  reason: HiddenReason | null;
  /** Null where nobody can say. */
  availableAt: Date | null;
}

type AttemptStatus = "IN_PROGRESS" | "SUBMITTED" | "GRADED";

/**
 * Whether an exam's results are released. The policy says when that happens by itself, `releaseAt` says not before when (under
 * MANUAL: then), a release by staff counts at once under every policy, and after a withdrawal only another release counts.
 * @param closesAt when the exam closes for its last student, extra time included; null if it never does, and then AFTER_CLOSE
 *   waits for `releaseAt` or for staff
 */
export function releaseOf({
  policy,
  releaseAt,
  releasedAt,
  withdrawnAt,
  closesAt,
  now,
}: {
  policy: ResultsPolicy;
  releaseAt: Date | null;
  releasedAt: Date | null;
  withdrawnAt: Date | null;
  closesAt: Date | null;
  now: Date;
}): Release {
  if (withdrawnAt !== null) return { state: "WITHDRAWN", at: null };
  if (releasedAt !== null) return { state: "RELEASED", at: null };
  const at = later(policy === "AFTER_CLOSE" ? closesAt : null, releaseAt);
  if (at === null) return { state: policy === "IMMEDIATE" ? "RELEASED" : "HELD", at: null };
  return isPast(at, now) ? { state: "RELEASED", at: null } : { state: "SCHEDULED", at };
}

/** Which row of the matrix counts for an attempt, released or not. */
export function phaseOf(status: AttemptStatus, closesAt: Date | null, now: Date): ReviewPhase {
  if (status === "IN_PROGRESS") return "during";
  return isPast(closesAt, now) ? "afterClose" : "afterSubmission";
}

/**
 * What of an attempt its student may see now. The row `during` is for practice and waits for no release; the others do, and for
 * the last point that a person gives, so that no score is seen that later changes. A withdrawal hides everything in every phase.
 */
export function reviewOf({
  matrix,
  release,
  status,
  closesAt,
  now,
}: {
  matrix: ReviewMatrix;
  release: Release;
  status: AttemptStatus;
  closesAt: Date | null;
  now: Date;
}): Review {
  const hidden = (reason: HiddenReason, availableAt: Date | null = null) => ({ visible: [], reason, availableAt });
  if (release.state === "WITHDRAWN") return hidden("WITHDRAWN");
  const phase = phaseOf(status, closesAt, now);
  const visible = matrix[phase];
  if (phase === "during") return { visible, reason: "NOT_SUBMITTED", availableAt: null };
  if (release.state === "HELD" || release.state === "SCHEDULED") return hidden(release.state, release.at);
  if (status !== "GRADED") return hidden("NOT_GRADED");
  const moreLater =
    phase === "afterSubmission" && closesAt !== null && matrix.afterClose.some((part) => !visible.includes(part));
  return { visible, reason: moreLater ? "EXAM_NOT_CLOSED" : null, availableAt: moreLater ? closesAt : null };
}

const isPast = (time: Date | null, now: Date) => time !== null && time <= now;
const later = (one: Date | null, other: Date | null) => (one === null || (other !== null && other > one) ? other : one);

export interface Score {
  score: Decimal.Value;
  maxScore: Decimal.Value;
}

/** 0 to 100, rounded half away from zero to 2 places: for people to read, and for nothing to be decided by. */
export function percentOf({ score, maxScore }: Score): string {
  const max = new Exact(maxScore);
  if (max.isZero()) return "0";
  return new Exact(score).times(100).div(max).toDecimalPlaces(2, Decimal.ROUND_HALF_UP).toFixed();
}

/** Whether a score is at least this share of what can be had; exact, because nothing is divided or rounded. */
const reaches = ({ score, maxScore }: Score, percent: Decimal.Value) =>
  new Exact(score).times(100).gte(new Exact(maxScore).times(percent));

/** Null where the exam has no pass mark, and where no points can be had. Compared exactly: 50 % of 3 points is passed with 1.5. */
export function isPassed({
  passMarkPercent,
  ...score
}: Score & { passMarkPercent: Decimal.Value | null }): boolean | null {
  if (passMarkPercent === null || new Exact(score.maxScore).isZero()) return null;
  return reaches(score, passMarkPercent);
}

/** A grade and the percent it is given from. */
export interface GradeBand {
  name: string;
  fromPercent: string;
}

/**
 * The name of the first band that a score reaches, of a scale whose bands stand from the highest down; compared exactly.
 * Null below the last band, without a scale, and where no points can be had.
 */
export function gradeFor(score: Score, scale: readonly GradeBand[]): string | null {
  if (new Exact(score.maxScore).isZero()) return null;
  return scale.find(({ fromPercent }) => reaches(score, fromPercent))?.name ?? null;
}

/** What is wrong with a grade scale; null where nothing is. */
export function scaleProblem(scale: readonly GradeBand[]): string | null {
  if (new Set(scale.map(({ name }) => name)).size < scale.length) return "names a grade twice";
  const falls = scale.every(({ fromPercent }, at) => at === 0 || new Exact(fromPercent).lt(scale[at - 1]!.fromPercent));
  return falls ? null : "does not go from the highest grade down";
}

/** PENDING waits for a person. */
export type Correctness = "RIGHT" | "PARTLY" | "WRONG" | "UNANSWERED" | "PENDING";

/** By the points that count, so that it agrees with the mark; null for a question that is worth nothing. */
export function correctnessOf({
  isAnswered,
  points,
  maxPoints,
}: {
  isAnswered: boolean;
  points: Decimal.Value | null;
  maxPoints: Decimal.Value;
}): Correctness | null {
  if (!new Exact(maxPoints).gt(0)) return null;
  if (points === null) return "PENDING";
  if (new Exact(points).gte(maxPoints)) return "RIGHT";
  if (new Exact(points).gt(0)) return "PARTLY";
  return isAnswered ? "WRONG" : "UNANSWERED";
}
