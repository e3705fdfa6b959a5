import Fastify from "fastify";
import { sayWhatIsMissing } from "./src/ffmpeg/sayWhatIsMissing.ts";
import { jobMetrics } from "./src/metrics/jobs.ts";
import { metricsRoute } from "./src/metrics/metricsRoute.ts";
import { queueMetrics } from "./src/metrics/queues.ts";
import { runProgram } from "./src/program.ts";
import { transcodeQueue } from "./src/queues/transcode.queue.ts";
import { createReadiness, healthRoutes } from "./src/readiness.ts";
import { createRedis } from "./src/redis/redis.ts";
import { allWorkers } from "./src/workers/allWorkers.ts";
import { startWorkers } from "./src/workers/startWorker.ts";

await runProgram("worker", async ({ config, log, container }) => {
  const { services, outbox, queues, deadLetters, jobTimes, events, metrics, tracing } = container;
  const redis = createRedis(config.REDIS_URL, { role: "worker", log });
  const workers = startWorkers({
    workers: allWorkers({ ...services, outbox, queues, deadLetters }).filter(({ queue }) =>
      config.WORKER_QUEUES.includes(queue.name),
    ),
    redis,
    queues,
    outbox,
    deadLetters,
    jobTimes: jobMetrics(metrics, { next: jobTimes, clock: container.clock }),
    log,
    tracing,
    onJobEvent: ({ queue, jobId }) => void events.publish("jobChanged", { queue, jobId }),
  });
  outbox.startRelay(); // in every worker, whatever its queues: they share the rows, and any of them may die
  if (config.WORKER_QUEUES.includes(transcodeQueue.name)) await sayWhatIsMissing(container.ffmpeg, log);

  const readiness = createReadiness({ db: container.db, redis: container.queueRedis });
  const app = Fastify({ forceCloseConnections: true });
  healthRoutes(app, readiness);
  queueMetrics(container);
  metricsRoute(app, { metrics, token: config.METRICS_TOKEN });
  const address = await app.listen({ host: config.HOST, port: config.WORKER_PORT });
  log.info({ address }, "worker is running");
  return async () => {
    readiness.stop();
    await workers.close((config.SHUTDOWN_SECONDS * 1000) / 2);
    await app.close();
    redis.disconnect();
  };
});
