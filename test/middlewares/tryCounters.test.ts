import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { createTryCounters } from "../../src/middlewares/tryCounters.ts";
import { createRedis, type Redis } from "../../src/redis/redis.ts";
import { createLink } from "../redis/link.ts";
import { eventually } from "../support/eventually.ts";
import { aKeptLog } from "../support/logLines.ts";
import { testRedis } from "../support/testDatabase.ts";

const kept = aKeptLog();
const { url, prefix } = testRedis();
let link: Awaited<ReturnType<typeof createLink>>;
let redis: Redis;
let counter: ReturnType<typeof createTryCounters>;
beforeAll(async () => {
  link = await createLink(url);
  redis = createRedis(link.url, { role: "cache", log: kept.log });
  counter = createTryCounters({ redis, prefix, log: kept.log });
  await eventually("redis is there", () => redis.status === "ready");
});
afterAll(() => {
  redis.disconnect();
  link.close();
});

describe("a counter of tries", () => {
  it("has room for as many as it says, and again when one is given back", async () => {
    const three = counter({ name: "three", most: 3, seconds: 60 });
    expect([await three.take("a"), await three.take("a"), await three.look("a"), await three.take("a")]).toEqual([
      0, 0, 0, 0,
    ]);
    const waitMs = await three.look("a");
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(60_000);
    await three.giveBack("a");
    expect(await three.take("a")).toBe(0);
    expect(await three.take("a")).toBeGreaterThan(0);
    expect(await three.take("b")).toBe(0);
  });

  it("is one for all that have its name", async () => {
    const [here, there] = [0, 1].map(() => counter({ name: "shared", most: 1, seconds: 60 }));
    expect(await here!.take("a")).toBe(0);
    expect(await there!.take("a")).toBeGreaterThan(0);
  });

  it("forgets when its time is over", async () => {
    const brief = counter({ name: "brief", most: 1, seconds: 1 });
    expect(await brief.take("a")).toBe(0);
    expect(await brief.take("a")).toBeGreaterThan(0);
    await eventually("there is room again", async () => (await brief.look("a")) === 0);
    expect(await brief.take("a")).toBe(0);
  });

  it("asks Redis nothing where it counts in the process", async () => {
    const own = counter({ name: "own", most: 1, seconds: 60, inProcess: true });
    expect(await own.take("a")).toBe(0);
    expect(await own.take("a")).toBeGreaterThan(0);
    expect(await redis.keys(`${prefix}:tries:own:*`)).toEqual([]);
  });

  it("goes on in memory when Redis hangs, and leaves it alone for a while", async () => {
    const fifty = counter({ name: "fifty", most: 50, seconds: 60 });
    await fifty.take("a");
    const asked = jest.spyOn(redis as Redis & { rlflxIncr(): Promise<unknown> }, "rlflxIncr");
    link.hold();
    for (let time = 0; time < 50; time++) expect(await fifty.take("a")).toBe(0);
    expect(await fifty.take("a")).toBeGreaterThan(0);
    expect(asked.mock.calls.length).toBeLessThan(10);
    expect(kept.lines.filter(({ msg }) => msg === "tries are counted without redis")).toHaveLength(1);
    const beside = createRedis(url, { role: "cache", log: kept.log });
    await eventually("it counts on Redis again", async () => {
      await fifty.take("b");
      return beside.status === "ready" && (await beside.exists(`${prefix}:tries:fifty:b`)) === 1;
    });
    beside.disconnect();
  });
});
