import type { Job } from "bullmq";
import { allQueues } from "./allQueues.ts";
import type { JobData, QueueDeclaration } from "./defineQueue.ts";
import type { OpenQueues } from "./openQueues.ts";
import type { Outbox } from "./outbox.ts";

/** A job that failed for good and waits for somebody to decide. */
export interface DeadLetter {
  id: string;
  queue: string;
  jobId: string;
  name: string;
  payload: unknown;
  error: string;
  attempts: number;
  failedAt: Date;
  ownerId?: string;
  requestId?: string;
}

/** Which dead letters; what is not given does not matter. */
export interface DeadLetterFilter {
  queue?: string;
  name?: string;
  /** Part of the error's text, in any case. */
  error?: string;
  /** Failed at this time or later. */
  failedAfter?: Date;
  /** Failed before this time. */
  failedBefore?: Date;
  ids?: readonly string[];
}

export interface DeadLetterPage {
  /** The latest failure first. */
  entries: DeadLetter[];
  hasNextPage: boolean;
  totalCount: number;
}

export type DeadLetters = ReturnType<typeof createDeadLetters>;

/** The BullMQ queue that is the list; no worker ever takes from it. */
export const deadLetterQueue = "dead";

const entryId = (queue: string, jobId: string) => `${queue}-${jobId}`;
/** A job's id is a UUID, because it is its outbox row's. */
const queueOf = (id: string) => id.slice(0, -"-00000000-0000-0000-0000-000000000000".length);

const batchSize = 500;

type StoredEntry = Omit<DeadLetter, "id" | "failedAt"> & { failedAt: string };

/** How many entries each queue has; queues without any are left out. @throws QueuesUnavailable */
export async function countDeadLetters(queues: OpenQueues): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const id of await queues.use(deadLetterQueue, (dead) => dead.getRanges(["waiting"], 0, -1))) {
    counts.set(queueOf(id), (counts.get(queueOf(id)) ?? 0) + 1);
  }
  return counts;
}

