import type { Db } from "../../prisma/client.ts";
import {
  type AttemptTimes,
  attemptTimes,
  bestOf,
  type OwnWindow,
  stacked,
  type TimeGrant,
} from "../domain/deadline.ts";
import { type DomainError, forbidden, notFound, unprocessable } from "../domain/errors.ts";
import { batched } from "./batched.ts";

/** Everything that decides whether a person may start an exam, read in one statement. */
interface EligibilityRow {
  place: number;
  exam_id: string;
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
  course_percent: number | null;
  own_percent: number | null;
  own_minutes: number | null;
  own_attempts: number | null;
  own_opens_at: Date | null;
  own_closes_at: Date | null;
  /** What this exam gives the groups the person is in. Times are ISO strings. */
  groups: GroupRow[] | null;
  last_number: number;
  open_attempt_id: string | null;
  now: Date;
}

interface GroupRow extends TimeGrant {
  extraAttempts: number;
  opensAt: string | null;
  closesAt: string | null;
}

/** What one source gives beyond the rules of an exam; of all groups the best of each value. */
export interface ExamGrant extends TimeGrant, OwnWindow {
  source: "PERSON" | "COURSE" | "EXAM" | "GROUP";
  extraAttempts: number;
}

export interface Eligibility {
  row: EligibilityRow;
  /** By source, those that give nothing too. */
  grants: ExamGrant[];
  /** All that the person is granted, in one. */
  granted: TimeGrant;
  /** The window, and the deadline of an attempt that starts then. */
  times: (startedAt: Date) => AttemptTimes;
  /** The same for a start now. */
  window: AttemptTimes;
  attemptsAllowed: number;
}

/** Gives one for each exam and person asked for, those of one moment in one statement; null for an exam that there is not. */
export const createEligibility = (db: Db) => batched((asked: readonly Asked[]) => eligibilities(db, asked));

interface Asked {
  examId: string;
  userId: string;
}

/**
 * What the rules of exams are for people now, by PostgreSQL's clock, in one statement and in the order they were asked for;
 * null for an exam that there is not.
 */
export async function eligibilities(db: Db, asked: readonly Asked[]): Promise<(Eligibility | null)[]> {
  const rows = await db.$queryRaw<EligibilityRow[]>`
    SELECT asked.place::int, exam.id AS exam_id, exam.course_id, exam.status::text, exam.duration_minutes, exam.opens_at, exam.closes_at,
           exam.attempts_allowed, exam.shuffle_questions, exam.shuffle_options, exam.access_code_hash,
           person.email_verified_at IS NOT NULL AS is_verified,
           person.extra_time_percent AS person_percent, person.extra_minutes AS person_minutes,
           enrollment.role::text, enrollment.extra_time_percent AS course_percent,
           own.extra_time_percent AS own_percent, own.extra_minutes AS own_minutes, own.extra_attempts AS own_attempts,
           own.opens_at AS own_opens_at, own.closes_at AS own_closes_at,
           (SELECT json_agg(json_build_object('extraTimePercent', extra_time_percent, 'extraMinutes', extra_minutes,
                                              'extraAttempts', extra_attempts, 'opensAt', opens_at, 'closesAt', closes_at))
            FROM course_group_members member JOIN exam_accommodations USING (group_id)
            WHERE member.user_id = asked.user_id AND exam_id = exam.id) AS groups,
           coalesce(tries.last_number, 0) AS last_number, tries.open_attempt_id, clock_timestamp() AS now
    FROM unnest(${asked.map(({ examId }) => examId)}::uuid[], ${asked.map(({ userId }) => userId)}::uuid[])
      WITH ORDINALITY AS asked (exam_id, user_id, place)
    JOIN exams exam ON exam.id = asked.exam_id
    LEFT JOIN users person ON person.id = asked.user_id
    LEFT JOIN enrollments enrollment
      ON enrollment.course_id = exam.course_id AND enrollment.user_id = asked.user_id AND enrollment.status = 'ACTIVE'
    LEFT JOIN exam_accommodations own ON own.exam_id = exam.id AND own.user_id = asked.user_id
    CROSS JOIN LATERAL (
      SELECT max(number) AS last_number, (array_agg(id) FILTER (WHERE status = 'IN_PROGRESS'))[1] AS open_attempt_id
      FROM attempts WHERE exam_id = exam.id AND user_id = asked.user_id
    ) tries`;
  const byPlace = new Map(rows.map((row) => [row.place, row]));
  return asked.map((_, index) => {
    const row = byPlace.get(index + 1);
    return row ? toEligibility(row) : null;
  });
}

