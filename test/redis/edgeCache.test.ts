import { beforeEach, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { DROP_ALL, type Drop, dropOfKeys, dropOfPattern, dropOfTags, matcherOf } from "../../src/redis/drop.ts";
import { createEdgeCache, type EdgeCache } from "../../src/redis/edgeCache.ts";
import { testRedis } from "../support/testDatabase.ts";
import { settle, startCacheProcess } from "./cacheProcess.ts";

/** The part of the cache that the edge cache uses, moved by hand. */
function createSource() {
  const listeners: ((drop: Drop) => void)[] = [];
  return {
    onDrop: (listener: (drop: Drop) => void) => void listeners.push(listener),
    longestLifeMs: Number.POSITIVE_INFINITY,
    drop: (drop: Drop) => {
      for (const listener of listeners) listener(drop);
    },
  };
}

const answer = (text: string) => ({ bytes: Buffer.from(text), contentType: "application/json" });
const textOf = (found: { bytes: Buffer } | undefined) => found?.bytes.toString();

let source: ReturnType<typeof createSource>;
let nowMs: number;
let edge: EdgeCache;

beforeEach(() => {
  source = createSource();
  nowMs = 1_000;
  edge = createEdgeCache({ cache: source, maxBytes: 1_000_000, clock: () => new Date(nowMs), ttlSeconds: 60 });
});

describe("the edge cache", () => {
  it("answers the same body for the same scope with the stored bytes", () => {
    const etag = '"1"';
    expect(edge.store(edge.begin(), "course:1", "{exam}", { ...answer("stored"), etag }, ["exam:1"])).toBe(true);
    const found = edge.lookup("course:1", "{exam}");
    expect(found).toEqual({ bytes: Buffer.from("stored"), contentType: "application/json", etag });
    expect(edge.stats()).toMatchObject({ hits: 1, misses: 0, entries: 1 });
  });

  it("keeps the bytes even when the caller's buffer changes", () => {
    const own = Buffer.from("stored");
    edge.store(edge.begin(), "public", "{exam}", { bytes: own, contentType: "application/json" }, []);
    own.fill(0);
    expect(textOf(edge.lookup("public", "{exam}"))).toBe("stored");
  });

  it("refuses an answer that contains something dropped since its execution began", () => {
    const ticket = edge.begin();
    source.drop(dropOfTags(["exam:1"]));
    expect(edge.store(ticket, "public", "{exam}", answer("old"), ["course:1", "exam:1"])).toBe(false);
    expect(edge.store(ticket, "public", "{other}", answer("other"), ["course:1"])).toBe(true);
    expect(edge.lookup("public", "{exam}")).toBeUndefined();
    expect(edge.store(edge.begin(), "public", "{exam}", answer("new"), ["exam:1"])).toBe(true);
  });

  it("still refuses after more drops than it remembers", () => {
    const ticket = edge.begin();
    source.drop(dropOfTags(["exam:1"]));
    for (let i = 0; i < 20_000; i++) source.drop(dropOfKeys([`user:${i}:profile`]));
    expect(edge.store(ticket, "public", "{exam}", answer("old"), ["exam:1"])).toBe(false);
  });

  it("keeps an answer no longer than its life, nor than the cache vouches for", () => {
    edge.store(edge.begin(), "public", "{long}", answer("x"), []);
    source.longestLifeMs = 2_000;
    edge.store(edge.begin(), "public", "{short}", answer("x"), []);
    nowMs += 1_999;
    expect(edge.lookup("public", "{short}")).toBeDefined();
    nowMs += 1;
    expect(edge.lookup("public", "{short}")).toBeUndefined();
    nowMs += 57_999;
    expect(edge.lookup("public", "{long}")).toBeDefined();
    nowMs += 1;
    expect(edge.lookup("public", "{long}")).toBeUndefined();
  });

  it("stays within its bytes", () => {
    for (let i = 0; i < 1_000; i++)
      edge.store(edge.begin(), "public", `{${i}}`, answer("x".repeat(10_000)), ["exam:1"]);
    expect(edge.stats().bytes).toBeLessThanOrEqual(1_000_000);
    expect(edge.stats().entries).toBeGreaterThan(50);
    expect(edge.lookup("public", "{999}")).toBeDefined();
    expect(edge.lookup("public", "{0}")).toBeUndefined();
    edge.store(edge.begin(), "public", "{last}", answer("x".repeat(990_000)), []);
    expect(edge.stats()).toMatchObject({ entries: 1, tags: 0 }); // the tags went with the answers that had them
    expect(edge.store(edge.begin(), "public", "{huge}", answer("x".repeat(1_000_001)), [])).toBe(false);
  });

  it("tells bodies apart byte by byte, also broken ones", () => {
    edge.store(edge.begin(), "public", Buffer.from([0x22, 0xff, 0x22]), answer("ff"), []);
    expect(edge.lookup("public", Buffer.from([0x22, 0xfe, 0x22]))).toBeUndefined();
    expect(edge.lookup("public", Buffer.from([0x22, 0xff, 0x22]))).toBeDefined();
  });

  it("never serves what was stored for another scope or body", () => {
    // One text cut at two places: what joins to the same must still be told apart.
    const text = fc.string({ unit: fc.constantFrom("1", "2", "b", "s", ":", "é"), maxLength: 6 });
    const form = fc.constantFrom<(body: string) => Buffer | string>(Buffer.from, String);
    fc.assert(
      fc.property(text, fc.nat(6), fc.nat(6), form, form, (whole, cut, otherCut, asForm, storedForm) => {
        const fresh = createEdgeCache({
          cache: createSource(),
          maxBytes: 10_000,
          clock: () => new Date(0),
          ttlSeconds: 9,
        });
        fresh.store(fresh.begin(), whole.slice(0, otherCut), storedForm(whole.slice(otherCut)), answer("x"), []);
        const isSame = asForm === storedForm && whole.slice(0, cut) === whole.slice(0, otherCut);
        expect(fresh.lookup(whole.slice(0, cut), asForm(whole.slice(cut))) !== undefined).toBe(isSame);
      }),
      { numRuns: 2_000 },
    );
  });

  it("behaves as its model in any sequence of begin, store, drop and look-up", () => {
    const names = ["exam:1", "exam:1:questions", "exam:2", "user:1", "course:1"];
    const name = fc.constantFrom(...names);
    const drop = fc.oneof(
      fc.array(name, { maxLength: 2 }).map(dropOfKeys),
      fc.array(name, { maxLength: 2 }).map(dropOfTags),
      fc.constantFrom("exam:*", "exam:1", "*:1", "nothing*").map(dropOfPattern),
      fc.constant(DROP_ALL),
    );
    const place = fc.record({ scope: fc.constantFrom("public", "user:1"), body: fc.constantFrom("{a}", "{b}") });
    const step = fc.oneof(
      { arbitrary: fc.record({ do: fc.constant("begin" as const) }), weight: 2 },
      {
        arbitrary: fc.record({
          do: fc.constant("store" as const),
          at: place,
          ticket: fc.nat(5),
          tags: fc.uniqueArray(name, { maxLength: 3 }),
        }),
        weight: 4,
      },
      { arbitrary: fc.record({ do: fc.constant("drop" as const), drop }), weight: 2 },
      { arbitrary: fc.record({ do: fc.constant("lookup" as const), at: place }), weight: 4 },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const input = createSource();
        const real = createEdgeCache({ cache: input, maxBytes: 1e6, clock: () => new Date(0), ttlSeconds: 60 });
        // The model remembers every drop there was, and looks through all of them.
        const model = new Map<string, { text: string; tags: string[] }>();
        const drops: Drop[] = [];
        const tickets = [{ real: real.begin(), model: 0 }];
        const isHit = ({ keys, tags, pattern, all }: Drop, labels: string[]) =>
          all || labels.some((l) => keys.includes(l) || tags.includes(l) || (pattern && matcherOf(pattern)(l)));
        steps.forEach((next, number) => {
          if (next.do === "begin") tickets.push({ real: real.begin(), model: drops.length });
          if (next.do === "drop") {
            drops.push(next.drop);
            input.drop(next.drop);
            for (const [at, entry] of model) if (isHit(next.drop, entry.tags)) model.delete(at);
            if (next.drop.all) model.clear();
          }
          if (next.do === "store") {
            const ticket = tickets[tickets.length - 1 - (next.ticket % tickets.length)]!;
            const since = drops.slice(ticket.model);
            const stored = real.store(ticket.real, next.at.scope, next.at.body, answer(`${number}`), next.tags);
            // After a pattern it may refuse more than it must, never less.
            const mustRefuse = since.some((d) => isHit(d, next.tags));
            const mayRefuse = mustRefuse || since.some((d) => d.pattern !== null);
            if (mustRefuse) expect(stored).toBe(false);
            if (!mayRefuse) expect(stored).toBe(true);
            if (stored) model.set(`${next.at.scope} ${next.at.body}`, { text: `${number}`, tags: next.tags });
          }
          if (next.do === "lookup") {
            const expected = model.get(`${next.at.scope} ${next.at.body}`)?.text;
            expect(textOf(real.lookup(next.at.scope, next.at.body))).toBe(expected);
          }
        });
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("the edge cache on the cache of two processes", () => {
  it("drops an answer in the other process, and refuses one that began before", async () => {
    const where = testRedis();
    const [one, two] = [startCacheProcess(where), startCacheProcess(where)];
    try {
      const far = createEdgeCache({ cache: two.cache, maxBytes: 1e6, clock: () => new Date(), ttlSeconds: 60 });
      await Promise.all([one.untilConnected(), two.untilConnected()]);
      const ticket = far.begin();
      far.store(far.begin(), "public", "{exam}", answer("old"), ["exam:1"]);
      await one.cache.drop("exam:1");
      await settle(one, two, where.prefix);
      expect(far.lookup("public", "{exam}")).toBeUndefined();
      expect(far.store(ticket, "public", "{exam}", answer("old"), ["exam:1"])).toBe(false);
    } finally {
      await Promise.all([one.close(), two.close()]);
    }
  });
});
