import type { Db } from "../../prisma/client.ts";
import { unprocessable } from "../domain/errors.ts";
import { processingPercent } from "../domain/video/processingPercent.ts";
import type { Outbox } from "../queues/outbox.ts";
import { videoQueue } from "../queues/video.queue.ts";
import type { Events } from "../redis/pubsub.ts";
import type { GetJobStatus, JobStatus } from "../utils/jobStatus.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { batched } from "./batched.ts";
import { beginProcessing } from "./beginProcessing.ts";
import { requireId } from "./ids.ts";
import { toVideo, type Video } from "./video.service.ts";
import type { VideoAccess } from "./videoAccess.ts";
import { REMOVE_RUN_AFTER_MS } from "./wantedRun.ts";
import { watch } from "./watch.ts";

const CANCELLED = "The processing was cancelled. The file is kept: it can be processed again.";

export type ProcessingService = ReturnType<typeof createProcessingService>;

/** What the staff of a course see of the processing of its videos, and what they may do about it. */
export function createProcessingService({
  db,
  outbox,
  events,
  access,
  videoAccess,
  getJobStatus,
  clock,
  newId,
}: {
  db: Db;
  outbox: Outbox;
  events: Events;
  access: Access;
  videoAccess: VideoAccess;
  getJobStatus: GetJobStatus;
  clock: () => Date;
  newId: () => string;
}) {
  const percentOf = batched(async (ids: readonly string[]): Promise<(number | null)[]> => {
    const videos = await db.video.findMany({ where: { id: { in: [...ids] } }, include: { renditions: true } });
    const byId = new Map(
      videos.map(({ id, run, previewsRun, renditions }) => {
        const newest = renditions.filter((rendition) => rendition.run === run);
        return [id, processingPercent(newest, previewsRun === run)];
      }),
    );
    return ids.map((id) => byId.get(id) ?? null);
  });

  async function get(actor: Actor, videoId: string): Promise<Video> {
    const { video, standing } = await videoAccess.forViewer(actor, videoId);
    return toVideo(video, standing);
  }

  return {
    /** How much is done, in percent; null for students, and for a video that is not being processed and not ready. */
    async percent({ id, status, standing }: Video): Promise<number | null> {
      if (standing !== "STAFF") return null;
      if (status === "READY") return 100;
      return status === "PROCESSING" ? percentOf(id) : null;
    },

    /** The jobs of the newest processing so far; null for students. */
    async jobs({ jobIds, standing }: Video): Promise<JobStatus[] | null> {
      if (standing !== "STAFF") return null;
      const rows = await db.outboxJob.findMany({
        where: { id: { in: [...jobIds] } },
        select: { id: true, queue: true },
      });
      const queues = new Map(rows.map(({ id, queue }) => [id, queue]));
      const jobs = await Promise.all(
        jobIds.map((id) => (queues.has(id) ? getJobStatus(queues.get(id)!, id) : null)), // null: so old that it is forgotten
      );
      return jobs.filter((job) => job !== null);
    },

    /**
     * Stops the processing; the file is kept. Safe to repeat: a video that is not being processed is left as it is.
     * @throws NOT_FOUND, FORBIDDEN
     */
    async cancel(actor: Actor, videoId: string): Promise<Video> {
      const cancelled = await db.$transaction(async (tx) => {
        const { id, run, status } = await videoAccess.lock(tx, actor, videoId);
        if (status !== "PROCESSING") return null;
        await tx.video.update({ where: { id }, data: { status: "FAILED", error: CANCELLED } });
        const runAt = new Date(clock().getTime() + REMOVE_RUN_AFTER_MS);
        await outbox.add(tx, videoQueue, "removeRun", { videoId: id, run }, { runAt, requestId: actor.requestId });
        await audit(tx, actor, newId, { action: "cancelVideo", entityType: "Video", entityId: id });
        return { videoId: id, run };
      });
      if (cancelled) {
        outbox.handOver();
        await videoAccess.drop(cancelled.videoId);
        await events.publish("videoCancelled", cancelled);
        await events.publish("videoChanged", cancelled);
      }
      return get(actor, videoId);
    },

    /**
     * Processes the file that is there once more. A second call meets VIDEO_PROCESSING.
     * @throws NOT_FOUND, FORBIDDEN, UNPROCESSABLE (NO_FILE, VIDEO_PROCESSING)
     */
    async retry(actor: Actor, videoId: string): Promise<Video> {
      const id = await db.$transaction(async (tx) => {
        const video = await videoAccess.lock(tx, actor, videoId);
        if (video.status === "PROCESSING")
          throw unprocessable("VIDEO_PROCESSING", "The video is being processed. To begin again, cancel that first.");
        if (!video.sourceKey) throw unprocessable("NO_FILE", "There is no file to process. Upload one.");
        await beginProcessing(tx, outbox, video, { ownerId: actor.userId, requestId: actor.requestId });
        await audit(tx, actor, newId, { action: "retryVideo", entityType: "Video", entityId: video.id });
        return video.id;
      });
      outbox.handOver();
      await videoAccess.drop(id);
      await events.publish("videoChanged", { videoId: id });
      return get(actor, id);
    },

    /** The video as it is now, and again whenever its status or percentage changes, until it is ready or has failed. @throws NOT_FOUND, FORBIDDEN */
    watch(actor: Actor, videoIdGiven: string): AsyncIterableIterator<Video> {
      const videoId = requireId(videoIdGiven, "video");
      return watch(
        events.subscribe("videoChanged", videoId),
        async () => {
          const row = await db.video.findUnique({ where: { id: videoId }, select: { courseId: true } });
          if (row) await access.requireStaff(db, actor, row.courseId, "video"); // each time: the course may be left meanwhile
          return get(actor, videoId);
        },
        ({ status }) => status === "READY" || status === "FAILED",
      );
    },
  };
}
