import type { Db } from "../../prisma/client.ts";
import { DomainError, notFound, unprocessable } from "../domain/errors.ts";
import { contentTypeBy } from "../domain/fileKinds.ts";
import { MAX_ANSWER_FILE_BYTES } from "../domain/questionTypes/fileUpload.ts";
import type { AnswerFile as AnswerFileRow } from "../generated/prisma/client.ts";
import type { Storage } from "../storage/storage.ts";
import { STORAGE_KEYS } from "../storage/storageKeys.ts";
import { fileFacts } from "./answerFileFacts.ts";
import type { UploadKind } from "./resumableUploads.ts";

/** A file of an answer on its way here: as long as whom it is from may still answer, and only what it says it is. */
export function answerFileUploads({
  db,
  storage,
  graceSeconds,
}: {
  db: Db;
  storage: Storage;
  graceSeconds: number;
}): UploadKind<AnswerFileRow> {
  const fileKey = ({ id }: { id: string }) => STORAGE_KEYS.ANSWER_FILE(id);

  /** A pause takes no bytes away from anybody: what was begun may go on, and no answer can name it before the exam goes on. */
  async function requireAllowed({ attemptId }: { attemptId: string }): Promise<void> {
    const [attempt] = await db.$queryRaw<{ isAllowed: boolean }[]>`
      SELECT attempt.status = 'IN_PROGRESS' AND person.disabled_at IS NULL AND (attempt.paused_at IS NOT NULL
               OR clock_timestamp() <= attempt.deadline_at + make_interval(secs => ${graceSeconds})) AS "isAllowed"
      FROM attempts attempt JOIN users person ON person.id = attempt.user_id
      WHERE attempt.id = ${attemptId}::uuid`;
    if (!attempt?.isAllowed)
      throw new DomainError("FORBIDDEN", "The attempt was handed in or its time is up; it takes no more files.", {
        reason: "UPLOAD_NOT_ALLOWED_NOW",
      });
  }

  return {
    path: "/uploads/answers",
    table: "answer_files",
    partPrefix: STORAGE_KEYS.ANSWER_UPLOADS,
    maxBytes: MAX_ANSWER_FILE_BYTES,
    find: (where) => db.answerFile.findUnique({ where }),
    fileKey,
    requireAllowed,

    /** @throws NOT_FOUND, FORBIDDEN (UPLOAD_NOT_ALLOWED_NOW), UNPROCESSABLE (WRONG_KIND_OF_FILE) */
    async accept(upload) {
      await requireAllowed(upload);
      const file = await storage.read(fileKey(upload));
      if (!file) throw notFound("upload");
      const { sha256, ends } = await fileFacts(file.stream);
      const contentType = contentTypeBy(upload.fileName, ends);
      if (contentType === null)
        throw unprocessable(
          "WRONG_KIND_OF_FILE",
          `The content of "${upload.fileName}" is not what its name says. Save it again in the format you mean, and upload that.`,
        );
      const count = await db.$executeRaw`
        WITH arrived AS (
          UPDATE answer_files SET finished_at = clock_timestamp(), expires_at = NULL, content_type = ${contentType}, sha256 = ${sha256}
          WHERE id = ${upload.id}::uuid AND finished_at IS NULL AND expires_at > clock_timestamp()
          RETURNING id, attempt_id, sha256
        )
        INSERT INTO attempt_events (attempt_id, kind, actor_id, detail)
        SELECT attempt.id, 'FILE_ADDED', attempt.user_id, jsonb_build_object('fileId', arrived.id, 'sha256', arrived.sha256)
        FROM arrived JOIN attempts attempt ON attempt.id = arrived.attempt_id`;
      // Another request may have been faster; else it was replaced or removed meanwhile.
      if (count === 0 && !(await db.answerFile.findUnique({ where: { id: upload.id } }))?.finishedAt)
        throw notFound("upload");
      return async () => {};
    },
  };
}
