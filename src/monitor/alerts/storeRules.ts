import { isAway, type RedisFigures, type Snapshot } from "../snapshot.ts";
import type { AlertRule, Reading } from "./alertRule.ts";

/** Redis is well again when it has evicted nothing for this long. */
const evictedWithinMs = 300_000;

const yes = (isSo: boolean) => (isSo ? 1 : 0);
const ofRedis =
  (figure: (redis: RedisFigures) => Omit<Reading, "subject">) =>
  ({ redis }: Snapshot): Reading[] | null =>
    isAway(redis) ? null : [{ subject: "redis", ...figure(redis) }];

export const storeRules: readonly AlertRule[] = [
  {
    name: "redisAway",
    severity: "critical",
    meaning: "Redis does not answer: reads are slower, jobs wait in the outbox.",
    unit: "yes or no",
    ...{ raise: 1, clear: 0, forSeconds: 20 },
    remedy: "Start Redis, or see what is between it and us; nothing is lost, the outbox hands over what waits.",
    measure: ({ redis, queues }) => {
      const says = isAway(redis)
        ? `Redis is away: ${redis.away}`
        : isAway(queues)
          ? `The queues cannot be read: ${queues.away}`
          : null;
      return [{ subject: "redis", value: yes(says !== null), says: says ?? "" }];
    },
  },
  {
    name: "postgresAway",
    severity: "critical",
    meaning: "PostgreSQL does not answer: nothing can be saved.",
    unit: "yes or no",
    ...{ raise: 1, clear: 0, forSeconds: 20 },
    remedy: "Start PostgreSQL, or see what is between it and us; our programs need no restart.",
    measure: ({ outbox }) => [
      {
        subject: "postgres",
        value: yes(isAway(outbox)),
        says: `PostgreSQL is away: ${isAway(outbox) ? outbox.away : ""}`,
      },
    ],
  },
  {
    name: "outboxStuck",
    severity: "critical",
    meaning: "Jobs are committed but not handed over to Redis.",
    unit: "seconds waited",
    ...{ raise: 60, clear: 10, forSeconds: 0 },
    remedy: "Start a worker: its relay hands them over. If one runs, its log says why it cannot: Redis away, or full.",
    measure: ({ outbox }) =>
      isAway(outbox)
        ? null
        : [
            {
              subject: "outbox",
              value: outbox.oldestSeconds ?? 0,
              says: `Jobs wait in the outbox for ${outbox.oldestSeconds} s: no worker hands them over.`,
            },
          ],
  },
  {
    name: "redisFull",
    severity: "critical",
    meaning: "Redis is near its maxmemory; when it is reached, no job can be added.",
    unit: "percent",
    ...{ raise: 90, clear: 80, forSeconds: 0 },
    remedy:
      "Raise maxmemory, or see what fills it: a backlog (start workers), dead letters (discard), or the cache (CACHE_REDIS_URL).",
    measure: ofRedis(({ usedMemoryBytes, maxMemoryBytes }) => {
      const percent = maxMemoryBytes ? (100 * usedMemoryBytes) / maxMemoryBytes : 0;
      return { value: percent, says: `Redis has used ${Math.floor(percent)} % of its memory.` };
    }),
  },
  {
    name: "redisMayEvict",
    severity: "warning",
    meaning: "Redis is set up to throw keys away when its memory is full: jobs could vanish.",
    unit: "yes or no",
    ...{ raise: 1, clear: 0, forSeconds: 0 },
    remedy: "Set maxmemory-policy to noeviction (CONFIG SET at once, and in redis.conf).",
    measure: ofRedis(({ maxMemoryPolicy }) => ({
      value: yes(maxMemoryPolicy !== "noeviction"),
      says: `Redis may throw jobs away: maxmemory-policy is ${maxMemoryPolicy}, not noeviction.`,
    })),
  },
  {
    name: "redisEvicts",
    severity: "critical",
    meaning: "Redis has thrown keys away within the last five minutes.",
    unit: "count",
    ...{ raise: 1, clear: 0, forSeconds: 0 },
    remedy:
      "Set maxmemory-policy to noeviction and give it more memory; jobs that were lost are handed over again by the outbox within minutes.",
    needsPast: true,
    measure: ({ redis, takenAt }, past) => {
      if (isAway(redis)) return null;
      const since = Date.parse(takenAt) - evictedWithinMs;
      const before = past.flatMap(({ at, evictedKeys }) =>
        evictedKeys !== null && Date.parse(at) >= since ? [evictedKeys] : [],
      );
      // It counts from zero again when Redis starts.
      const evicted = Math.max(0, redis.evictedKeys - Math.min(redis.evictedKeys, ...before));
      return [{ subject: "redis", value: evicted, says: `Redis has thrown ${evicted} keys away.` }];
    },
  },
  {
    name: "redisForgets",
    severity: "warning",
    meaning: "Redis keeps nothing on disk: what it holds is gone when it restarts.",
    unit: "yes or no",
    ...{ raise: 1, clear: 0, forSeconds: 0 },
    remedy: "Switch the append-only file on (CONFIG SET appendonly yes at once, and in redis.conf).",
    measure: ofRedis(({ appendOnly }) => ({
      value: yes(appendOnly === "off"),
      says: "Redis forgets jobs when it restarts: appendonly is off.",
    })),
  },
  {
    name: "redisCannotWrite",
    severity: "critical",
    meaning: "Redis cannot write its append-only file: its disk is full or broken.",
    unit: "yes or no",
    ...{ raise: 1, clear: 0, forSeconds: 0 },
    remedy: "Make room on Redis's disk, and read its log.",
    measure: ofRedis(({ appendOnly }) => ({
      value: yes(appendOnly === "failing"),
      says: "Redis cannot write its append-only file.",
    })),
  },
];
