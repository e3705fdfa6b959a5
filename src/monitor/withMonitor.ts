import { createDb } from "../../prisma/client.ts";
import { readConfig } from "../config.ts";
import { openQueues } from "../queues/openQueues.ts";
import { createRedis } from "../redis/redis.ts";
import { createLogger, type Logger } from "../utils/logger.ts";
import type { Call } from "./mode.ts";
import { type Snapshot, takeSnapshot } from "./snapshot.ts";

/** What those need who only look. */
export interface Monitor {
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
    return await work({ snapshot: () => takeSnapshot({ db, redis, queues, clock }), log, stop: stop.signal, quit });
  } finally {
    await queues.close();
    redis.disconnect();
    await db.$disconnect();
  }
}
