import { Prisma } from "../generated/prisma/client.ts";

/**
 * When an exam, in scope as `exam`, has closed for its last student, in SQL: what `attemptTimes` gives each of them, and the
 * deadlines still running. Null if it never closes.
 */
export const closedForAllAt = Prisma.sql`
  CASE WHEN exam.closes_at IS NOT NULL THEN greatest(exam.closes_at, (
    SELECT max(deadline_at + coalesce(clock_timestamp() - paused_at, interval '0'))
    FROM attempts WHERE exam_id = exam.id AND status = 'IN_PROGRESS'
  ), (
    SELECT max(coalesce(own.closes_at, coalesce(of_groups.closes_at, exam.closes_at) + make_interval(secs => 60.0 * (
      exam.duration_minutes * (person.extra_time_percent + enrollment.extra_time_percent
        + coalesce(own.extra_time_percent, 0) + coalesce(of_groups.extra_time_percent, 0)) / 100.0
      + person.extra_minutes + coalesce(own.extra_minutes, 0) + coalesce(of_groups.extra_minutes, 0)))))
    FROM enrollments enrollment
    JOIN users person ON person.id = enrollment.user_id
    LEFT JOIN exam_accommodations own ON own.exam_id = exam.id AND own.user_id = enrollment.user_id
    LEFT JOIN (
      SELECT member.user_id, max(extra_time_percent) AS extra_time_percent, max(extra_minutes) AS extra_minutes,
             max(closes_at) AS closes_at
      FROM exam_accommodations JOIN course_group_members member USING (group_id)
      WHERE exam_id = exam.id GROUP BY member.user_id
    ) of_groups ON of_groups.user_id = enrollment.user_id
    WHERE enrollment.course_id = exam.course_id AND enrollment.status = 'ACTIVE')) END`;
