import type { Db } from "../../prisma/client.ts";
import { notFound } from "../domain/errors.ts";
import type { AttemptGrading } from "../domain/finalResult.ts";
import { type GradeBand, type Release, type ResultsPolicy, type ReviewMatrix, releaseOf } from "../domain/results.ts";
import { batched } from "./batched.ts";
import { type DecimalLike, decimalText } from "./decimal.ts";
import { closedForAllAt } from "./examClose.ts";

/** What an exam says about its results, and what that is measured against in this moment. */
export interface ResultRules {
  courseId: string;
  passMarkPercent: string | null;
  gradeScale: readonly GradeBand[];
  attemptGrading: AttemptGrading;
  matrix: ReviewMatrix;
  release: Release;
  /**
   * When the exam has closed for its last student, everybody's extra time and credit included. Null if it never closes, and where
   * nothing depends on it.
   */
  closesAt: Date | null;
  now: Date;
}

interface RulesRow extends Omit<ResultRules, "release" | "passMarkPercent"> {
  examId: string;
  passMarkPercent: DecimalLike | null;
  policy: ResultsPolicy;
  releaseAt: Date | null;
  releasedAt: Date | null;
  withdrawnAt: Date | null;
}

export type RulesOfResults = ReturnType<typeof createResultRules>;

/**
 * The rules of an exam's results by its id, from PostgreSQL and never from a cache, so that a withdrawal is seen at once; of all
 * that are asked for in one moment in one statement. @throws NOT_FOUND
 */
export function createResultRules(db: Db): (examId: string) => Promise<ResultRules> {
  const load = batched(async (examIds: readonly string[]): Promise<(ResultRules | null)[]> => {
    const rows = await db.$queryRaw<RulesRow[]>`
      SELECT exam.id AS "examId", exam.course_id AS "courseId", exam.pass_mark_percent AS "passMarkPercent",
             exam.grade_scale AS "gradeScale", exam.attempt_grading::text AS "attemptGrading",
             json_build_object('during', exam.review_during, 'afterSubmission', exam.review_after_submission,
                               'afterClose', exam.review_after_close) AS matrix,
             exam.results_policy::text AS policy, exam.results_release_at AS "releaseAt",
             exam.results_released_at AS "releasedAt", exam.results_withdrawn_at AS "withdrawnAt",
             CASE WHEN (exam.results_policy = 'AFTER_CLOSE' OR exam.review_after_submission <> exam.review_after_close)
             THEN ${closedForAllAt} END AS "closesAt",
             clock_timestamp() AS now
      FROM exams exam WHERE exam.id = ANY (${examIds}::uuid[])`;
    const byId = new Map(rows.map((row) => [row.examId, toRules(row)]));
    return examIds.map((id) => byId.get(id) ?? null);
  });
  return async (examId) => {
    const rules = await load(examId);
    if (!rules) throw notFound("exam");
    return rules;
  };
}

function toRules({ examId: _id, policy, releaseAt, releasedAt, withdrawnAt, ...row }: RulesRow): ResultRules {
  const { closesAt, now } = row;
  return {
    ...row,
    passMarkPercent: row.passMarkPercent && decimalText(row.passMarkPercent),
    release: releaseOf({ policy, releaseAt, releasedAt, withdrawnAt, closesAt, now }),
  };
}
