import { type Config, ConfigError, readConfig } from "./config.ts";
import { type Container, createContainer } from "./container.ts";
import { processMetrics } from "./metrics/process.ts";
import { type ProgramName, startVitalSigns } from "./monitor/vitalSigns.ts";
import { createStartGuards } from "./startGuards.ts";
import { openTracing } from "./tracing/tracing.ts";
import { createLogger, type Logger } from "./utils/logger.ts";

interface Started {
  config: Config;
  log: Logger;
  container: Container;
}

/**
 * The life of a program: reads the configuration, opens the container, looks whether it may start, starts the one thing, and
 * on SIGTERM or SIGINT stops it and closes everything, within the configured time. A second signal ends the process at once.
 * @param start begins the work and returns what ends it
 */
export async function runProgram(
  program: ProgramName,
  start: (started: Started) => Promise<() => Promise<void>>,
): Promise<void> {
  let config: Config;
  try {
    config = readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
    return;
  }
  const log = createLogger({ level: config.LOG_LEVEL, pretty: config.LOG_PRETTY, program });
  process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "the process ends because of an error nobody caught");
    process.exit(1);
  });

  const tracing = await openTracing({
    endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT,
    share: config.OTEL_TRACES_SAMPLER_ARG,
    program,
    log,
  });
  const container = await createContainer(config, log, undefined, tracing);
  processMetrics(container.metrics);
  const guards = createStartGuards({
    ...container,
    cacheHasOwnServer: config.CACHE_REDIS_URL !== undefined,
    log,
  });
  // The monitor starts all the same: what is wrong is what it shows.
  const problems = program === "monitor" ? [] : await guards.problems();
  if (problems.length > 0) {
    process.stderr.write(`The ${program} is not started:\n${problems.map((problem) => `  ${problem}`).join("\n")}\n`);
    await container.close();
    process.exit(1);
  }
  const stop = await start({ config, log, container }).catch((error: NodeJS.ErrnoException & { port?: number }) => {
    if (error.code !== "EADDRINUSE") throw error;
    log.fatal(`port ${error.port} is taken by another program: set another one`);
    process.exit(1);
  });
  const vitalSigns = startVitalSigns({
    redis: container.queueRedis,
    prefix: config.REDIS_PREFIX,
    program,
    id: container.newId(),
    pool: container.poolFigures,
    cache: () => {
      const { l1Hits, l2Hits, misses } = container.cache.stats();
      return { hits: l1Hits + l2Hits, misses };
    },
    clock: container.clock,
    log,
  });

  if (program !== "monitor") guards.askLater();

  let isStopping = false;
  async function shutDown(signal: NodeJS.Signals): Promise<void> {
    if (isStopping) process.exit(1);
    isStopping = true;
    log.info({ signal }, "stopping");
    const limit = setTimeout(() => {
      log.error("the process did not stop in time and is ended");
      process.exit(1);
    }, config.SHUTDOWN_SECONDS * 1000);
    limit.unref();
    guards.stop();
    await stop();
    await vitalSigns.stop();
    await container.close();
    await tracing.close();
    log.info("stopped");
    process.exit(0);
  }
  process.on("SIGTERM", (signal) => void shutDown(signal));
  process.on("SIGINT", (signal) => void shutDown(signal));
}
