import { createApp } from "./src/apollo/index.ts";
import { runProgram } from "./src/program.ts";
import { createReadiness } from "./src/readiness.ts";

await runProgram("server", async ({ config, log, container }) => {
  const readiness = createReadiness({ db: container.db, redis: container.queueRedis });
  const app = await createApp({ container, readiness, config, log });
  const address = await app.listen({ host: config.HOST, port: config.PORT });
  log.info({ address }, "server is listening");
  return async () => {
    readiness.stop();
    await app.close();
  };
});
