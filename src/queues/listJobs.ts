import type { Job } from "bullmq";
import { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import type { OutboxJob as OutboxRow } from "../generated/prisma/client.ts";
import type { JobState } from "../utils/jobStatus.ts";
import { allQueues } from "./allQueues.ts";
import { countDeadLetters } from "./deadLetters.ts";
import { type JobData, jobOptions, type QueueDeclaration } from "./defineQueue.ts";
import { isFromOutbox } from "./jobId.ts";
import type { OpenQueues } from "./openQueues.ts";
import { redactPayload, redactText } from "./redactPayload.ts";

export interface QueueCounts {
  name: string;
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
  completed: number;
  /** On the dead-letter list. */
  dead: number;
  isPaused: boolean;
}

/** A job as operators may see it: without what is private in its payload and its error. */
export interface ShownJob {
  id: string;
  queue: string;
  name: string;
  /** OUTBOX: not handed over yet; LOST: handed over, not done and not in Redis; DISCARDED: given up by an administrator. */
  state: JobState | "OUTBOX" | "LOST" | "DISCARDED";
  /** Whether a schedule made it; such a job cannot be acted on. */
  isScheduled: boolean;
  payload: unknown;
  /** Tries that have ended, of how many. */
  attempts: number;
  maxAttempts: number;
  /** Whole percent. */
  progress: number;
  /** Why the last try failed, and the innermost lines of where. */
  error: string | null;
  stack: string[];
  ownerId: string | null;
  requestId: string | null;
  createdAt: Date;
  /** Not before this time. */
  runAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
}

const states = {
  WAITING: "waiting",
  ACTIVE: "active",
  DELAYED: "delayed",
  COMPLETED: "completed",
  FAILED: "failed",
} as const satisfies Record<JobState, string>;
const stateNames = Object.keys(states) as [JobState, ...JobState[]];
const stackLines = 10;

export type ListJobs = ReturnType<typeof createListJobs>;

/** Reads queues and jobs for operators. */
export function createListJobs({
  db,
  queues,
  declarations = allQueues,
}: {
  db: Db;
  queues: OpenQueues;
  declarations?: readonly QueueDeclaration[];
}) {
  const wish = z.object({
    queue: z.enum(declarations.map(({ name }) => name)),
    state: z.enum(stateNames),
    first: z.int().min(1).max(200).default(50),
    /** A list in Redis has no other key than its positions. */
    skip: z.int().min(0).default(0),
  });

  const inRedis = (queue: string, job: Job<JobData>, state: JobState): ShownJob => ({
    id: job.id!,
    queue,
    name: job.name,
    state,
    isScheduled: !isFromOutbox(job.id!),
    payload: redactPayload(queue, job.name, job.data.payload, declarations),
    attempts: job.attemptsMade,
    maxAttempts: job.opts.attempts ?? 1,
    progress: Number(job.progress) || 0,
    error: job.failedReason ? redactText(job.failedReason) : null,
    stack: (job.stacktrace?.at(-1) ?? "").split("\n").filter(Boolean).slice(0, stackLines).map(redactText),
    ownerId: job.data.ownerId ?? null,
    requestId: job.data.requestId ?? null,
    createdAt: new Date(job.timestamp),
    runAt: new Date(job.timestamp + (job.opts.delay ?? 0)),
    startedAt: job.processedOn ? new Date(job.processedOn) : null,
    finishedAt: job.finishedOn ? new Date(job.finishedOn) : null,
  });

  /** What the outbox alone knows of a job. */
  function inOutbox(row: OutboxRow): ShownJob {
    const declaration = declarations.find(({ name }) => name === row.queue);
    return {
      id: row.id,
      queue: row.queue,
      name: row.name,
      state: row.discardedAt ? "DISCARDED" : row.finishedAt ? "COMPLETED" : row.publishedAt ? "LOST" : "OUTBOX",
      isScheduled: false,
      payload: redactPayload(row.queue, row.name, row.payload, declarations),
      attempts: 0,
      maxAttempts: declaration ? jobOptions(declaration, row.name).attempts! : 1,
      progress: 0,
      error: null,
      stack: [],
      ownerId: row.ownerId,
      requestId: row.requestId,
      createdAt: row.createdAt,
      runAt: row.runAt,
      startedAt: null,
      finishedAt: row.finishedAt,
    };
  }

  return {
    wish,

    /** @throws QueuesUnavailable */
    async countQueues(): Promise<QueueCounts[]> {
      const dead = await countDeadLetters(queues);
      return Promise.all(
        declarations.map(({ name }) =>
          queues.use(name, async (queue) => {
            const [counts, isPaused] = await Promise.all([
              queue.getJobCounts("waiting", "active", "delayed", "failed", "completed"),
              queue.isPaused(),
            ]);
            const { waiting = 0, active = 0, delayed = 0, failed = 0, completed = 0 } = counts;
            return { name, waiting, active, delayed, failed, completed, dead: dead.get(name) ?? 0, isPaused };
          }),
        ),
      );
    },

    /** A page of the jobs in one state: of those that ended the latest first, of the others the next one first. @throws QueuesUnavailable */
    async listJobs({ queue, state, first, skip }: z.output<typeof wish>) {
      const hasEnded = state === "COMPLETED" || state === "FAILED";
      return queues.use(queue, async (open) => {
        const jobs: Job<JobData>[] = await open.getJobs([states[state]], skip, skip + first - 1, !hasEnded);
        const totalCount = await open.getJobCountByTypes(states[state]);
        return { jobs: jobs.map((job) => inRedis(queue, job, state)), totalCount };
      });
    },

    /** What Redis, or else the outbox, knows of a job; null if neither does. @throws QueuesUnavailable */
    async showJob(queue: string, jobId: string): Promise<ShownJob | null> {
      const { job, state } = await queues.use(queue, async (open) => ({
        state: await open.getJobState(jobId),
        job: (await open.getJob(jobId)) as Job<JobData> | undefined,
      }));
      if (job) return inRedis(queue, job, stateNames.find((name) => states[name] === state) ?? "WAITING");
      const row = isFromOutbox(jobId) ? await db.outboxJob.findFirst({ where: { id: jobId, queue } }) : null;
      return row && inOutbox(row);
    },
  };
}
