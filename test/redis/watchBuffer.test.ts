import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { uuidv7 } from "uuidv7";
import { type Interval, united } from "../../src/domain/video/intervals.ts";
import { createRedis, type Redis } from "../../src/redis/redis.ts";
import { createWatchBuffer, type Watched } from "../../src/redis/watchBuffer.ts";
import { createLogger } from "../../src/utils/logger.ts";
import { testRedis } from "../support/testDatabase.ts";
import { stopClock } from "../support/viewers.ts";

const { url } = testRedis();
let prefix: string;
let redis: Redis;
beforeAll(async () => {
  redis = createRedis(url, { role: "queue", log: createLogger({ level: "fatal", pretty: false, program: "test" }) });
  await new Promise((resolve) => redis.once("ready", resolve));
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  ({ prefix } = testRedis());
});

const buffer = () => createWatchBuffer({ redis, prefix, newId: uuidv7 });
const nothing = { seen: [], completedAt: null };
const END = 60;
const someIntervals = fc.array(fc.tuple(fc.nat(END), fc.nat(END)) as fc.Arbitrary<Interval>, { maxLength: 8 });

/** Every millisecond by itself, paid for in order where it is new: slow, and obviously right. */
function watchSlowly(seen: ReadonlySet<number>, intervals: readonly Interval[], credit: number): Set<number> {
  const after = new Set(seen);
  for (const [from, to] of intervals)
    for (let ms = from; ms < to; ms++) if (!after.has(ms) && after.size - seen.size < credit) after.add(ms);
  return after;
}

const milliseconds = (intervals: readonly Interval[]) =>
  intervals.flatMap(([from, to]) => Array.from({ length: to - from }, (_, at) => from + at));

describe("the watch buffer", () => {
  it("unites and charges as counting every millisecond would", async () => {
    const calls = fc.array(fc.tuple(someIntervals, fc.nat(END)), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(someIntervals, calls, async (known, calls) => {
        const pair = { userId: uuidv7(), videoId: uuidv7() };
        let expected = new Set(milliseconds(united(known)));
        for (const [given, credit] of calls) {
          const intervals = united(given);
          await stopClock({ queueRedis: redis, prefix }, { id: pair.userId }, credit);
          const stored = { seen: united(known), completedAt: null };
          const { seen } = (await buffer().record(pair, { intervals, positionMs: 0 }, stored)) as Watched;
          expected = watchSlowly(expected, intervals, credit);
          expect(seen).toEqual(united(seen));
          expect(milliseconds(seen)).toEqual([...expected].sort((a, b) => a - b));
        }
      }),
    );
  });

  it("does nothing for a pair it does not know, until it is told what PostgreSQL has", async () => {
    const pair = { userId: uuidv7(), videoId: uuidv7() };
    const call = { intervals: [[0, 10]] as Interval[], positionMs: 10 };
    expect(await buffer().record(pair, call)).toBe("unknown");
    expect(await buffer().read([pair])).toEqual([null]);
    expect(await buffer().record(pair, call, nothing)).toEqual({ seen: [[0, 10]], positionMs: 10, completedAt: null });
  });

  it("holds a bounded number of intervals, and takes what makes no more of them", async () => {
    const pair = { userId: uuidv7(), videoId: uuidv7() };
    const crumbs = Array.from({ length: 2_000 }, (_, at): Interval => [3 * at, 3 * at + 1]);
    const call = (...intervals: Interval[]) => buffer().record(pair, { intervals, positionMs: 0 }, nothing);
    await call(...crumbs);
    expect(await call([9_000, 9_001])).toBe("full");
    expect(await call([0, 6_000])).toMatchObject({ seen: [[0, 6_000]] });
  });

  it("forgets in time what PostgreSQL has, and nothing before", async () => {
    const pair = { userId: uuidv7(), videoId: uuidv7() };
    const key = `${prefix}:watch:seen:${pair.userId}:${pair.videoId}`;
    const record = () => buffer().record(pair, { intervals: [[0, 10]], positionMs: 10 }, nothing);
    const settleAll = async () => {
      const waiting = await buffer().oldest(100, await buffer().now());
      await buffer().settle(waiting.map((it) => ({ ...it, watched: { seen: it.seen, completedAt: null } })));
    };
    await record();
    expect(await redis.ttl(key)).toBe(-1);
    await settleAll();
    expect(await redis.ttl(key)).toBeGreaterThan(0);
    await record();
    expect(await redis.ttl(key)).toBe(-1);
    await settleAll();
  });
});
