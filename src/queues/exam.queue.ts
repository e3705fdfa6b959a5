import { z } from "zod";
import { defineQueue } from "./defineQueue.ts";

const attempt = z.object({ attemptId: z.uuid() });

export const examQueue = defineQueue({
  name: "exam",
  concurrency: 8,
  jobs: {
    gradeAttempt: { payload: attempt, attempts: 8 }, // about four minutes of tries: a restart of the database needs no operator
    expireAttempt: { payload: attempt, attempts: 10 }, // nobody is there to press the button again
    sweepAttempts: { payload: z.object({}) },
  },
  schedules: [{ job: "sweepAttempts", everyMs: 30_000 }],
});
