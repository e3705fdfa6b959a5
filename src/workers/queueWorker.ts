import type { Handlers, JobContract, QueueDeclaration } from "../queues/defineQueue.ts";
import type { JobContext } from "../queues/jobContext.ts";

export type Handler = (payload: unknown, job: JobContext) => Promise<unknown>;

/** A queue together with the handlers of its jobs. */
export interface QueueWorker {
  queue: QueueDeclaration;
  handlers: Readonly<Record<string, Handler>>;
}

/** Ties a queue to its handlers: a job without a handler, or a handler without a job, does not compile. */
export const workerOf = <Jobs extends Record<string, JobContract>>(
  queue: QueueDeclaration<Jobs>,
  handlers: Handlers<QueueDeclaration<Jobs>>,
): QueueWorker => ({ queue, handlers: handlers as Readonly<Record<string, Handler>> });
