import { z } from "zod";
import { defineQueue } from "./defineQueue.ts";

const run = { videoId: z.uuid(), run: z.number().int() };

/** What keeps the machine busy, one at a time: ffmpeg uses the cores it is given by itself. */
export const transcodeQueue = defineQueue({
  name: "transcode",
  concurrency: 1,
  jobs: {
    probeVideo: { payload: z.object(run) },
    transcodeRendition: { payload: z.object({ ...run, height: z.number().int() }) },
    makePreviews: { payload: z.object(run) },
  },
});
