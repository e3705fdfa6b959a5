import { z } from "zod";
import type { Db, Transaction } from "../../prisma/client.ts";
import { notFound, unprocessable } from "../domain/errors.ts";
import { TREATMENTS } from "../domain/scores.ts";
import { type Exam as ExamRow, Prisma, type Regrading as RegradingRow } from "../generated/prisma/client.ts";
import { examQueue } from "../queues/exam.queue.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { type Connection, connectionBy, connectionOf, type Ordering, type PageArgs } from "./connection.ts";
import { databaseTime } from "./databaseTime.ts";
import { lockExam } from "./examLock.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import { changePolicy, changesFor, type QuestionChange, requireNoneRunning } from "./policyChanges.ts";
import {
  changesOf,
  type Regrading,
  type RegradingEntry,
  toEntry,
  toRegrading,
  withStudent,
  withUndoing,
} from "./regradingRows.ts";

const reason = z.string().trim().min(1, "is empty").max(500, "has at most 500 characters");
const asked = z.object({
  examId: z.string(),
  corrections: z
    .array(
      z.object({
        questionId: z.string(),
        version: z.number().int().min(1, "is below 1").nullish(),
        treatment: z.enum(TREATMENTS).nullish(),
      }),
    )
    .min(1, "is empty")
    .max(1_000, "has at most 1000 questions"),
  dryRun: z.boolean().nullish(),
  reason,
});

const BY_SIZE: Ordering<number> = {
  direction: "asc",
  parse: (text) => (/^\d{1,9}$/.test(text) ? Number(text) : null),
};

export type RegradingService = ReturnType<typeof createRegradingService>;

