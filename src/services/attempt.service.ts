import { randomInt } from "node:crypto";
import type { Db } from "../../prisma/client.ts";
import { notFound, unprocessable } from "../domain/errors.ts";
import { drawPaper } from "../domain/paper.ts";
import { questionType } from "../domain/questionTypes.ts";
import { Prisma } from "../generated/prisma/client.ts";
import { examQueue } from "../queues/exam.queue.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Events } from "../redis/pubsub.ts";
import type { Access } from "./access.ts";
import type { Actor, Reads } from "./actor.ts";
import { type Attempt, type AttemptFields, attemptColumns, attemptFields, toAttempt } from "./attemptFields.ts";
import { type Connection, connectionOf, type PageArgs } from "./connection.ts";
import { type Eligibility, eligibility, requireMayStart } from "./eligibility.ts";
import { type ExamQuestions, maximumOf } from "./examQuestions.ts";
import { requireId } from "./ids.ts";
import type { Paper, Papers } from "./papers.ts";
import type { createSharedSecretCheck } from "./passwords.ts";
import { watch } from "./watch.ts";

export interface SavedAnswer {
  questionId: string;
  response: unknown;
  revision: number;
  savedAt: string;
}

export type AttemptService = ReturnType<typeof createAttemptService>;

export function createAttemptService({
  db,
  access,
  papers,
  examQuestions,
  outbox,
  events,
  checkAccessCode,
  graceSeconds,
  unverifiedMayStart,
  newId,
}: {
  db: Db;
  access: Access;
  papers: Papers;
  examQuestions: ExamQuestions;
  outbox: Outbox;
  events: Events;
  checkAccessCode: ReturnType<typeof createSharedSecretCheck>;
  /** How long after the deadline a save in flight is still taken. */
  graceSeconds: number;
  /** Whether people whose address is not verified may start. */
  unverifiedMayStart: boolean;
  newId: () => string;
}) {
  const endOf = (deadlineAt: Date) => new Date(deadlineAt.getTime() + graceSeconds * 1000);

  /** The actor's own attempt, or one of a course whose staff the actor is. @throws NOT_FOUND */
  async function get(actor: Actor, attemptId: string): Promise<Attempt> {
    const row = await db.attempt.findUnique({ where: { id: requireId(attemptId, "attempt") }, select: attemptFields });
    if (!row) throw notFound("attempt");
    if (row.userId !== actor.userId) {
      const exam = await db.exam.findUniqueOrThrow({ where: { id: row.examId }, select: { courseId: true } });
      if ((await access.standingIn(actor, exam.courseId)) !== "STAFF") throw notFound("attempt");
    }
    return toAttempt(row);
  }

  /** Draws the paper and writes attempt and deadline job in one statement; null when another start was faster. */
  async function begin(actor: Actor, examId: string, { row, granted, window }: Eligibility): Promise<Attempt | null> {
    const attemptId = newId();
    const seed = randomInt(2 ** 31);
    const sections = await examQuestions.sections(examId, actor.reads);
    const items = drawPaper({
      sections: sections.map(({ drawCount, questions }) => ({
        drawCount,
        questions: questions.map(({ points, question }) => ({
          questionId: question.id,
          versionId: question.versionId,
          points,
          options: questionType(question.type).shuffleOptions(question.definition),
        })),
      })),
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
        runAt: endOf(window.deadlineAt),
        ownerId: actor.userId,
        requestId: actor.requestId,
      },
    );
    const number = row.last_number + 1;
    const begun = await db.$queryRaw<{ id: string }[]>`
      WITH begun AS (
        INSERT INTO attempts (id, exam_id, user_id, number, seed, paper, started_at, deadline_at,
                              extra_time_percent, extra_minutes, max_score)
        SELECT ${attemptId}::uuid, exam.id, ${actor.userId}::uuid, ${number}, ${seed}, ${JSON.stringify(items)}::jsonb,
               ${row.now}::timestamptz, ${window.deadlineAt}::timestamptz,
               ${granted.extraTimePercent}::int, ${granted.extraMinutes}::int, ${maxScore}::numeric
        FROM exams exam WHERE exam.id = ${examId}::uuid AND exam.status = 'PUBLISHED'
        FOR SHARE
        ON CONFLICT (exam_id, user_id, number) DO NOTHING
        RETURNING id
      ), job AS (
        INSERT INTO outbox_jobs (id, queue, name, payload, owner_id, request_id, traceparent, run_at)
        SELECT ${job.id}::uuid, ${job.queue}, ${job.name}, ${JSON.stringify(job.payload)}::jsonb,
               ${job.ownerId}::uuid, ${job.requestId}, ${job.traceparent}, ${job.runAt}::timestamptz
        FROM begun
      )
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
      submittedAt: null,
      submittedBy: null,
      gradedAt: null,
      score: null,
      maxScore,
    };
  }

  /**
   * Hands in an attempt in progress and asks for it to be graded, in one statement; null when there was nothing to hand in.
   * The lock comes first and the clock is read after it was waited for: no answer is saved later than its attempt was handed in.
   * @param of only an attempt of this student, or only one whose time is up
   */
  async function handIn(
    attemptId: string,
    of: { student: string } | "overdue",
    requestId?: string,
  ): Promise<AttemptFields | null> {
    const job = outbox.row(examQueue, "gradeAttempt", { attemptId }, { requestId });
    const grace = Prisma.sql`make_interval(secs => ${graceSeconds})`;
    const owned = of === "overdue" ? Prisma.empty : Prisma.sql`AND user_id = ${of.student}::uuid`;
    const due =
      of === "overdue"
        ? Prisma.sql`AND locked.paused_at IS NULL AND clock_timestamp() >= locked.deadline_at + ${grace}`
        : Prisma.empty;
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
      )
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
    get,
    expire,

    /**
     * Starts an attempt, or returns the one in progress: a reload is no second attempt, and of two simultaneous starts one is made.
     * @throws NOT_FOUND, FORBIDDEN,
     *   UNPROCESSABLE (EMAIL_NOT_VERIFIED, EXAM_NOT_OPEN, EXAM_CLOSED, EXAM_ARCHIVED, NO_ATTEMPTS_LEFT, WRONG_ACCESS_CODE)
     */
    async start(actor: Actor, examIdGiven: string, accessCode?: string | null): Promise<Attempt> {
      const examId = requireId(examIdGiven, "exam");
      for (;;) {
        const eligible = await eligibility(db, examId, actor.userId);
        if (eligible.row.open_attempt_id) return get(actor, eligible.row.open_attempt_id);
        requireMayStart(eligible, { unverifiedMayStart });
        const { access_code_hash: hashed } = eligible.row;
        if (hashed && !(await checkAccessCode(hashed, accessCode ?? "")))
          throw unprocessable("WRONG_ACCESS_CODE", "This exam asks for an access code; yours is missing or wrong.");
        const begun = await begin(actor, examId, eligible);
        if (begun) {
          outbox.handOver();
          return begun;
        }
      }
    },

    /** The actor's own attempts, newest first. */
    async listOwn(actor: Actor, examId: string | null | undefined, page: PageArgs): Promise<Connection<Attempt>> {
      const own = { userId: actor.userId, ...(examId && { examId: requireId(examId, "exam") }) };
      return connectionOf(page, {
        find: ({ where, ...rest }) =>
          db.attempt.findMany({ where: { ...own, ...where }, ...rest, select: attemptFields }),
        count: () => db.attempt.count({ where: own }),
        id: ({ id }) => id,
        toNode: toAttempt,
      });
    },

    /** The paper of an attempt the caller has been given; without any key. */
    paper: (attemptId: string, reads?: Reads): Promise<Paper> => papers.paper(attemptId, reads),

    /** The attempt as it is now, and again whenever its state changes. @throws NOT_FOUND */
    watch(actor: Actor, attemptIdGiven: string): AsyncIterableIterator<Attempt> {
      const attemptId = requireId(attemptIdGiven, "attempt");
      return watch(events.subscribe("attemptChanged", attemptId), () => get(actor, attemptId));
    },

    /** What was saved in each of these attempts, which the caller has been given; for loaders. */
    async savedAnswers(attemptIds: readonly string[]): Promise<SavedAnswer[][]> {
      const rows = await db.answer.findMany({
        where: { attemptId: { in: [...attemptIds] }, revision: { gt: 0 } },
        select: { attemptId: true, questionVersionId: true, response: true, revision: true, savedAt: true },
      });
      const byAttempt = new Map(rows.map(({ attemptId }) => [attemptId, [] as typeof rows]));
      for (const row of rows) byAttempt.get(row.attemptId)!.push(row);
      return Promise.all(
        attemptIds.map(async (id) => {
          const answers = byAttempt.get(id);
          if (!answers) return [];
          const questionOf = await papers.questionIds(id); // the paper knows, so the database need not join
          return answers.map(({ questionVersionId, response, revision, savedAt }) => ({
            questionId: questionOf.get(questionVersionId)!,
            response,
            revision,
            savedAt: savedAt.toISOString(),
          }));
        }),
      );
    },

    /** Hands in the actor's own attempt and asks for it to be graded. Safe to repeat. @throws NOT_FOUND */
    async submit(actor: Actor, attemptIdGiven: string): Promise<Attempt> {
      const attemptId = requireId(attemptIdGiven, "attempt");
      const handedIn = await handIn(attemptId, { student: actor.userId }, actor.requestId);
      if (handedIn) return toAttempt(handedIn);
      const attempt = await get(actor, attemptId);
      if (attempt.userId !== actor.userId) throw notFound("attempt"); // staff may see it, not hand it in
      return attempt;
    },

    /** Hands in all that a person has open, because the account ends. Safe to repeat. */
    async handInAll(userId: string): Promise<void> {
      const open = await db.attempt.findMany({ where: { userId, status: "IN_PROGRESS" }, select: { id: true } });
      for (const { id } of open) await handIn(id, { student: userId });
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
