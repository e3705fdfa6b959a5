import { createDb, type Db } from "../../prisma/client.ts";
import { readConfig } from "../config.ts";
import { openQueues } from "../queues/openQueues.ts";
import { createRedis, type Redis } from "../redis/redis.ts";
import { createLogger, type Logger } from "../utils/logger.ts";
import type { Call } from "./mode.ts";
import { type Snapshot, takeSnapshot } from "./snapshot.ts";

/** What the modes work with. */
export interface Monitor {
  db: Db;
  redis: Redis;
  /** First part of every key in Redis. */
  prefix: string;
  /** Never rejects: what cannot be read says why. */
  snapshot: () => Promise<Snapshot>;
  log: Logger;
  /** Aborted when the program shall end. */
  stop: AbortSignal;
  quit: () => void;
}

/**
 * Opens what the monitor reads from, works, and closes it, also when SIGTERM or SIGINT comes or whoever read the output has gone.
 * @param isLog whether standard output is a log; elsewhere a table or a document is all there may be on it
 * @throws ConfigError
 */
export async function withMonitor<Result>(
  { env, clock }: Call,
  work: (monitor: Monitor) => Promise<Result>,
  { isLog = false } = {},
): Promise<Result> {
  // Only these: the monitor is not stopped by others that are missing.
  const config = readConfig(env, ["DATABASE_URL", "REDIS_URL", "REDIS_PREFIX", "LOG_LEVEL", "LOG_PRETTY"]);
  const level = isLog ? config.LOG_LEVEL : "silent"; // what is away stands in the table or the document
  const log = createLogger({ level, pretty: config.LOG_PRETTY, program: "monitor" });
  const db = createDb({ url: config.DATABASE_URL, poolMax: 1 });
  const redis = createRedis(config.REDIS_URL, { role: "queue", log });
  const queues = openQueues({ redis, prefix: config.REDIS_PREFIX });

  const stop = new AbortController();
  const quit = () => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, quit);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    quit();
  });
  try {
    await queues.untilConnected(3_000);
    const snapshot = () => takeSnapshot({ db, redis, queues, clock });
    return await work({ db, redis, prefix: config.REDIS_PREFIX, snapshot, log, stop: stop.signal, quit });
  } finally {
    await queues.close();
    redis.disconnect();
    await db.$disconnect();
  }
}
