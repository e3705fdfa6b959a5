import type { Db } from "../../prisma/client.ts";
import { Prisma } from "../generated/prisma/client.ts";
import { examQueue } from "../queues/exam.queue.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Events } from "../redis/pubsub.ts";
import type { Actor } from "./actor.ts";
import { type LoggedStudent, logged } from "./attemptEvents.ts";
import { type AttemptFields, attemptColumns, attemptFields } from "./attemptFields.ts";

/** Who hands their attempt in, from any log-in: what was saved before must not be lost. */
type Student = LoggedStudent & Partial<Pick<Actor, "requestId">>;

/** How attempts end: by their student, by their deadline, or with their account. */
export function createHandIn({
  db,
  outbox,
  events,
  graceSeconds,
}: {
  db: Db;
  outbox: Outbox;
  events: Events;
  /** How long after the deadline a save in flight is still taken. */
  graceSeconds: number;
}) {
  const endOf = (deadlineAt: Date) => new Date(deadlineAt.getTime() + graceSeconds * 1000);

  /**
   * Hands in an attempt in progress and asks for it to be graded, in one statement; null when there was nothing to hand in.
   * The lock comes first and the clock is read after it was waited for: no answer is saved later than its attempt was handed in.
   * @param by only an attempt of this student, or only one whose time is up
   */
  async function handIn(attemptId: string, by: Student | "overdue"): Promise<AttemptFields | null> {
    const student = by === "overdue" ? null : by;
    const job = outbox.row(examQueue, "gradeAttempt", { attemptId }, { requestId: student?.requestId });
    const grace = Prisma.sql`make_interval(secs => ${graceSeconds})`;
    const owned = student ? Prisma.sql`AND user_id = ${student.userId}::uuid` : Prisma.empty;
    const due = student
      ? Prisma.empty
      : Prisma.sql`AND locked.paused_at IS NULL AND clock_timestamp() >= locked.deadline_at + ${grace}`;
    const [row] = await db.$queryRaw<AttemptFields[]>`
      WITH locked AS MATERIALIZED (
        SELECT id, deadline_at, paused_at FROM attempts WHERE id = ${attemptId}::uuid AND status = 'IN_PROGRESS' ${owned} FOR UPDATE
      ), handed_in AS (
        UPDATE attempts SET
          status = 'SUBMITTED',
          submitted_at = clock_timestamp(),
          paused_at = NULL,
          submitted_by = (CASE WHEN locked.paused_at IS NOT NULL OR clock_timestamp() <= locked.deadline_at + ${grace} THEN 'STUDENT' ELSE 'DEADLINE' END)::"SubmittedBy"
        FROM locked WHERE attempts.id = locked.id ${due}
        RETURNING attempts.*
      ), job AS (
        INSERT INTO outbox_jobs (id, queue, name, payload, owner_id, request_id, traceparent, run_at)
        SELECT ${job.id}::uuid, ${job.queue}, ${job.name}, ${JSON.stringify(job.payload)}::jsonb, user_id, ${job.requestId},
               ${job.traceparent}, ${job.runAt}::timestamptz
        FROM handed_in
      ), log AS (${logged(student ? "SUBMITTED" : "EXPIRED", student, Prisma.sql`handed_in`)})
      SELECT ${attemptColumns} FROM handed_in`;
    if (!row) return null;
    outbox.handOver(); // only a hint: the relay finds what this misses
    await events.publish("attemptChanged", { attemptId });
    return row;
  }

  /**
   * Hands in an attempt whose time is up with what was saved; asks again later for one whose deadline was moved.
   * Safe to repeat.
   */
  async function expire(attemptId: string): Promise<void> {
    if (await handIn(attemptId, "overdue")) return;
    const row = await db.attempt.findUnique({ where: { id: attemptId }, select: attemptFields });
    if (row?.status !== "IN_PROGRESS" || row.pausedAt) return; // whoever lets it go on asks for the job
    const later = { runAt: endOf(row.deadlineAt), ownerId: row.userId };
    await db.outboxJob.create({ data: outbox.row(examQueue, "expireAttempt", { attemptId }, later) });
    outbox.handOver();
  }

  return {
    handIn,
    expire,

    /** Hands in all that a person has open, because the account ends. Safe to repeat. */
    async handInAll(userId: string): Promise<void> {
      const open = await db.attempt.findMany({ where: { userId, status: "IN_PROGRESS" }, select: { id: true } });
      for (const { id } of open) await handIn(id, { userId });
    },

    /**
     * Catches what a lost job left behind: attempts past their deadline that are still open, and ungraded ones nobody was asked to grade.
     * Safe to repeat. @returns how many it found
     */
    async sweep(): Promise<number> {
      const overdue = await db.$queryRaw<{ id: string }[]>`
        SELECT id FROM attempts
        WHERE status = 'IN_PROGRESS' AND paused_at IS NULL AND deadline_at < clock_timestamp() - make_interval(secs => ${graceSeconds + 15})
        ORDER BY deadline_at LIMIT 500`;
      for (const { id } of overdue) await expire(id);
      const forgotten = await db.$queryRaw<{ id: string; user_id: string }[]>`
        SELECT attempt.id, attempt.user_id FROM attempts attempt
        WHERE attempt.status = 'SUBMITTED' AND attempt.score IS NULL
          AND attempt.submitted_at < clock_timestamp() - interval '2 minutes'
          AND NOT EXISTS (
            SELECT 1 FROM outbox_jobs job WHERE job.name = 'gradeAttempt' AND job.payload ->> 'attemptId' = attempt.id::text
              AND job.discarded_at IS NULL)
        LIMIT 500`;
      await db.$transaction(async (tx) => {
        for (const { id, user_id } of forgotten)
          await outbox.add(tx, examQueue, "gradeAttempt", { attemptId: id }, { ownerId: user_id });
      });
      if (forgotten.length > 0) outbox.handOver();
      return overdue.length + forgotten.length;
    },
  };
}
