import type { Db, Transaction } from "../../prisma/client.ts";
import { decimalText } from "./decimal.ts";
import { isFixed, type Policy } from "./grades.ts";
import type { RegradedAttempt, ScoredAttempt } from "./regradingGrades.ts";
import type { RegradingSummary } from "./regradingRows.ts";

/**
 * The next scored attempts of an exam that a regrading has not written down, in the order of the students: about as many as asked, with all
 * that one student has, so that a final result is made of attempts that are graded alike.
 * @param after the last student of the chunk before
 */
export function readChunk(
  db: Db,
  { regradingId, examId, after, limit }: { regradingId: string; examId: string; after: string; limit: number },
): Promise<ScoredAttempt[]> {
  return db.$queryRaw<ScoredAttempt[]>`
    SELECT attempt.id, attempt.user_id AS "userId", attempt.xmin::text AS "rowVersion", attempt.status::text, attempt.score::text, attempt.max_score::text AS "maxScore",
      attempt.paper, (
        SELECT coalesce(json_agg(json_build_object(
          'versionId', question_version_id, 'response', response, 'isFixed', ${isFixed}, 'points', points::text, 'feedback', feedback)), '[]')
        FROM answers WHERE attempt_id = attempt.id) AS answers
    FROM attempts attempt JOIN users student ON student.id = attempt.user_id
    WHERE attempt.exam_id = ${examId}::uuid AND attempt.score IS NOT NULL AND attempt.user_id > ${after}::uuid
      AND NOT EXISTS (SELECT FROM regrading_entries WHERE regrading_id = ${regradingId}::uuid AND attempt_id = attempt.id)
    ORDER BY attempt.user_id FETCH FIRST (${limit}::int) ROWS WITH TIES`;
}

/**
 * Writes new grades with their lines in the attempts' logs, and a line of the report for each attempt, in one statement; nothing when the
 * exam's policy is another one by now. An attempt that was written to after it was read is left out, and gets no line. One whose grade stays
 * the same is noted to be graded under the new policy, too. Attempts are locked in the order of all who grade.
 */
