import type { Db } from "../../prisma/client.ts";
import type { Storage } from "../storage/storage.ts";
import { STORAGE_KEYS } from "../storage/storageKeys.ts";
import type { UploadFiles } from "../storage/uploadFiles.ts";
import type { Logger } from "../utils/logger.ts";
import { databaseTime } from "./databaseTime.ts";
import type { UploadService } from "./upload.service.ts";

export type AbandonedUploads = ReturnType<typeof createAbandonedUploads>;

/** Looks after uploads that no client comes back for. */
export function createAbandonedUploads({
  db,
  storage,
  uploadFiles,
  uploads,
  log,
}: {
  db: Db;
  storage: Storage;
  uploadFiles: UploadFiles;
  uploads: Pick<UploadService, "finishIfWhole">;
  log: Logger;
}) {
  /** Those that have all their bytes, but no process lived to say so. One that cannot be finished does not stop the others. */
  async function finishWhole(now: Date): Promise<number> {
    const open = await db.videoUpload.findMany({
      where: { openedAt: { not: null }, finishedAt: null, expiresAt: { gt: now } },
    });
    let finished = 0;
    for (const upload of open) {
      try {
        if (await uploads.finishIfWhole(upload)) finished += 1;
      } catch (err) {
        log.warn({ err, uploadId: upload.id }, "an upload could not be finished; tried again with the next clean-up");
      }
    }
    return finished;
  }

  /** Files of which no upload that goes on knows: it expired, was replaced, is finished, or went with its video. */
  async function discardFiles(): Promise<number> {
    const ids = new Set<string>();
    for await (const key of storage.list(STORAGE_KEYS.UPLOADS))
      ids.add(uploadFiles.nameOf(key).slice(STORAGE_KEYS.UPLOADS.length));
    const wanted = await db.videoUpload.findMany({
      where: { id: { in: [...ids] }, finishedAt: null },
      select: { id: true },
    });
    for (const { id } of wanted) ids.delete(id);
    for (const id of ids) await uploadFiles.discard(STORAGE_KEYS.UPLOAD(id));
    return ids.size;
  }

  return {
    /** Safe to repeat. @returns how many uploads were finished, forgotten, and how many had left files behind */
    async remove(): Promise<{ finished: number; expired: number; discarded: number }> {
      const now = await databaseTime(db);
      const finished = await finishWhole(now);
      const { count: expired } = await db.videoUpload.deleteMany({ where: { expiresAt: { lte: now } } });
      return { finished, expired, discarded: await discardFiles() };
    },
  };
}
