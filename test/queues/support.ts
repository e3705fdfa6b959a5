import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { uuidv7 } from "uuidv7";
import { z } from "zod";
import { createDb } from "../../prisma/client.ts";
import { createDeadLetters } from "../../src/queues/deadLetters.ts";
import { defineQueue, type Handlers, type QueueDeclaration } from "../../src/queues/defineQueue.ts";
import { createJobTimes } from "../../src/queues/jobTimes.ts";
import { openQueues } from "../../src/queues/openQueues.ts";
import { createOutbox } from "../../src/queues/outbox.ts";
import { createRedis } from "../../src/redis/redis.ts";
import { createJobStatus } from "../../src/utils/jobStatus.ts";
import { createLogger } from "../../src/utils/logger.ts";
import { workerOf } from "../../src/workers/queueWorker.ts";
import { type JobEvent, startWorkers, type WorkerTiming } from "../../src/workers/startWorker.ts";

const payload = z.object({ text: z.string() });

/** A queue of the tests' own: what is tested is the mechanism, not an exam. */
export const testQueue = defineQueue({
  name: "test",
  concurrency: 4,
  jobs: {
    note: { payload },
    once: { payload, attempts: 1 },
    quick: { payload, attempts: 2, backoffMs: 20 },
    limited: { payload, attempts: 1, timeoutMs: 100 },
    tick: { payload: z.object({}) },
  },
  schedules: [{ job: "tick", everyMs: 3_600_000 }],
});
export const otherQueue = defineQueue({ name: "other", concurrency: 1, jobs: { note: { payload } } });

const silent = createLogger({ level: process.env.TEST_LOG_LEVEL ?? "silent", pretty: false, program: "test" });

/** What a server process has: it adds jobs and asks about them. */
export function anApp({
  databaseUrl,
  redisUrl,
  prefix,
  pollMs = 50,
  lostAfterMs,
  answerWithinMs,
  log = silent,
}: {
  databaseUrl: string;
  redisUrl: string;
  prefix: string;
  pollMs?: number;
  lostAfterMs?: number;
  answerWithinMs?: number;
  log?: typeof silent;
}) {
  const clock = () => new Date();
  const declarations: QueueDeclaration[] = [testQueue, otherQueue];
  const db = createDb({ url: databaseUrl, poolMax: 5 });
  const redis = createRedis(redisUrl, { role: "queue", log });
  const queues = openQueues({ redis, prefix, answerWithinMs });
  const outbox = createOutbox({ db, queues, log, clock, newId: uuidv7, declarations, pollMs, lostAfterMs });
  const deadLetters = createDeadLetters({ queues, outbox, declarations });
  const jobTimes = createJobTimes({ redis, prefix, clock, log });
  const getJobStatus = createJobStatus({ db, queues, clock });
  const closers: (() => Promise<unknown>)[] = [];

  return {
    db,
    redis,
    queues,
    outbox,
    deadLetters,
    jobTimes,
    getJobStatus,

    async add(
      text: string,
      {
        name = "note",
        ...request
      }: { name?: "note" | "once" | "quick" | "limited"; runAt?: Date; ownerId?: string } = {},
    ) {
      return db.$transaction((tx) => outbox.add(tx, testQueue, name, { text }, request));
    },

    /** Starts a worker of the test queue; jobs a test does not care about do nothing. */
    work(
      handlers: Partial<Handlers<typeof testQueue>>,
      options: { timing?: WorkerTiming; onJobEvent?: (event: JobEvent) => void } = {},
    ) {
      const connection = createRedis(redisUrl, { role: "worker", log });
      const nothing = async () => {};
      const all = { note: nothing, once: nothing, quick: nothing, limited: nothing, tick: nothing, ...handlers };
      const workers = startWorkers({
        workers: [workerOf(testQueue, all)],
        redis: connection,
        queues,
        outbox,
        deadLetters,
        jobTimes,
        log,
        ...options,
      });
      closers.unshift(async () => {
        await workers.close(500);
        connection.disconnect();
      });
      return workers;
    },

    stateOf: (id: string) => queues.use(testQueue.name, (queue) => queue.getJobState(id)),

    async close() {
      for (const close of closers) await close();
      await outbox.close();
      await queues.close();
      redis.disconnect();
      await db.$disconnect();
    },
  };
}

export type App = ReturnType<typeof anApp>;

/** Waits until the condition gives something true, and returns that. */
export async function eventually<Result>(condition: () => Promise<Result> | Result, limitMs = 40_000): Promise<Result> {
  for (const deadline = Date.now() + limitMs; ; await pause(10)) {
    const result = await condition();
    if (result) return result;
    if (Date.now() > deadline) throw new Error(`Waited ${limitMs} ms in vain for ${condition}`);
  }
}

export const aUser = () => randomUUID();
