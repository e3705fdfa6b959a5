import { runProgram } from "../../program.ts";
import { createReadiness } from "../../readiness.ts";
import { createMonitorApp } from "./app.ts";

/** Serves the monitor's pages until the process is told to stop. */
export const serveMonitor = (): Promise<void> =>
  runProgram("monitor", async ({ config, log, container }) => {
    const readiness = createReadiness({ db: container.db, redis: container.queueRedis });
    const app = await createMonitorApp({ container, readiness, config, log });
    const address = await app.listen({ host: config.HOST, port: config.MONITOR_PORT });
    log.info({ address }, "the monitor's pages are served");
    return async () => {
      readiness.stop();
      await app.close();
    };
  });
