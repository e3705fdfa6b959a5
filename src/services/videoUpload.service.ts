import { z } from "zod";
import type { Db, Transaction } from "../../prisma/client.ts";
import { notFound, unprocessable } from "../domain/errors.ts";
import type { VideoUpload as UploadRow, Video as VideoRow } from "../generated/prisma/client.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Events } from "../redis/pubsub.ts";
import type { Storage } from "../storage/storage.ts";
import { STORAGE_KEYS } from "../storage/storageKeys.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { beginProcessing } from "./beginProcessing.ts";
import { databaseTime } from "./databaseTime.ts";
import { parseInput } from "./input.ts";
import { newTicket, tooLarge, type UploadKind, type UploadTicket, uploadUrl } from "./resumableUploads.ts";
import { requireStillMayUpload } from "./uploadOwner.ts";
import type { VideoAccess } from "./videoAccess.ts";

const PATH = "/uploads";
const MB = 1024 ** 2;

const hasFile = () =>
  unprocessable("VIDEO_HAS_FILE", "The video has a file already. Make a new video for another file.");

export type VideoUploadService = ReturnType<typeof createVideoUploadService>;

/** A video's file on its way here: who may send it, and what follows from the last byte. */
export function createVideoUploadService({
  db,
  access,
  videoAccess,
  outbox,
  events,
  storage,
  publicUrl,
  maxMb,
  newId,
}: {
  db: Db;
  access: Access;
  videoAccess: VideoAccess;
  outbox: Outbox;
  events: Events;
  storage: Storage;
  publicUrl: string;
  maxMb: number;
  newId: () => string;
}) {
  const maxBytes = maxMb * MB;
  const asked = z.object({
    videoId: z.string(),
    fileName: z.string().trim().min(1, "is empty").max(255, "has at most 255 characters"),
    bytes: z.number().int("is no whole number").min(1, "is below 1").max(maxBytes, tooLarge(maxBytes)),
  });

  /** @returns the video as it was; null if another request was faster */
  async function handToProcessing(upload: UploadRow, requestId?: string): Promise<VideoRow | null> {
    return db.$transaction(async (tx) => {
      const video = await lockVideo(tx, upload.videoId);
      if (!video) throw notFound("upload");
      const current = await tx.videoUpload.findUnique({ where: { id: upload.id } });
      if (!current) throw notFound("upload");
      if (current.finishedAt) return null;
      await requireStillMayUpload(tx, access, upload);
      if (video.status === "PROCESSING" || video.status === "READY") throw hasFile();
      await tx.videoUpload.update({ where: { id: upload.id }, data: { finishedAt: await databaseTime(tx) } });
      const facts = { durationMs: null, width: null, height: null, hasAudio: null };
      const source = { sourceKey: kind.fileKey(upload), sourceBytes: upload.bytes };
      await tx.video.update({ where: { id: video.id }, data: { ...source, ...facts } });
      await beginProcessing(tx, outbox, video, { ownerId: upload.ownerId, requestId });
      return video;
    });
  }

  const kind: UploadKind<UploadRow> = {
    path: PATH,
    table: "video_uploads",
    partPrefix: STORAGE_KEYS.UPLOADS,
    maxBytes,
    find: (where) => db.videoUpload.findUnique({ where }),
    fileKey: ({ videoId, id }) => STORAGE_KEYS.SOURCE(videoId, id),
    requireAllowed: (upload) => requireStillMayUpload(db, access, upload),

    /** @throws NOT_FOUND, FORBIDDEN (UPLOAD_NOT_ALLOWED_NOW), UNPROCESSABLE (VIDEO_HAS_FILE) */
    async accept(upload, requestId) {
      const video = await handToProcessing(upload, requestId);
      return async () => {
        if (!video) return;
        outbox.handOver();
        await videoAccess.drop(video.id);
        await events.publish("videoChanged", { videoId: video.id });
        if (video.sourceKey) await storage.remove(video.sourceKey); // should this be missed, it goes with the video
      };
    },
  };

  return {
    kind,

    /**
     * A permission to upload the file of a video, in place of any that was given before. Calling it twice ends the first upload.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (VIDEO_HAS_FILE)
     */
    async createTicket(actor: Actor, input: unknown): Promise<UploadTicket> {
      const { videoId, fileName, bytes } = parseInput(asked, input);
      return db.$transaction(async (tx) => {
        const video = await videoAccess.lock(tx, actor, videoId);
        if (video.status !== "UPLOADING" && video.status !== "FAILED") throw hasFile();
        const now = await databaseTime(tx);
        const { token, kept } = newTicket(now);
        await tx.videoUpload.updateMany({ where: { videoId: video.id, finishedAt: null }, data: { expiresAt: now } });
        await tx.videoUpload.create({
          data: { ...kept, id: newId(), videoId: video.id, ownerId: actor.userId, bytes, fileName },
        });
        const after = { fileName, bytes };
        await audit(tx, actor, newId, { action: "video.upload", entityType: "Video", entityId: video.id, after });
        return { url: uploadUrl(publicUrl, kind), token, expiresAt: kept.expiresAt.toISOString() };
      });
    },
  };
}

/** Holds the video until the transaction ends; null when it was removed. */
async function lockVideo(tx: Transaction, videoId: string): Promise<VideoRow | null> {
  await tx.$queryRaw`SELECT id FROM videos WHERE id = ${videoId}::uuid FOR NO KEY UPDATE`;
  return tx.video.findUnique({ where: { id: videoId } });
}
