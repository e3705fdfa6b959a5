import type { Handlers } from "../queues/defineQueue.ts";
import type { videoQueue } from "../queues/video.queue.ts";
import type { AbandonedUploads } from "../services/abandonedUploads.ts";
import type { ProcessingSteps } from "../services/processingSteps.ts";
import type { VideoFiles } from "../services/videoFiles.ts";
import type { WatchFlush } from "../services/watchFlush.ts";
import type { WatchRetention } from "../services/watchRetention.ts";

export interface VideoJobs {
  processingSteps: Pick<ProcessingSteps, "assemble">;
  watchFlush: Pick<WatchFlush, "flush">;
  watchRetention: Pick<WatchRetention, "computeChanged">;
  videoFiles: VideoFiles;
  abandonedUploads: AbandonedUploads;
}

export const videoHandlers = ({
  processingSteps,
  videoFiles,
  abandonedUploads,
  watchFlush,
  watchRetention,
}: VideoJobs): Handlers<typeof videoQueue> => ({
  /** May run twice: it writes the same playlist again, and a video that is ready is left as it is. */
  assembleVideo: (run, job) => processingSteps.assemble(run, job),
  /** May run twice: what is removed once is gone, and a video that is there keeps its files. */
  removeVideoFiles: ({ videoId }) => videoFiles.removeVideo(videoId),
  /** May run twice: what is removed once is gone, and a run in use is left. */
  removeRun: ({ videoId, run }) => videoFiles.removeRun(videoId, run),
  /** May run twice, also at the same time: what is written is united with what is there. */
  flushWatchProgress: () => watchFlush.flush(),
  /** May run twice: it counts again. */
  computeRetention: () => watchRetention.computeChanged(),
  /** May run twice: what is finished or removed once is passed over. */
  removeAbandonedUploads: () => abandonedUploads.remove(),
});
