import { setImmediate as turn } from "node:timers/promises";
import type { Db } from "../../prisma/client.ts";
import type { Prisma, Regrading as RegradingRow } from "../generated/prisma/client.ts";
import type { JobContext } from "../queues/jobContext.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Events } from "../redis/pubsub.ts";
import { databaseTime } from "./databaseTime.ts";
import type { ExamQuestions } from "./examQuestions.ts";
import { placesOf } from "./papers.ts";
import { numberPositions, readChunk, summaryOf, writeChunk } from "./regradingChunks.ts";
import { policyOf, regraded } from "./regradingGrades.ts";

/** Attempts of one statement, each with all its answers; a few more where a student has several. */
const CHUNK = 200;
/** Attempts graded before other work of the process has its turn. */
const IN_A_TURN = 10;
/** Before every id. */
const START = "00000000-0000-0000-0000-000000000000";

export type RegradingRuns = ReturnType<typeof createRegradingRuns>;

/** The job of a regrading: every attempt of an exam that has a score is graded by what is to hold, and what changes is written down. */
export function createRegradingRuns({
  db,
  cache,
  examQuestions,
  events,
}: {
  db: Db;
  cache: Cache;
  examQuestions: ExamQuestions;
  events: Events;
}) {
  /**
   * Works through the attempts that are not written down yet, a chunk at a time. One that somebody graded by hand meanwhile is read again
   * in the next round. @returns false when the exam is graded by something else by now
   */
  async function work(regrading: RegradingRow, { progress, signal }: Pick<JobContext, "progress" | "signal">) {
    const { id, examId, state } = regrading;
    const policy = await policyOf(db, regrading);
    if (!policy) return false;
    const places = placesOf(await examQuestions.sectionsNow(examId));
    const total = await db.attempt.count({ where: { examId, score: { not: null } } });
    let done = await db.regradingEntry.count({ where: { regradingId: id } });
    for (let [after, missed] = [START, 0]; ; ) {
      signal.throwIfAborted();
      const attempts = await readChunk(db, { regradingId: id, examId, after, limit: CHUNK });
      if (attempts.length === 0) {
        if (missed === 0) return true;
        [after, missed] = [START, 0];
        continue;
      }
      const lines = [];
      for (const [at, attempt] of attempts.entries()) {
        if (at % IN_A_TURN === 0) await turn();
        lines.push(regraded(attempt, places, policy));
      }
      const written = await writeChunk(db, { regradingId: id, examId, policy, lines, isTrial: state !== "APPLYING" });
      if (!written.isCurrent) return false;
      after = attempts.at(-1)!.userId;
      missed += attempts.length - written.lines;
      done += written.lines;
      await progress(Math.min(95, Math.floor((95 * done) / Math.max(1, total))));
    }
  }

  /** Once: puts what changes in order and sums it up. */
  async function finish({ id, state }: RegradingRow): Promise<void> {
    await db.$transaction(
      async (tx) => {
        await tx.$queryRaw`SELECT FROM regradings WHERE id = ${id}::uuid FOR UPDATE`; // a second worker that has the job too
        const open = await tx.regrading.findFirst({ where: { id, state, finishedAt: null }, select: { id: true } });
        if (!open) return;
        await numberPositions(tx, id);
        const summary = (await summaryOf(tx, id)) as unknown as Prisma.InputJsonValue;
        const after = state === "APPLYING" ? "APPLIED" : "CALCULATED";
        await tx.regrading.update({
          where: { id },
          data: { state: after, summary, finishedAt: await databaseTime(tx) },
        });
      },
      { timeout: 60_000 },
    );
  }

  /** On every delivery, because an earlier run may have died in the middle of it. */
  async function tell(regradingId: string, signal: AbortSignal): Promise<void> {
    for (let position = 0; ; ) {
      signal.throwIfAborted();
      const changed = await db.regradingEntry.findMany({
        where: { regradingId, position: { gt: position } },
        orderBy: { position: "asc" },
        take: CHUNK,
        select: { attemptId: true, position: true },
      });
      for (const { attemptId } of changed) await events.publish("attemptChanged", { attemptId });
      if (changed.length < CHUNK) return;
      position = changed.at(-1)!.position!;
    }
  }

  const fail = (id: string) =>
    db.regrading.updateMany({ where: { id, state: "CALCULATING" }, data: { state: "FAILED" } });

  return {
    /**
     * Does what a regrading says. Safe to repeat, also beside another run: what is written down is not done again. A trial fails when its
     * last try does, or when the exam is graded by something else by now.
     */
    async run(regradingId: string, job: Pick<JobContext, "progress" | "signal" | "isLastTry">): Promise<void> {
      const regrading = await db.regrading.findUnique({ where: { id: regradingId } });
      if (!regrading) return; // gone with its exam
      const { examId, finishedAt, appliedAt } = regrading;
      if (appliedAt) await cache.drop(CACHE_KEYS.EXAM(examId), CACHE_KEYS.EXAM_QUESTIONS(examId)); // the server may have died before
      if (!finishedAt) {
        try {
          if (!(await work(regrading, job))) return void (await fail(regradingId));
          await finish(regrading);
        } catch (error) {
          if (job.isLastTry) await fail(regradingId);
          throw error;
        }
      }
      if (appliedAt) await tell(regradingId, job.signal);
    },
  };
}
