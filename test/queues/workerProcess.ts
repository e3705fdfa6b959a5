// A worker in a process of its own, to be killed: it takes a job, says so, and never ends it.
import { anApp } from "./support.ts";

const { TEST_DATABASE_URL, TEST_QUEUE_REDIS_URL, TEST_PREFIX, TEST_TIMING } = process.env;
const app = anApp({ databaseUrl: TEST_DATABASE_URL!, redisUrl: TEST_QUEUE_REDIS_URL!, prefix: TEST_PREFIX! });
app.work(
  {
    note: async ({ text }) => {
      process.stdout.write(`taken ${text}\n`);
      await new Promise((resolve) => setTimeout(resolve, 3_600_000));
    },
  },
  { timing: JSON.parse(TEST_TIMING!) },
);
