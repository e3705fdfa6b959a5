import type { Db, Transaction } from "../../prisma/client.ts";
import { gradePaper, type PaperGrade } from "../domain/grading.ts";
import type { QuestionResponse } from "../domain/questionType.ts";
import { type AttemptFields, attemptColumns } from "./attemptFields.ts";
import type { PaperEntry } from "./papers.ts";

/** What an attempt's grade is made of, as of one moment. */
export interface ToGrade {
  status: AttemptFields["status"];
  /** Changes with every write to the attempt: PostgreSQL's id of the transaction that wrote the row. */
  rowVersion: string;
  answers: {
    versionId: string;
    response: QuestionResponse | null;
    /** What a person gave, and all points of somebody erased, whose own words are gone; null where the key decides. */
    pointsByHand: string | null;
  }[];
}

/** Reads it in one statement; null for an attempt that is not there. */
export async function readToGrade(db: Db | Transaction, attemptId: string): Promise<ToGrade | null> {
  const [row] = await db.$queryRaw<ToGrade[]>`
    SELECT attempt.status::text, attempt.xmin::text AS "rowVersion", (
      SELECT coalesce(json_agg(json_build_object(
        'versionId', question_version_id, 'response', response,
        'pointsByHand', CASE WHEN graded_by_id IS NOT NULL OR student.erased_at IS NOT NULL THEN points::text END)), '[]')
      FROM answers WHERE attempt_id = attempt.id) AS answers
    FROM attempts attempt JOIN users student ON student.id = attempt.user_id WHERE attempt.id = ${attemptId}::uuid`;
  return row ?? null;
}

/** The grade by the key, with the points a person gave standing in place of it. */
export const gradeOf = (entries: readonly PaperEntry[], { answers }: ToGrade): PaperGrade =>
  gradePaper(
    entries.map(({ item, question }) => ({ ...question, points: item.points })),
    new Map(answers.map(({ versionId, response }) => [versionId, response])),
    new Map(
      answers.flatMap(({ versionId, pointsByHand }) => (pointsByHand === null ? [] : [[versionId, pointsByHand]])),
    ),
  );

/**
 * Writes score, state and all points in one statement, if the attempt is still the one that was read; null when it is not.
 * Questions without an answer have no row to write to, and points given by hand stay.
 */
export async function writeGrade(
  db: Db | Transaction,
  attemptId: string,
  { rowVersion }: ToGrade,
  { questions, needsHuman, score }: PaperGrade,
): Promise<AttemptFields | null> {
  const [row] = await db.$queryRaw<AttemptFields[]>`
    WITH graded AS (
      UPDATE attempts SET
        score = ${score.toFixed()}::numeric,
        status = ${needsHuman ? "SUBMITTED" : "GRADED"}::"AttemptStatus",
        graded_at = CASE WHEN ${needsHuman} THEN NULL ELSE clock_timestamp() END
      WHERE id = ${attemptId}::uuid AND xmin::text = ${rowVersion}
      RETURNING *
    ), marked AS (
      UPDATE answers SET points = mark.points, feedback = mark.feedback, graded_at = clock_timestamp()
      FROM graded, unnest(
        ${questions.map(({ versionId }) => versionId)}::uuid[],
        ${questions.map(({ points }) => points?.toFixed() ?? null)}::numeric[],
        ${questions.map(({ feedback }) => feedback)}::text[]) AS mark(version_id, points, feedback)
      WHERE answers.attempt_id = graded.id AND answers.question_version_id = mark.version_id AND answers.graded_by_id IS NULL
    )
    SELECT ${attemptColumns} FROM graded`;
  return row ?? null;
}
