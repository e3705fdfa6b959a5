import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { type PrivateRedis, startPrivateRedis } from "../../dev/privateRedis.ts";
import { type CacheProcess, gate, settle, startCacheProcess } from "./cacheProcess.ts";
import { createLink } from "./link.ts";
import { until } from "./until.ts";

let folder: string;
let server: PrivateRedis;
let where: { url: string; prefix: string };
let one: CacheProcess;
let two: CacheProcess;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), "lectern-redis-"));
  server = await startPrivateRedis({ folder });
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  where = { url: server.url, prefix: `test-${randomUUID()}` };
  one = startCacheProcess(where);
  two = startCacheProcess(where);
  await Promise.all([one.untilConnected(), two.untilConnected()]);
});

afterEach(async () => {
  await Promise.all([one.close(), two.close()]);
  await server.start();
});

const read = ({ cache }: CacheProcess, value: string) =>
  cache.getOrSetCache("exam:1", async () => value, { tags: ["t"] });
const untilAway = (process: CacheProcess) => until("it is noticed", () => process.cache.stats().breakerOpen);

/** Reads until the cache uses Redis again, and some more; says everything that was seen. */
async function readThroughTheReturn(process: CacheProcess, value: string): Promise<Set<string>> {
  const seen = new Set<string>();
  await until("Redis is used again", async () => {
    process.putClockForward(2_001); // so that what was kept in memory meanwhile hides nothing
    seen.add(await read(process, value));
    return process.cache.longestLifeMs === Number.POSITIVE_INFINITY;
  });
  for (let i = 0; i < 3; i++) seen.add(await read(process, value));
  return seen;
}

