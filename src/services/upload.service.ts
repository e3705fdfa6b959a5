import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { Db, Transaction } from "../../prisma/client.ts";
import { DomainError, forbidden, notFound, unprocessable } from "../domain/errors.ts";
import type { VideoUpload as UploadRow, Video as VideoRow } from "../generated/prisma/client.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Events } from "../redis/pubsub.ts";
import type { Storage } from "../storage/storage.ts";
import { STORAGE_KEYS } from "../storage/storageKeys.ts";
import type { UploadFiles } from "../storage/uploadFiles.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { beginProcessing } from "./beginProcessing.ts";
import { databaseTime } from "./databaseTime.ts";
import { parseInput } from "./input.ts";
import { hashToken } from "./tokens.ts";
import type { UploadAddresses } from "./uploadAddress.ts";
import { requireStillMayUpload } from "./uploadOwner.ts";
import type { VideoAccess } from "./videoAccess.ts";

export interface VideoUploadTicket {
  url: string;
  token: string;
  expiresAt: string;
}

/** How far an upload is. */
export interface UploadState {
  bytes: number;
  isFinished: boolean;
}

/** How long a token waits for its upload, and how long an upload may take in all. */
const TICKET_HOURS = 1;
const UPLOAD_HOURS = 72;
const HOUR_MS = 3_600_000;
const MB = 1024 ** 2;

const hasFile = () =>
  unprocessable("VIDEO_HAS_FILE", "The video has a file already. Make a new video for another file.");

export type UploadService = ReturnType<typeof createUploadService>;

