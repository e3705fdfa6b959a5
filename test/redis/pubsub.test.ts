import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { testRedis } from "../support/testDatabase.ts";
import { type CacheProcess, settle, startCacheProcess } from "./cacheProcess.ts";
import { createLink } from "./link.ts";
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

const changed = (attemptId: string) => ({ attemptId });
const progress = (value: number) => ({ queue: "exam", jobId: "1", progress: value });
const listenersTo = async (topic: string) =>
  Number(((await one.redis.pubsub("NUMSUB", `${where.prefix}:events:${topic}`)) as [string, number])[1]);

describe("events", () => {
  it("reach everybody who listens to their topic, in every process, in order", async () => {
    const streams = [one, two, two].map(({ events }) => events.subscribe("jobChanged", "exam:1"));
    await Promise.all(streams.map((stream) => stream.ready));
    for (let i = 0; i < 5; i++) await one.events.publish("jobChanged", progress(i));
    for (const stream of streams) {
      for (let i = 0; i < 5; i++) expect(await stream.next()).toEqual({ value: progress(i), done: false });
    }
  });

  it("do not reach those who listen to another topic", async () => {
    const mine = two.events.subscribe("attemptChanged", "exam:1");
    const other = two.events.subscribe("jobChanged", "exam:1");
    await Promise.all([mine.ready, other.ready]);
    await one.events.publish("attemptChanged", changed("theirs"));
    await one.events.publish("jobChanged", progress(1));
    await one.events.publish("attemptChanged", changed("exam:1"));
    expect((await mine.next()).value).toEqual(changed("exam:1"));
    expect((await other.next()).value).toEqual(progress(1));
  });

  it("are subscribed to once per process, and no longer than somebody listens", async () => {
    const streams = [1, 2, 3].map(() => one.events.subscribe("attemptChanged", "a"));
    await Promise.all(streams.map((stream) => stream.ready));
    expect(await listenersTo("attemptChanged:a")).toBe(1);
    await streams[0]!.return();
    await streams[1]!.return();
    await streams[1]!.return();
    await settle(one, one, where.prefix);
    expect(await listenersTo("attemptChanged:a")).toBe(1);
    await streams[2]!.return();
    await until("nobody listens", async () => (await listenersTo("attemptChanged:a")) === 0);
  });

  it("can be listened to again in the moment the last listener leaves", async () => {
    const first = one.events.subscribe("attemptChanged", "a");
    await first.ready;
    await first.return();
    const second = one.events.subscribe("attemptChanged", "a");
    await second.ready;
    await two.events.publish("attemptChanged", changed("a"));
    expect((await second.next()).value).toEqual(changed("a"));
  });

  it("end for a reader that waits when the stream is returned or everything is closed", async () => {
    const [first, second] = [one.events.subscribe("attemptChanged", "a"), one.events.subscribe("attemptChanged", "b")];
    const waiting = [first.next(), second.next()];
    await first.return();
    expect(await waiting[0]).toEqual({ value: undefined, done: true });
    await one.events.close();
    expect(await waiting[1]).toEqual({ value: undefined, done: true });
    expect(await second.next()).toEqual({ value: undefined, done: true });
  });

  it("unsubscribe when a loop over them is left", async () => {
    const stream = one.events.subscribe("attemptChanged", "a");
    await stream.ready;
    await two.events.publish("attemptChanged", changed("a"));
    for await (const event of stream) {
      expect(event).toEqual(changed("a"));
      break;
    }
    await until("nobody listens", async () => (await listenersTo("attemptChanged:a")) === 0);
  });

  it("keep only the newest for a reader that is slow", async () => {
    const stream = two.events.subscribe("jobChanged", "exam:1");
    await stream.ready;
    for (let i = 0; i < 150; i++) await one.events.publish("jobChanged", progress(i));
    await settle(one, two, where.prefix);
    expect((await stream.next()).value).toEqual(progress(50));
  });

  it("go on by themselves after the connection was lost", async () => {
    const link = await createLink(where.url);
    const far = startCacheProcess({ ...where, url: link.url });
    try {
      await far.untilConnected();
      const stream = far.events.subscribe("attemptChanged", "a");
      await stream.ready;
      link.cut();
      await until("it is noticed", () => !far.bus.isConnected);
      const during = far.events.subscribe("attemptChanged", "b");
      await far.events.publish("attemptChanged", changed("lost")); // and it does not throw
      link.restore();
      await until("the bus is back", () => far.bus.isConnected);
      await during.ready;
      await one.events.publish("attemptChanged", changed("a"));
      await one.events.publish("attemptChanged", changed("b"));
      expect((await stream.next()).value).toEqual(changed("a"));
      expect((await during.next()).value).toEqual(changed("b"));
    } finally {
      await far.close();
      link.close();
    }
  });
});
