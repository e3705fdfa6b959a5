import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { notFound } from "../../src/domain/errors.ts";
import { testRedis } from "../support/testDatabase.ts";
import { type CacheProcess, gate, settle, startCacheProcess } from "./cacheProcess.ts";
import { until } from "./until.ts";

let where: { url: string; prefix: string };
let one: CacheProcess;
let two: CacheProcess;

beforeEach(async () => {
  where = testRedis();
  one = startCacheProcess(where);
  two = startCacheProcess(where);
  await Promise.all([one.untilConnected(), two.untilConnected()]);
});

afterEach(async () => {
  await Promise.all([one.close(), two.close()]);
});

/** A fetch that counts its calls and returns the number of the call. */
function counter() {
  const fetchFn = async () => ({ call: ++fetchFn.calls });
  fetchFn.calls = 0;
  return fetchFn;
}

describe("a read", () => {
  it("fetches once, then answers from memory, in the other process from Redis", async () => {
    const fetchFn = counter();
    for (const { cache } of [one, one, two, two]) {
      expect(await cache.getOrSetCache("exam:1", fetchFn)).toEqual({ call: 1 });
    }
    expect(one.cache.stats()).toMatchObject({ misses: 1, l1Hits: 1, l2Hits: 0, errors: 0, breakerOpen: false });
    expect(two.cache.stats()).toMatchObject({ misses: 0, l1Hits: 1, l2Hits: 1, errors: 0, breakerOpen: false });
  });

  it("fetches once when 200 callers in two processes ask at once", async () => {
    let calls = 0;
    const { opened, open } = gate<void>();
    const fetchFn = async () => {
      calls++;
      await opened;
      return { calls };
    };
    const callers = Array.from({ length: 200 }, (_, i) => [one, two][i % 2]!.cache.getOrSetCache("exam:1", fetchFn));
    await until("the fetch has begun", () => calls > 0);
    open();
    expect(new Set((await Promise.all(callers)).map((value) => value.calls))).toEqual(new Set([1]));
    expect(calls).toBe(1);
  });

  it("does not wait for ever for a process that hangs in its fetch, and is stored", async () => {
    const { opened, open } = gate<unknown>();
    const hanging = one.cache.getOrSetCache("exam:1", () => opened);
    await until("the lease is taken", () => one.redis.exists(`${where.prefix}:cache:exam:1`));
    expect(await two.cache.getOrSetCache("exam:1", async () => "fetched by two")).toBe("fetched by two");
    open("late");
    expect(await hanging).toBe("late");
    expect(await one.cache.getOrSetCache("exam:1", async () => "again")).toBe("fetched by two");
  });

  it("lets the next one fetch at once after a fetch that failed", async () => {
    const failure = new Error("no database");
    await expect(one.cache.getOrSetCache("exam:1", () => Promise.reject(failure))).rejects.toBe(failure);
    const start = performance.now();
    expect(await two.cache.getOrSetCache("exam:1", async () => "here")).toBe("here");
    expect(performance.now() - start).toBeLessThan(1_900); // the lease of the failed one would last two seconds
  });

  it("gives plain frozen data, the same from the fetch as from the cache", async () => {
    const fetchFn = async () => ({ at: new Date(0), list: [{ points: 1 }], absent: undefined });
    const fetched: unknown = await one.cache.getOrSetCache("exam:1", fetchFn);
    expect(fetched).toStrictEqual({ at: "1970-01-01T00:00:00.000Z", list: [{ points: 1 }] });
    const cached = await two.cache.getOrSetCache<{ list: { points: number }[] }>("exam:1", () => Promise.reject());
    expect(cached).toStrictEqual(fetched);
    expect(() => {
      cached.list[0]!.points = 2;
    }).toThrow(TypeError);
    expect(() => cached.list.push({ points: 2 })).toThrow(TypeError);
  });

  it("leaves the fetched object itself alone", async () => {
    const own = { points: 1 };
    await one.cache.getOrSetCache("exam:1", async () => own);
    own.points = 2;
    expect(await one.cache.getOrSetCache("exam:1", async () => own)).toEqual({ points: 1 });
  });

  it("keeps null, for a short time only", async () => {
    expect(await one.cache.getOrSetCache("user:1:profile", async () => null)).toBeNull();
    expect(await one.cache.getOrSetCache("user:1:profile", async () => "found")).toBeNull();
    expect(one.cache.peek("user:1:profile")).toBeNull();
    expect(await lifeMs("user:1:profile")).toBeLessThanOrEqual(10_000);
    one.putClockForward(10_001);
    expect(one.cache.peek("user:1:profile")).toBeUndefined();
  });

  it("refuses undefined, which Redis could not hold", async () => {
    await expect(one.cache.getOrSetCache("exam:1", async () => undefined)).rejects.toThrow(TypeError);
  });

  it("holds a value for its own process, frozen, and tells Redis nothing", async () => {
    const paper = { items: ["a"] };
    one.cache.hold("attempt:1:paper", paper);
    expect(await one.cache.getOrSetCache("attempt:1:paper", () => Promise.reject())).toEqual({ items: ["a"] });
    expect(() => paper.items.push("b")).toThrow(TypeError);
    expect(await one.redis.exists(`${where.prefix}:cache:attempt:1:paper`)).toBe(0);
    expect(await two.cache.getOrSetCache("attempt:1:paper", async () => "from the database")).toBe("from the database");
    await one.cache.drop("attempt:1:paper");
    expect(one.cache.peek("attempt:1:paper")).toBeUndefined();
  });

  it("peeks into memory without asking anybody", async () => {
    expect(one.cache.peek("exam:1")).toBeUndefined();
    await one.cache.getOrSetCache("exam:1", async () => "here");
    expect(one.cache.peek("exam:1")).toBe("here");
    expect(two.cache.peek("exam:1")).toBeUndefined();
  });

  it("tells the request that reads which keys and tags it read and whether they were there", async () => {
    const noted: [string, boolean, readonly string[]][] = [];
    const reads = { note: (...read: [string, boolean, readonly string[]]) => void noted.push(read) };
    const tags = ["course:7"];
    await two.cache.getOrSetCache("exam:2", async () => "in Redis");
    await one.cache.getOrSetCache("exam:1", async () => "fetched", { reads, tags });
    await one.cache.getOrSetCache("exam:1", async () => "not fetched", { reads, tags });
    await one.cache.getOrSetCache("exam:2", async () => "not fetched", { reads });
    await one.cache.getOrSetCache("exam:1", async () => "another request");
    expect(noted).toEqual([
      ["exam:1", false, tags],
      ["exam:1", true, tags],
      ["exam:2", true, []],
    ]);
  });

  it("gives values that are stored together different ends, none later than asked", async () => {
    const keys = Array.from({ length: 40 }, (_, i) => `exam:${i}`);
    await Promise.all(keys.map((key) => one.cache.getOrSetCache(key, async () => "x", { ttlSeconds: 1_000 })));
    const lives = await Promise.all(keys.map(lifeMs));
    expect(Math.max(...lives)).toBeLessThanOrEqual(1_000_000);
    expect(Math.min(...lives)).toBeGreaterThan(890_000);
    expect(Math.max(...lives) - Math.min(...lives)).toBeGreaterThan(20_000);
  });

  it("does not take what a release with values of another shape has stored, and is dropped by its writes", async () => {
    const newer = startCacheProcess(where, { shape: "2" });
    await newer.untilConnected();
    const [old, fresh] = [counter(), async () => ({ call: 1, added: true })];
    await one.cache.getOrSetCache("exam:1", old);
    expect(await newer.cache.getOrSetCache("exam:1", fresh)).toEqual({ call: 1, added: true });
    expect(await two.cache.getOrSetCache("exam:1", old)).toEqual({ call: 2 });
    await two.cache.drop("exam:1");
    await settle(two, newer, where.prefix);
    expect(newer.cache.peek("exam:1")).toBeUndefined();
    await newer.close();
  });

  it("keeps memory within its bound", async () => {
    const small = startCacheProcess(where, { memoryBytes: 100_000 });
    await small.untilConnected();
    const keys = Array.from({ length: 100 }, (_, i) => `exam:${i}`);
    for (const key of keys) await small.cache.getOrSetCache(key, async () => "x".repeat(5_000));
    const kept = keys.filter((key) => small.cache.peek(key) !== undefined);
    expect(kept.length).toBeGreaterThan(3);
    expect(kept.length).toBeLessThan(20);
    expect(kept).toContain("exam:99");
    await small.close();
  });
});