export async function writeChunk(
  db: Db,
  given: { regradingId: string; examId: string; policy: Policy; lines: readonly RegradedAttempt[]; isTrial: boolean },
): Promise<{ isCurrent: boolean; lines: number }> {
  const { regradingId, examId, policy, lines, isTrial } = given;
  const marks = lines.flatMap(({ attempt, marks }) => marks.map((mark) => ({ ...mark, attemptId: attempt.id })));
  const [written] = await db.$queryRaw<{ isCurrent: boolean; lines: number }[]>`
    WITH policy AS MATERIALIZED (
      SELECT id FROM exams WHERE id = ${examId}::uuid AND policy_number = ${policy.number} FOR SHARE
    ), line AS MATERIALIZED (
      SELECT line.* FROM policy, unnest(
        ${lines.map(({ attempt }) => attempt.id)}::uuid[],
        ${lines.map(({ attempt }) => attempt.score)}::numeric[],
        ${lines.map(({ score }) => score)}::numeric[],
        ${lines.map(({ attempt }) => attempt.maxScore)}::numeric[],
        ${lines.map(({ maxScore }) => maxScore)}::numeric[],
        ${lines.map(({ passedBefore }) => passedBefore)}::boolean[],
        ${lines.map(({ passedAfter }) => passedAfter)}::boolean[],
        ${lines.map(({ attempt }) => attempt.rowVersion)}::text[],
        ${lines.map(({ status }) => status)}::text[],
        ${lines.map(({ isChanged }) => isChanged)}::boolean[])
        AS line(attempt_id, score_before, score_after, max_score_before, max_score_after, passed_before, passed_after,
          row_version, status, is_changed)
    ), unchanged AS MATERIALIZED (
      SELECT attempts.id FROM attempts JOIN line ON line.attempt_id = attempts.id
      WHERE NOT ${isTrial}::boolean AND attempts.xmin::text = line.row_version
      ORDER BY attempts.id FOR NO KEY UPDATE OF attempts
    ), graded AS (
      UPDATE attempts SET
        score = line.score_after,
        max_score = line.max_score_after,
        status = line.status::"AttemptStatus",
        policy_number = ${policy.number},
        graded_at = CASE WHEN NOT line.is_changed THEN attempts.graded_at WHEN line.status = 'GRADED' THEN clock_timestamp() END
      FROM unchanged JOIN line ON line.attempt_id = unchanged.id
      WHERE attempts.id = unchanged.id
      RETURNING attempts.id, line.is_changed
    ), marked AS (
      UPDATE answers SET points = mark.points, feedback = mark.feedback, graded_at = clock_timestamp()
      FROM graded JOIN unnest(
        ${marks.map(({ attemptId }) => attemptId)}::uuid[],
        ${marks.map(({ versionId }) => versionId)}::uuid[],
        ${marks.map(({ points }) => points)}::numeric[],
        ${marks.map(({ feedback }) => feedback)}::text[]) AS mark(attempt_id, version_id, points, feedback) ON mark.attempt_id = graded.id
      WHERE answers.attempt_id = mark.attempt_id AND answers.question_version_id = mark.version_id AND answers.graded_by_id IS NULL
    ), logged AS (
      INSERT INTO attempt_events (attempt_id, kind, actor_id, detail)
      SELECT graded.id, 'REGRADED', regrading.actor_id, jsonb_build_object('regradingId', regrading.id)
      FROM graded, regradings regrading WHERE graded.is_changed AND regrading.id = ${regradingId}::uuid
    ), noted AS (
      INSERT INTO regrading_entries (
        regrading_id, attempt_id, score_before, score_after, max_score_before, max_score_after, passed_before, passed_after)
      SELECT ${regradingId}::uuid, attempt_id, score_before, score_after, max_score_before, max_score_after, passed_before, passed_after
      FROM line WHERE ${isTrial}::boolean OR attempt_id IN (SELECT id FROM graded)
      ON CONFLICT DO NOTHING
      RETURNING attempt_id
    )
    SELECT EXISTS (SELECT FROM policy) AS "isCurrent", (SELECT count(*) FROM noted)::int AS lines`;
  return written!;
}

/** Numbers the lines in which something changes, the largest change first. */
export async function numberPositions(tx: Transaction, regradingId: string): Promise<void> {
  await tx.$executeRaw`
    UPDATE regrading_entries entry SET position = place.position FROM (
      SELECT attempt_id, row_number() OVER (
        ORDER BY abs(score_after - score_before) DESC, abs(max_score_after - max_score_before) DESC, attempt_id) AS position
      FROM regrading_entries
      WHERE regrading_id = ${regradingId}::uuid
        AND (score_before, max_score_before, passed_before) IS DISTINCT FROM (score_after, max_score_after, passed_after)
    ) AS place
    WHERE entry.regrading_id = ${regradingId}::uuid AND entry.attempt_id = place.attempt_id`;
}

/** Of lines that are numbered. */
export async function summaryOf(tx: Transaction, regradingId: string): Promise<RegradingSummary> {
  const [row] = await tx.$queryRaw<RegradingSummary[]>`
    SELECT count(*)::int AS attempts, count(position)::int AS changed,
      count(*) FILTER (WHERE score_after > score_before)::int AS up,
      count(*) FILTER (WHERE score_after < score_before)::int AS down,
      count(*) FILTER (WHERE passed_after AND NOT coalesce(passed_before, false))::int AS "newlyPassed",
      count(*) FILTER (WHERE NOT passed_after AND coalesce(passed_before, false))::int AS "newlyFailed",
      round(avg(score_before), 4)::text AS "meanBefore", round(avg(score_after), 4)::text AS "meanAfter"
    FROM regrading_entries WHERE regrading_id = ${regradingId}::uuid`;
  const { meanBefore, meanAfter, ...counts } = row!;
  return {
    ...counts,
    meanBefore: meanBefore === null ? null : decimalText(meanBefore),
    meanAfter: meanAfter === null ? null : decimalText(meanAfter),
  };
}
