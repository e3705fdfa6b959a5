import { runProgram } from "../../program.ts";
import { createReadiness } from "../../readiness.ts";
import { startAlerts } from "../alerts/startAlerts.ts";
import { takeSnapshot } from "../snapshot.ts";
import { createMonitorApp } from "./app.ts";

/** Serves the monitor's pages, and tells what goes wrong by webhook and mail, until the process is told to stop. */
export const serveMonitor = (): Promise<void> =>
  runProgram("monitor", async ({ config, log, container }) => {
    const readiness = createReadiness({ db: container.db, redis: container.queueRedis });
    const app = await createMonitorApp({ container, readiness, config, log });
    const { db, queueRedis: redis, queues, clock, newId } = container;
    const alerts = startAlerts({
      config,
      redis,
      prefix: config.REDIS_PREFIX,
      takeSnapshot: () => takeSnapshot({ db, redis, queues, clock }),
      newId,
      log,
    });
    const address = await app.listen({ host: config.HOST, port: config.MONITOR_PORT });
    log.info({ address }, "the monitor's pages are served");
    return async () => {
      readiness.stop();
      await alerts.close();
      await app.close();
    };
  });
