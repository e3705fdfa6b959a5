import { type Job, UnrecoverableError, WaitingError } from "bullmq";
import { z } from "zod";
import { inWork } from "../currentWork.ts";
import { DomainError } from "../domain/errors.ts";
import type { JobData } from "../queues/defineQueue.ts";
import type { JobContext } from "../queues/jobContext.ts";
import type { Logger } from "../utils/logger.ts";
import { workOf } from "./jobWork.ts";
import type { QueueWorker } from "./queueWorker.ts";

/** The reason BullMQ is given to cancel jobs with when the process stops. */
export const processStops = "The process stops.";

/**
 * The one place where a job meets its handler. Three outcomes: done (returns), refused (throws UnrecoverableError, not tried
 * again), failed (throws, tried again as declared). A job that is cut short because its process stops goes back to the queue
 * and keeps the try.
 */
export async function runJob({
  worker: { queue, handlers },
  job,
  token,
  stopped,
  log,
  onProgress,
}: {
  worker: QueueWorker;
  job: Job<JobData>;
  token: string | undefined;
  /** BullMQ's signal for this job. */
  stopped: AbortSignal;
  log: Logger;
  onProgress: (percent: number) => void;
}): Promise<void> {
  const contract = Object.hasOwn(queue.jobs, job.name) ? queue.jobs[job.name] : undefined;
  const handler = Object.hasOwn(handlers, job.name) ? handlers[job.name] : undefined;
  // Not refused: while versions are mixed, a newer worker may take the next try.
  if (!contract || !handler) throw new Error(`This version knows no job ${job.name} in the queue ${queue.name}.`);
  const payload = contract.payload.safeParse(job.data.payload);
  if (!payload.success)
    throw new UnrecoverableError(`The payload is not as declared: ${z.prettifyError(payload.error)}`);

  const control = new AbortController();
  const { signal } = control;
  const giveUp = (reason: string) => control.abort(new Error(reason));
  stopped.addEventListener("abort", () => giveUp(String(stopped.reason)), { once: true });
  const timer = contract.timeoutMs
    ? setTimeout(() => giveUp(`The job took longer than ${contract.timeoutMs} ms.`), contract.timeoutMs)
    : undefined;
  let ownLog: Logger | undefined;
  const context: JobContext = {
    jobId: job.id!,
    isLastTry: job.attemptsMade + 1 >= (job.opts.attempts ?? 1),
    get log() {
      // Made when it is first used: most jobs are done without a word of their own, and a child logger is not free.
      ownLog ??= log.child({
        queue: queue.name,
        job: job.name,
        jobId: job.id,
        attempt: job.attemptsMade + 1,
      });
      return ownLog;
    },
    signal,
    async progress(percent) {
      const whole = Math.min(100, Math.max(0, Math.round(percent)));
      if (whole === job.progress) return;
      await job.updateProgress(whole);
      onProgress(whole);
    },
  };
  try {
    await Promise.race([inWork(workOf(job), () => handler(payload.data, context)), abortOf(signal)]);
  } catch (error) {
    if (stopped.reason === processStops) {
      await job.moveToWait(token);
      throw new WaitingError();
    }
    // A rule gives the same answer next time; a service that is away does not.
    if (error instanceof DomainError && error.code !== "SERVICE_UNAVAILABLE")
      throw Object.assign(new UnrecoverableError(error.message), { cause: error }); // the cause is for the log
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Rejects when the signal is aborted, so that a handler that does not look at its signal is left behind. */
function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
