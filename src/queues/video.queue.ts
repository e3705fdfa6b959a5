import { z } from "zod";
import { defineQueue } from "./defineQueue.ts";

const run = { videoId: z.uuid(), run: z.number().int() };

/** What is quick. Processing a video is a chain of jobs in two queues: probe → each rendition and the previews → assemble. */
export const videoQueue = defineQueue({
  name: "video",
  concurrency: 4,
  jobs: {
    assembleVideo: { payload: z.object(run) },
    removeVideoFiles: { payload: z.object({ videoId: z.uuid() }), attempts: 8 },
    removeRun: { payload: z.object(run), attempts: 8 },
    flushWatchProgress: { payload: z.object({}) },
    computeRetention: { payload: z.object({}) },
    removeAbandonedUploads: { payload: z.object({}) },
  },
  schedules: [
    { job: "flushWatchProgress", everyMs: 2_000 },
    { job: "computeRetention", cron: "7 * * * *" },
    { job: "removeAbandonedUploads", cron: "37 * * * *" },
  ],
});
