import type { DeadLetters } from "../queues/deadLetters.ts";
import type { Handlers } from "../queues/defineQueue.ts";
import type { OpenQueues } from "../queues/openQueues.ts";
import type { Outbox } from "../queues/outbox.ts";
import { removeCompletedJobs } from "../queues/removeCompletedJobs.ts";
import type { systemQueue } from "../queues/system.queue.ts";

export interface SystemJobs {
  outbox: Pick<Outbox, "prune">;
  deadLetters: Pick<DeadLetters, "collect">;
  queues: OpenQueues;
}

export const systemHandlers = ({ outbox, deadLetters, queues }: SystemJobs): Handlers<typeof systemQueue> => ({
  /** May run twice: a row is deleted once. */
  pruneOutbox: () => outbox.prune(),
  /** May run twice: a job is removed once. */
  removeCompletedJobs: () => removeCompletedJobs(queues),
  /** May run twice: an entry has its job's id, so it is added once. */
  collectDeadLetters: () => deadLetters.collect(),
});
