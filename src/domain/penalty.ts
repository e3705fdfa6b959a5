import type { Decimal } from "decimal.js";
import { decimalField, Exact } from "./decimal.ts";

/** The fields of the types in which a wrong answer can cost points. Who answers nothing loses nothing. */
export const penaltyFields = {
  /** Share taken away for a wrong answer, one that earns nothing: against guessing. 0 if left out. */
  penalty: decimalField({ min: 0, max: 1 }).optional(),
  /** The share that wrong answers may take the question down to; if left out, 0 where parts are added up, else no floor. */
  floor: decimalField({ min: -1, max: 0 }).optional(),
};

export interface Penalty {
  penalty?: string | undefined;
  floor?: string | undefined;
}

/** What an answer comes to that was given, and judged as a whole. */
export function withPenalty(fraction: Decimal, { penalty, floor }: Penalty): Decimal {
  const judged = penalty !== undefined && fraction.isZero() ? new Exact(0).minus(penalty) : fraction;
  return floor === undefined ? judged : Exact.max(floor, judged);
}
