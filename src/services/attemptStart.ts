import { randomInt } from "node:crypto";
import type { Db } from "../../prisma/client.ts";
import type { PaperQuestion } from "../domain/paper.ts";
import { Prisma } from "../generated/prisma/client.ts";
import { examQueue } from "../queues/exam.queue.ts";
import type { Outbox, OutboxRow } from "../queues/outbox.ts";
import type { Events } from "../redis/pubsub.ts";
import type { Actor } from "./actor.ts";
import { logged } from "./attemptEvents.ts";
import { type Attempt, type AttemptFields, attemptColumns, toAttempt } from "./attemptFields.ts";
import { batchedWrites } from "./batched.ts";
import type { Eligibility } from "./eligibility.ts";
import { type ExamQuestions, maximumOf } from "./examQuestions.ts";
import { drawItems, type Papers } from "./papers.ts";

/** An attempt to be written, by the names of its columns, with its first line in the log and its deadline's job. */
interface Start {
  id: string;
  exam_id: string;
  user_id: string;
  number: number;
  seed: number;
  paper: readonly PaperQuestion[];
  /** Times are ISO strings. */
  started_at: string;
  deadline_at: string;
  extra_time_percent: number;
  extra_minutes: number;
  /** A decimal. */
  max_score: string;
  session_id: string | null;
  address: string | null;
  user_agent: string | null;
  job: OutboxRow;
}

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
  const writeStart = batchedWrites((starts: readonly Start[]) => writeStarts(db, starts));

  return {
    /** Draws the paper and writes attempt and deadline job in one statement with others'; null when another start was faster. */
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
      const startedAt = row.now.toISOString();
      const deadlineAt = window.deadlineAt.toISOString();
      const isBegun = await writeStart({
        ...{ id: attemptId, exam_id: examId, user_id: actor.userId, number, seed, paper: items, started_at: startedAt },
        ...{
          deadline_at: deadlineAt,
          extra_time_percent: granted.extraTimePercent,
          extra_minutes: granted.extraMinutes,
        },
        ...{ max_score: maxScore, session_id: actor.sessionId, address: actor.ip, user_agent: actor.userAgent, job },
      });
      if (!isBegun) return null;
      papers.hold({ attemptId, examId, userId: actor.userId, items });
      return {
        __typename: "Attempt",
        id: attemptId,
        examId,
        userId: actor.userId,
        number,
        status: "IN_PROGRESS",
        startedAt,
        deadlineAt,
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

/**
 * Writes attempts, their jobs and log lines in one statement; whether each is begun: not where the exam takes no more, or the person has
 * begun that try already. Exams and attempts are locked in a fixed order, so that statements of several servers cannot wait for each other in a circle.
 */
async function writeStarts(db: Db, starts: readonly Start[]): Promise<boolean[]> {
  const begun = await db.$queryRaw<{ id: string }[]>`
    WITH start AS MATERIALIZED (
      SELECT * FROM json_to_recordset(${JSON.stringify(starts)}::json) AS start (
        id uuid, exam_id uuid, user_id uuid, number int, seed int, paper jsonb, started_at timestamptz, deadline_at timestamptz,
        extra_time_percent int, extra_minutes int, max_score numeric, session_id uuid, address text, user_agent text, job jsonb)
    ), open AS MATERIALIZED (
      SELECT id FROM exams WHERE id IN (SELECT exam_id FROM start) AND status = 'PUBLISHED' ORDER BY id FOR SHARE
    ), begun AS (
      INSERT INTO attempts (id, exam_id, user_id, number, seed, paper, started_at, deadline_at,
                            extra_time_percent, extra_minutes, max_score, session_id)
      SELECT start.id, exam_id, user_id, number, seed, paper, started_at, deadline_at,
             extra_time_percent, extra_minutes, max_score, session_id
      FROM start JOIN open ON open.id = start.exam_id
      ORDER BY exam_id, user_id, number
      ON CONFLICT (exam_id, user_id, number) DO NOTHING
      RETURNING id
    ), job AS (
      INSERT INTO outbox_jobs (id, queue, name, payload, owner_id, request_id, traceparent, run_at)
      SELECT job.* FROM begun JOIN start USING (id), jsonb_to_record(start.job) AS job (
        id uuid, queue text, name text, payload jsonb, "ownerId" uuid, "requestId" text, traceparent text, "runAt" timestamptz)
    ), log AS (
      INSERT INTO attempt_events (attempt_id, kind, actor_id, session_id, address, user_agent)
      SELECT id, 'STARTED', user_id, session_id, address, user_agent FROM begun JOIN start USING (id)
    )
    SELECT id FROM begun`;
  const ids = new Set(begun.map(({ id }) => id));
  return starts.map(({ id }) => ids.has(id));
}