describe("when Redis is killed", () => {
  it("goes on with memory and fetches, and says that it does", async () => {
    await read(one, "before");
    await server.kill();
    await untilAway(one);
    expect(await read(one, "during")).toBe("during");
    expect(await read(one, "not fetched")).toBe("during");
    expect(one.cache.stats().breakerOpen).toBe(true);
    await server.start();
    await one.untilConnected();
    expect(one.cache.stats().breakerOpen).toBe(false);
  });

  it("answers reads that are under way in that moment", async () => {
    const reads = Array.from({ length: 50 }, (_, i) => one.cache.getOrSetCache(`exam:${i}`, async () => i));
    await server.kill();
    expect(await Promise.all(reads)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it("keeps what it learns meanwhile for two seconds at most", async () => {
    await server.kill();
    await untilAway(one);
    await read(one, "during");
    one.putClockForward(1_900);
    expect(await read(one, "later")).toBe("during");
    one.putClockForward(101);
    expect(await read(one, "later")).toBe("later");
  });

  it("keeps no fetch that began before a drop, when all of it happens meanwhile", async () => {
    await server.kill();
    await untilAway(one);
    const { opened, open } = gate<string>();
    const before = one.cache.getOrSetCache("exam:1", () => opened);
    await one.cache.drop("exam:1");
    open("old");
    expect(await before).toBe("old");
    expect(one.cache.peek("exam:1")).toBeUndefined();
  });

  it("forgets its memory at once and tells the listeners", async () => {
    const heard: boolean[] = [];
    await read(one, "before");
    one.cache.onDrop(({ all }) => heard.push(all));
    await server.kill();
    await untilAway(one);
    expect(one.cache.peek("exam:1")).toBeUndefined();
    expect(heard).toContain(true);
  });

  it("accepts drops without waiting for it", async () => {
    await server.kill();
    await untilAway(one);
    await one.cache.drop("exam:1"); // the server stays away: a drop that waited for it would never return
  });

  it.each([
    ["the process that wrote returns", false],
    ["the process that wrote is gone", true],
  ])("gives no process a value from before a write during the outage, when %s", async (_name, isGone) => {
    await read(one, "old");
    await read(two, "old");
    await server.kill();
    await Promise.all([untilAway(one), untilAway(two)]);
    await one.cache.drop("exam:1");
    if (isGone) await one.close();
    await server.start();
    const three = startCacheProcess(where);
    try {
      expect(await readThroughTheReturn(two, "new")).toEqual(new Set(["new"]));
      expect(await readThroughTheReturn(three, "new")).toEqual(new Set(["new"]));
    } finally {
      await three.close();
    }
  });

  it("gives a process that starts afterwards no value from before, even when it is the first to come", async () => {
    await read(one, "old");
    await server.kill();
    await untilAway(one);
    await one.cache.drop("exam:1");
    await Promise.all([one.close(), two.close()]);
    await server.start();
    two = startCacheProcess(where);
    expect(await readThroughTheReturn(two, "new")).toEqual(new Set(["new"]));
  });

  it("does not store a fetch that began before, when a drop came during the outage", async () => {
    const { opened, open } = gate<string>();
    let hasBegun = false;
    const before = one.cache.getOrSetCache("exam:1", () => {
      hasBegun = true;
      return opened;
    });
    await until("the fetch has begun", () => hasBegun);
    await server.kill();
    await untilAway(one);
    await one.cache.drop("exam:1");
    await server.start();
    await Promise.all([one.untilConnected(), two.untilConnected()]);
    open("old");
    expect(await before).toBe("old");
    expect(await two.cache.getOrSetCache("exam:1", async () => "new")).toBe("new");
    expect(await one.cache.getOrSetCache("exam:1", async () => "newer")).toBe("new");
  });

  it("logs the outage once, and its end", async () => {
    await server.kill();
    await untilAway(one);
    for (let i = 0; i < 20; i++) await read(one, "during");
    await server.start();
    await one.untilConnected();
    const count = (msg: string) => one.lines.filter((line) => line.level >= 30 && line.msg === msg).length;
    expect([count("redis is away"), count("redis is back")]).toEqual([2, 2]); // each of the two connections
    expect(count("the cache goes on without redis")).toBeLessThanOrEqual(1);
  });
});

describe("when Redis hangs", () => {
  it("answers reads and drops all the same, and applies the drops afterwards", async () => {
    await read(one, "old");
    await read(two, "old");
    const pid = server.pid as number;
    process.kill(pid, "SIGSTOP");
    try {
      await one.cache.drop("exam:1"); // the server hangs until both are answered
      expect(await read(one, "new")).toBe("new");
      expect(one.cache.stats().breakerOpen).toBe(true);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await one.untilConnected();
    await settle(one, two, where.prefix);
    expect(await readThroughTheReturn(two, "new")).toEqual(new Set(["new"]));
  });
});

describe("when one process is cut off", () => {
  it("applies its drops when it is back, in Redis and in the others' memory", async () => {
    const link = await createLink(server.url);
    const far = startCacheProcess({ ...where, url: link.url });
    try {
      await far.untilConnected();
      await read(two, "old");
      link.cut();
      await untilAway(far);
      await far.cache.drop("exam:1");
      await far.cache.dropPattern("exam:2*");
      expect(two.cache.peek("exam:1")).toBe("old"); // nobody can have told it
      link.restore();
      await far.untilConnected();
      await settle(far, two, where.prefix);
      expect(two.cache.peek("exam:1")).toBeUndefined();
      expect(await read(two, "new")).toBe("new");
    } finally {
      await far.close();
      link.close();
    }
  });

  it("does not trust what Redis holds when it is back, since others may have been cut off as well", async () => {
    const link = await createLink(server.url);
    const writer = startCacheProcess({ ...where, url: link.url });
    const reader = startCacheProcess({ ...where, url: link.url });
    try {
      await Promise.all([writer.untilConnected(), reader.untilConnected()]);
      await read(reader, "old");
      link.cut();
      await Promise.all([untilAway(writer), untilAway(reader)]);
      await writer.cache.drop("exam:1");
      await writer.close();
      link.restore();
      expect(await readThroughTheReturn(reader, "new")).toEqual(new Set(["new"]));
    } finally {
      await reader.close();
      link.close();
    }
  });

  it("keeps nothing for longer than two seconds while only the bus is lost", async () => {
    const link = await createLink(server.url);
    const deaf = startCacheProcess({ ...where, busUrl: link.url });
    try {
      await deaf.untilConnected();
      link.cut();
      await until("it is noticed", () => !deaf.bus.isConnected);
      await read(deaf, "old");
      deaf.putClockForward(1_900);
      expect(deaf.cache.peek("exam:1")).toBe("old");
      deaf.putClockForward(101);
      expect(deaf.cache.peek("exam:1")).toBeUndefined();
    } finally {
      await deaf.close();
      link.close();
    }
  });

  it("forgets its memory when only the bus is lost", async () => {
    await read(one, "old");
    let wasTold = false;
    one.cache.onDrop(({ all }) => {
      wasTold ||= all;
    });
    await two.redis.call("CLIENT", "KILL", "TYPE", "pubsub");
    await until("it is noticed", () => wasTold);
    await one.untilConnected();
    expect(one.cache.peek("exam:1")).toBeUndefined();
    expect(await read(one, "not fetched")).toBe("old"); // Redis was never away
  });
});

describe("when Redis is full", () => {
  it("goes on without it", async () => {
    await one.redis.config("SET", "maxmemory", "1");
    try {
      expect(await read(one, "fetched")).toBe("fetched");
      expect(one.cache.stats().breakerOpen).toBe(true);
    } finally {
      await one.redis.config("SET", "maxmemory", "0");
    }
    await one.untilConnected();
  });
});
