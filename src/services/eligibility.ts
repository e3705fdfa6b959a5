import type { Db, Transaction } from "../../prisma/client.ts";
import { type AttemptTimes, attemptTimes, stacked, type TimeGrant } from "../domain/deadline.ts";
import { forbidden, notFound, unprocessable } from "../domain/errors.ts";

/** Everything that decides whether a person may start an exam, read in one statement. */
interface EligibilityRow {
  course_id: string;
  status: "DRAFT" | "PUBLISHED" | "ARCHIVED";
  duration_minutes: number;
  opens_at: Date | null;
  closes_at: Date | null;
  attempts_allowed: number;
  shuffle_questions: boolean;
  shuffle_options: boolean;
  access_code_hash: string | null;
  is_verified: boolean;
  role: "STUDENT" | "INSTRUCTOR" | null;
  /** In every exam, in the course's, and in this one. */
  person_percent: number | null;
  person_minutes: number | null;
  extra_time_percent: number | null;
  extra_minutes: number | null;
  extra_attempts: number | null;
  own_opens_at: Date | null;
  own_closes_at: Date | null;
  last_number: number;
  open_attempt_id: string | null;
  now: Date;
}

export interface Eligibility {
  row: EligibilityRow;
  /** All that the person is granted, in one. */
  granted: TimeGrant;
  window: AttemptTimes;
}

/**
 * What the rules of an exam are for one person now, by PostgreSQL's clock.
 * @throws NOT_FOUND for an exam that the person may not know of
 */
export async function eligibility(db: Db | Transaction, examId: string, userId: string): Promise<Eligibility> {
  const [row] = await db.$queryRaw<EligibilityRow[]>`
    SELECT exam.course_id, exam.status::text, exam.duration_minutes, exam.opens_at, exam.closes_at, exam.attempts_allowed,
           exam.shuffle_questions, exam.shuffle_options, exam.access_code_hash,
           person.email_verified_at IS NOT NULL AS is_verified,
           person.extra_time_percent AS person_percent, person.extra_minutes AS person_minutes,
           enrollment.role::text, enrollment.extra_time_percent,
           grants.extra_minutes, grants.extra_attempts, grants.opens_at AS own_opens_at, grants.closes_at AS own_closes_at,
           coalesce(tries.last_number, 0) AS last_number, tries.open_attempt_id, clock_timestamp() AS now
    FROM exams exam
    LEFT JOIN users person ON person.id = ${userId}::uuid
    LEFT JOIN enrollments enrollment
      ON enrollment.course_id = exam.course_id AND enrollment.user_id = ${userId}::uuid AND enrollment.status = 'ACTIVE'
    LEFT JOIN exam_accommodations grants ON grants.exam_id = exam.id AND grants.user_id = ${userId}::uuid
    CROSS JOIN LATERAL (
      SELECT max(number) AS last_number, (array_agg(id) FILTER (WHERE status = 'IN_PROGRESS'))[1] AS open_attempt_id
      FROM attempts WHERE exam_id = exam.id AND user_id = ${userId}::uuid
    ) tries
    WHERE exam.id = ${examId}::uuid`;
  if (!row) throw notFound("exam");
  const grants = grantsOf(row);
  const window = attemptTimes({
    exam: { durationMinutes: row.duration_minutes, opensAt: row.opens_at, closesAt: row.closes_at },
    grants,
    ownWindow: { opensAt: row.own_opens_at, closesAt: row.own_closes_at },
    startedAt: row.now,
  });
  return { row, granted: stacked(grants), window };
}

/** What the person gets in every exam, in those of this course, and in this one. */
const grantsOf = (row: EligibilityRow): TimeGrant[] => [
  { extraTimePercent: row.person_percent ?? 0, extraMinutes: row.person_minutes ?? 0 },
  { extraTimePercent: row.extra_time_percent ?? 0, extraMinutes: 0 },
  { extraTimePercent: 0, extraMinutes: row.extra_minutes ?? 0 },
];

/** @throws NOT_FOUND, FORBIDDEN, UNPROCESSABLE (EXAM_ARCHIVED, EMAIL_NOT_VERIFIED, EXAM_NOT_OPEN, EXAM_CLOSED, NO_ATTEMPTS_LEFT) */
export function requireMayStart(
  { row, window }: Eligibility,
  { unverifiedMayStart }: { unverifiedMayStart: boolean },
): void {
  if (row.status === "DRAFT" || !row.role) throw notFound("exam");
  if (row.role !== "STUDENT") throw forbidden("Staff of the course cannot take its exams.");
  if (row.status === "ARCHIVED") throw unprocessable("EXAM_ARCHIVED", "This exam takes no more attempts.");
  if (!row.is_verified && !unverifiedMayStart)
    throw unprocessable(
      "EMAIL_NOT_VERIFIED",
      "Verify your e-mail address first, by the link in the mail you were sent.",
    );
  if (window.opensAt && row.now < window.opensAt)
    throw unprocessable("EXAM_NOT_OPEN", `This exam opens at ${window.opensAt.toISOString()}.`);
  if (window.closesAt && row.now >= window.closesAt)
    throw unprocessable("EXAM_CLOSED", `This exam closed at ${window.closesAt.toISOString()}.`);
  if (row.last_number >= row.attempts_allowed + (row.extra_attempts ?? 0))
    throw unprocessable("NO_ATTEMPTS_LEFT", "You have no attempts left at this exam.");
}
