import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { badInput, conflict } from "../domain/errors.ts";
import { roundPoints } from "../domain/grading.ts";
import { pointsByRubric, type Rubric, type RubricMark, rubricMarks } from "../domain/rubric.ts";
import type { Answer as AnswerRow, AnswerMark as MarkRow } from "../generated/prisma/client.ts";
import { decimalInput, decimalText } from "./decimal.ts";
import type { PaperEntry } from "./papers.ts";

/** Points that a person gave to an answer, or took back. */
export interface AnswerMark {
  id: string;
  /** Null where the mark before was withdrawn. */
  points: string | null;
  rubric: RubricMark[];
  feedback: string | null;
  reason: string | null;
  /** What stood before; null where the answer was waiting. */
  replaced: { points: string; source: "KEY" | "PERSON" } | null;
  markedById: string;
  markedAt: Date;
}

export const toAnswerMark = (row: MarkRow): AnswerMark => ({
  id: row.id,
  points: row.points && decimalText(row.points),
  rubric: storedRubric(row.rubric),
  feedback: row.feedback,
  reason: row.reason,
  replaced: row.replacedPoints &&
    row.replacedSource && { points: decimalText(row.replacedPoints), source: row.replacedSource },
  markedById: row.markedById,
  markedAt: row.markedAt,
});

/** The levels kept with an answer or a mark; none where it was marked without. */
export const storedRubric = (stored: unknown): RubricMark[] => (stored ?? []) as RubricMark[];

export const reasonText = z.string().trim().max(2_000, "has at most 2,000 characters");

/** What a person says of an answer. */
export const markFields = {
  points: decimalInput({ min: 0, max: 10_000 }).nullish(),
  rubric: z
    .array(
      z.object({
        criterion: z.string(),
        level: z.string(),
        comment: z.string().max(2_000, "has at most 2,000 characters").nullish(),
      }),
    )
    .max(100, "has at most 100 entries")
    .nullish(),
  feedback: z.string().max(20_000, "has at most 20,000 characters").nullish(),
  reason: reasonText.nullish(),
};

export type MarkGiven = z.output<z.ZodObject<typeof markFields>>;

/**
 * The points given, or those of the levels that were chosen, rounded half to even to four places.
 * @throws BAD_USER_INPUT
 */
export function pointsOf(
  { item, question }: PaperEntry,
  { points, rubric }: MarkGiven,
): { points: string; rubric: RubricMark[] } {
  if (points != null && rubric != null) throw notBoth("Give the points or the levels of the rubric, not both.");
  if (points != null) {
    if (!roundPoints(points).gt(item.points)) return { points, rubric: [] };
    throw badInput(`The question has ${item.points} points.`, [
      { path: "input.points", message: `must be 0 to ${item.points}` },
    ]);
  }
  if (rubric == null) throw notBoth("Give the points, or the levels of the rubric.");
  const { rubric: criteria } = question.definition as { rubric?: Rubric };
  if (!criteria) throw badInput("The question has no rubric.", [{ path: "input.rubric", message: "is not possible" }]);
  const marks = rubricMarks(criteria, rubric);
  return { points: roundPoints(pointsByRubric(marks, item.points)).toFixed(), rubric: marks };
}

const notBoth = (message: string) => badInput(message, [{ path: "input.points", message }]);

/** The points that stand, and who gave them; null while nothing is graded. What was not answered has none by the key. */
export function standingPoints({ isScored }: { isScored: boolean }, answer: AnswerRow | null): AnswerMark["replaced"] {
  if (!answer) return isScored ? { points: "0", source: "KEY" } : null;
  return answer.points && { points: decimalText(answer.points), source: answer.gradedById ? "PERSON" : "KEY" };
}

export const isSameMark = (
  row: MarkRow | undefined,
  mark: Pick<AnswerMark, "rubric" | "feedback"> & { points: string },
) =>
  row?.points?.equals(mark.points) === true &&
  row.feedback === mark.feedback &&
  isDeepStrictEqual(storedRubric(row.rubric), mark.rubric);

/** Who says which mark he saw as the newest changes nothing that he did not see. Null: he saw none. */
export function requireNewest(replaces: string | null | undefined, newest: MarkRow | undefined): void {
  if (replaces !== undefined && replaces !== (newest?.id ?? null))
    throw conflict("Somebody marked this answer meanwhile. Look at its history.", "MARK_CHANGED");
}
