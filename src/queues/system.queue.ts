import { z } from "zod";
import { defineQueue } from "./defineQueue.ts";

const nothing = z.object({});

/** The upkeep of the queues themselves. */
export const systemQueue = defineQueue({
  name: "system",
  concurrency: 1,
  jobs: {
    pruneOutbox: { payload: nothing },
    removeCompletedJobs: { payload: nothing },
    collectDeadLetters: { payload: nothing },
  },
  schedules: [
    { job: "pruneOutbox", cron: "17 * * * *" },
    { job: "removeCompletedJobs", everyMs: 600_000 },
    { job: "collectDeadLetters", everyMs: 300_000 },
  ],
});
