import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type pg from "pg";
import { createDbAndPool, type Db, poolFigures } from "../../prisma/client.ts";
import { type Snapshot, takeSnapshot } from "../../src/monitor/snapshot.ts";
import { startVitalSigns } from "../../src/monitor/vitalSigns.ts";
import { type OpenQueues, openQueues } from "../../src/queues/openQueues.ts";
import { putSchedules } from "../../src/queues/schedules.ts";
import { systemQueue } from "../../src/queues/system.queue.ts";
import { createRedis, type Redis } from "../../src/redis/redis.ts";
import { createLogger } from "../../src/utils/logger.ts";
import { createTestDatabase, type TestDatabase, testRedis } from "../support/testDatabase.ts";

const log = createLogger({ level: "silent", pretty: false, program: "test" });
const { url, prefix } = testRedis();
let database: TestDatabase;
let db: Db;
let pool: pg.Pool;
let redis: Redis;
let queues: OpenQueues;

beforeAll(async () => {
  database = await createTestDatabase();
  ({ db, pool } = createDbAndPool({ url: database.url, poolMax: 2 }));
  redis = createRedis(url, { role: "queue", log });
  queues = openQueues({ redis, prefix });
  await queues.untilConnected(60_000);
});
afterAll(async () => {
  await queues.close();
  redis.disconnect();
  await db.$disconnect();
  await database.drop();
});

type Read = { [Part in keyof Snapshot]: Exclude<Snapshot[Part], { away: string }> };
const snapshotIn = (minutes: number) =>
  takeSnapshot({ db, redis, queues, clock: () => new Date(Date.now() + minutes * 60_000) }) as Promise<Read>;

describe("a process", () => {
  const start = (id: string, hits: number, misses: number) =>
    startVitalSigns({
      redis,
      prefix,
      program: "server",
      id,
      pool: () => poolFigures([pool]),
      cache: () => ({ hits, misses }),
      clock: () => new Date(),
      log,
    });

  it("is seen with its pool, its event loop and its cache while it lives, and not after it has stopped", async () => {
    await db.$queryRaw`SELECT 1`; // opens a connection
    const signs = [start("one", 70, 10), start("other", 5, 15)];
    await redis.ping(); // stands behind what they have written
    const { processes, cache } = await snapshotIn(0);
    expect(processes).toHaveLength(2);
    expect(processes[0]).toMatchObject({
      program: "server",
      id: "one",
      pid: process.pid,
      pool: { max: 2, open: 1, busy: 0, waiting: 0 },
      cache: { hits: 70, misses: 10 },
    });
    expect(processes[0]!.eventLoopDelayP99Ms).toBeGreaterThanOrEqual(0);
    expect(cache).toEqual({ hitRate: 0.75 });
    expect(await redis.ttl(`${prefix}:process:one`)).toBeGreaterThan(0); // one that is killed goes by itself

    for (const { stop } of signs) await stop();
    expect((await snapshotIn(0)).processes).toEqual([]);
  });
});

describe("a schedule", () => {
  const ofSystem = async (minutes: number) =>
    (await snapshotIn(minutes)).schedules.filter(({ queue }) => queue === systemQueue.name);

  it("is late when Redis does not know it, or when its time has passed by two intervals and nobody began it", async () => {
    expect((await ofSystem(0)).map(({ nextAt, isLate }) => ({ nextAt, isLate }))).toEqual([
      { nextAt: null, isLate: true },
      { nextAt: null, isLate: true },
      { nextAt: null, isLate: true },
    ]);

    await putSchedules(queues, systemQueue);
    const late = async (minutes: number) =>
      (await ofSystem(minutes)).filter(({ isLate }) => isLate).map(({ job }) => job);
    expect(await late(0)).toEqual([]);
    expect(await late(17)).toContain("collectDeadLetters"); // every 5 minutes, so due 5 minutes from now at the latest
    expect(await late(17)).not.toContain("removeCompletedJobs"); // every 10
    expect(await late(63)).toEqual(["pruneOutbox", "removeCompletedJobs", "collectDeadLetters"]);
  });
});
