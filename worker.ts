import Fastify from "fastify";
import { sayWhatIsMissing } from "./src/ffmpeg/sayWhatIsMissing.ts";
import { runProgram } from "./src/program.ts";
import { createReadiness, healthRoutes } from "./src/readiness.ts";
import { createRedis } from "./src/redis/redis.ts";
import { allWorkers } from "./src/workers/allWorkers.ts";
import { startWorkers } from "./src/workers/startWorker.ts";

await runProgram("worker", async ({ config, log, container }) => {
  const { services, outbox, queues, deadLetters, jobTimes, events } = container;
  const redis = createRedis(config.REDIS_URL, { role: "worker", log });
  const workers = startWorkers({
    workers: allWorkers({ ...services, outbox, queues, deadLetters }),
    redis,
    queues,
    outbox,
    deadLetters,
    jobTimes,
    log,
    onJobEvent: ({ queue, jobId }) => void events.publish("jobChanged", { queue, jobId }),
  });
  outbox.startRelay();
  await sayWhatIsMissing(container.ffmpeg, log);

  const readiness = createReadiness({ db: container.db, redis: container.queueRedis });
  const app = Fastify({ forceCloseConnections: true });
  healthRoutes(app, readiness);
  const address = await app.listen({ host: config.HOST, port: config.WORKER_PORT });
  log.info({ address }, "worker is running");
  return async () => {
    readiness.stop();
    await workers.close((config.SHUTDOWN_SECONDS * 1000) / 2);
    await app.close();
    redis.disconnect();
  };
});
