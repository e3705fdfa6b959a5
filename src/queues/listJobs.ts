import type { Job } from "bullmq";
import { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import { allQueues } from "./allQueues.ts";
import { countDeadLetters } from "./deadLetters.ts";
import type { JobData, QueueDeclaration } from "./defineQueue.ts";
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
export interface ListedJob {
  id: string;
  queue: string;
  name: string;
  /** Whether a schedule made it; such a job cannot be acted on. */
  isScheduled: boolean;
  payload: unknown;
  /** Tries that have ended, of how many. */
  attempts: number;
  maxAttempts: number;
  /** Whole percent. */
  progress: number;
  /** Why the last try failed. */
  error: string | null;
  ownerId: string | null;
  requestId: string | null;
  createdAt: Date;
  /** Not before this time. */
  runAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
}

/** A job, also one that is only in the outbox. */
export interface ShownJob extends Omit<ListedJob, "progress" | "attempts" | "maxAttempts"> {
  state: ListedState | "OUTBOX" | "LOST" | "DISCARDED";
  attempts: number | null;
  maxAttempts: number | null;
  progress: number | null;
  /** The innermost lines of the last failure. */
  stack: string[];
  publishedAt: Date | null;
  discardedAt: Date | null;
}

const states = {
  WAITING: "waiting",
  ACTIVE: "active",
  DELAYED: "delayed",
  COMPLETED: "completed",
  FAILED: "failed",
} as const;
export type ListedState = keyof typeof states;
const stateNames = Object.keys(states) as [ListedState, ...ListedState[]];

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

  const listed = (queue: string, job: Job<JobData>): ListedJob => ({
    id: job.id!,
    queue,
    name: job.name,
    isScheduled: !isFromOutbox(job.id!),
    payload: redactPayload(queue, job.name, job.data.payload, declarations),
    attempts: job.attemptsMade,
    maxAttempts: job.opts.attempts ?? 1,
    progress: Number(job.progress) || 0,
    error: job.failedReason ? redactText(job.failedReason) : null,
    ownerId: job.data.ownerId ?? null,
    requestId: job.data.requestId ?? null,
    createdAt: new Date(job.timestamp),
    runAt: new Date(job.timestamp + (job.opts.delay ?? 0)),
    startedAt: job.processedOn ? new Date(job.processedOn) : null,
    finishedAt: job.finishedOn ? new Date(job.finishedOn) : null,
  });

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
        return { jobs: jobs.map((job) => listed(queue, job)), totalCount };
      });
    },

    /** What Redis and the outbox know of a job; null if neither does. @throws QueuesUnavailable */
    async showJob(queue: string, jobId: string): Promise<ShownJob | null> {
      const { job, state } = await queues.use(queue, async (open) => ({
        state: await open.getJobState(jobId),
        job: (await open.getJob(jobId)) as Job<JobData> | undefined,
      }));
      const row = isFromOutbox(jobId) ? await db.outboxJob.findFirst({ where: { id: jobId, queue } }) : null;
      const rowTimes = { publishedAt: row?.publishedAt ?? null, discardedAt: row?.discardedAt ?? null };
      if (job) {
        const known = stateNames.find((name) => states[name] === state) ?? "WAITING";
        const stack = (job.stacktrace?.at(-1) ?? "").split("\n").filter(Boolean).slice(0, 10).map(redactText);
        return { ...listed(queue, job), ...rowTimes, state: known, stack };
      }
      if (!row) return null;
      return {
        ...rowTimes,
        id: row.id,
        queue,
        name: row.name,
        isScheduled: false,
        payload: redactPayload(queue, row.name, row.payload, declarations),
        state: row.discardedAt ? "DISCARDED" : row.finishedAt ? "COMPLETED" : row.publishedAt ? "LOST" : "OUTBOX",
        attempts: null,
        maxAttempts: null,
        progress: null,
        error: null,
        stack: [],
        ownerId: row.ownerId,
        requestId: row.requestId,
        createdAt: row.createdAt,
        runAt: row.runAt,
        startedAt: null,
        finishedAt: row.finishedAt,
      };
    },
  };
}
