import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { uuidv7 } from "uuidv7";
import { type PrivateRedis, startPrivateRedis } from "../../dev/privateRedis.ts";
import type { Notice } from "../../src/monitor/alerts/alertState.ts";
import { createAlertStore } from "../../src/monitor/alerts/alertStore.ts";
import type { Channel } from "../../src/monitor/alerts/sendAlerts.ts";
import { createAlertWatch } from "../../src/monitor/alerts/watchAlerts.ts";
import type { Snapshot } from "../../src/monitor/snapshot.ts";
import { createRedis, type Redis } from "../../src/redis/redis.ts";
import { createLogger } from "../../src/utils/logger.ts";
import { eventually } from "../support/eventually.ts";
import { at, givenRule, healthy } from "./support.ts";

const log = createLogger({ level: "silent", pretty: false, program: "test" });
const timing = { repeatSeconds: 3_600, groupSeconds: 60, calmSeconds: 30 };
const folder = mkdtempSync(path.join(os.tmpdir(), "lectern-alerts-"));

let server: PrivateRedis;
let redis: Redis;
let prefix: string;
/** What is wrong now, by subject. */
let wrong: Record<string, number>;
let told: { by: string; id: string; notice: Notice }[];

beforeAll(async () => {
  server = await startPrivateRedis({ folder });
  redis = createRedis(server.url, { role: "queue", log });
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await eventually("Redis is there", () => redis.status === "ready");
  prefix = `test-${uuidv7()}`;
  wrong = {};
  told = [];
});

const rules = [givenRule({ forSeconds: 0 }, () => wrong)];
const redisRule = givenRule({ name: "away", forSeconds: 0 }, () => ({ redis: redis.status === "ready" ? 0 : 20 }));
const aMonitor = (by: string, { leaseMs = 60_000, channel = {} as Partial<Channel>, others = rules } = {}) =>
  createAlertWatch({
    id: uuidv7(),
    store: createAlertStore({ redis, prefix }),
    rules: others,
    timing,
    channels: [{ name: "test", send: async (id, notice) => void told.push({ by, id, notice }), ...channel }],
    leaseMs,
    newId: uuidv7,
    log,
  });
const said = () =>
  told.map(({ by, notice: { began, over } }) => ({
    by,
    began: began.map(({ subject }) => subject),
    over: over.map(({ subject }) => subject),
  }));
const snapshotAt = (seconds: number): Snapshot => healthy(seconds);

describe("a monitor", () => {
  it("that is started again neither forgets nor repeats", async () => {
    const first = aMonitor("first");
    wrong = { a: 20 };
    await first.observe(snapshotAt(0));
    await first.close();
    const second = aMonitor("second");
    await second.observe(snapshotAt(100));
    wrong = {};
    for (const seconds of [110, 120, 130, 140]) await second.observe(snapshotAt(seconds));
    expect(said()).toEqual([
      { by: "first", began: ["a"], over: [] },
      { by: "second", began: [], over: ["a"] },
    ]);
  });

  it("beside another keeps quiet until the other stops", async () => {
    const [one, two] = [aMonitor("one"), aMonitor("two")];
    wrong = { a: 20 };
    for (const seconds of [0, 100, 200])
      await Promise.all([one.observe(snapshotAt(seconds)), two.observe(snapshotAt(seconds))]);
    expect(said()).toHaveLength(1);
    const [active, passive] = said()[0]!.by === "one" ? [one, two] : [two, one];
    await active.close();
    wrong = { a: 20, b: 20 };
    await passive.observe(snapshotAt(300));
    expect(said()[1]).toMatchObject({ began: ["b"], over: [] });
    expect(said()[1]!.by).not.toBe(said()[0]!.by);
  });

  it("takes over from one that died when its lease has run out", async () => {
    const dead = aMonitor("dead", { leaseMs: 50 });
    wrong = { a: 20 };
    await dead.observe(snapshotAt(0));
    const next = aMonitor("next");
    wrong = { a: 20, b: 20 };
    let seconds = 100;
    await eventually("it takes over", async () => {
      await next.observe(snapshotAt(seconds++));
      return told.length === 2;
    });
    expect(said()[1]).toEqual({ by: "next", began: ["b"], over: [] });
  });

  it("sends what another died over while it sent it, with the same id", async () => {
    const ids: string[] = [];
    const hanging = (id: string) => {
      ids.push(id);
      return new Promise<void>(() => {});
    };
    wrong = { a: 20 };
    void aMonitor("dying", { channel: { send: hanging } }).observe(snapshotAt(0));
    await eventually("it sends", () => ids.length === 1);
    await redis.del(`${prefix}:alerts:lease`); // it has run out
    await aMonitor("next").observe(snapshotAt(30));
    expect(told.map(({ by, id }) => ({ by, id }))).toEqual([{ by: "next", id: ids[0] }]);
  });

  it("tries again ever less often, until a channel takes it", async () => {
    const tries: number[] = [];
    let seconds = 0;
    const send: Channel["send"] = async () => {
      tries.push(seconds);
      if (tries.length < 5) throw new Error("503");
    };
    const monitor = aMonitor("one", { channel: { send } });
    wrong = { a: 20 };
    for (; seconds < 600; seconds += 10) await monitor.observe(snapshotAt(seconds));
    expect(tries).toEqual([0, 10, 30, 70, 150]);
  });

  it("gives up after a day", async () => {
    let tries = 0;
    const send: Channel["send"] = async () => {
      tries += 1;
      throw new Error("404");
    };
    const monitor = aMonitor("one", { channel: { send } });
    wrong = { a: 20 };
    await monitor.observe(snapshotAt(0));
    await monitor.observe(snapshotAt(90_000));
    expect(tries).toBe(3); // the second look also repeats what still is wrong
    wrong = {};
    await monitor.observe(snapshotAt(91_000));
    expect(tries).toBe(4);
  });

  it("minds silences as they are set and lifted", async () => {
    const monitor = aMonitor("one");
    const store = createAlertStore({ redis, prefix });
    const silence = { id: uuidv7(), what: "given:a", until: at(3_600), reason: "known", by: "ada" };
    await store.addSilence(silence);
    wrong = { a: 20 };
    await monitor.observe(snapshotAt(0));
    expect(told).toEqual([]);
    await store.removeSilence(silence.id);
    await monitor.observe(snapshotAt(10));
    expect(said()).toEqual([{ by: "one", began: ["a"], over: [] }]);
  });
});

