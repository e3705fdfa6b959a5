import { setTimeout as sleep } from "node:timers/promises";
import type { Db, Transaction } from "../../prisma/client.ts";
import { currentWork, outsideWork } from "../currentWork.ts";
import type { Prisma } from "../generated/prisma/client.ts";
import { noTracing, type Tracing } from "../tracing/tracing.ts";
import type { Logger } from "../utils/logger.ts";
import { allQueues } from "./allQueues.ts";
import type { JobName, PayloadInput, QueueDeclaration } from "./defineQueue.ts";
import { createDiscardJobs } from "./discardJobs.ts";
import { createFinishedJobs } from "./finishedJobs.ts";
import { createHandOver } from "./handOver.ts";
import type { OpenQueues } from "./openQueues.ts";

export interface JobRequest {
  /** Not before this time; at once if not given. */
  runAt?: Date;
  /** Who may ask for the job's status. */
  ownerId?: string;
  /** Of the work it is asked for in, if not given. */
  requestId?: string;
}

/** A row of `outbox_jobs` as it is inserted. */
export interface OutboxRow {
  id: string;
  queue: string;
  name: string;
  payload: Prisma.InputJsonValue;
  ownerId: string | null;
  requestId: string | null;
  traceparent: string | null;
  runAt: Date;
}

export type Outbox = ReturnType<typeof createOutbox>;

const keptDays = 7;
const firstPauseMs = 500;
const longestPauseMs = 5_000;

/**
 * The only way a job gets to BullMQ: a row in the transaction of the write it follows from, handed over after the commit.
 * The row's id is the job's id, so handing over twice is harmless.
 */
