import { allQueues } from "./allQueues.ts";
import { completedKeptSeconds } from "./defineQueue.ts";
import type { OpenQueues } from "./openQueues.ts";

const batchSize = 1_000;

/** Removes completed jobs older than they are kept: BullMQ itself does so only when another job completes. Safe to repeat. */
export async function removeCompletedJobs(queues: OpenQueues, declarations = allQueues): Promise<number> {
  let removed = 0;
  for (const { name } of declarations) {
    let batch: string[];
    do {
      batch = await queues.use(name, (queue) => queue.clean(completedKeptSeconds * 1_000, batchSize, "completed"));
      removed += batch.length;
    } while (batch.length === batchSize);
  }
  return removed;
}
