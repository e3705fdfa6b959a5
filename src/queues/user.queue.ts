import { z } from "zod";
import { defineQueue } from "./defineQueue.ts";

export const userQueue = defineQueue({
  name: "user",
  concurrency: 4,
  jobs: {
    importUsers: { payload: z.object({ importId: z.uuid() }), attempts: 8 }, // goes on where the last try stopped
    exportData: { payload: z.object({ exportId: z.uuid() }) },
    eraseAccount: { payload: z.object({ userId: z.uuid() }), attempts: 8 }, // nobody is there to ask again
    forgetMails: { payload: z.object({ jobIds: z.array(z.uuid()) }), attempts: 8 }, // waits for one that is just being sent
    removeExpired: { payload: z.object({}) },
  },
  schedules: [{ job: "removeExpired", everyMs: 3_600_000 }],
});