function toEligibility(row: EligibilityRow): Eligibility {
  const own = grantsOf(row);
  const groups = (row.groups ?? []).map(({ opensAt, closesAt, ...given }) => ({
    ...given,
    opensAt: opensAt === null ? null : new Date(opensAt),
    closesAt: closesAt === null ? null : new Date(closesAt),
  }));
  const extraAttempts = Math.max(0, ...groups.map((group) => group.extraAttempts));
  const grants: ExamGrant[] = [...own, { source: "GROUP", ...bestOf(groups), extraAttempts }];
  const times = (startedAt: Date) =>
    attemptTimes({
      exam: { durationMinutes: row.duration_minutes, opensAt: row.opens_at, closesAt: row.closes_at },
      grants: own,
      groups,
      ownWindow: { opensAt: row.own_opens_at, closesAt: row.own_closes_at },
      startedAt,
    });
  return {
    row,
    grants,
    granted: stacked(grants),
    times,
    window: times(row.now),
    attemptsAllowed: grants.reduce((sum, grant) => sum + grant.extraAttempts, row.attempts_allowed),
  };
}

/** What the person gets in every exam, in those of this course, and in this one. */
function grantsOf(row: EligibilityRow): ExamGrant[] {
  const nothing = { extraTimePercent: 0, extraMinutes: 0, extraAttempts: 0, opensAt: null, closesAt: null };
  return [
    {
      ...nothing,
      source: "PERSON",
      extraTimePercent: row.person_percent ?? 0,
      extraMinutes: row.person_minutes ?? 0,
    },
    { ...nothing, source: "COURSE", extraTimePercent: row.course_percent ?? 0 },
    {
      source: "EXAM",
      extraTimePercent: row.own_percent ?? 0,
      extraMinutes: row.own_minutes ?? 0,
      extraAttempts: row.own_attempts ?? 0,
      opensAt: row.own_opens_at,
      closesAt: row.own_closes_at,
    },
  ];
}

/** Why the person may not start now, access code and address aside; null where nothing stands against it. */
export function startRefusal(
  { row, window, attemptsAllowed }: Eligibility,
  { unverifiedMayStart }: { unverifiedMayStart: boolean },
): DomainError | null {
  if (row.status === "DRAFT" || !row.role) return notFound("exam");
  if (row.role !== "STUDENT") return forbidden("Staff of the course cannot take its exams.");
  if (row.status === "ARCHIVED") return unprocessable("EXAM_ARCHIVED", "This exam takes no more attempts.");
  if (!row.is_verified && !unverifiedMayStart)
    return unprocessable(
      "EMAIL_NOT_VERIFIED",
      "Verify your e-mail address first, by the link in the mail you were sent.",
    );
  if (window.opensAt && row.now < window.opensAt)
    return unprocessable("EXAM_NOT_OPEN", `This exam opens at ${window.opensAt.toISOString()}.`);
  if (window.closesAt && row.now >= window.closesAt)
    return unprocessable("EXAM_CLOSED", `This exam closed at ${window.closesAt.toISOString()}.`);
  if (row.last_number >= attemptsAllowed)
    return unprocessable("NO_ATTEMPTS_LEFT", "You have no attempts left at this exam.");
  return null;
}

/** @throws NOT_FOUND, FORBIDDEN, UNPROCESSABLE (EXAM_ARCHIVED, EMAIL_NOT_VERIFIED, EXAM_NOT_OPEN, EXAM_CLOSED, NO_ATTEMPTS_LEFT) */
export function requireMayStart(eligible: Eligibility, rules: { unverifiedMayStart: boolean }): void {
  const refusal = startRefusal(eligible, rules);
  if (refusal) throw refusal;
}
