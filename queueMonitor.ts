import { createDb } from "./prisma/client.ts";
import { ConfigError, readConfig } from "./src/config.ts";
import { readCommandLine, usage } from "./src/monitor/commandLine.ts";
import { monitorVariables, UsageError } from "./src/monitor/mode.ts";
import { check, unknownExitCode, unknownLine } from "./src/monitor/modes/check.ts";
import { takeSnapshot } from "./src/monitor/snapshot.ts";
import { openQueues } from "./src/queues/openQueues.ts";
import { createRedis } from "./src/redis/redis.ts";
import { createLogger } from "./src/utils/logger.ts";

const wrongUsage = 64;
const argv = process.argv.slice(2);

async function main(): Promise<number> {
  const wish = readCommandLine(argv, { isTerminal: process.stdout.isTTY && process.stdin.isTTY });
  if (wish === "help") {
    process.stdout.write(usage);
    return 0;
  }
  const { mode, args, intervalMs } = wish;
  const config = readConfig(process.env, monitorVariables);

  const level = mode.isLog ? config.LOG_LEVEL : "silent"; // what is away stands in the table or the document
  const log = createLogger({ level, pretty: config.LOG_PRETTY, program: "monitor" });
  const clock = () => new Date();
  const db = createDb({ url: config.DATABASE_URL, poolMax: 1 });
  const redis = createRedis(config.REDIS_URL, { role: "queue", log });
  const queues = openQueues({ redis, prefix: config.REDIS_PREFIX });

  const stop = new AbortController();
  const quit = () => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, quit);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    quit(); // whoever read the lines has gone
  });
  try {
    await queues.untilConnected(3_000);
    const snapshot = () => takeSnapshot({ db, redis, queues, clock });
    return await mode.run({
      config,
      db,
      redis,
      queues,
      log,
      clock,
      snapshot,
      intervalMs,
      args,
      stop: stop.signal,
      quit,
    });
  } finally {
    await queues.close();
    redis.disconnect();
    await db.$disconnect();
  }
}

function failed(error: Error): number {
  if (argv.includes(check.name)) {
    process.stdout.write(`${unknownLine(error.message)}\n`);
    return unknownExitCode;
  }
  const isSaidInWords = error instanceof UsageError || error instanceof ConfigError;
  process.stderr.write(`${isSaidInWords ? error.message : error.stack}\n`);
  if (error instanceof UsageError) process.stderr.write(`\n${usage}`);
  return isSaidInWords ? wrongUsage : 1;
}

process.exitCode = await main().catch(failed);
