import type { Job } from "bullmq";
import type { Redis } from "ioredis";
import type { Logger } from "../utils/logger.ts";
import type { JobData } from "./defineQueue.ts";
import { bucketOf } from "./timeBuckets.ts";

export type JobTimes = ReturnType<typeof createJobTimes>;

export const minuteMs = 60_000;
const keptSeconds = 24 * 3_600;
/** What is done within this time travels together. */
const gatherMs = 1_000;

/** The hash of what a queue did in one minute: counts by outcome, and by the bucket of each wait (`w…`) and run (`r…`). */
export const minuteKey = (prefix: string, queue: string, minute: number) => `${prefix}:job-times:${queue}:${minute}`;
/** The hash of when each scheduled job last finished. */
export const lastRunsKey = (prefix: string) => `${prefix}:job-last-runs`;
export const lastRunField = (queue: string, job: string) => `${queue}/${job}`;

/**
 * Notes how long jobs waited and ran, for whoever watches the queues: gathered here and written once a second in one
 * round trip. Never throws and never waits. They are only figures: what cannot be written is lost, and said once.
 */
export function createJobTimes({
  redis,
  prefix,
  clock,
  log,
}: {
  /** A connection of the role "queue": it fails rather than hangs. */
  redis: Redis;
  prefix: string;
  clock: () => Date;
  log: Logger;
}) {
  let counts = new Map<string, Map<string, number>>();
  let lastRuns = new Map<string, number>();
  let gathering: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  let isFailing = false;

  function note(queue: string, ...fields: string[]): void {
    const key = minuteKey(prefix, queue, Math.floor(clock().getTime() / minuteMs));
    const minute = counts.get(key) ?? new Map<string, number>();
    counts.set(key, minute);
    for (const field of fields) minute.set(field, (minute.get(field) ?? 0) + 1);
    gathering ??= setTimeout(() => void flush(), gatherMs).unref();
  }

  async function write(): Promise<void> {
    if (counts.size === 0) return;
    const batch = redis.pipeline();
    for (const [key, fields] of counts) {
      for (const [field, count] of fields) batch.hincrby(key, field, count);
      batch.expire(key, keptSeconds);
    }
    if (lastRuns.size > 0) batch.hset(lastRunsKey(prefix), lastRuns);
    counts = new Map();
    lastRuns = new Map();
    try {
      for (const [error] of (await batch.exec()) ?? []) if (error) throw error;
      isFailing = false;
    } catch (error) {
      if (!isFailing) log.warn({ err: error }, "times of jobs could not be noted and are missing in the monitor");
      isFailing = true;
    }
  }

  function flush(): Promise<void> {
    clearTimeout(gathering);
    gathering = undefined;
    writing = writing.then(write);
    return writing;
  }

  const runOf = (job: Job<JobData>) => bucketOf((job.finishedOn ?? clock().getTime()) - job.processedOn!);
  /** A second try has waited since a moment that BullMQ does not keep. */
  const waitOf = (job: Job<JobData>) =>
    job.attemptsStarted === 1 ? [`w${bucketOf(job.processedOn! - job.timestamp - (job.opts.delay ?? 0))}`] : [];

  function ended(queue: string, job: Job<JobData>, outcome: "completed" | "failed"): void {
    const times = job.processedOn ? [`r${runOf(job)}`, ...waitOf(job)] : []; // a job can fail without having started
    if (job.repeatJobKey) lastRuns.set(lastRunField(queue, job.name), job.finishedOn ?? clock().getTime());
    note(queue, outcome, ...times);
  }

  return {
    /** A job is done. */
    completed: (queue: string, job: Job<JobData>) => ended(queue, job, "completed"),
    /** A try has failed, whether or not there will be another. */
    failed: (queue: string, job: Job<JobData>) => ended(queue, job, "failed"),
    /** A job has lost its worker. */
    stalled: (queue: string) => note(queue, "stalled"),
    /** Writes what is gathered now. Never rejects. Safe to repeat. */
    flush,
  };
}
