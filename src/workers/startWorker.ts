import { setTimeout as sleep } from "node:timers/promises";
import { type Job, MetricsTime, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { inWork } from "../currentWork.ts";
import type { DeadLetters } from "../queues/deadLetters.ts";
import type { JobData } from "../queues/defineQueue.ts";
import type { JobTimes } from "../queues/jobTimes.ts";
import { type OpenQueues, QueuesUnavailable } from "../queues/openQueues.ts";
import type { Outbox } from "../queues/outbox.ts";
import { putSchedules, restoreSchedules } from "../queues/schedules.ts";
import { noTracing, type Tracing } from "../tracing/tracing.ts";
import type { JobState } from "../utils/jobStatus.ts";
import type { Logger } from "../utils/logger.ts";
import { workOf } from "./jobWork.ts";
import type { QueueWorker } from "./queueWorker.ts";
import { processStops, runJob } from "./runJob.ts";

/** What happened to a job, for whoever watches it. A failed try that will be repeated is DELAYED. */
export interface JobEvent {
  queue: string;
  jobId: string;
  name: string;
  ownerId: string | null;
  state: Exclude<JobState, "WAITING">;
  progress: number;
}

export interface RunningWorkers {
  /** Takes no new jobs, lets the running ones finish, and at the end of the limit puts them back. Safe to repeat. */
  close(timeoutMs: number): Promise<void>;
  /** Whether every queue's worker takes jobs. */
  isRunning(): boolean;
}

export interface WorkerTiming {
  /** A worker that has not renewed a job's lock for this long is taken for dead. */
  lockMs: number;
  /** How often dead workers' jobs are looked for. Every worker must use the same: the last one's rules for all of them. */
  stalledCheckMs: number;
  /** How often lost schedules are put back. */
  upkeepMs: number;
}

const defaultTiming: WorkerTiming = { lockMs: 20_000, stalledCheckMs: 5_000, upkeepMs: 60_000 };
/** Deaths of its worker a job survives: enough for any run of bad luck, an end for a job that kills its workers. */
const maxStalledCount = 10;
/** The part of the closing time kept for putting back what did not finish. */
const putBackMs = 2_000;

/** Starts one BullMQ worker for each queue, keeps their schedules in Redis, and fills the dead-letter list. */
export function startWorkers({
  workers,
  redis,
  queues,
  outbox,
  deadLetters,
  jobTimes,
  log,
  onJobEvent = () => {},
  tracing = noTracing,
  timing = defaultTiming,
}: {
  workers: readonly QueueWorker[];
  /** A connection of the role "worker"; each queue duplicates it once for waiting. Closed by whoever made it. */
  redis: Redis;
  queues: OpenQueues;
  outbox: Pick<Outbox, "finish">;
  deadLetters: Pick<DeadLetters, "add" | "collect">;
  jobTimes: Pick<JobTimes, "completed" | "failed" | "stalled">;
  log: Logger;
  /** Told about every job but the runs of schedules. */
  onJobEvent?: (event: JobEvent) => void;
  tracing?: Tracing;
  timing?: WorkerTiming;
}): RunningWorkers {
  const stopping = new AbortController();
  const unfinished = new Set<Promise<void>>();
  const running = workers.map(start);
  const upkeep = keepUp();
  let closed: Promise<void> | undefined;

  function start(queueWorker: QueueWorker): Worker<JobData> {
    const queue = queueWorker.queue.name;
    const tell = (job: Job<JobData>, state: JobEvent["state"], progress: number) => {
      if (job.repeatJobKey) return;
      try {
        const event = { queue, jobId: job.id!, name: job.name, ownerId: job.data.ownerId ?? null, state, progress };
        inWork(workOf(job), () => onJobEvent(event)); // BullMQ tells of a job outside of what the handler does
      } catch (error) {
        log.error({ ...factsOf(queue, job), err: error }, "job event could not be told"); // the job itself is all right
      }
    };

    const worker = new Worker<JobData>(
      queue,
      (job, token, signal) =>
        runJob({
          worker: queueWorker,
          job,
          token,
          stopped: signal!,
          log,
          onProgress: (percent) => tell(job, "ACTIVE", percent),
        }),
      {
        connection: redis,
        prefix: queues.prefix,
        concurrency: queueWorker.queue.concurrency,
        lockDuration: timing.lockMs,
        stalledInterval: timing.stalledCheckMs,
        maxStalledCount,
        metrics: { maxDataPoints: MetricsTime.ONE_HOUR }, // counts what is done and failed, which /metrics tells
        telemetry: tracing.jobs,
        runRetryDelay: 1_000, // BullMQ's own 15 s would be added to every short outage
      },
    );
    worker.on("active", (job) => tell(job, "ACTIVE", Number(job.progress) || 0));
    worker.on("completed", (job) => {
      outbox.finish(job.id!);
      jobTimes.completed(queue, job);
      const level = job.repeatJobKey ? "debug" : "info";
      log[level]({ ...factsOf(queue, job), ms: job.finishedOn! - job.processedOn! }, "job done");
      tell(job, "COMPLETED", 100);
    });
    worker.on("failed", (job, error) => {
      if (!job) return; // removed while it was running: nothing is left to try or to list
      jobTimes.failed(queue, job);
      const facts = { ...factsOf(queue, job), err: error };
      const willRepeat = !job.finishedOn;
      if (willRepeat) log.warn(facts, "job failed and will be tried again");
      else log.error(facts, "job failed for good");
      if (!willRepeat && !job.repeatJobKey) finishBeforeClosing(bury(queue, job));
      tell(job, willRepeat ? "DELAYED" : "FAILED", Number(job.progress) || 0);
    });
    worker.on("stalled", (jobId) => {
      jobTimes.stalled(queue);
      finishBeforeClosing(sayStalled(queue, jobId));
    });
    worker.on("lockRenewalFailed", (jobIds) => {
      for (const jobId of jobIds) worker.cancelJob(jobId, "Another worker has taken the job over.");
    });
    worker.on("error", (error) => {
      // A lost connection is said once, by the connection; each waiting duplicate would repeat it every second.
      const level = isConnectionError(error) ? "debug" : "error";
      log[level]({ queue, err: error }, "worker error");
    });
    return worker;
  }

  async function sayStalled(queue: string, jobId: string): Promise<void> {
    const job = await queues.use(queue, (open) => open.getJob(jobId)).catch(() => undefined); // its id is worth a line too
    log.warn(job ? factsOf(queue, job) : { queue, jobId }, "job of a dead worker goes back to the queue");
  }

  async function bury(queue: string, job: Job<JobData>): Promise<void> {
    try {
      await deadLetters.add(queue, job);
    } catch (error) {
      log.warn(
        { ...factsOf(queue, job), err: error },
        "job could not be put on the dead-letter list; the next sweep does it",
      );
    }
  }

  function finishBeforeClosing(work: Promise<void>): void {
    const tracked = work.finally(() => unfinished.delete(tracked));
    unfinished.add(tracked);
  }

  /** Puts the schedules and collects what earlier workers left, then puts back schedules that Redis loses. */
  async function keepUp(): Promise<void> {
    let done = false;
    await queues.untilConnected(2_000);
    while (!stopping.signal.aborted) {
      try {
        for (const { queue } of workers) await (done ? restoreSchedules : putSchedules)(queues, queue);
        if (!done) await deadLetters.collect();
        done = true;
      } catch (error) {
        const level = error instanceof QueuesUnavailable ? "debug" : "warn"; // an outage is said by the connection
        log[level]({ err: error }, "schedules could not be put; tried again soon");
      }
      const pauseMs = done ? timing.upkeepMs : Math.min(1_000, timing.upkeepMs);
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => {}); // aborted means closing
    }
  }

  async function close(timeoutMs: number): Promise<void> {
    stopping.abort();
    const finished = Promise.all(running.map((worker) => worker.close()));
    if (!(await settles(finished, Math.max(0, timeoutMs - putBackMs)))) {
      log.warn("jobs did not finish in time and go back to the queue");
      for (const worker of running) worker.cancelAllJobs(processStops);
      if (!(await settles(finished, Math.min(putBackMs, timeoutMs)))) {
        // Redis is away, so nothing can be put back: the locks run out and another worker takes the jobs.
        for (const worker of running)
          worker.disconnect().catch((error) => log.debug({ err: error }, "worker disconnected"));
      }
    }
    await settles(Promise.all([upkeep, ...unfinished]), putBackMs);
  }

  return {
    close(timeoutMs) {
      closed ??= close(timeoutMs);
      return closed;
    },
    isRunning: () => !stopping.signal.aborted && running.every((worker) => worker.isRunning()),
  };
}

const factsOf = (queue: string, job: Job<JobData>) => ({
  queue,
  job: job.name,
  jobId: job.id,
  attempt: job.attemptsMade,
  ...workOf(job),
});

const isConnectionError = (error: Error) =>
  /ECONN|EPIPE|ENOTFOUND|ETIMEDOUT|Connection is closed|LOADING/.test(
    `${(error as NodeJS.ErrnoException).code} ${error.message}`,
  );

/** Whether the work ends within the limit, well or badly. */
async function settles(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const timer = new AbortController();
  const ended = work.then(
    () => true,
    () => true,
  );
  const limit = sleep(limitMs, false, { signal: timer.signal }).catch(() => false);
  const result = await Promise.race([ended, limit]);
  timer.abort();
  return result;
}
