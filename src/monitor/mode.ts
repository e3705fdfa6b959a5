import type { Db } from "../../prisma/client.ts";
import type { Config } from "../config.ts";
import type { OpenQueues } from "../queues/openQueues.ts";
import type { Redis } from "../redis/redis.ts";
import type { Logger } from "../utils/logger.ts";
import type { Snapshot } from "./snapshot.ts";

/** The variables that the monitor needs; it is not stopped by others that are missing. */
export const monitorVariables = [
  "DATABASE_URL",
  "REDIS_URL",
  "REDIS_PREFIX",
  "LOG_LEVEL",
  "LOG_PRETTY",
] as const satisfies readonly (keyof Config)[];

/** What a mode has to work with. Connections are closed by whoever opened them. */
export interface Monitor {
  config: Pick<Config, (typeof monitorVariables)[number]>;
  db: Db;
  redis: Redis;
  queues: OpenQueues;
  log: Logger;
  clock: () => Date;
  /** Never rejects: what cannot be read says why. */
  snapshot: () => Promise<Snapshot>;
  /** As the command line says; each mode has its own rhythm otherwise. */
  intervalMs: number | undefined;
  /** What follows the name of a command. */
  args: readonly string[];
  /** Aborted when the program shall end. */
  stop: AbortSignal;
  quit: () => void;
}

/** One way to use the monitor. */
export interface Mode {
  /** An option such as `--once`, or a command such as `jobs`, which reads the rest of the line itself. */
  name: string;
  /** One line of the usage. */
  help: string;
  /** Whether standard output is a log. Elsewhere a table or a document is all there may be on it. */
  isLog?: boolean;
  /** Does the work and returns the exit code. @throws UsageError */
  run(monitor: Monitor): Promise<number>;
}

/** The command line asks for something that there is not. */
export class UsageError extends Error {
  override name = "UsageError";
}
