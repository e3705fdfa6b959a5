import type { Db } from "../../prisma/client.ts";
import type { Storage } from "../storage/storage.ts";
import { STORAGE_KEYS } from "../storage/storageKeys.ts";

export type VideoFiles = ReturnType<typeof createVideoFiles>;

/** Removes the files of videos that nobody needs any more. */
export function createVideoFiles({ db, storage }: { db: Db; storage: Storage }) {
  return {
    /** All files of a video that was removed. Safe to repeat; those of a video that is there are left. */
    async removeVideo(videoId: string): Promise<void> {
      if ((await db.video.count({ where: { id: videoId } })) > 0) return;
      await storage.removeAll(STORAGE_KEYS.VIDEO(videoId));
    },

    /** What one processing made. Safe to repeat; what a video plays from, or is being made of it, is left. */
    async removeRun(videoId: string, run: number): Promise<void> {
      const inUse = { id: videoId, run, status: { in: ["READY" as const, "PROCESSING" as const] } };
      if ((await db.video.count({ where: inUse })) > 0) return;
      await storage.removeAll(STORAGE_KEYS.RUN(videoId, run));
    },
  };
}
