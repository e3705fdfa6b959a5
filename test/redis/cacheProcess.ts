import { Writable } from "node:stream";
import { pino } from "pino";
import { createBus } from "../../src/redis/bus.ts";
import { type CacheDependencies, createCache } from "../../src/redis/cache.ts";
import { createEvents } from "../../src/redis/pubsub.ts";
import { createRedis } from "../../src/redis/redis.ts";
import { until } from "./until.ts";

/** Redis as one server process has it: its own connections, cache and events, and a clock that can be put forward. */
export function startCacheProcess(
  where: { url: string; busUrl?: string; prefix: string },
  options: Partial<CacheDependencies> = {},
) {
  const lines: { level: number; msg: string }[] = [];
  const log = pino(
    { level: "debug" },
    new Writable({ write: (line, _encoding, done) => done(void lines.push(JSON.parse(line))) }),
  );
  let aheadMs = 0;
  const redis = createRedis(where.url, { role: "cache", log });
  const subscriber = createRedis(where.busUrl ?? where.url, { role: "subscriber", log });
  const bus = createBus({ subscriber, log });
  const cache = createCache({
    redis,
    bus,
    log,
    clock: () => new Date(Date.now() + aheadMs),
    prefix: where.prefix,
    shape: "1",
    ttlSeconds: 600,
    memoryBytes: 10_000_000,
    ...options,
  });
  const events = createEvents({ redis, bus, prefix: where.prefix, log });
  return {
    cache,
    events,
    redis,
    subscriber,
    bus,
    lines,
    putClockForward: (ms: number) => (aheadMs += ms),
    untilConnected: () => until("the cache uses Redis", () => cache.longestLifeMs === Number.POSITIVE_INFINITY),
    async close() {
      await events.close();
      cache.close();
      redis.disconnect();
      subscriber.disconnect();
    },
  };
}

export type CacheProcess = ReturnType<typeof startCacheProcess>;

/** Resolves when `receiver` has seen everything that `sender` sent to Redis so far. */
export async function settle(sender: CacheProcess, receiver: CacheProcess, prefix: string): Promise<void> {
  const channel = `${prefix}:settle:${Math.random()}`;
  let isHere = false;
  const subscription = receiver.bus.subscribe(channel, () => (isHere = true));
  await subscription.ready;
  await sender.redis.publish(channel, "");
  await until("the message is here", () => isHere);
  subscription.close();
}

/** A promise to be settled by hand. */
export function gate<T>() {
  let open: (value: T) => void = () => {};
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
