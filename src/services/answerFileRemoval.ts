import type { Db, Transaction } from "../../prisma/client.ts";
import { Prisma } from "../generated/prisma/client.ts";
import { examQueue } from "../queues/exam.queue.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Storage } from "../storage/storage.ts";
import { STORAGE_KEYS } from "../storage/storageKeys.ts";

/** How long a file that no answer names stays after its attempt was handed in. */
const UNNAMED_DAYS = 7;
const BATCH = 500;

/** Whether an answer that was saved names the file of the row `file`. */
export const isNamed = Prisma.sql`EXISTS (
  SELECT FROM answers answer
  WHERE answer.attempt_id = file.attempt_id AND answer.question_version_id = file.question_version_id
    AND answer.response @> jsonb_build_object('files', jsonb_build_array(file.id::text)))`;

export type AnswerFileRemoval = ReturnType<typeof createAnswerFileRemoval>;

/** Takes files of answers away: the row at once, and what is stored by a job that follows from that. */
export function createAnswerFileRemoval({ db, outbox, storage }: { db: Db; outbox: Outbox; storage: Storage }) {
  /** @param which a condition on the row `file` @returns how many; `outbox.handOver` is the caller's, after the commit */
  async function remove(tx: Transaction, which: Prisma.Sql): Promise<number> {
    const removed = await tx.$queryRaw<{ id: string }[]>`DELETE FROM answer_files file WHERE ${which} RETURNING id`;
    const fileIds = removed.map(({ id }) => id);
    if (fileIds.length > 0) await outbox.add(tx, examQueue, "removeAnswerFiles", { fileIds });
    return fileIds.length;
  }

  return {
    remove,

    /** All files of a person's attempts. */
    removeOf: (tx: Transaction, userId: string): Promise<number> =>
      remove(tx, Prisma.sql`file.attempt_id IN (SELECT id FROM attempts WHERE user_id = ${userId}::uuid)`),

    /**
     * Files that arrived and were never made part of an answer, some days after nobody can do so any more. Safe to repeat.
     * @returns how many
     */
    async removeUnnamed(): Promise<number> {
      let total = 0;
      for (let removed = BATCH; removed === BATCH; total += removed)
        removed = await db.$transaction((tx) =>
          remove(
            tx,
            Prisma.sql`file.id IN (
              SELECT file.id FROM answer_files file JOIN attempts attempt ON attempt.id = file.attempt_id
              WHERE file.finished_at IS NOT NULL
                AND attempt.submitted_at < clock_timestamp() - make_interval(days => ${UNNAMED_DAYS}) AND NOT ${isNamed}
              LIMIT ${BATCH})`,
          ),
        );
      if (total > 0) outbox.handOver();
      return total;
    },

    /** What is stored of files whose rows are gone. Safe to repeat; a file that has its row is left. */
    async removeStored(fileIds: readonly string[]): Promise<void> {
      const kept = await db.answerFile.findMany({ where: { id: { in: [...fileIds] } }, select: { id: true } });
      const isKept = new Set(kept.map(({ id }) => id));
      for (const id of fileIds) if (!isKept.has(id)) await storage.remove(STORAGE_KEYS.ANSWER_FILE(id));
    },
  };
}
