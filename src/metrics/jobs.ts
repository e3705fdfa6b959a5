import { Counter, Histogram } from "prom-client";
import { allQueues } from "../queues/allQueues.ts";
import type { JobTimes } from "../queues/jobTimes.ts";
import type { Metrics } from "./metrics.ts";

type JobObserver = Pick<JobTimes, "completed" | "failed" | "stalled">;
type EndedJob = Parameters<JobObserver["completed"]>[1];

/** From a hundredth of a second to an hour: a grading and a transcoding have little in common. */
const SECONDS = [0.01, 0.05, 0.25, 1, 5, 30, 120, 600, 3_600];

const declared = new Map(allQueues.map(({ name, jobs }) => [name, jobs]));
/** A name that only another version declares would be a series for good. */
const labelOf = (queue: string, job: string) => (Object.hasOwn(declared.get(queue) ?? {}, job) ? job : "other");

/**
 * What this worker does, by job.
 * @param next is told of each job as well
 */
export function jobMetrics(
  { registry }: Metrics,
  { next, clock }: { next: JobObserver; clock: () => Date },
): JobObserver {
  const registers = [registry];
  const run = new Histogram({
    name: "lectern_job_run_seconds",
    help: "How long tries of jobs took, by outcome; its count is the rate.",
    labelNames: ["queue", "job_name", "outcome"],
    buckets: SECONDS,
    registers,
  });
  const wait = new Histogram({
    name: "lectern_job_wait_seconds",
    help: "How long jobs that were due waited for their first start.",
    labelNames: ["queue"],
    buckets: SECONDS,
    registers,
  });
  const stalled = new Counter({
    name: "lectern_jobs_stalled_total",
    help: "Jobs that lost their worker and were found by this one.",
    labelNames: ["queue"],
    registers,
  });

  function ended(queue: string, job: EndedJob, outcome: "completed" | "failed"): void {
    if (!job.processedOn) return; // failed without having run, for example stalled too often
    const endedAt = job.finishedOn ?? clock().getTime(); // a try that will be repeated is not the end
    run.observe({ queue, job_name: labelOf(queue, job.name), outcome }, secondsBetween(job.processedOn, endedAt));
    // A second try has waited since a moment that BullMQ does not keep.
    if (job.attemptsStarted === 1)
      wait.observe({ queue }, secondsBetween(job.timestamp + (job.opts.delay ?? 0), job.processedOn));
  }

  return {
    completed(queue, job) {
      ended(queue, job, "completed");
      next.completed(queue, job);
    },
    failed(queue, job) {
      ended(queue, job, "failed");
      next.failed(queue, job);
    },
    stalled(queue) {
      stalled.inc({ queue });
      next.stalled(queue);
    },
  };
}

const secondsBetween = (fromMs: number, toMs: number) => Math.max(0, toMs - fromMs) / 1_000;