/** The list of jobs that failed for good, from which they can be retried or discarded. */
export function createDeadLetters({
  queues,
  outbox,
  declarations = allQueues,
}: {
  queues: OpenQueues;
  outbox: Outbox;
  declarations?: readonly QueueDeclaration[];
}) {
  const find = async (id: string): Promise<DeadLetter | null> => {
    const job: Job<StoredEntry> | undefined = await queues.use(deadLetterQueue, (queue) => queue.getJob(id));
    return job ? toDeadLetter(job) : null;
  };

  const remove = (id: string) => queues.use(deadLetterQueue, (queue) => queue.remove(id));

  /** Adds a job that failed for good. Safe to repeat. @throws QueuesUnavailable; {@link collect} then finds it. */
  const add = async (queue: string, job: Job<JobData>): Promise<void> => {
    const entry: StoredEntry = {
      queue,
      jobId: job.id!,
      name: job.name,
      payload: job.data.payload,
      error: job.failedReason,
      attempts: job.attemptsMade,
      failedAt: new Date(job.finishedOn ?? job.timestamp).toISOString(),
      ownerId: job.data.ownerId,
      requestId: job.data.requestId,
    };
    await queues.use(deadLetterQueue, (dead) => dead.add(job.name, entry, { jobId: entryId(queue, job.id!) }));
  };

  /** Gives a failed job all its tries again. False if it is not failed. */
  const retryFailed = (name: string, jobId: string): Promise<boolean> =>
    queues.use(name, async (queue) => {
      const job = (await queue.getJobState(jobId)) === "failed" ? await queue.getJob(jobId) : undefined;
      if (!job) return false;
      try {
        await job.retry("failed", { resetAttemptsMade: true, resetAttemptsStarted: true });
        return true;
      } catch (error) {
        if ((await queue.getJobState(jobId)) === "failed") throw error;
        return false; // somebody else retried it meanwhile
      }
    });

  /** The entries that the filter asks for, the latest failure first. Reads the whole list, in batches: it is for operators. */
  async function matching(filter: DeadLetterFilter): Promise<DeadLetter[]> {
    const asksFor = matcher(filter);
    const found: DeadLetter[] = [];
    const count = await queues.use(deadLetterQueue, (dead) => dead.getWaitingCount());
    for (let from = 0; from < count; from += batchSize) {
      // Oldest first: what fails meanwhile comes to the other end.
      const batch: Job<StoredEntry>[] = await queues.use(deadLetterQueue, (dead) =>
        dead.getJobs(["waiting"], from, from + batchSize - 1, true),
      );
      found.push(...batch.map(toDeadLetter).filter(asksFor));
    }
    return found.sort(latestFirst);
  }

  return {
    add,

    matching,

    /** A page of the list; `after` is the last entry of the page before. */
    async list({
      first,
      after,
      ...filter
    }: DeadLetterFilter & { first: number; after?: Pick<DeadLetter, "id" | "failedAt"> }): Promise<DeadLetterPage> {
      const all = await matching(filter);
      const rest = after ? all.filter((entry) => latestFirst(after, entry) < 0) : all;
      return { entries: rest.slice(0, first), hasNextPage: rest.length > first, totalCount: all.length };
    },

    find,

    /** Removes the entry of a job, if it has one. Safe to repeat. */
    async removeEntry(queue: string, jobId: string): Promise<void> {
      await remove(entryId(queue, jobId));
    },

    /** The same as {@link retry} for a failed job that may not be on the list yet. False if it is not failed. Safe to repeat. */
    async retryJob(queue: string, jobId: string): Promise<boolean> {
      await remove(entryId(queue, jobId));
      return retryFailed(queue, jobId);
    },

    /**
     * Gives the job all its tries again, under its old id, and removes the entry. False if there is no such entry.
     * Safe to repeat: a job that is no longer failed is left alone.
     */
    async retry(id: string): Promise<boolean> {
      const entry = await find(id);
      if (!entry) return false;
      // The entry goes first: a job that fails again at once makes a new one, and collect() makes one if this stops half-way.
      await remove(id);
      const state = await queues.use(entry.queue, (queue) => queue.getJobState(entry.jobId));
      if (state === "unknown") await outbox.reopen({ ...entry, id: entry.jobId });
      else await retryFailed(entry.queue, entry.jobId);
      return true;
    },

    /**
     * Gives the job up: it and the entry are removed, and its outbox row counts as finished. False if there is no such entry, or
     * somebody retried the job meanwhile and it runs. Safe to repeat.
     */
    async discard(id: string): Promise<boolean> {
      const entry = await find(id);
      if (!entry) return false;
      const gone = await outbox.discard(entry.queue, [entry.jobId]);
      await remove(id); // last, so that a discard that stops half-way can be repeated
      return gone.length > 0;
    },

    /**
     * Removes these jobs from Redis, whatever became of them, and their entries: for payloads that must not be kept.
     * Safe to repeat. @throws Error when one of them is running
     */
    async forget(queue: string, jobIds: readonly string[]): Promise<void> {
      for (const jobId of jobIds) {
        const isRemoved = await queues.use(queue, (open) => open.remove(jobId));
        if (!isRemoved) throw new Error(`job ${jobId} is running and cannot be forgotten yet`);
        await remove(entryId(queue, jobId));
      }
    },

    /** Adds the failed jobs that are not on the list, because a worker died before it added them. Returns how many. Safe to repeat. */
    async collect(): Promise<number> {
      const listed = new Set(await queues.use(deadLetterQueue, (dead) => dead.getRanges(["waiting"], 0, -1)));
      let added = 0;
      for (const { name } of declarations) {
        const failed = await queues.use(name, (queue) => queue.getRanges(["failed"], 0, -1));
        for (const jobId of failed.filter((id) => !listed.has(entryId(name, id)))) {
          const job = await queues.use(name, (queue) => queue.getJob(jobId));
          if (!job?.finishedOn || job.repeatJobKey) continue; // retried meanwhile, or a scheduled run, whose next run does its work
          await add(name, job);
          added += 1;
        }
      }
      return added;
    },
  };
}

function matcher({ queue, name, error, failedAfter, failedBefore, ids }: DeadLetterFilter) {
  const text = error?.toLowerCase();
  const wanted = ids && new Set(ids);
  return (entry: DeadLetter): boolean =>
    (queue === undefined || entry.queue === queue) &&
    (name === undefined || entry.name === name) &&
    (text === undefined || entry.error.toLowerCase().includes(text)) &&
    (failedAfter === undefined || entry.failedAt >= failedAfter) &&
    (failedBefore === undefined || entry.failedAt < failedBefore) &&
    (wanted === undefined || wanted.has(entry.id));
}

function toDeadLetter(job: Job<StoredEntry>): DeadLetter {
  return { ...job.data, id: job.id!, failedAt: new Date(job.data.failedAt) };
}

function latestFirst(a: Pick<DeadLetter, "id" | "failedAt">, b: Pick<DeadLetter, "id" | "failedAt">): number {
  return b.failedAt.getTime() - a.failedAt.getTime() || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}
