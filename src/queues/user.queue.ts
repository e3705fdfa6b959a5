import { z } from "zod";
import { defineQueue } from "./defineQueue.ts";

export const userQueue = defineQueue({
  name: "user",
  concurrency: 4,
  jobs: {
    removeExpiredSessions: { payload: z.object({}) },
  },
  schedules: [{ job: "removeExpiredSessions", everyMs: 3_600_000 }],
});
