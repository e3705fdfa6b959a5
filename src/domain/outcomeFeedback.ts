import type { Decimal } from "decimal.js";

/** What is said to an answer by what it earned, besides what is said about itself. A question need not have all of them. */
export interface OutcomeFeedback {
  /** To one that earned all points. */
  correct?: string | undefined;
  partlyCorrect?: string | undefined;
  /** To one that earned nothing or less. */
  incorrect?: string | undefined;
}

export const OUTCOMES = ["correct", "partlyCorrect", "incorrect"] as const;

/** @param fraction the share of the points that the answer earned */
export function outcomeOf(fraction: Decimal): (typeof OUTCOMES)[number] {
  if (fraction.gte(1)) return "correct";
  return fraction.gt(0) ? "partlyCorrect" : "incorrect";
}

/** Without what is blank; null if nothing is left. */
export function toOutcomeFeedback(
  given: { [Outcome in keyof OutcomeFeedback]?: string | null | undefined } | null | undefined,
): OutcomeFeedback | null {
  const said = OUTCOMES.flatMap((outcome) => {
    const text = given?.[outcome];
    return text?.trim() ? [[outcome, text] as const] : [];
  });
  return said.length > 0 ? Object.fromEntries(said) : null;
}
