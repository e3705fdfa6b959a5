import type { Db } from "../../prisma/client.ts";
import { notFound } from "../domain/errors.ts";
import type { Prisma } from "../generated/prisma/client.ts";
import type { Payload } from "../queues/defineQueue.ts";
import { examQueue } from "../queues/exam.queue.ts";
import type { JobContext } from "../queues/jobContext.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Events } from "../redis/pubsub.ts";
import type { Access } from "./access.ts";
import type { JobQueued } from "./account.service.ts";
import type { Actor } from "./actor.ts";
import { analysedAttempts } from "./analysedAttempts.ts";
import { tellInstructors } from "./analysisNews.ts";
import { databaseTime } from "./databaseTime.ts";
import {
  type AttemptChoice,
  type AttemptRow,
  createExamAnalysis,
  type ExamStatistics,
  judged,
  resultOf,
} from "./examAnalysis.ts";
import { lockExam } from "./examLock.ts";
import type { ExamQuestions } from "./examQuestions.ts";
import { requireId } from "./ids.ts";
import { watch } from "./watch.ts";

/** Attempts read at a time, each with all its answers. */
const CHUNK = 200;

export type AnalysisService = ReturnType<typeof createAnalysisService>;

/** What the answers to an exam say about its questions: asked for by staff or at night, worked out by a job, stored. */
export function createAnalysisService({
  db,
  access,
  outbox,
  events,
  examQuestions,
}: {
  db: Db;
  access: Access;
  outbox: Outbox;
  events: Events;
  examQuestions: ExamQuestions;
}) {
  /** In the order of `ids`, which is that of the persons. */
  async function attemptsOf(ids: readonly string[]): Promise<AttemptRow[]> {
    const rows = await db.$queryRaw<AttemptRow[]>`
      SELECT attempt.id,
        (SELECT array_agg(item ->> 'versionId') FROM jsonb_array_elements(attempt.paper) item) AS "versionIds",
        (SELECT coalesce(json_agg(json_build_object(
           'versionId', question_version_id, 'points', coalesce(points, 0)::float8, 'response', response)), '[]')
         FROM answers WHERE attempt_id = attempt.id) AS answers
      FROM attempts attempt WHERE attempt.id = ANY (${ids}::uuid[])`;
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id) ?? { id, versionIds: [], answers: [] }); // one that was erased meanwhile answered nothing
  }

  /** The last analysis; null before the first. @throws NOT_FOUND, FORBIDDEN */
  async function get(actor: Actor, examIdGiven: string): Promise<ExamStatistics | null> {
    const examId = requireId(examIdGiven, "exam");
    const exam = await db.exam.findUnique({
      where: { id: examId },
      select: { courseId: true, policyNumber: true, analysis: true },
    });
    if (!exam) throw notFound("exam");
    await access.requireStaff(db, actor, exam.courseId, "exam");
    if (!exam.analysis) return null;
    const { analysedAt, attemptsUsed, gradedUntil, policyNumber } = exam.analysis;
    const result = resultOf(exam.analysis);
    const newer = await db.attempt.findFirst({
      where: { examId, status: "GRADED", ...(gradedUntil && { gradedAt: { gt: gradedUntil } }) },
      select: { id: true },
    });
    return {
      ...result,
      items: result.items.map(judged),
      examId,
      analysedAt: analysedAt.toISOString(),
      isOutOfDate: newer !== null || policyNumber !== exam.policyNumber,
      attempts: attemptsUsed as AttemptChoice,
    };
  }

  return {
    get,

    /** The last analysis as it is now, and again whenever another one was stored. @throws NOT_FOUND, FORBIDDEN */
    watch(actor: Actor, examIdGiven: string): AsyncIterableIterator<ExamStatistics | null> {
      const examId = requireId(examIdGiven, "exam");
      return watch(events.subscribe("examAnalysisChanged", examId), () => get(actor, examId));
    },

    /** Asks for an analysis; the one that waits already is the answer. @throws NOT_FOUND, FORBIDDEN */
    async request(actor: Actor, examIdGiven: string, attempts: AttemptChoice): Promise<JobQueued> {
      const id = requireId(examIdGiven, "exam");
      const payload = { examId: id, attempts };
      const jobId = await db.$transaction(async (tx) => {
        await lockExam(tx, access, actor, id);
        const waiting = await tx.outboxJob.findFirst({
          where: {
            queue: examQueue.name,
            name: "analyzeExam",
            ownerId: actor.userId,
            finishedAt: null,
            payload: { equals: payload },
          },
          select: { id: true },
        });
        if (waiting) return waiting.id;
        const { userId: ownerId, requestId } = actor;
        return outbox.add(tx, examQueue, "analyzeExam", payload, { ownerId, requestId });
      });
      outbox.handOver();
      return { queued: true, jobId };
    },

    /** Asks for an analysis of every exam with attempts graded since its last one, or otherwise graded. Safe to repeat. */
    async requestNewlyGraded(): Promise<number> {
      const exams = await db.$queryRaw<{ id: string; attempts: AttemptChoice }[]>`
        SELECT exam.id, coalesce(analysis.attempts_used, 'FIRST') AS attempts
        FROM exams exam LEFT JOIN exam_analyses analysis ON analysis.exam_id = exam.id
        WHERE EXISTS (
          SELECT FROM attempts WHERE exam_id = exam.id AND status = 'GRADED'
            AND (analysis.graded_until IS NULL OR graded_at > analysis.graded_until OR analysis.policy_number <> exam.policy_number))
        AND NOT EXISTS (SELECT FROM regradings WHERE exam_id = exam.id AND state = 'APPLYING')
        AND NOT EXISTS (
          SELECT FROM outbox_jobs WHERE queue = ${examQueue.name} AND name = 'analyzeExam' AND finished_at IS NULL
            AND payload ->> 'examId' = exam.id::text)`;
      for (const { id, attempts } of exams)
        await db.$transaction((tx) =>
          outbox.add(tx, examQueue, "analyzeExam", { examId: id, attempts, isScheduled: true }),
        );
      outbox.handOver();
      return exams.length;
    },

    /** Analyses an exam, stores what came out, and tells its staff: clients always, people by mail if nobody had asked. Safe to repeat. */
    async run(
      { examId, attempts, isScheduled }: Payload<typeof examQueue, "analyzeExam">,
      { progress, signal }: Pick<JobContext, "progress" | "signal">,
    ): Promise<void> {
      const exam = await db.exam.findUnique({ where: { id: examId }, select: { policyNumber: true } });
      if (!exam) return;
      const { policyNumber } = exam; // first: what is graded otherwise meanwhile makes this one out of date
      const analysedAt = await databaseTime(db);
      const { ids, gradedUntil } = await analysedAttempts(db, examId, attempts);
      const sections = await examQuestions.sectionsNow(examId);
      const analysis = createExamAnalysis(
        sections.flatMap(({ questions }) => questions),
        ids.length,
      );
      for (const [pass, add] of [analysis.addMarks, analysis.addChoices].entries()) {
        for (let from = 0; from < ids.length; from += CHUNK) {
          signal.throwIfAborted();
          const rows = await attemptsOf(ids.slice(from, from + CHUNK));
          rows.forEach((row, at) => {
            add(from + at, row);
          });
          await progress(Math.floor(45 * (pass + Math.min(1, (from + CHUNK) / ids.length))));
        }
      }
      const result = (await analysis.result()) as unknown as Prisma.InputJsonValue;
      const stored = { attemptsUsed: attempts, analysedAt, gradedUntil, policyNumber, result };
      await db.$transaction(async (tx) => {
        const row = await tx.examAnalysis.upsert({
          where: { examId },
          create: { examId, ...stored },
          update: stored,
        });
        if (isScheduled) await tellInstructors(tx, outbox, row);
      });
      outbox.handOver();
      // A run that dies between its commit and this line is repeated, and says it then.
      await events.publish("examAnalysisChanged", { examId });
    },
  };
}
