import { type Attempt as AttemptRow, Prisma } from "../generated/prisma/client.ts";
import type { Actor } from "./actor.ts";
import { decimalText } from "./decimal.ts";

/** One try of one student, as its student and the staff may see it; whether the score may be shown is the result's matter. */
export interface Attempt {
  __typename: "Attempt";
  id: string;
  examId: string;
  userId: string;
  number: number;
  status: "IN_PROGRESS" | "SUBMITTED" | "GRADED";
  startedAt: string;
  deadlineAt: string;
  /** What the deadline holds beyond the exam's duration. */
  extraTimePercent: number;
  extraMinutes: number;
  creditSeconds: number;
  pausedSeconds: number;
  /** Since when its clock stands still. */
  pausedAt: string | null;
  /** The log-in whose saves are taken; null: any of the student's. */
  sessionId: string | null;
  submittedAt: string | null;
  submittedBy: "STUDENT" | "DEADLINE" | "STAFF" | null;
  gradedAt: string | null;
  score: string | null;
  maxScore: string;
}

export type AttemptFields = Omit<AttemptRow, "paper" | "seed" | "policyNumber">;

/** Everything of an attempt but its paper, which is large and comes from the cache. */
export const attemptFields = {
  id: true,
  examId: true,
  userId: true,
  number: true,
  status: true,
  startedAt: true,
  deadlineAt: true,
  extraTimePercent: true,
  extraMinutes: true,
  creditSeconds: true,
  pausedSeconds: true,
  pausedAt: true,
  sessionId: true,
  submittedAt: true,
  submittedBy: true,
  gradedAt: true,
  score: true,
  maxScore: true,
} as const;

export const toAttempt = (row: AttemptFields): Attempt => ({
  __typename: "Attempt",
  id: row.id,
  examId: row.examId,
  userId: row.userId,
  number: row.number,
  status: row.status,
  startedAt: row.startedAt.toISOString(),
  deadlineAt: row.deadlineAt.toISOString(),
  extraTimePercent: row.extraTimePercent,
  extraMinutes: row.extraMinutes,
  creditSeconds: row.creditSeconds,
  pausedSeconds: row.pausedSeconds,
  pausedAt: row.pausedAt?.toISOString() ?? null,
  sessionId: row.sessionId,
  submittedAt: row.submittedAt?.toISOString() ?? null,
  submittedBy: row.submittedBy,
  gradedAt: row.gradedAt?.toISOString() ?? null,
  score: row.score && decimalText(row.score),
  maxScore: decimalText(row.maxScore),
});

/** Whether the actor's saves are taken now, but for the clock: the attempt goes on, and in this log-in. */
export const isActiveFor = (
  { status, userId, sessionId }: Attempt,
  actor: Pick<Actor, "userId" | "sessionId">,
): boolean =>
  status === "IN_PROGRESS" && userId === actor.userId && (sessionId === null || sessionId === actor.sessionId);

/** The same fields for statements in SQL. */
export const attemptColumns = Prisma.sql`
  id, exam_id AS "examId", user_id AS "userId", number, status::text, started_at AS "startedAt", deadline_at AS "deadlineAt",
  extra_time_percent AS "extraTimePercent", extra_minutes AS "extraMinutes", credit_seconds AS "creditSeconds",
  paused_seconds AS "pausedSeconds", paused_at AS "pausedAt", session_id AS "sessionId",
  submitted_at AS "submittedAt", submitted_by::text AS "submittedBy", graded_at AS "gradedAt", score, max_score AS "maxScore"`;
