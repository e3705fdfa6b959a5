import { randomBytes } from "node:crypto";
import type { Db } from "../../prisma/client.ts";
import { DomainError, forbidden, notFound, unprocessable } from "../domain/errors.ts";
import { Prisma } from "../generated/prisma/client.ts";
import type { Storage } from "../storage/storage.ts";
import type { UploadFiles } from "../storage/uploadFiles.ts";
import { databaseTime } from "./databaseTime.ts";
import { hashToken } from "./tokens.ts";
import type { UploadAddresses } from "./uploadAddress.ts";

/** A permission to upload one file. */
export interface UploadTicket {
  url: string;
  token: string;
  expiresAt: string;
}

/** How far an upload is. */
export interface UploadState {
  bytes: number;
  isFinished: boolean;
}

/** What is known of an upload, whatever it is of. */
export interface UploadRow {
  id: string;
  bytes: bigint;
  /** Null for one that is finished and stays. */
  expiresAt: Date | null;
  finishedAt: Date | null;
}

/** What tells uploads of one kind from those of another. */
export interface UploadKind<Row extends UploadRow> {
  /** Of the address they are sent to. */
  path: string;
  /** Where their rows are. */
  table: "video_uploads" | "answer_files";
  /** What the keys of files that are not whole begin with. */
  partPrefix: string;
  /** The most that any of them may have. */
  maxBytes: number;
  find(by: { id: string } | { tokenHash: string }): Promise<Row | null>;
  /** Where the whole file is kept. */
  fileKey(upload: Row): string;
  /** Looks again at whoever asked for it, as things are now. @throws FORBIDDEN (UPLOAD_NOT_ALLOWED_NOW) */
  requireAllowed(upload: Row): Promise<void>;
  /**
   * Marks an upload as finished, if nobody else has, and does in the same transaction what follows from that. A DomainError says that
   * the file is of no use: it is dropped.
   * @returns what is left to do after the commit
   */
  accept(upload: Row, requestId?: string): Promise<() => Promise<void>>;
}

/** How long a token waits for its upload, and how long an upload may take in all. */
const TICKET_HOURS = 1;
const UPLOAD_HOURS = 72;
const HOUR_MS = 3_600_000;
const MB = 1024 ** 2;

/** The refusal of a file of too many bytes, in words. */
export const tooLarge = (maxBytes: number): string =>
  `The file is too large: at most ${maxBytes / MB} MB may be uploaded.`;

/** A token that opens one upload, and what is kept of it. */
export function newTicket(now: Date): { token: string; kept: { tokenHash: string; expiresAt: Date } } {
  const token = randomBytes(32).toString("base64url");
  return {
    token,
    kept: { tokenHash: hashToken(token), expiresAt: new Date(now.getTime() + TICKET_HOURS * HOUR_MS) },
  };
}

export type ResumableUploads = ReturnType<typeof createResumableUploads>;

