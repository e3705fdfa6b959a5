import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { pino } from "pino";
import { DROP_ALL, dropOfKeys, dropOfPattern, dropOfTags, matcherOf, redisPatternOf } from "../../src/redis/drop.ts";
import { createPendingDrops } from "../../src/redis/pendingDrops.ts";
import { createRedis } from "../../src/redis/redis.ts";
import { testRedis } from "../support/testDatabase.ts";

describe("a pattern", () => {
  it("means in this process what it means in Redis", async () => {
    const { url, prefix } = testRedis();
    // A database that nobody else uses: KEYS looks at every key there is.
    const redis = createRedis(`${url}/9`, { role: "worker", log: pino({ level: "silent" }) });
    const literal = `${prefix}:{a*?}[x]:`; // a prefix is never a pattern
    const unit = fc.constantFrom("a", "b", ":", "*", "?", "[", "]", "^", "-", "\\", "\n", "é");
    const text = fc.string({ unit, maxLength: 6 });
    try {
      await fc.assert(
        fc.asyncProperty(text, fc.uniqueArray(text, { minLength: 1, maxLength: 20 }), async (pattern, keys) => {
          const names = keys.map((key) => literal + key);
          await redis.mset(...names.flatMap((name) => [name, ""]));
          const found = await redis.keys(redisPatternOf(literal, pattern));
          await redis.del(...names);
          expect(new Set(found)).toEqual(new Set(keys.filter(matcherOf(pattern)).map((key) => literal + key)));
        }),
        { numRuns: 300 },
      );
    } finally {
      redis.disconnect();
    }
  });
});

describe("pending drops", () => {
  it("hand out what was added, once", () => {
    const pending = createPendingDrops({ limit: 10 });
    for (const drop of [dropOfKeys(["a", "b"]), dropOfTags(["t"]), dropOfPattern("x*"), dropOfKeys(["a"])]) {
      pending.add(drop);
    }
    expect(pending.take()).toEqual([{ keys: ["a", "b"], tags: ["t"], pattern: null, all: false }, dropOfPattern("x*")]);
    expect(pending.isEmpty).toBe(true);
  });

  it("become a drop of everything when there are too many", () => {
    const pending = createPendingDrops({ limit: 10 });
    for (let i = 0; i < 11; i++) pending.add(dropOfKeys([`key ${i}`]));
    pending.add(dropOfTags(["later"]));
    expect(pending.take()).toEqual([DROP_ALL]);
    expect(pending.isEmpty).toBe(true);
  });
});
