import type { Handlers } from "../queues/defineQueue.ts";
import type { transcodeQueue } from "../queues/transcode.queue.ts";
import type { ProcessingSteps } from "../services/processingSteps.ts";

export interface TranscodeJobs {
  processingSteps: Pick<ProcessingSteps, "probe" | "transcode" | "makePreviews">;
}

export const transcodeHandlers = ({ processingSteps }: TranscodeJobs): Handlers<typeof transcodeQueue> => ({
  /** May run twice: where the sizes are written down, nothing is asked for again. */
  probeVideo: (run, job) => processingSteps.probe(run, job),
  /** May run twice: a size that is written down as done is left as it is, one that is not is written over. */
  transcodeRendition: (rendition, job) => processingSteps.transcode(rendition, job),
  /** May run twice: previews that are written down as made are left as they are, others are written over. */
  makePreviews: (run, job) => processingSteps.makePreviews(run, job),
});