describe("an expired value", () => {
  const past = { ttlSeconds: 0.05 };
  const untilExpired = async () => {
    await until("it is expired in Redis", async () => (await lifeMs("exam:1")) < 0);
    one.putClockForward(1_000); // and in memory, which may have heard a little later
  };
  const failing = () => Promise.reject(new Error("no database"));

  it("is fetched again", async () => {
    const fetchFn = counter();
    await one.cache.getOrSetCache("exam:1", fetchFn, past);
    await untilExpired();
    expect(await one.cache.getOrSetCache("exam:1", fetchFn, past)).toEqual({ call: 2 });
  });

  it("stands in for a fetch that fails, from memory and from Redis, and that is logged", async () => {
    await one.cache.getOrSetCache("exam:1", async () => "expired", past);
    await untilExpired();
    for (const { cache, lines } of [one, two]) {
      expect(await cache.getOrSetCache("exam:1", failing, past)).toBe("expired");
      expect(lines.map((line) => line.msg)).toContain("an expired value stands in for a fetch that failed");
    }
  });

  it("does not stand in for a refusal", async () => {
    await one.cache.getOrSetCache("exam:1", async () => "expired", past);
    await untilExpired();
    const refused = one.cache.getOrSetCache("exam:1", () => Promise.reject(notFound("exam")), past);
    await expect(refused).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("does not stand in once it was dropped", async () => {
    await one.cache.getOrSetCache("exam:1", async () => "expired", past);
    await one.cache.drop("exam:1");
    await settle(one, two, where.prefix);
    for (const { cache } of [one, two]) {
      await expect(cache.getOrSetCache("exam:1", failing, past)).rejects.toThrow("no database");
    }
  });

  it("does not stand in when it is dropped while the fetch that fails is under way", async () => {
    await one.cache.getOrSetCache("exam:1", async () => "expired", past);
    await untilExpired();
    const { opened, open } = gate<void>();
    const reading = one.cache.getOrSetCache("exam:1", () => opened.then(failing), past);
    await until("the fetch has begun", () => one.redis.hexists(`${where.prefix}:cache:exam:1`, "lease"));
    await one.cache.drop("exam:1");
    open();
    await expect(reading).rejects.toThrow("no database");
  });

  it("does not stand in after its grace", async () => {
    const brief = startCacheProcess(where, { graceSeconds: 0.05 });
    await brief.untilConnected();
    await brief.cache.getOrSetCache("exam:1", async () => "expired", past);
    await until("Redis has forgotten it", async () => !(await one.redis.exists(`${where.prefix}:cache:exam:1`)));
    brief.putClockForward(200);
    await expect(brief.cache.getOrSetCache("exam:1", failing, past)).rejects.toThrow("no database");
    await brief.close();
  });
});

const DROPS: [string, (process: CacheProcess) => Promise<void>][] = [
  ["key", ({ cache }) => cache.drop("exam:1:questions")],
  ["tag", ({ cache }) => cache.dropTags("course:7")],
  ["pattern", ({ cache }) => cache.dropPattern("exam:1:*")],
  ["the pattern of everything", ({ cache }) => cache.dropPattern("*")],
];

describe.each(DROPS)("a drop by %s", (_name, drop) => {
  const read = ({ cache }: CacheProcess, fetchFn: () => Promise<unknown>) =>
    cache.getOrSetCache("exam:1:questions", fetchFn, { tags: ["course:7", "exam:1"] });

  it("reaches both tiers and the memory of the other process", async () => {
    await read(one, async () => "old");
    await read(two, async () => "old");
    await drop(one);
    await settle(one, two, where.prefix);
    expect(two.cache.peek("exam:1:questions")).toBeUndefined();
    expect(await read(two, async () => "new")).toBe("new");
    expect(await read(one, async () => "newer")).toBe("new");
  });

  it.each([
    ["own", () => one],
    ["other", () => two],
  ])("in the %s process keeps a fetch that began before it from being stored anywhere", async (_who, dropper) => {
    const { opened, open } = gate<string>();
    let hasBegun = false;
    const before = read(one, () => {
      hasBegun = true;
      return opened;
    });
    await until("the fetch has begun", () => hasBegun);
    await drop(dropper());
    await two.cache.getOrSetCache("exam:1", async () => "something else with the tag", { tags: ["course:7"] });
    open("old");
    expect(await before).toBe("old");
    await settle(dropper(), one, where.prefix);
    expect(one.cache.peek("exam:1:questions")).toBeUndefined();
    expect(await read(two, async () => "new")).toBe("new");
    expect(await read(one, async () => "newer")).toBe("new");
  });

  it("is not joined by readers that come after it", async () => {
    const { opened, open } = gate<string>();
    let hasBegun = false;
    const before = read(one, () => {
      hasBegun = true;
      return opened;
    });
    await until("the fetch has begun", () => hasBegun);
    await drop(one);
    expect(await read(one, async () => "new")).toBe("new");
    open("old");
    expect(await before).toBe("old");
    expect(await read(one, async () => "newer")).toBe("new");
  });

  it("leaves everything else", async () => {
    if (_name === "the pattern of everything") return;
    await one.cache.getOrSetCache("exam:10:questions", async () => "kept", { tags: ["course:70"] });
    await drop(one);
    expect(one.cache.peek("exam:10:questions")).toBe("kept");
    expect(await two.cache.getOrSetCache("exam:10:questions", async () => "x", { tags: ["course:70"] })).toBe("kept");
  });

  it("is told to listeners in both processes", async () => {
    const heard: string[] = [];
    const listen = (name: string, { cache }: CacheProcess) =>
      cache.onDrop(({ keys, tags, pattern, all }) =>
        heard.push(`${name} ${[...keys, ...tags, pattern, all ? "all" : null].filter(Boolean)}`),
      );
    listen("one", one);
    listen("two", two);
    await drop(one);
    await settle(one, two, where.prefix);
    const what = { key: "exam:1:questions", tag: "course:7", pattern: "exam:1:*" }[_name] ?? "all";
    expect(new Set(heard)).toEqual(new Set([`one ${what}`, `two ${what}`]));
  });
});

describe("the cache as a whole", () => {
  it("never gives a value older than the last drop, whatever reads were under way", async () => {
    let version = 0;
    const tags = ["exam:1"];
    const readers = [one, two];
    const read = ({ cache }: CacheProcess) =>
      cache.getOrSetCache(
        "exam:1",
        async () => {
          const seen = version; // read now, delivered later, as a slow query would
          await until("a moment has passed", () => Math.random() < 0.5);
          return seen;
        },
        { tags },
      );
    for (let round = 0; round < 150; round++) {
      const writer = readers[round % 2]!;
      const other = readers[(round + 1) % 2]!;
      const underWay = [one, two, one, two].map(async (reader, i) => {
        await until("its turn", () => Math.random() < 1 / (i + 1));
        return read(reader);
      });
      if (round % 3 > 0) await read(other);
      version++;
      if (round % 2 === 0) await writer.cache.drop("exam:1");
      else await writer.cache.dropTags(...tags);
      expect(await read(writer)).toBe(version);
      await settle(writer, other, where.prefix);
      expect(await read(other)).toBe(version);
      await Promise.all(underWay);
      expect([await read(one), await read(two)]).toEqual([version, version]);
    }
  });

  it("keeps nothing that is read while a pattern walks through Redis", async () => {
    const filler = Array.from({ length: 20_000 }, (_, i) => [`${where.prefix}:cache:filler:${i}`, ""]).flat();
    await one.redis.mset(...filler);
    const keys = Array.from({ length: 20 }, (_, i) => `exam:${i}`);
    const readAll = ({ cache }: CacheProcess, value: string) =>
      Promise.all(keys.map((key) => cache.getOrSetCache(key, async () => value)));
    await readAll(two, "old");
    const dropping = one.cache.dropPattern("exam:*");
    expect(await readAll(one, "new")).toContain("old"); // the drop is not done yet
    await dropping;
    expect(new Set(await readAll(one, "new"))).toEqual(new Set(["new"]));
    await one.cache.dropPattern("filler:*");
  });

  it("costs a fetch, not a stale read, when Redis evicts a tag", async () => {
    await one.cache.getOrSetCache("exam:1", async () => "old", { tags: ["course:7"] });
    await one.redis.del(`${where.prefix}:cache-tag:course:7`);
    expect(await two.cache.getOrSetCache("exam:1", async () => "new", { tags: ["course:7"] })).toBe("new");
  });

  it("leaves nothing in Redis without an end but the name of the server", async () => {
    await one.cache.getOrSetCache("exam:1", async () => "x", { tags: ["course:7"] });
    await one.cache.getOrSetCache("exam:2", () => Promise.reject(new Error("no"))).catch(() => {});
    const keys = await one.redis.keys(`${where.prefix}:*`);
    const endless = [];
    for (const key of keys) if ((await one.redis.pttl(key)) < 0) endless.push(key);
    expect(endless).toEqual([`${where.prefix}:cache-server`]);
  });
});

/** What is left of the life of a value in Redis; negative when it is expired. */
async function lifeMs(key: string): Promise<number> {
  const [seconds = 0, micros = 0] = (await one.redis.time()).map(Number);
  return Number(await one.redis.hget(`${where.prefix}:cache:${key}`, "until")) - (seconds * 1_000 + micros / 1_000);
}
