import { Exact } from "../domain/decimal.ts";
import { counted, sumUp } from "../domain/scores.ts";
import type { GradedPaper } from "./gradedPapers.ts";
import { inSections } from "./grades.ts";
import type { PaperEntry } from "./papers.ts";

/** What one section gives to a score: its points and what its floor adds. */
export interface SectionResult {
  title: string;
  points: string;
  maxPoints: string;
  adjustment: string;
}

/** All points and adjustments together are the score. */
export interface ScoreParts {
  sections: SectionResult[];
  /** What the exam's floor adds to the sum of the sections. */
  adjustment: string;
}

/** What the score of a paper is made of. */
export function scorePartsOf(
  entries: readonly PaperEntry[],
  { floor, corrections, marks }: Pick<GradedPaper, "floor" | "corrections" | "marks">,
): ScoreParts {
  const treatments = new Map(corrections.map(({ versionId, treatment }) => [versionId, treatment]));
  const sections = inSections(entries);
  const sum = sumUp(
    floor,
    sections.map(({ floor, entries }) => ({
      floor,
      questions: entries.map(({ item: { versionId, points } }) => {
        const mark = marks.get(versionId);
        const earned = mark?.earned === null ? null : new Exact(mark?.earned ?? 0);
        return counted(treatments.get(versionId) ?? "NORMAL", earned, new Exact(points));
      }),
    })),
  );
  return {
    sections: sum.sections.map(({ points, maxPoints, adjustment }, at) => ({
      title: sections[at]!.title,
      points: points.toFixed(),
      maxPoints: maxPoints.toFixed(),
      adjustment: adjustment.toFixed(),
    })),
    adjustment: sum.adjustment.toFixed(),
  };
}
