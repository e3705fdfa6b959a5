import type { Db, Transaction } from "../../prisma/client.ts";
import { forbidden } from "../domain/errors.ts";
import type { PersonRow } from "../domain/personRow.ts";
import { emailQueue } from "../queues/email.queue.ts";
import type { JobContext } from "../queues/jobContext.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Access } from "./access.ts";
import { requireMayImport } from "./importAccess.ts";
import { type ChunkResult, takeIn } from "./importChunk.ts";
import type { BroughtInBy } from "./importDecision.ts";
import { peopleOf } from "./peopleFile.ts";

/** Rows of one transaction. */
const CHUNK_ROWS = 500;

export type ImportRuns = ReturnType<typeof createImportRuns>;

/** Takes in the people of a file. What is written down in `user_import_rows` is done, and is not done again. */
export function createImportRuns({
  db,
  cache,
  access,
  outbox,
  clock,
  newId,
}: {
  db: Db;
  cache: Cache;
  access: Access;
  outbox: Outbox;
  clock: () => Date;
  newId: () => string;
}) {
  const dropChanged = ({ profilesChanged, enrollmentsChanged }: Omit<ChunkResult, "counts">) =>
    cache.drop(...profilesChanged.map(CACHE_KEYS.USER_PROFILE), ...enrollmentsChanged.map(CACHE_KEYS.USER_ENROLLMENTS));

  /** Whoever asked for the import, with the role they have now. @throws FORBIDDEN, NOT_FOUND when they may not import any more */
  async function requireAsker(
    tx: Transaction,
    { actorId, courseId }: { actorId: string; courseId: string | null },
  ): Promise<BroughtInBy> {
    const asker = await tx.user.findUnique({ where: { id: actorId }, select: { role: true, disabledAt: true } });
    if (!asker || asker.disabledAt) throw forbidden("The account of whoever asked for this is closed.");
    const by = { userId: actorId, role: asker.role, courseId };
    await requireMayImport(tx, access, by, courseId);
    return by;
  }

  /** Takes in those of these rows that are not done; null when the import is finished or gone. */
  async function takeInChunk(importId: string, rows: readonly PersonRow[]): Promise<ChunkResult | null> {
    return db.$transaction(async (tx) => {
      // Held until the commit: a second worker that was given the job too waits here, and then finds the rows done.
      const [open] = await tx.$queryRaw<{ actorId: string; courseId: string | null }[]>`
        SELECT actor_id AS "actorId", course_id AS "courseId" FROM user_imports
        WHERE id = ${importId}::uuid AND finished_at IS NULL FOR UPDATE`;
      if (!open) return null;
      const by = await requireAsker(tx, open);
      const doneUpTo = await lastLineDone(tx, importId);
      const left = rows.filter(({ line }) => line > doneUpTo);
      const result = await takeIn(tx, left, { importId, by, outbox, now: clock(), newId });
      const { ACCEPTED, UPDATED, UNCHANGED, REFUSED } = result.counts;
      await tx.userImport.updateMany({
        where: { id: importId },
        data: {
          accepted: { increment: ACCEPTED },
          updated: { increment: UPDATED },
          unchanged: { increment: UNCHANGED },
          refused: { increment: REFUSED },
        },
      });
      return result;
    });
  }

  /** The try before may have died between its last commit and the drop that belongs to it. */
  async function dropAgain(importId: string): Promise<void> {
    const people = await db.$queryRaw<{ id: string }[]>`
      SELECT person.id FROM (
        SELECT email, outcome FROM user_import_rows WHERE import_id = ${importId}::uuid ORDER BY line DESC LIMIT ${CHUNK_ROWS}
      ) AS done JOIN users person ON person.email = done.email
      WHERE done.outcome = 'UPDATED'`;
    const ids = people.map(({ id }) => id);
    await dropChanged({ profilesChanged: ids, enrollmentsChanged: ids });
  }

  /** Forgets the file and tells whoever asked for it, once. */
  async function finish(importId: string, userId: string): Promise<void> {
    await db.$transaction(async (tx) => {
      const { count } = await tx.userImport.updateMany({
        where: { id: importId, finishedAt: null },
        data: { csv: null, finishedAt: clock() },
      });
      if (count === 0) return;
      const mail = { template: "importFinished", userId, importId } as const;
      await outbox.add(tx, emailQueue, "sendTemplate", mail, { ownerId: userId });
    });
    outbox.handOver();
  }

  return {
    /**
     * Takes the file in, a chunk at a time. Safe to repeat: it goes on behind the last row that is done.
     * @throws FORBIDDEN, NOT_FOUND when whoever asked for it may not import any more
     */
    async run(importId: string, { progress, signal }: Pick<JobContext, "progress" | "signal">): Promise<void> {
      const begun = await db.userImport.findUnique({ where: { id: importId } });
      if (begun?.csv == null) return; // finished, or gone with whoever asked for it
      const doneUpTo = await lastLineDone(db, importId);
      if (doneUpTo > 0) await dropAgain(importId);
      let read = 0;
      for await (const rows of peopleOf(begun.csv, CHUNK_ROWS)) {
        signal.throwIfAborted();
        read += rows.length;
        if (rows.at(-1)!.line <= doneUpTo) continue;
        const result = await takeInChunk(importId, rows);
        if (!result) return;
        outbox.handOver();
        await dropChanged(result);
        await progress((read / begun.totalRows) * 100);
      }
      await finish(importId, begun.actorId);
    },
  };
}

/** 0 when none is. */
async function lastLineDone(tx: Db | Transaction, importId: string): Promise<number> {
  const { _max } = await tx.userImportRow.aggregate({ where: { importId }, _max: { line: true } });
  return _max.line ?? 0;
}
