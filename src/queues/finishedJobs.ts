import type { Db } from "../../prisma/client.ts";
import type { Logger } from "../utils/logger.ts";
import { isFromOutbox } from "./jobId.ts";

const batchSize = 1_000;
/** Nobody waits for it, so one statement carries what is done within this time. */
const gatherMs = 50;

/** Writes `finished_at` of done jobs in batches. */
export function createFinishedJobs({ db, log }: { db: Db; log: Logger }) {
  const noted = new Set<string>();
  let writing: Promise<void> | undefined;
  let failing = false;
  let gathering: NodeJS.Timeout | undefined;

  async function writeAll(): Promise<void> {
    try {
      while (noted.size > 0) {
        const ids = [...noted].slice(0, batchSize);
        await db.$executeRaw`
          UPDATE outbox_jobs SET finished_at = now(), discarded_at = NULL
          WHERE id = ANY(string_to_array(${ids.join()}, ',')::uuid[])
            AND (finished_at IS NULL OR discarded_at IS NOT NULL)`; // done in the moment when it was to be discarded: done
        failing = false;
        for (const id of ids) noted.delete(id);
      }
    } catch (error) {
      // Kept here, and found done in Redis by the relay should this process die.
      if (!failing) log.warn({ err: error, jobs: noted.size }, "finished jobs could not be noted; tried again later");
      failing = true;
    } finally {
      writing = undefined;
    }
  }

  const flush = async (): Promise<void> => {
    clearTimeout(gathering);
    gathering = undefined;
    if (noted.size === 0) return;
    writing ??= writeAll();
    await writing;
  };

  return {
    /** Runs of a schedule have ids of another form and no row. */
    add(jobId: string): void {
      if (!isFromOutbox(jobId)) return;
      noted.add(jobId);
      // After a failure the relay's next round tries again, not every job.
      if (!failing) gathering ??= setTimeout(flush, gatherMs).unref();
    },
    /** Writes what is noted now. Never rejects. */
    flush,
  };
}
