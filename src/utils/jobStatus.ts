import type { JobState as BullState, Job } from "bullmq";
import type { Db } from "../../prisma/client.ts";
import type { JobData } from "../queues/defineQueue.ts";
import { isFromOutbox } from "../queues/jobId.ts";
import { type OpenQueues, QueuesUnavailable } from "../queues/openQueues.ts";

export type JobState = "WAITING" | "DELAYED" | "ACTIVE" | "COMPLETED" | "FAILED";

export interface JobStatus {
  id: string;
  queue: string;
  name: string;
  state: JobState;
  /** Whole percent. */
  progress: number;
  /** Tries that have ended. */
  attempts: number;
  /** Why the last try failed: the sentence of a refusal or of a service that is away, or that it was a fault, without internal text. */
  failedReason: string | null;
  createdAt: Date;
  /** Not before this time. */
  runAt: Date;
  finishedAt: Date | null;
  /** Who asked for it; null for jobs of the system. Whoever answers a question about the job compares this. */
  ownerId: string | null;
}

export type GetJobStatus = ReturnType<typeof createJobStatus>;

/** Reads a job's status from BullMQ and its outbox row; from the row alone while Redis is away. */
export function createJobStatus({ db, queues, clock }: { db: Db; queues: OpenQueues; clock: () => Date }) {
  /** Null if there is no such job, or none any more: completed jobs are known for seven days. */
  return async function getJobStatus(queueName: string, jobId: string): Promise<JobStatus | null> {
    if (!isFromOutbox(jobId)) return null;
    const row = await db.outboxJob.findFirst({ where: { id: jobId, queue: queueName } });
    if (!row) return null;
    const inQueue = row.publishedAt ? await find(queues, queueName, jobId) : null;
    const known = {
      id: row.id,
      queue: row.queue,
      name: row.name,
      createdAt: row.createdAt,
      runAt: row.runAt,
      ownerId: row.ownerId,
    };
    if (inQueue && inQueue.state !== "unknown") {
      const { job, state } = inQueue;
      const completed = state === "completed";
      return {
        ...known,
        state: stateOf(state),
        progress: completed ? 100 : Number(job.progress) || 0,
        attempts: job.attemptsMade,
        failedReason: completed ? null : reasonOf(job),
        finishedAt: job.finishedOn ? new Date(job.finishedOn) : null,
      };
    }
    if (row.discardedAt) {
      const failedReason = "An administrator gave the job up.";
      return { ...known, state: "FAILED", progress: 0, attempts: 0, failedReason, finishedAt: row.discardedAt };
    }
    const state = row.finishedAt ? "COMPLETED" : row.runAt > clock() ? "DELAYED" : "WAITING";
    const progress = row.finishedAt ? 100 : 0;
    return {
      ...known,
      state,
      progress,
      attempts: row.finishedAt ? 1 : 0,
      failedReason: null,
      finishedAt: row.finishedAt,
    };
  };
}

async function find(queues: OpenQueues, queueName: string, jobId: string) {
  try {
    return await queues.use(queueName, async (queue) => {
      const state = await queue.getJobState(jobId); // first: else a job that ends meanwhile would be FAILED without a reason
      const job: Job<JobData> | undefined = await queue.getJob(jobId);
      return job ? { job, state } : null;
    });
  } catch (error) {
    if (error instanceof QueuesUnavailable) return null;
    throw error;
  }
}

function stateOf(state: BullState): JobState {
  switch (state) {
    case "active":
      return "ACTIVE";
    case "completed":
      return "COMPLETED";
    case "failed":
      return "FAILED";
    case "delayed":
      return "DELAYED";
    default:
      return "WAITING";
  }
}

/** The text of a fault may name hosts and tables, so only a text that is meant for people is passed on. */
function reasonOf(job: Job<JobData>): string | null {
  if (!job.failedReason) return null;
  const isOurs = /^(UnrecoverableError|DomainError):/.test(job.stacktrace?.at(-1) ?? "");
  return isOurs ? job.failedReason : "The job failed because of an internal error.";
}