/** Files on their way here: a permission opens one upload, it comes in as many pieces as it takes, and the last byte finishes it. */
export function createResumableUploads<Row extends UploadRow>({
  db,
  storage,
  uploadFiles,
  addresses,
  kind,
}: {
  db: Db;
  storage: Storage;
  uploadFiles: UploadFiles;
  addresses: UploadAddresses;
  kind: UploadKind<Row>;
}) {
  const table = Prisma.raw(kind.table);
  const partKey = (uploadId: string) => kind.partPrefix + uploadId;

  /** @throws NOT_FOUND for one that was removed or has expired */
  async function requireUpload(uploadId: string): Promise<Row> {
    const upload = await kind.find({ id: uploadId });
    if (!upload || (upload.expiresAt && upload.expiresAt <= (await databaseTime(db)))) throw notFound("upload");
    return upload;
  }

  /** The file to its place. @throws NOT_FOUND when there is none, neither here nor there */
  async function keepFile(upload: Row): Promise<void> {
    const file = kind.fileKey(upload);
    const isMoved = await storage.move(partKey(upload.id), file);
    // Else it was moved before, by a process that died then or is just as far as we are.
    if (!isMoved && (await storage.size(file)) === null) throw notFound("upload");
  }

  async function forget(uploadId: string): Promise<void> {
    await db.$executeRaw`DELETE FROM ${table} WHERE id = ${uploadId}::uuid AND finished_at IS NULL`;
  }

  /** What it was for is gone, or will not have it. */
  async function dropUpload(upload: Row): Promise<void> {
    await forget(upload.id);
    await storage.remove(kind.fileKey(upload));
    await uploadFiles.discard(partKey(upload.id));
  }

  /**
   * What follows from the last byte: the file is kept, and what it was sent for goes on. Safe to repeat, also by several at once and
   * after a process died in the middle.
   * @throws NOT_FOUND, FORBIDDEN (UPLOAD_NOT_ALLOWED_NOW), and what the kind refuses
   */
  async function finish(uploadId: string, requestId?: string): Promise<void> {
    const upload = await requireUpload(uploadId);
    if (upload.finishedAt) return;
    await keepFile(upload);
    let afterCommit: () => Promise<void>;
    try {
      afterCommit = await kind.accept(upload, requestId);
    } catch (error) {
      if (error instanceof DomainError) await dropUpload(upload);
      throw error;
    }
    await afterCommit();
    await uploadFiles.discard(partKey(uploadId));
  }

  /** Finishes an upload that has all its bytes. @returns whether it is finished */
  async function finishIfWhole(upload: Row): Promise<boolean> {
    const bytes = Number(upload.bytes);
    const key = partKey(upload.id);
    const received = await uploadFiles.received(key);
    const isMoved = received === null && (await storage.size(kind.fileKey(upload))) === bytes;
    if (received !== bytes && !isMoved) return false;
    if (!isMoved) await uploadFiles.assemble(key, bytes);
    await finish(upload.id);
    return true;
  }

  return {
    path: kind.path,
    table: kind.table,
    partPrefix: kind.partPrefix,
    maxBytes: kind.maxBytes,
    partKey,
    nameOf: addresses.nameOf,
    idOf: addresses.idOf,
    finish,
    /** Ends an upload that is not finished; its files go after this. Safe to repeat. */
    forget,
    /** Removes what is there of an upload that was ended. Safe to repeat. */
    discard: (uploadId: string): Promise<void> => uploadFiles.discard(partKey(uploadId)),

    /**
     * Uses a token up. Of two who try at once, one opens the upload.
     * @returns the upload's id
     * @throws FORBIDDEN (TOKEN_NOT_GOOD), or what leaves the token good: FORBIDDEN (UPLOAD_NOT_ALLOWED_NOW),
     * UNPROCESSABLE (FILE_TOO_LARGE, WRONG_SIZE)
     */
    async open(token: string, bytes: number): Promise<string> {
      if (bytes > kind.maxBytes) throw unprocessable("FILE_TOO_LARGE", tooLarge(kind.maxBytes));
      const tokenHash = hashToken(token);
      const upload = await kind.find({ tokenHash });
      if (upload && BigInt(bytes) !== upload.bytes) {
        const reason = BigInt(bytes) > upload.bytes ? "FILE_TOO_LARGE" : "WRONG_SIZE";
        throw unprocessable(reason, `This upload was asked for with ${upload.bytes} bytes, not ${bytes}.`);
      }
      if (upload) await kind.requireAllowed(upload);
      const opened = await db.$executeRaw`
        UPDATE ${table}
        SET opened_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(hours => ${UPLOAD_HOURS})
        WHERE token_hash = ${tokenHash} AND opened_at IS NULL AND expires_at > clock_timestamp()`;
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
     * @throws NOT_FOUND, FORBIDDEN (UPLOAD_NOT_ALLOWED_NOW) for one that is not finished, and what the kind refuses
     */
    async stateOf(uploadId: string): Promise<UploadState> {
      const upload = await requireUpload(uploadId);
      const bytes = Number(upload.bytes);
      if (upload.finishedAt) return { bytes, isFinished: true };
      await kind.requireAllowed(upload);
      return { bytes, isFinished: await finishIfWhole(upload) };
    },

    /** Finishes an upload if it has all its bytes. @returns whether it is finished @throws what `stateOf` throws */
    finishIfWhole: async (uploadId: string): Promise<boolean> => finishIfWhole(await requireUpload(uploadId)),
  };
}

/** The address that a permission's upload is opened at. */
export const uploadUrl = (publicUrl: string, { path }: { path: string }): string =>
  `${publicUrl.replace(/\/$/, "")}${path}`;