/** A video's file on its way here: a permission, one upload in as many pieces as it takes, and what follows from the last byte. */
export function createUploadService({
  db,
  access,
  videoAccess,
  outbox,
  events,
  storage,
  uploadFiles,
  addresses,
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
  uploadFiles: UploadFiles;
  addresses: UploadAddresses;
  publicUrl: string;
  maxMb: number;
  newId: () => string;
}) {
  const maxBytes = maxMb * MB;
  const tooLarge = `The file is too large: at most ${maxMb} MB may be uploaded.`;
  const asked = z.object({
    videoId: z.string(),
    fileName: z.string().trim().min(1, "is empty").max(255, "has at most 255 characters"),
    bytes: z.number().int("is no whole number").min(1, "is below 1").max(maxBytes, tooLarge),
  });

  /** @throws NOT_FOUND for one that was removed or has expired */
  async function requireUpload(uploadId: string): Promise<UploadRow> {
    const upload = await db.videoUpload.findUnique({ where: { id: uploadId } });
    if (!upload || upload.expiresAt <= (await databaseTime(db))) throw notFound("upload");
    return upload;
  }

  /** The file to its place. @throws NOT_FOUND when there is none, neither here nor there */
  async function keepSource(upload: UploadRow): Promise<string> {
    const source = STORAGE_KEYS.SOURCE(upload.videoId, upload.id);
    const isMoved = await storage.move(STORAGE_KEYS.UPLOAD(upload.id), source);
    // Else it was moved before, by a process that died then or is just as far as we are.
    if (!isMoved && (await storage.size(source)) === null) throw notFound("upload");
    return source;
  }

  /** @returns the video as it was; null if another request was faster */
  async function handToProcessing(upload: UploadRow, sourceKey: string, requestId?: string): Promise<VideoRow | null> {
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
      await tx.video.update({ where: { id: video.id }, data: { sourceKey, sourceBytes: upload.bytes, ...facts } });
      await beginProcessing(tx, outbox, video, { ownerId: upload.ownerId, requestId });
      return video;
    });
  }

  /** The file is of no use to a video that is gone or has got another, or from somebody who may not change it any more. */
  async function dropUpload(upload: UploadRow, sourceKey: string): Promise<void> {
    await db.videoUpload.deleteMany({ where: { id: upload.id, finishedAt: null } });
    await storage.remove(sourceKey);
    await uploadFiles.discard(STORAGE_KEYS.UPLOAD(upload.id));
  }

  /**
   * What follows from the last byte: the file is kept and its processing asked for. Safe to repeat, also by several at once and
   * after a process died in the middle.
   * @throws NOT_FOUND, FORBIDDEN (UPLOAD_NOT_ALLOWED_NOW), UNPROCESSABLE (VIDEO_HAS_FILE)
   */
  async function finish(uploadId: string, requestId?: string): Promise<void> {
    const upload = await requireUpload(uploadId);
    if (upload.finishedAt) return;
    const sourceKey = await keepSource(upload);
    let video: VideoRow | null;
    try {
      video = await handToProcessing(upload, sourceKey, requestId);
    } catch (error) {
      if (error instanceof DomainError) await dropUpload(upload, sourceKey);
      throw error;
    }
    if (!video) return;
    outbox.handOver();
    await videoAccess.drop(video.id);
    await events.publish("videoChanged", { videoId: video.id });
    await uploadFiles.discard(STORAGE_KEYS.UPLOAD(uploadId));
    if (video.sourceKey) await storage.remove(video.sourceKey); // should this be missed, it goes with the video
  }

  /** Finishes an upload that has all its bytes. @returns whether it is finished */
  async function finishIfWhole(upload: UploadRow): Promise<boolean> {
    const bytes = Number(upload.bytes);
    const key = STORAGE_KEYS.UPLOAD(upload.id);
    const received = await uploadFiles.received(key);
    const isMoved = received === null && (await storage.size(STORAGE_KEYS.SOURCE(upload.videoId, upload.id))) === bytes;
    if (received !== bytes && !isMoved) return false;
    if (!isMoved) await uploadFiles.assemble(key, bytes);
    await finish(upload.id);
    return true;
  }

  return {
    maxBytes,

    /**
     * A permission to upload the file of a video, in place of any that was given before. Calling it twice ends the first upload.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (VIDEO_HAS_FILE)
     */
    async createTicket(actor: Actor, input: unknown): Promise<VideoUploadTicket> {
      const { videoId, fileName, bytes } = parseInput(asked, input);
      const token = randomBytes(32).toString("base64url");
      const expiresAt = await db.$transaction(async (tx) => {
        const video = await videoAccess.lock(tx, actor, videoId);
        if (video.status !== "UPLOADING" && video.status !== "FAILED") throw hasFile();
        const now = await databaseTime(tx);
        await tx.videoUpload.updateMany({ where: { videoId: video.id, finishedAt: null }, data: { expiresAt: now } });
        const upload = await tx.videoUpload.create({
          data: {
            id: newId(),
            videoId: video.id,
            ownerId: actor.userId,
            tokenHash: hashToken(token),
            bytes,
            fileName,
            expiresAt: new Date(now.getTime() + TICKET_HOURS * HOUR_MS),
          },
        });
        const after = { fileName, bytes };
        await audit(tx, actor, newId, { action: "video.upload", entityType: "Video", entityId: video.id, after });
        return upload.expiresAt;
      });
      return { url: `${publicUrl.replace(/\/$/, "")}/uploads`, token, expiresAt: expiresAt.toISOString() };
    },

    /**
     * Uses a token up. Of two who try at once, one opens the upload.
     * @returns the upload's id
     * @throws FORBIDDEN (TOKEN_NOT_GOOD), or what leaves the token good: FORBIDDEN (UPLOAD_NOT_ALLOWED_NOW),
     * UNPROCESSABLE (FILE_TOO_LARGE, WRONG_SIZE)
     */
    async open(token: string, bytes: number): Promise<string> {
      if (bytes > maxBytes) throw unprocessable("FILE_TOO_LARGE", tooLarge);
      const upload = await db.videoUpload.findUnique({ where: { tokenHash: hashToken(token) } });
      if (upload && BigInt(bytes) !== upload.bytes) {
        const reason = BigInt(bytes) > upload.bytes ? "FILE_TOO_LARGE" : "WRONG_SIZE";
        throw unprocessable(reason, `This upload was asked for with ${upload.bytes} bytes, not ${bytes}.`);
      }
      if (upload) await requireStillMayUpload(db, access, upload);
      const opened = await db.$executeRaw`
        UPDATE video_uploads
        SET opened_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(hours => ${UPLOAD_HOURS})
        WHERE token_hash = ${hashToken(token)} AND opened_at IS NULL AND expires_at > clock_timestamp()`;
      if (!upload || opened === 0)
        throw forbidden(
          "This token is not good: it was used, replaced, or is too old. Ask for a new one.",
          "TOKEN_NOT_GOOD",
        );
      return upload.id;
    },

    /**
     * How far an upload is, for whoever goes on with it. One that has all its bytes, but no process lived to finish it, is
     * finished now.
     * @throws NOT_FOUND, FORBIDDEN (UPLOAD_NOT_ALLOWED_NOW) for one that is not finished
     */
    async stateOf(uploadId: string): Promise<UploadState> {
      const upload = await requireUpload(uploadId);
      const bytes = Number(upload.bytes);
      if (upload.finishedAt) return { bytes, isFinished: true };
      await requireStillMayUpload(db, access, upload);
      return { bytes, isFinished: await finishIfWhole(upload) };
    },

    finish,
    finishIfWhole,

    /** Ends an upload that is not finished; its files go after this. Safe to repeat. */
    async forget(uploadId: string): Promise<void> {
      await db.videoUpload.deleteMany({ where: { id: uploadId, finishedAt: null } });
    },

    nameOf: addresses.nameOf,
    idOf: addresses.idOf,
  };
}

/** Holds the video until the transaction ends; null when it was removed. */
async function lockVideo(tx: Transaction, videoId: string): Promise<VideoRow | null> {
  await tx.$queryRaw`SELECT id FROM videos WHERE id = ${videoId}::uuid FOR NO KEY UPDATE`;
  return tx.video.findUnique({ where: { id: videoId } });
}
