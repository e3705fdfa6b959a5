import type { Transaction } from "../../prisma/client.ts";
import type { Outbox } from "../queues/outbox.ts";
import { transcodeQueue } from "../queues/transcode.queue.ts";
import { videoQueue } from "../queues/video.queue.ts";

/**
 * Starts a new processing of a video whose file is there, in the transaction of the caller, who has locked the video. Whatever
 * an older one still does is no longer wanted. Calling it twice starts two.
 */
export async function beginProcessing(
  tx: Transaction,
  outbox: Outbox,
  video: { id: string; run: number },
  /** Who may follow its jobs. */
  by: { ownerId?: string; requestId?: string },
): Promise<void> {
  const run = video.run + 1;
  const jobId = await outbox.add(tx, transcodeQueue, "probeVideo", { videoId: video.id, run }, by);
  if (video.run > 0)
    await outbox.add(tx, videoQueue, "removeRun", { videoId: video.id, run: video.run }, { requestId: by.requestId });
  await tx.video.update({
    where: { id: video.id },
    data: { status: "PROCESSING", run, jobIds: [jobId], error: null, readyAt: null },
  });
}
