import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createDb } from "./prisma/client.ts";
import { ConfigError, readConfig } from "./src/config.ts";
import { actGroups } from "./src/monitor/acts/commands.ts";
import { runActs } from "./src/monitor/acts/runActs.ts";
import { liveView } from "./src/monitor/liveView.ts";
import { exitCodeOf, problemsOf } from "./src/monitor/problems.ts";
import { render, renderLine } from "./src/monitor/render.ts";
import { takeSnapshot } from "./src/monitor/snapshot.ts";
import { openQueues } from "./src/queues/openQueues.ts";
import { createRedis } from "./src/redis/redis.ts";
import { createLogger } from "./src/utils/logger.ts";

const usage = `Shows the queues, the outbox and Redis to operators.

  --once            print one table and leave
  --json            print one JSON document and leave
  --lines           log one line every interval (the default without a terminal)
  --interval SECS   how often: 10 for lines, 2 for the view in place
  queue, jobs, dead, outbox   act on queues and jobs; "queue --help" tells how

With --once and --json the exit code is 0 if all is well, 1 if something should be looked at, 2 if Redis or PostgreSQL is away.
`;

const wrongUsage = 64;

function readArguments() {
  const { values } = parseArgs({
    options: {
      once: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      lines: { type: "boolean", default: false },
      interval: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const seconds = values.interval === undefined ? undefined : Number(values.interval);
  if (seconds !== undefined && !(seconds >= 0.1)) throw new TypeError("--interval takes a number of seconds.");
  return { ...values, intervalMs: seconds && seconds * 1_000 };
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (actGroups.includes(args[0] ?? "")) {
    const print = {
      out: (text: string) => process.stdout.write(text),
      error: (text: string) => process.stderr.write(text),
    };
    process.exitCode = await runActs({ args, env: process.env, clock: () => new Date(), ...print });
    return;
  }
  const wish = readArguments();
  if (wish.help) return void process.stdout.write(usage);
  const config = readConfig(process.env, ["DATABASE_URL", "REDIS_URL", "REDIS_PREFIX", "LOG_LEVEL", "LOG_PRETTY"]);
  const isView = !wish.once && !wish.json && !wish.lines && process.stdout.isTTY && process.stdin.isTTY;
  const isStream = !wish.once && !wish.json && !isView;

  const program = "monitor";
  const log = createLogger({ level: config.LOG_LEVEL, pretty: config.LOG_PRETTY, program });
  // A table or a document on standard output is all there may be on it; what is away stands in it.
  const connectionLog = isStream ? log : createLogger({ level: "silent", pretty: false, program });
  const db = createDb({ url: config.DATABASE_URL, poolMax: 1 });
  const redis = createRedis(config.REDIS_URL, { role: "queue", log: connectionLog });
  const queues = openQueues({ redis, prefix: config.REDIS_PREFIX });
  const snapshot = () => takeSnapshot({ db, redis, queues, clock: () => new Date() });

  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  try {
    await queues.untilConnected(3_000);
    if (wish.once || wish.json) {
      const now = await snapshot();
      const text = wish.json
        ? JSON.stringify({ ...now, problems: problemsOf(now) }, null, 2)
        : render(now, process.stdout.columns || 120);
      process.stdout.write(`${text}\n`);
      process.exitCode = exitCodeOf(now);
    } else if (isView) {
      await liveView({
        input: process.stdin,
        output: process.stdout,
        frame: async (width) => render(await snapshot(), width),
        everyMs: wish.intervalMs ?? 2_000,
        signal: stop.signal,
        quit: () => stop.abort(),
      });
    } else {
      while (!stop.signal.aborted) {
        const now = await snapshot();
        log[exitCodeOf(now) === 0 ? "info" : "warn"](renderLine(now));
        await sleep(wish.intervalMs ?? 10_000, undefined, { signal: stop.signal }).catch(() => {}); // aborted means leaving
      }
    }
  } finally {
    await queues.close();
    redis.disconnect();
    await db.$disconnect();
  }
}

main().catch((error) => {
  const isWrongUsage = String(error?.code).startsWith("ERR_PARSE_ARGS") || error instanceof TypeError;
  const isSaidInWords = isWrongUsage || error instanceof ConfigError;
  process.stderr.write(`${isSaidInWords ? error.message : error.stack}\n${isWrongUsage ? `\n${usage}` : ""}`);
  process.exitCode = isSaidInWords ? wrongUsage : 1;
});
