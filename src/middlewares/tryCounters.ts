import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { Redis } from "../redis/redis.ts";
import type { Logger } from "../utils/logger.ts";

/** How often something was tried in a stretch of time that begins with the first try. Every method answers, also without Redis. */
export interface TryCounter {
  /** Counts one more, in one step. @returns milliseconds until there is room again; 0 if this one still had room */
  take(key: string): Promise<number>;
  /** Takes one back that turned out not to count. */
  giveBack(key: string): Promise<void>;
  /** The same as `take`, without counting. */
  look(key: string): Promise<number>;
}

export interface TryCounterOptions {
  name: string;
  most: number;
  seconds: number;
  /** Counted in this process alone, where a round trip to Redis would cost more than sharing the count is worth. */
  inProcess?: boolean;
}

export type TryCounters = ReturnType<typeof createTryCounters>;

/** How long Redis is left alone after a command that failed: one that only hangs costs its time-out once in this time. */
const PAUSE_MS = 2_000;

/**
 * Counters on Redis, shared by all servers. While Redis is away each server counts in its own memory, from zero:
 * limits are then as many times looser as there are servers, and nobody waits.
 */
export function createTryCounters({ redis, prefix, log }: { redis: Redis; prefix: string; log: Logger }) {
  let isAway = false;
  let pausedUntil = 0;

  async function preferRedis<T>(onRedis: () => Promise<T>, inMemory: () => Promise<T>): Promise<T> {
    if (redis.status !== "ready" || performance.now() < pausedUntil) return inMemory();
    try {
      const result = await onRedis();
      isAway = false;
      return result;
    } catch (err) {
      if (!isAway) log.warn({ err }, "tries are counted without redis");
      isAway = true;
      pausedUntil = performance.now() + PAUSE_MS;
      return inMemory();
    }
  }

  return function counter({ name, most, seconds, inProcess = false }: TryCounterOptions): TryCounter {
    const options = { keyPrefix: `${prefix}:tries:${name}`, points: most, duration: seconds };
    const memory = counterOn(new RateLimiterMemory(options));
    if (inProcess) return memory;
    const shared = counterOn(new RateLimiterRedis({ ...options, storeClient: redis }));
    const either =
      <T>(operation: (counter: TryCounter, key: string) => Promise<T>) =>
      (key: string) =>
        preferRedis(
          () => operation(shared, key),
          () => operation(memory, key),
        );
    return {
      take: either((counter, key) => counter.take(key)),
      giveBack: either((counter, key) => counter.giveBack(key)),
      look: either((counter, key) => counter.look(key)),
    };
  };
}

function counterOn(limiter: RateLimiterMemory | RateLimiterRedis): TryCounter {
  return {
    async take(key) {
      try {
        await limiter.consume(key);
        return 0;
      } catch (refused) {
        if (refused instanceof RateLimiterRes) return Math.max(refused.msBeforeNext, 1);
        throw refused;
      }
    },
    async giveBack(key) {
      await limiter.reward(key);
    },
    async look(key) {
      const tried = await limiter.get(key);
      return tried && tried.consumedPoints >= limiter.points ? Math.max(tried.msBeforeNext, 0) : 0;
    },
  };
}
