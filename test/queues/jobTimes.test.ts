import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { readHistory, readRecent } from "../../src/queues/jobHistory.ts";
import { createJobTimes } from "../../src/queues/jobTimes.ts";
import { bucketOf, percentilesOf } from "../../src/queues/timeBuckets.ts";
import { createRedis } from "../../src/redis/redis.ts";
import { createLogger } from "../../src/utils/logger.ts";
import { aKeptLog } from "../support/logLines.ts";
import { createTestDatabase, type TestDatabase, testRedis } from "../support/testDatabase.ts";
import { type App, anApp, eventually, testQueue } from "./support.ts";

describe("buckets", () => {
  const countsOf = (times: readonly number[]) => {
    const counts = new Map<number, number>();
    for (const ms of times) counts.set(bucketOf(ms), (counts.get(bucketOf(ms)) ?? 0) + 1);
    return counts;
  };

  it("give each percentile within a tenth of what sorting all times would give, in whole milliseconds", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 86_400_000 }), { minLength: 1 }), (times) => {
        const sorted = times.toSorted((a, b) => a - b);
        const found = percentilesOf(countsOf(times))!;
        for (const [share, ms] of [
          [0.5, found.p50],
          [0.95, found.p95],
          [0.99, found.p99],
        ] as const) {
          const exact = Math.max(1, sorted[Math.ceil(share * sorted.length) - 1]!);
          expect(Math.abs(ms - exact)).toBeLessThanOrEqual(exact / 10 + 0.5);
        }
      }),
    );
  });

  it("say nothing where nothing was counted", () => expect(percentilesOf(new Map())).toBeNull());
});

describe("what workers note about their jobs", () => {
  let database: TestDatabase;
  let app: App;
  const place = testRedis();

  beforeAll(async () => {
    database = await createTestDatabase();
    app = anApp({ databaseUrl: database.url, redisUrl: place.url, prefix: place.prefix });
    await eventually(() => app.redis.status === "ready");
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const source = () => ({ redis: app.redis, prefix: place.prefix, queues: [testQueue.name], now: new Date() });
  const recent = async () => (await readRecent(source())).get(testQueue.name)!;

  it("counts what was done and what failed, with how long it waited and ran", async () => {
    await app.add("early, while no worker runs");
    await app.add("to fail", { name: "quick" });
    app.outbox.handOver();
    await eventually(async () => (await app.queues.use("test", (queue) => queue.getWaitingCount())) === 2);
    app.work({
      quick: async () => {
        throw new Error("no");
      },
    });
    const activity = await eventually(async () => {
      const now = await recent();
      return now.completed >= 2 && now.failed === 2 && now; // the note and the schedule's tick; both tries of the other
    });
    expect(activity).toMatchObject({ stalled: 0, run: { p50: expect.any(Number) }, wait: { p50: expect.any(Number) } });

    const minutes = (await readHistory({ ...source(), minutes: 60 })).get(testQueue.name)!;
    expect(minutes).toHaveLength(60);
    expect(minutes.reduce((sum, { failed }) => sum + failed, 0)).toBe(2);
    expect(minutes[0]).toMatchObject({ completed: 0, failed: 0, stalled: 0, wait: null, run: null });

    const [key] = await app.redis.keys(`${place.prefix}:job-times:*`);
    expect(await app.redis.ttl(key!)).toBeGreaterThan(86_000);
    expect(await app.redis.hget(`${place.prefix}:job-last-runs`, "test/tick")).toMatch(/^\d{13}$/);
  });

  it("never stands in the way of a job: what Redis does not take is lost, and said once", async () => {
    const kept = aKeptLog();
    const silent = createLogger({ level: "silent", pretty: false, program: "test" });
    const nowhere = createRedis("redis://127.0.0.1:1", { role: "queue", log: silent });
    const jobTimes = createJobTimes({ redis: nowhere, prefix: place.prefix, clock: () => new Date(), log: kept.log });
    for (let round = 0; round < 3; round++) {
      jobTimes.stalled("test");
      await jobTimes.flush();
    }
    nowhere.disconnect();
    expect(kept.lines).toHaveLength(1);
  });
});
