import { Decimal } from "decimal.js";

export type ResultsPolicy = "IMMEDIATE" | "AFTER_CLOSE" | "MANUAL";

export type ResultVisibility =
  | { visible: true }
  /** `visibleAt` is null where nobody can say when. */
  | { visible: false; reason: "NOT_GRADED" | "EXAM_NOT_CLOSED" | "NOT_RELEASED"; visibleAt: Date | null };

/**
 * Whether a student may see the result of an attempt. A release by staff counts under every policy. What is not
 * completely graded stays hidden, so that no score is seen that later changes.
 * @param closesAt when the exam closes for the last student, extra time included; null if it never closes, and then
 *   AFTER_CLOSE waits for a release
 */
export function resultVisibility({
  policy,
  status,
  closesAt,
  releasedAt,
  now,
}: {
  policy: ResultsPolicy;
  status: "IN_PROGRESS" | "SUBMITTED" | "GRADED";
  closesAt: Date | null;
  releasedAt: Date | null;
  now: Date;
}): ResultVisibility {
  if (status !== "GRADED") return { visible: false, reason: "NOT_GRADED", visibleAt: null };
  if (policy === "IMMEDIATE" || isPast(releasedAt, now)) return { visible: true };
  if (policy === "MANUAL" || closesAt === null)
    return { visible: false, reason: "NOT_RELEASED", visibleAt: releasedAt };
  if (isPast(closesAt, now)) return { visible: true };
  return { visible: false, reason: "EXAM_NOT_CLOSED", visibleAt: earlier(closesAt, releasedAt) };
}

const isPast = (time: Date | null, now: Date) => time !== null && time <= now;
const earlier = (one: Date, other: Date | null) => (other !== null && other < one ? other : one);

/** Null where the exam has no pass mark. Compared exactly: 50 % of 3 points is passed with 1.5. */
export function isPassed({
  score,
  maxScore,
  passMarkPercent,
}: {
  score: Decimal.Value;
  maxScore: Decimal.Value;
  passMarkPercent: Decimal.Value | null;
}): boolean | null {
  if (passMarkPercent === null) return null;
  return new Decimal(score).times(100).gte(new Decimal(maxScore).times(passMarkPercent));
}
