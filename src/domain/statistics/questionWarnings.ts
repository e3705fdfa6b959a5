import type { ItemStatistics } from "./itemStatistics.ts";

/** Why somebody should look at a question. */
export type QuestionWarning = "NEGATIVE_DISCRIMINATION" | "LOW_DISCRIMINATION" | "VERY_HARD" | "VERY_EASY";

/** People who had the question, below which chance says more than the question does. */
export const ENOUGH_FOR_WARNINGS = { facility: 10, discrimination: 25 } as const;

/** As in Moodle's report: of the discrimination that is possible with the same marks, so that easy and hard questions are not accused of it. */
const LEAST_EFFICIENCY = 0.15;
const [HARDEST, EASIEST] = [0.05, 0.95];

type Judged = Pick<ItemStatistics, "persons" | "facility" | "discriminativeEfficiency">;

/** Hints and no verdicts: a question that everybody should get right is very easy, and may be meant to be. */
export function warningsOf({ persons, facility, discriminativeEfficiency }: Judged): QuestionWarning[] {
  const warnings: QuestionWarning[] = [];
  if (discriminativeEfficiency !== null && persons >= ENOUGH_FOR_WARNINGS.discrimination) {
    if (discriminativeEfficiency < 0) warnings.push("NEGATIVE_DISCRIMINATION");
    else if (discriminativeEfficiency < LEAST_EFFICIENCY) warnings.push("LOW_DISCRIMINATION");
  }
  if (facility !== null && persons >= ENOUGH_FOR_WARNINGS.facility) {
    if (facility <= HARDEST) warnings.push("VERY_HARD");
    if (facility >= EASIEST) warnings.push("VERY_EASY");
  }
  return warnings;
}
