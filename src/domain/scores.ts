import type { Decimal } from "decimal.js";
import { Exact } from "./decimal.ts";

export const TREATMENTS = ["NORMAL", "FULL_MARKS", "DROPPED", "BONUS"] as const;

/**
 * How a question of an exam counts. FULL_MARKS: everybody gets all its points, answered or not. DROPPED: it counts neither in the score nor
 * in the maximum. BONUS: it adds to the score and not to the maximum, so that a score may be more than 100 %; what it would take away is not taken.
 */
export type Treatment = (typeof TREATMENTS)[number];

/** What counts of a question. */
export interface Counted {
  /** Null while a human has not graded it. */
  points: Decimal | null;
  maxPoints: Decimal;
}

/** The sum of a section's questions; `points` and `adjustment` together are what it gives to the score. */
export interface SectionSum {
  points: Decimal;
  maxPoints: Decimal;
  /** What its floor adds; 0 where the points are not below it. */
  adjustment: Decimal;
}

export interface ScoreSum {
  sections: SectionSum[];
  /** What the exam's floor adds to the sum of the sections. */
  adjustment: Decimal;
  score: Decimal;
  maxScore: Decimal;
}

const NOTHING = new Exact(0);

/** What counts of what was earned; `earned` is null while a human has not graded it. */
export function counted(treatment: Treatment, earned: Decimal | null, maxPoints: Decimal): Counted {
  switch (treatment) {
    case "NORMAL":
      return { points: earned, maxPoints };
    case "FULL_MARKS":
      return { points: maxPoints, maxPoints };
    case "DROPPED":
      return { points: NOTHING, maxPoints: NOTHING };
    case "BONUS":
      return { points: earned && Exact.max(0, earned), maxPoints: NOTHING };
  }
}

/** Whether it matters what a person gives for the question. */
export const waitsForPeople = (treatment: Treatment): boolean => counted(treatment, null, NOTHING).points === null;

/** Whether a question's points are part of what 100 % is. */
export const isInMaximum = (treatment: Treatment): boolean => treatment === "NORMAL" || treatment === "FULL_MARKS";

/**
 * Adds up a paper, exactly: the score is the floor of the sum over the sections of each one's floor of the sum of its points.
 * All points and adjustments together are the score. What waits for a human counts nothing yet.
 */
export function sumUp(
  floor: Decimal.Value | null,
  sections: readonly { floor: Decimal.Value | null; questions: readonly Counted[] }[],
): ScoreSum {
  let [total, maxScore] = [NOTHING, NOTHING];
  const sums = sections.map((section) => {
    let [points, maxPoints] = [NOTHING, NOTHING];
    for (const question of section.questions) {
      if (question.points !== null) points = points.plus(question.points);
      maxPoints = maxPoints.plus(question.maxPoints);
    }
    const adjustment = missingTo(section.floor, points);
    total = total.plus(points).plus(adjustment);
    maxScore = maxScore.plus(maxPoints);
    return { points, maxPoints, adjustment };
  });
  const adjustment = missingTo(floor, total);
  return { sections: sums, adjustment, score: total.plus(adjustment), maxScore };
}

const missingTo = (floor: Decimal.Value | null, points: Decimal): Decimal =>
  floor !== null && points.lt(floor) ? new Exact(floor).minus(points) : NOTHING;
