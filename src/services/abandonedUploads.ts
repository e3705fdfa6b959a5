import type { Db } from "../../prisma/client.ts";
import { Prisma } from "../generated/prisma/client.ts";
import type { Storage } from "../storage/storage.ts";
import type { UploadFiles } from "../storage/uploadFiles.ts";
import type { Logger } from "../utils/logger.ts";
import { isUuid } from "./ids.ts";
import type { ResumableUploads } from "./resumableUploads.ts";

type Uploads = Pick<ResumableUploads, "table" | "partPrefix" | "partKey" | "finishIfWhole">;

export type AbandonedUploads = ReturnType<typeof createAbandonedUploads>;

/** Looks after uploads that no client comes back for, of every kind. */
export function createAbandonedUploads({
  db,
  storage,
  uploadFiles,
  kinds,
  log,
}: {
  db: Db;
  storage: Storage;
  uploadFiles: UploadFiles;
  kinds: readonly Uploads[];
  log: Logger;
}) {
  /** Those that have all their bytes, but no process lived to say so. One that cannot be finished does not stop the others. */
  async function finishWhole({ table, finishIfWhole }: Uploads): Promise<number> {
    const open = await db.$queryRaw<{ id: string }[]>`
      SELECT id FROM ${Prisma.raw(table)}
      WHERE opened_at IS NOT NULL AND finished_at IS NULL AND expires_at > clock_timestamp()`;
    let finished = 0;
    for (const { id } of open) {
      try {
        if (await finishIfWhole(id)) finished += 1;
      } catch (err) {
        log.warn({ err, uploadId: id }, "an upload could not be finished; tried again with the next clean-up");
      }
    }
    return finished;
  }

  /** Files of which no upload that goes on knows: it expired, was replaced, is finished, or went with what it was for. */
  async function discardFiles({ table, partPrefix, partKey }: Uploads): Promise<number> {
    const ids = new Set<string>();
    for await (const key of storage.list(partPrefix)) ids.add(uploadFiles.nameOf(key).slice(partPrefix.length));
    const wanted = await db.$queryRaw<{ id: string }[]>`
      SELECT id FROM ${Prisma.raw(table)} WHERE id = ANY(${[...ids].filter(isUuid)}::uuid[]) AND finished_at IS NULL`;
    for (const { id } of wanted) ids.delete(id);
    for (const id of ids) await uploadFiles.discard(partKey(id));
    return ids.size;
  }

  return {
    /** Safe to repeat. @returns how many uploads were finished, forgotten, and how many had left files behind */
    async remove(): Promise<{ finished: number; expired: number; discarded: number }> {
      const done = { finished: 0, expired: 0, discarded: 0 };
      for (const uploads of kinds) {
        done.finished += await finishWhole(uploads);
        done.expired += await db.$executeRaw`
          DELETE FROM ${Prisma.raw(uploads.table)} WHERE expires_at <= clock_timestamp()`;
        done.discarded += await discardFiles(uploads);
      }
      return done;
    },
  };
}