describe("while Redis", () => {
  it("is too full to be written, goes on from memory and says it once", async () => {
    const monitor = aMonitor("one");
    await monitor.observe(snapshotAt(0));
    await redis.config("SET", "maxmemory", "1mb");
    try {
      wrong = { a: 20 };
      for (const seconds of [10, 20, 30]) await monitor.observe(snapshotAt(seconds));
      await aMonitor("other").observe(snapshotAt(40));
      expect(said()).toEqual([{ by: "one", began: ["a"], over: [] }]);
    } finally {
      await redis.config("SET", "maxmemory", "0");
    }
    await monitor.close();
    await aMonitor("next").observe(snapshotAt(100));
    expect(told).toHaveLength(2); // the memory was never written: rather twice than never
  });

  it("is away, the one that acted tells it, and tells when it is back; the other keeps quiet", async () => {
    const others = [redisRule];
    const [one, two] = [aMonitor("one", { others }), aMonitor("two", { others, leaseMs: 60_000 })];
    for (const monitor of [one, two]) await monitor.observe(snapshotAt(0));
    await server.stop();
    await eventually("Redis is away", () => redis.status !== "ready");
    for (const seconds of [10, 20, 30]) for (const monitor of [two, one]) await monitor.observe(snapshotAt(seconds));
    expect(said()).toEqual([{ by: "one", began: ["redis"], over: [] }]);
    await server.start();
    await eventually("Redis is back", () => redis.status === "ready");
    await redis.del(`${prefix}:alerts:lease`); // it has run out meanwhile
    for (const seconds of [40, 50, 60, 70, 80, 90]) {
      for (const monitor of [two, one]) await monitor.observe(snapshotAt(seconds));
    }
    expect(said().slice(1)).toEqual([{ by: "one", began: [], over: ["redis"] }]);
  });

  it("is away when a monitor starts, that one acts, and keeps what it said when Redis is back", async () => {
    await server.stop();
    await eventually("Redis is away", () => redis.status !== "ready");
    const monitor = aMonitor("one", { others: [redisRule] });
    await monitor.observe(snapshotAt(0));
    expect(said()).toEqual([{ by: "one", began: ["redis"], over: [] }]);
    await server.start();
    await eventually("Redis is back", () => redis.status === "ready");
    for (const seconds of [60, 70, 80, 90, 100]) await monitor.observe(snapshotAt(seconds));
    expect(said().slice(1)).toEqual([{ by: "one", began: [], over: ["redis"] }]);
  });
});