export function createOutbox({
  db,
  queues,
  log,
  clock,
  newId,
  tracing = noTracing,
  declarations = allQueues,
  pollMs = 1_000,
  lostAfterMs = 120_000,
}: {
  db: Db;
  queues: OpenQueues;
  log: Logger;
  clock: () => Date;
  newId: () => string;
  tracing?: Tracing;
  declarations?: readonly QueueDeclaration[];
  /** How often the relay looks for rows nobody handed over. */
  pollMs?: number;
  /** A job that is due, was handed over this long ago and is not finished is looked for in Redis. */
  lostAfterMs?: number;
}) {
  const { handOverNew, handOverLost } = createHandOver({ db, queues, tracing, declarations, lostAfterMs });
  const finished = createFinishedJobs({ db, log });
  const stop = new AbortController();
  let running: Promise<void> | undefined;
  let wanted = false;
  let failures = 0;
  const counts = { handedOver: 0, lost: 0, failures: 0 };
  let pauseUntil = 0;
  let relay: Promise<void> | undefined;

  const row = <Q extends QueueDeclaration, N extends JobName<Q>>(
    queue: Q,
    name: N,
    payload: PayloadInput<Q, N>,
    { runAt = clock(), ownerId, requestId = currentWork()?.requestId }: JobRequest = {},
  ): OutboxRow => {
    const contract = queue.jobs[name];
    if (!contract) throw new TypeError(`Queue ${queue.name} declares no job ${name}.`);
    contract.payload.parse(payload);
    const asJson = payload as Prisma.InputJsonValue;
    return {
      id: newId(),
      queue: queue.name,
      name,
      payload: asJson,
      ownerId: ownerId ?? null,
      requestId: requestId ?? null,
      traceparent: tracing.traceparent() ?? null,
      runAt,
    };
  };

  /** One run at a time; whoever asks meanwhile gets one more. Never rejects. */
  const run = (): Promise<void> => {
    wanted = true;
    running ??= outsideWork(handOverAll); // it takes everybody's rows
    return running;
  };

  async function handOverAll(): Promise<void> {
    try {
      while (wanted && !stop.signal.aborted) {
        wanted = false;
        const { jobs, isFull } = await handOverNew();
        counts.handedOver += jobs;
        if (isFull) wanted = true;
      }
      if (failures > 0) log.info({ failures }, "jobs are handed over again");
      failures = 0;
    } catch (error) {
      const level = failures === 0 ? "warn" : "debug"; // an outage is said once
      log[level]({ err: error }, "jobs wait in the outbox until they can be handed over");
      pauseUntil = performance.now() + Math.min(firstPauseMs * 2 ** failures, longestPauseMs);
      failures += 1;
      counts.failures += 1;
    } finally {
      running = undefined; // here and not in a later tick, so that a wish that comes now starts a new run
    }
  }

  async function lookForLost(): Promise<void> {
    try {
      const found = await handOverLost();
      counts.lost += found;
      if (found > 0) log.warn({ jobs: found }, "Redis had lost jobs; they were handed over again");
    } catch (error) {
      log.warn({ err: error }, "lost jobs could not be looked for; tried again later");
    }
  }

  async function relayLoop(): Promise<void> {
    let lookAgainAt = 0;
    await queues.untilConnected(2_000); // else each start would begin with a warning
    while (!stop.signal.aborted) {
      if (performance.now() >= pauseUntil) await run();
      await finished.flush();
      if (failures === 0 && performance.now() >= lookAgainAt) {
        await lookForLost();
        lookAgainAt = performance.now() + lostAfterMs / 4;
      }
      // Jitter keeps the relays of several workers from asking in step; aborted means closing.
      await sleep(pollMs * (0.75 + Math.random() / 2), undefined, { signal: stop.signal }).catch(() => {});
    }
  }

  return {
    /**
     * Inserts the job into the caller's transaction and returns its id; it runs if and only if that commits.
     * Call {@link handOver} after the commit. Calling it twice asks for two jobs.
     * @throws ZodError when the payload is not what the queue declares.
     */
    async add<Q extends QueueDeclaration, N extends JobName<Q>>(
      tx: Transaction,
      queue: Q,
      name: N,
      payload: PayloadInput<Q, N>,
      request?: JobRequest,
    ): Promise<string> {
      const job = row(queue, name, payload, request);
      // By hand, because it is part of the busiest writes: a third of the CPU of createMany.
      await tx.$executeRaw`
        INSERT INTO outbox_jobs (id, queue, name, payload, owner_id, request_id, traceparent, run_at)
        VALUES (${job.id}::uuid, ${job.queue}, ${job.name}, ${JSON.stringify(job.payload)}::jsonb,
                ${job.ownerId}::uuid, ${job.requestId}, ${job.traceparent}, ${job.runAt.toISOString()}::timestamptz)`;
      return job.id;
    },

    /** The row {@link add} would insert, for callers that insert many or write SQL. @throws ZodError */
    row,

    /** A hint that rows were committed. Returns at once and never fails: what it misses, the relay finds. */
    handOver(): void {
      if (!stop.signal.aborted && performance.now() >= pauseUntil) void run();
    },

    /** Since this process began: jobs handed over, jobs handed over again because Redis had lost them, and rounds that failed. */
    stats: () => ({ ...counts }),

    /** The worker's loop: hands over what was missed, and again what Redis has lost. Safe to repeat. */
    startRelay(): void {
      relay ??= relayLoop();
    },

    /** Notes that a worker has done the job, so that it is never handed over again. Safe to repeat; written in batches. */
    finish: finished.add,

    /** Puts a job that is gone from Redis back to be handed over at once, under its old id. Safe to repeat. */
    async reopen(job: {
      id: string;
      queue: string;
      name: string;
      payload: unknown;
      ownerId?: string;
      requestId?: string;
    }) {
      await db.$executeRaw`
        INSERT INTO outbox_jobs (id, queue, name, payload, owner_id, request_id, traceparent, run_at)
        VALUES (${job.id}::uuid, ${job.queue}, ${job.name}, ${JSON.stringify(job.payload)}::jsonb,
                ${job.ownerId ?? null}::uuid, ${job.requestId ?? null},
                ${tracing.traceparent() ?? null}, now())
        ON CONFLICT (id) DO UPDATE SET published_at = NULL, run_at = now(), finished_at = NULL, discarded_at = NULL
          WHERE outbox_jobs.finished_at IS NULL OR outbox_jobs.discarded_at IS NOT NULL`;
      void run();
    },

    /** Puts rows whose jobs are gone back to be handed over; what is done is left. Safe to repeat. @returns those that were put back */
    async handOverAgain(ids: readonly string[]): Promise<string[]> {
      const rows = await db.$queryRaw<{ id: string }[]>`
        UPDATE outbox_jobs SET published_at = NULL, finished_at = NULL, discarded_at = NULL
        WHERE id = ANY(${ids}::uuid[]) AND (finished_at IS NULL OR discarded_at IS NOT NULL)
        RETURNING id`;
      void run();
      return rows.map(({ id }) => id);
    },

    discard: createDiscardJobs({ db, queues }),

    /** Whether the job is still to be done. */
    async isWanted(queue: string, jobId: string): Promise<boolean> {
      return (await db.outboxJob.count({ where: { id: jobId, queue, finishedAt: null } })) > 0;
    },

    /** Notes that the job was told not to wait for its time any more. Safe to repeat. */
    async bringForward(jobId: string): Promise<void> {
      await db.$executeRaw`UPDATE outbox_jobs SET run_at = now() WHERE id = ${jobId}::uuid AND run_at > now()`;
    },

    /** Removes the job's row, so that it is never handed over again. Safe to repeat. */
    async forget(jobId: string): Promise<void> {
      await db.outboxJob.deleteMany({ where: { id: jobId } });
    },

    /** Deletes the rows of jobs that finished more than seven days ago and returns how many. Safe to repeat. */
    async prune(): Promise<number> {
      return db.$executeRaw`
        DELETE FROM outbox_jobs WHERE finished_at < now() - ${`${keptDays} days`}::interval`;
    },

    /** Ends the relay and writes what is noted as finished. Rows that are left wait for the next relay. Safe to repeat. */
    async close(): Promise<void> {
      stop.abort();
      await relay;
      await running;
      await finished.flush();
    },
  };
}