/** Corrections of what a published exam is graded by: tried, applied and taken back by its staff; `regradingRuns` does the work. */
export function createRegradingService({
  db,
  cache,
  access,
  outbox,
  newId,
}: {
  db: Db;
  cache: Cache;
  access: Access;
  outbox: Outbox;
  newId: () => string;
}) {
  /** @throws NOT_FOUND, FORBIDDEN */
  async function find(actor: Actor, regradingId: string): Promise<RegradingRow> {
    const row = await db.regrading.findUnique({
      where: { id: requireId(regradingId, "regrading") },
      include: { exam: { select: { courseId: true } } },
    });
    if (!row) throw notFound("regrading");
    await access.requireStaff(db, actor, row.exam.courseId, "regrading");
    return row;
  }

  const ask = (tx: Transaction, { userId: ownerId, requestId }: Actor, regradingId: string) =>
    outbox.add(tx, examQueue, "regradeExam", { regradingId }, { ownerId, requestId });

  /** Writes down a regrading of an exam that is locked; one that is no trial changes the exam with it. */
  async function begin(
    tx: Transaction,
    actor: Actor,
    exam: ExamRow,
    given: { changes: QuestionChange[]; reason: string; dryRun: boolean; undoesId?: string },
  ): Promise<RegradingRow> {
    const id = newId();
    const row = await tx.regrading.create({
      data: {
        id,
        examId: exam.id,
        actorId: actor.userId,
        reason: given.reason,
        undoesId: given.undoesId ?? null,
        corrections: given.changes as unknown as Prisma.InputJsonValue,
        policyNumber: exam.policyNumber,
        state: "CALCULATING",
        jobId: await ask(tx, actor, id),
      },
    });
    return given.dryRun ? row : putToWork(tx, actor, exam, row);
  }

  /** Changes the exam as a regrading says, whose job is asked for. */
  async function putToWork(tx: Transaction, actor: Actor, exam: ExamRow, row: RegradingRow): Promise<RegradingRow> {
    await changePolicy(tx, exam.id, changesOf(row));
    await audit(tx, actor, newId, {
      action: row.undoesId ? "undoRegrading" : "regradeExam",
      entityType: "Exam",
      entityId: exam.id,
      before: JSON.parse(JSON.stringify(changesOf(row).map(({ questionId, before }) => ({ questionId, ...before })))),
      after: JSON.parse(
        JSON.stringify({
          regradingId: row.id,
          reason: row.reason,
          corrections: changesOf(row).map(({ questionId, after }) => ({ questionId, ...after })),
        }),
      ),
    });
    return tx.regrading.update({
      where: { id: row.id },
      data: { state: "APPLYING", appliedAt: await databaseTime(tx), summary: Prisma.DbNull, finishedAt: null },
    });
  }

  /** Runs one act on an exam that is locked, and drops after the commit what shows its questions. */
  async function onExam(
    actor: Actor,
    examId: string,
    act: (tx: Transaction, exam: ExamRow) => Promise<RegradingRow>,
  ): Promise<Regrading> {
    const row = await db.$transaction(async (tx) => act(tx, await lockExam(tx, access, actor, examId)));
    if (row.state === "APPLYING") await cache.drop(CACHE_KEYS.EXAM(examId), CACHE_KEYS.EXAM_QUESTIONS(examId));
    outbox.handOver();
    return get(actor, row.id);
  }

  /** @throws NOT_FOUND, FORBIDDEN */
  async function get(actor: Actor, regradingId: string): Promise<Regrading> {
    const { id } = await find(actor, regradingId);
    return toRegrading(await db.regrading.findUniqueOrThrow({ where: { id }, include: withUndoing }));
  }

  /** A worker that dies leaves its job to another; one that an administrator gave up is asked for again. */
  async function withLiveJob(tx: Transaction, actor: Actor, row: RegradingRow): Promise<RegradingRow> {
    const job = await tx.outboxJob.findUnique({ where: { id: row.jobId }, select: { discardedAt: true } });
    if (job && !job.discardedAt) return row;
    return tx.regrading.update({ where: { id: row.id }, data: { jobId: await ask(tx, actor, row.id) } });
  }

  return {
    get,

    /**
     * Works out what corrections do to an exam's attempts; applies them too, unless it is a trial.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, CONFLICT (REGRADING_RUNNING), UNPROCESSABLE (EXAM_NOT_PUBLISHED, INCOMPATIBLE_VERSION)
     */
    async regrade(actor: Actor, input: unknown): Promise<Regrading> {
      const { examId, corrections, reason, ...given } = parseInput(asked, input);
      const dryRun = given.dryRun ?? true;
      return onExam(actor, requireId(examId, "exam"), async (tx, exam) => {
        if (exam.status === "DRAFT")
          throw unprocessable("EXAM_NOT_PUBLISHED", "A draft has no attempts: change its questions instead.");
        await requireNoneRunning(tx, exam.id);
        const wanted = corrections.map(({ questionId, version, treatment }) => ({
          questionId: requireId(questionId, "question"),
          version: version ?? null,
          treatment: treatment ?? ("NORMAL" as const),
        }));
        return begin(tx, actor, exam, { changes: await changesFor(tx, exam.id, wanted), reason, dryRun });
      });
    },

    /**
     * Applies a trial. Safe to repeat; one that is being applied gets a new job if an administrator has given its job up.
     * @throws NOT_FOUND, FORBIDDEN, CONFLICT (REGRADING_RUNNING), UNPROCESSABLE (REGRADING_OUT_OF_DATE)
     */
    async apply(actor: Actor, regradingId: string): Promise<Regrading> {
      const { id, examId } = await find(actor, regradingId);
      return onExam(actor, examId, async (tx, exam) => {
        const row = await tx.regrading.findUniqueOrThrow({ where: { id } });
        if (row.state === "APPLIED") return row;
        if (row.state === "APPLYING") return withLiveJob(tx, actor, row);
        await requireNoneRunning(tx, examId);
        if (row.state !== "CALCULATED" || row.policyNumber !== exam.policyNumber)
          throw unprocessable(
            "REGRADING_OUT_OF_DATE",
            "What the exam is graded by has changed since, or the trial did not come to an end: try it again.",
          );
        await tx.regradingEntry.deleteMany({ where: { regradingId: id } });
        const jobId = await ask(tx, actor, id);
        return putToWork(tx, actor, exam, await tx.regrading.update({ where: { id }, data: { jobId } }));
      });
    },

    /**
     * Takes the newest applied regrading back, by one that does the opposite and is kept as well.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, CONFLICT (REGRADING_RUNNING), UNPROCESSABLE (NOT_APPLIED, NOT_THE_NEWEST)
     */
    async undo(actor: Actor, regradingId: string, reasonGiven: string): Promise<Regrading> {
      const given = parseInput(z.object({ reason }), { reason: reasonGiven }, { path: "" });
      const { id, examId } = await find(actor, regradingId);
      return onExam(actor, examId, async (tx, exam) => {
        await requireNoneRunning(tx, examId);
        const row = await tx.regrading.findUniqueOrThrow({ where: { id } });
        if (row.state !== "APPLIED" || row.undoesId)
          throw unprocessable(
            "NOT_APPLIED",
            row.undoesId
              ? "This took another regrading back: ask for that one once more."
              : "Only what is applied can be taken back.",
          );
        const newest = await tx.regrading.findFirst({
          where: { examId, state: "APPLIED", undoesId: null },
          orderBy: { appliedAt: "desc" },
          select: { id: true },
        });
        if (newest?.id !== id)
          throw unprocessable("NOT_THE_NEWEST", "A newer regrading is applied: take that one back first.");
        await tx.regrading.update({ where: { id }, data: { state: "UNDONE" } });
        const changes = changesOf(row).map(({ before, after, ...question }) => ({
          ...question,
          before: after,
          after: before,
        }));
        return begin(tx, actor, exam, { changes, reason: given.reason, dryRun: false, undoesId: id });
      });
    },

    /** All of an exam, trials too, the newest first. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async list(actor: Actor, examIdGiven: string, page: PageArgs): Promise<Connection<Regrading>> {
      const examId = requireId(examIdGiven, "exam");
      const exam = await db.exam.findUnique({ where: { id: examId }, select: { courseId: true } });
      if (!exam) throw notFound("exam");
      await access.requireStaff(db, actor, exam.courseId, "exam");
      return connectionOf(page, {
        find: ({ where, ...rest }) =>
          db.regrading.findMany({ where: { examId, ...where }, ...rest, include: withUndoing }),
        count: () => db.regrading.count({ where: { examId } }),
        id: ({ id }) => id,
        toNode: toRegrading,
      });
    },

    /** Whom a regrading that the caller has been given changes, the largest change first; empty until it is finished. */
    async entries(regradingId: string, page: PageArgs): Promise<Connection<RegradingEntry>> {
      const matching = { regradingId, position: { not: null } };
      return connectionBy(BY_SIZE, page, {
        find: ({ where, orderBy, take }) =>
          db.regradingEntry.findMany({
            where: { regradingId, position: { not: null, ...where.id } },
            orderBy: { position: orderBy.id },
            take,
            include: withStudent,
          }),
        count: () => db.regradingEntry.count({ where: matching }),
        id: ({ position }) => position!,
        toNode: toEntry,
      });
    },
  };
}
