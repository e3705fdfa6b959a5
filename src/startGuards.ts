import { setTimeout as sleep } from "node:timers/promises";
import type { Db } from "../prisma/client.ts";
import { pendingMigrations } from "../prisma/migrate.ts";
import { within } from "./readiness.ts";
import { type Redis, untilConnected } from "./redis/redis.ts";
import { isOlder, readServerInfo } from "./redis/serverInfo.ts";
import { databaseTime } from "./services/databaseTime.ts";
import type { Logger } from "./utils/logger.ts";

interface Guard {
  name: string;
  /** A sentence with the remedy, or nothing; rejects when whoever it asks is not there. */
  problem(): Promise<string | null>;
}

export interface StartGuards {
  /** What forbids to start, a sentence with the remedy each. Guards that could not be asked are left for {@link askLater}. */
  problems(): Promise<string[]>;
  /** Asks those guards until each has answered. What they find is logged: a program that works is not ended by it. */
  askLater(): void;
  stop(): void;
}

/** The oldest that BullMQ works with without a warning. */
const OLDEST = { Redis: "6.2", Valkey: "7.2" };
const CONNECT_WITHIN_MS = 2_000;
const ANSWER_WITHIN_MS = 5_000;
const CLOCKS_MAY_DIFFER_MS = 1_000;
const CLOCK_READINGS = 3;

/**
 * What must be right before a program listens or works, because it would go wrong later and quietly: jobs thrown away by a
 * full Redis, statements on tables that are not there, tokens and deadlines by two clocks.
 * Whoever is not there at all is no reason to stay away: a server that is started while Redis is down still saves answers.
 */
export function createStartGuards({
  db,
  queueRedis,
  cacheRedis,
  cacheHasOwnServer,
  clock,
  log,
  askAgainMs = 5_000,
}: {
  db: Db;
  queueRedis: Redis;
  cacheRedis: Redis;
  cacheHasOwnServer: boolean;
  clock: () => Date;
  log: Logger;
  askAgainMs?: number;
}): StartGuards {
  const stopping = new AbortController();
  let unasked: Guard[] = [
    { name: "Redis", problem: () => redisProblem(queueRedis, { variable: "REDIS_URL", mayEvict: false }) },
    ...(cacheHasOwnServer
      ? [
          {
            name: "Redis of the cache",
            problem: () => redisProblem(cacheRedis, { variable: "CACHE_REDIS_URL", mayEvict: true }),
          },
        ]
      : []),
    { name: "migrations", problem: () => migrationsProblem(db) },
    { name: "clock", problem: () => clockProblem(db, clock) },
  ];

  async function ask(): Promise<{ problems: string[]; failures: Record<string, string> }> {
    const asked = unasked;
    const answers = await Promise.allSettled(asked.map((guard) => within(ANSWER_WITHIN_MS, guard.problem())));
    unasked = asked.filter((_guard, at) => answers[at]!.status === "rejected");
    return {
      problems: answers.flatMap((answer) => (answer.status === "fulfilled" && answer.value ? [answer.value] : [])),
      failures: Object.fromEntries(
        answers.flatMap((answer, at) =>
          answer.status === "rejected" ? [[asked[at]!.name, String(answer.reason?.message ?? answer.reason)]] : [],
        ),
      ),
    };
  }

  async function askUntilAnswered(): Promise<void> {
    while (unasked.length > 0) {
      await sleep(askAgainMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {}); // aborted means closing
      if (stopping.signal.aborted) return;
      for (const problem of (await ask()).problems) log.error({ problem }, "the next start will be refused");
    }
    log.info("all that is checked at a start is checked now");
  }

  return {
    async problems() {
      const { problems, failures } = await ask();
      if (problems.length === 0 && unasked.length > 0)
        log.warn({ failures }, "not all could be checked before the start; it is checked as soon as it can be");
      return problems;
    },
    askLater() {
      if (unasked.length > 0) void askUntilAnswered();
    },
    stop: () => stopping.abort(),
  };
}

async function redisProblem(
  redis: Redis,
  { variable, mayEvict }: { variable: string; mayEvict: boolean },
): Promise<string | null> {
  await untilConnected(redis, CONNECT_WITHIN_MS);
  return problemOfServer(await redis.info(), { variable, mayEvict });
}

/** The problem of a server by its answer to INFO; without one, nothing. */
export function problemOfServer(
  info: string,
  { variable, mayEvict }: { variable: string; mayEvict: boolean },
): string | null {
  const { program, version, maxMemoryPolicy } = readServerInfo(info);
  const oldest = OLDEST[program];
  const problems: string[] = [];
  if (isOlder(version, oldest))
    problems.push(
      `is ${program} ${version}, which is too old: install Redis ${OLDEST.Redis} or Valkey ${OLDEST.Valkey}, or newer`,
    );
  if (!mayEvict && maxMemoryPolicy !== "noeviction")
    problems.push(
      `may throw jobs away when its memory is full (maxmemory-policy ${maxMemoryPolicy}): set "maxmemory-policy noeviction" in its configuration and restart it, or run "redis-cli config set maxmemory-policy noeviction"; a cache that may evict can have a server of its own in CACHE_REDIS_URL`,
    );
  return problems.length > 0 ? `The server of ${variable} ${problems.join("; it ")}.` : null;
}

async function migrationsProblem(db: Db): Promise<string | null> {
  const pending = await pendingMigrations(db);
  if (pending.length === 0) return null;
  return `The database lacks migrations (${pending.join(", ")}): run "npm run migrate", or in a container "node dist/prisma/migrate.js".`;
}

/**
 * Both clocks by the reading with the shortest way, of which the middle is taken for the moment PostgreSQL looked at its own.
 * Half of the way is what that may be wrong by, so it is left out: a busy machine is not a wrong clock.
 */
async function clockProblem(db: Db, clock: () => Date): Promise<string | null> {
  let best = { differenceMs: 0, uncertainMs: Number.POSITIVE_INFINITY };
  for (let reading = 0; reading < CLOCK_READINGS; reading++) {
    const before = clock().getTime();
    const theirs = (await databaseTime(db)).getTime();
    const after = clock().getTime();
    const uncertainMs = Math.abs(after - before) / 2;
    if (uncertainMs < best.uncertainMs) best = { differenceMs: (before + after) / 2 - theirs, uncertainMs };
  }
  if (Math.abs(best.differenceMs) - best.uncertainMs <= CLOCKS_MAY_DIFFER_MS) return null;
  const seconds = (Math.abs(best.differenceMs) / 1_000).toFixed(1);
  const way = best.differenceMs > 0 ? "ahead of" : "behind";
  return `The clock of this machine is ${seconds} s ${way} PostgreSQL's: let both machines set theirs from the network (NTP, e.g. "timedatectl set-ntp true").`;
}
