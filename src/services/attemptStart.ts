import { randomInt } from "node:crypto";
import type { Db } from "../../prisma/client.ts";
import { Prisma } from "../generated/prisma/client.ts";
import { examQueue } from "../queues/exam.queue.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Events } from "../redis/pubsub.ts";
import type { Actor } from "./actor.ts";
import { logged } from "./attemptEvents.ts";
import { type Attempt, type AttemptFields, attemptColumns, toAttempt } from "./attemptFields.ts";
import type { Eligibility } from "./eligibility.ts";
import { type ExamQuestions, maximumOf } from "./examQuestions.ts";
import { drawItems, type Papers } from "./papers.ts";

/** How an attempt comes to belong to a log-in: begun by it, or taken over from another. Who may, is decided before. */
export function createAttemptStart({
  db,
  papers,
  examQuestions,
  outbox,
  events,
  graceSeconds,
  newId,
}: {
  db: Db;
  papers: Papers;
  examQuestions: ExamQuestions;
  outbox: Outbox;
  events: Events;
  /** How long after the deadline a save in flight is still taken. */
  graceSeconds: number;
  newId: () => string;
}) {
  return {
    /** Draws the paper and writes attempt and deadline job in one statement; null when another start was faster. */
    async begin(actor: Actor, examId: string, { row, granted, window }: Eligibility): Promise<Attempt | null> {
      const attemptId = newId();
      const seed = randomInt(2 ** 31);
      const sections = await examQuestions.sections(examId, actor.reads);
      const items = drawItems(sections, {
        shuffleQuestions: row.shuffle_questions,
        shuffleOptions: row.shuffle_options,
        seed,
      });
      const maxScore = maximumOf(items, sections);
      const job = outbox.row(
        examQueue,
        "expireAttempt",
        { attemptId },
        {
          runAt: new Date(window.deadlineAt.getTime() + graceSeconds * 1_000),
          ownerId: actor.userId,
          requestId: actor.requestId,
        },
      );
      const number = row.last_number + 1;
      const begun = await db.$queryRaw<{ id: string }[]>`
        WITH begun AS (
          INSERT INTO attempts (id, exam_id, user_id, number, seed, paper, started_at, deadline_at,
                                extra_time_percent, extra_minutes, max_score, session_id)
          SELECT ${attemptId}::uuid, exam.id, ${actor.userId}::uuid, ${number}, ${seed}, ${JSON.stringify(items)}::jsonb,
                 ${row.now}::timestamptz, ${window.deadlineAt}::timestamptz,
                 ${granted.extraTimePercent}::int, ${granted.extraMinutes}::int, ${maxScore}::numeric, ${actor.sessionId}::uuid
          FROM exams exam WHERE exam.id = ${examId}::uuid AND exam.status = 'PUBLISHED'
          FOR SHARE
          ON CONFLICT (exam_id, user_id, number) DO NOTHING
          RETURNING id
        ), job AS (
          INSERT INTO outbox_jobs (id, queue, name, payload, owner_id, request_id, traceparent, run_at)
          SELECT ${job.id}::uuid, ${job.queue}, ${job.name}, ${JSON.stringify(job.payload)}::jsonb,
                 ${job.ownerId}::uuid, ${job.requestId}, ${job.traceparent}, ${job.runAt}::timestamptz
          FROM begun
        ), log AS (${logged("STARTED", actor, Prisma.sql`begun`)})
        SELECT id FROM begun`;
      if (begun.length === 0) return null;
      await papers.remember({ attemptId, examId, userId: actor.userId, items });
      return {
        __typename: "Attempt",
        id: attemptId,
        examId,
        userId: actor.userId,
        number,
        status: "IN_PROGRESS",
        startedAt: row.now.toISOString(),
        deadlineAt: window.deadlineAt.toISOString(),
        ...granted,
        creditSeconds: 0,
        pausedSeconds: 0,
        pausedAt: null,
        sessionId: actor.sessionId,
        submittedAt: null,
        submittedBy: null,
        gradedAt: null,
        score: null,
        maxScore,
      };
    },

    /**
     * Makes an attempt in progress the actor's log-in's: saves of the one before are refused from then on. The row's lock lets saves
     * under way come first. The log tells the device and the last address of both. Safe to repeat.
     * @returns null when the attempt is over, or this log-in's already
     */
    async takeOver(actor: Actor, attemptId: string): Promise<Attempt | null> {
      const from = Prisma.sql`(
        SELECT jsonb_build_object('from', jsonb_build_object(
          'sessionId', taken.before,
          'address', (array_agg(address ORDER BY at DESC, event.id DESC) FILTER (WHERE address IS NOT NULL))[1],
          'userAgent', (array_agg(user_agent ORDER BY at DESC, event.id DESC) FILTER (WHERE user_agent IS NOT NULL))[1]))
        FROM attempt_events event WHERE event.attempt_id = taken.id AND event.session_id = taken.before)`;
      const [row] = await db.$queryRaw<AttemptFields[]>`
        WITH open AS MATERIALIZED (
          SELECT id, session_id FROM attempts
          WHERE id = ${attemptId}::uuid AND user_id = ${actor.userId}::uuid AND status = 'IN_PROGRESS' FOR NO KEY UPDATE
        ), taken AS (
          UPDATE attempts SET session_id = ${actor.sessionId}::uuid
          FROM open WHERE attempts.id = open.id AND open.session_id IS DISTINCT FROM ${actor.sessionId}::uuid
          RETURNING attempts.*, open.session_id AS before
        ), log AS (${logged("TAKEN_OVER", actor, Prisma.sql`taken`, from)})
        SELECT ${attemptColumns} FROM taken`;
      if (!row) return null;
      await events.publish("attemptChanged", { attemptId });
      return toAttempt(row);
    },
  };
}
