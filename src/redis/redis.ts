import { once } from "node:events";
import { Redis, type RedisOptions } from "ioredis";
import type { Logger } from "../utils/logger.ts";

export type { Redis };

/**
 * - `queue`: adds jobs on behalf of a request, so it would rather fail than hang.
 * - `worker`: blocks on the queue for as long as there is nothing to do, and waits out an outage.
 * - `cache`: an answer that is late is worth less than none.
 * - `subscriber`: only listens; {@link createBus} subscribes again after an outage.
 */
export type RedisRole = "queue" | "worker" | "cache" | "subscriber";

const MAX_RECONNECT_PAUSE_MS = 1_000;
const HEARTBEAT_MS = 1_000;
const HEARTBEATS_MISSED = 3;

const OPTIONS: Record<RedisRole, RedisOptions> = {
  queue: { maxRetriesPerRequest: 1, enableOfflineQueue: false, commandTimeout: 5_000 },
  worker: { maxRetriesPerRequest: null },
  // Without retries a command fails when its connection does; sent again later it would act on another state.
  cache: {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    commandTimeout: 500,
  },
  subscriber: {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    commandTimeout: 5_000,
  },
};

/**
 * Opens a connection that comes back by itself, at most a second or so after the server does.
 * An outage is logged once, and its end once. The caller ends it with `quit` or `disconnect`.
 */
export function createRedis(url: string, { role, log }: { role: RedisRole; log: Logger }): Redis {
  const redis = new Redis(url, {
    ...OPTIONS[role],
    connectTimeout: 5_000,
    disconnectTimeout: 250, // ioredis waits this long even for a connection that is gone
    connectionName: `lectern-${role}`,
    // Jitter, so that a fleet does not return in one instant.
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, MAX_RECONNECT_PAUSE_MS) * (0.75 + Math.random() / 4),
  });
  logOutages(redis, role, log);
  if (role === "cache" || role === "subscriber") watchHeartbeat(redis);
  return redis;
}

/** Waits for Redis to be connected, but no longer than this; for the first moments of a process. Never rejects. */
export async function untilConnected(redis: Redis, limitMs: number): Promise<void> {
  if (redis.status === "ready") return;
  const limit = AbortSignal.timeout(limitMs);
  await once(redis, "ready", { signal: limit }).catch(() => {}); // not connected in time, or an error on the way: the first use says so
}

function logOutages(redis: Redis, role: RedisRole, log: Logger): void {
  let isAway = false;
  let lastError: Error | undefined;
  redis.on("error", (error) => {
    lastError = error;
  });
  redis.on("reconnecting", () => {
    if (!isAway) log.warn({ role, err: lastError }, "redis is away");
    isAway = true;
  });
  redis.on("ready", () => {
    if (isAway) log.info({ role }, "redis is back");
    isAway = false;
    lastError = undefined;
  });
}

/**
 * A peer that vanished without a word leaves the connection open for minutes, and idle connections are closed by some
 * servers. Beats are counted rather than timed, so a busy event loop of our own does not look like a silent peer.
 */
function watchHeartbeat(redis: Redis): void {
  let missed = 0;
  const timer = setInterval(() => {
    if (redis.status !== "ready") return;
    if (missed++ >= HEARTBEATS_MISSED) return redis.disconnect(true);
    redis.ping().then(
      () => (missed = 0),
      () => {}, // already counted as missed
    );
  }, HEARTBEAT_MS);
  timer.unref();
  redis.on("ready", () => (missed = 0));
  redis.on("end", () => clearInterval(timer));
}
