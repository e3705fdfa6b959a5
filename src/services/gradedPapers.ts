import type { Db } from "../../prisma/client.ts";
import type { QuestionResponse } from "../domain/questionType.ts";
import type { RubricMark } from "../domain/rubric.ts";
import { Prisma } from "../generated/prisma/client.ts";
import { storedRubric } from "./answerMarks.ts";
import type { Attempt } from "./attemptFields.ts";
import { batched } from "./batched.ts";
import { decimalText } from "./decimal.ts";
import { type Correction, correctionColumn } from "./grades.ts";

/** What one answer came to. */
export interface Mark {
  response: QuestionResponse | null;
  /** Before its question's treatment; null while a person has to grade it. */
  earned: string | null;
  feedback: string | null;
  rubric: RubricMark[];
}

/** The whole of a grade with its parts, as of one moment: whoever regrades the attempt meanwhile, these belong together. */
export interface GradedPaper {
  status: Attempt["status"];
  score: string;
  maxScore: string;
  gradedAt: string | null;
  /** What the score is never below; null: there is no floor. */
  floor: string | null;
  /** By which it was graded. */
  corrections: readonly Correction[];
  /** By pinned version; a question that was left out has none. */
  marks: ReadonlyMap<string, Mark>;
}

interface GradedRow extends Pick<GradedPaper, "status" | "score" | "maxScore" | "floor" | "corrections"> {
  id: string;
  gradedAt: Date | null;
  answers: {
    versionId: string;
    response: QuestionResponse | null;
    points: string | null;
    feedback: string | null;
    rubric: unknown;
  }[];
}

/**
 * Of an `exam` and an `attempt` that has a score: by what it was graded. That is what the exam is graded by, but for what the regrading
 * that is being applied changes, as long as that has not come to the attempt.
 */
const correctionsColumn = Prisma.sql`
  CASE WHEN exam.policy_number = 0 THEN '[]' ELSE (
    SELECT coalesce(json_agg(${correctionColumn(Prisma.sql`held.treatment`)}), '[]')
    FROM exam_questions place
    LEFT JOIN (
      SELECT (change ->> 'questionId')::uuid AS question_id, change -> 'before' AS before
      FROM regradings running, jsonb_array_elements(running.corrections) change
      WHERE running.exam_id = exam.id AND running.state = 'APPLYING' AND attempt.policy_number < exam.policy_number
    ) AS earlier ON earlier.question_id = place.question_id
    CROSS JOIN LATERAL (
      SELECT coalesce(earlier.before ->> 'treatment', place.treatment::text) AS treatment,
        CASE WHEN earlier.before IS NULL THEN place.grading_version_id ELSE (earlier.before ->> 'versionId')::uuid END AS version_id
    ) AS held
    LEFT JOIN question_versions grading ON grading.id = held.version_id
    WHERE place.exam_id = exam.id AND (held.treatment <> 'NORMAL' OR held.version_id IS NOT NULL)) END`;

export type GradedPaperOf = ReturnType<typeof createGradedPapers>;

/** Reads the grades of attempts that have a score, those asked for in one moment in one statement; null for any other attempt. */
export function createGradedPapers(db: Db): (attemptId: string) => Promise<GradedPaper | null> {
  return batched(async (attemptIds: readonly string[]) => {
    const rows = await db.$queryRaw<GradedRow[]>`
      SELECT attempt.id, attempt.status::text, attempt.score::text, attempt.max_score::text AS "maxScore", attempt.graded_at AS "gradedAt",
        exam.floor::text, ${correctionsColumn} AS corrections, (
          SELECT coalesce(json_agg(json_build_object(
            'versionId', question_version_id, 'response', response, 'points', points::text, 'feedback', feedback, 'rubric', rubric)), '[]')
          FROM answers WHERE attempt_id = attempt.id) AS answers
      FROM attempts attempt JOIN exams exam ON exam.id = attempt.exam_id
      WHERE attempt.id = ANY (${attemptIds}::uuid[]) AND attempt.score IS NOT NULL`;
    const byId = new Map(rows.map((row) => [row.id, row]));
    return attemptIds.map((id) => {
      const row = byId.get(id);
      return row ? toGradedPaper(row) : null;
    });
  });
}

const toGradedPaper = ({ id: _id, answers, ...row }: GradedRow): GradedPaper => ({
  ...row,
  score: decimalText(row.score),
  maxScore: decimalText(row.maxScore),
  gradedAt: row.gradedAt?.toISOString() ?? null,
  marks: new Map(
    answers.map(({ versionId, response, points, feedback, rubric }) => [
      versionId,
      { response, earned: points && decimalText(points), feedback, rubric: storedRubric(rubric) },
    ]),
  ),
});
