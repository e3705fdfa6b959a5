import type { Readable } from "node:stream";
import type { Db } from "../../prisma/client.ts";
import { notFound } from "../domain/errors.ts";
import type { Storage } from "../storage/storage.ts";
import { STORAGE_KEYS } from "../storage/storageKeys.ts";
import type { Actor } from "./actor.ts";
import { isNamed } from "./answerFileRemoval.ts";
import type { AttemptService } from "./attempt.service.ts";
import { requireId } from "./ids.ts";
import type { Papers } from "./papers.ts";
import type { ResultService } from "./result.service.ts";
import type { SignedLinks } from "./signedLinks.ts";
import type { StaffViews } from "./staffViews.ts";

/** A file that has arrived. */
export interface AnswerFile {
  id: string;
  questionId: string;
  name: string;
  bytes: number;
  type: string;
  sha256: string;
  uploadedAt: string;
  isSaved: boolean;
  url: string;
  urlExpiresAt: string;
}

export type FileToMark = Pick<AnswerFile, "bytes" | "type" | "url" | "urlExpiresAt">;

const LINK_MS = 3_600_000;

export type AnswerFileDownloads = ReturnType<typeof createAnswerFileDownloads>;

/** The files of answers as they are read again: who may have which. */
export function createAnswerFileDownloads({
  db,
  papers,
  attempts,
  results,
  staffViewed,
  storage,
  links,
  clock,
}: {
  db: Db;
  papers: Papers;
  attempts: Pick<AttemptService, "get">;
  results: Pick<ResultService, "showsAnswers">;
  staffViewed: StaffViews;
  storage: Storage;
  links: SignedLinks;
  clock: () => Date;
}) {
  return {
    /**
     * The files that have arrived for an attempt, the oldest first, with links that are good for an hour. The student sees all, and
     * none after the hand-in where the review does not show RESPONSE; the staff of the course see those that are part of an answer.
     * That they look is in the log before they do.
     * @throws NOT_FOUND
     */
    async list(actor: Actor, attemptIdGiven: string): Promise<AnswerFile[]> {
      const attempt = await attempts.get(actor, attemptIdGiven);
      const isOwn = attempt.userId === actor.userId;
      if (!isOwn) await staffViewed(actor, attempt.id);
      else if (!(await results.showsAnswers(actor, attempt))) return [];
      const rows = await db.$queryRaw<ListedRow[]>`
        SELECT file.*, ${isNamed} AS "isSaved" FROM answer_files file
        WHERE file.attempt_id = ${attempt.id}::uuid AND file.finished_at IS NOT NULL AND (${isOwn} OR ${isNamed})
        ORDER BY file.finished_at, file.id`;
      if (rows.length === 0) return [];
      const questionOf = await papers.questionIds(attempt.id);
      const expiresAt = new Date(clock().getTime() + LINK_MS);
      return rows.map((row) => ({
        id: row.id,
        questionId: questionOf.get(row.question_version_id)!,
        name: row.file_name,
        bytes: Number(row.bytes),
        type: row.content_type,
        sha256: row.sha256,
        uploadedAt: row.finished_at.toISOString(),
        isSaved: row.isSaved,
        url: links.url(`/downloads/answer-files/${row.id}/${actor.userId}`, expiresAt),
        urlExpiresAt: expiresAt.toISOString(),
      }));
    },

    /** Of files that answers name, what the actor needs to mark them, without the names their students gave them. By id. */
    async toMark({ userId }: Actor, fileIds: readonly string[]): Promise<ReadonlyMap<string, FileToMark>> {
      if (fileIds.length === 0) return new Map();
      const rows = await db.answerFile.findMany({ where: { id: { in: [...fileIds] }, finishedAt: { not: null } } });
      const expiresAt = new Date(clock().getTime() + LINK_MS);
      return new Map(
        rows.map(({ id, bytes, contentType }) => [
          id,
          {
            bytes: Number(bytes),
            type: contentType!,
            url: links.url(`/downloads/marking-files/${id}/${userId}`, expiresAt),
            urlExpiresAt: expiresAt.toISOString(),
          },
        ]),
      );
    },

    /**
     * A file for whoever has a good link to it, which says for whom it was made. If that is no student who looks at their own, it is in
     * the log first, with the address the request comes from.
     * @throws NOT_FOUND for one that is gone, or that its student may not see now
     */
    async open(
      fileId: string,
      reader: { userId: string; ip: string; marksIt: boolean },
    ): Promise<{ fileName: string; contentType: string; size: number; bytes: Readable }> {
      const select = { id: true, role: true } as const;
      const row = await db.answerFile.findUnique({
        where: { id: requireId(fileId, "file") },
        include: { attempt: { select: { examId: true, status: true, user: { select } } } },
      });
      if (!row?.finishedAt || !row.contentType) throw notFound("file");
      const { attemptId, questionVersionId, attempt } = row;
      if (attempt.user.id === reader.userId) {
        const student = { userId: attempt.user.id, role: attempt.user.role };
        if (!(await results.showsAnswers(student, attempt))) throw notFound("file");
      } else {
        const questionId = (await papers.questionIds(attemptId)).get(questionVersionId)!;
        await staffViewed(reader, attemptId, {
          questionId,
          fileId: row.id,
          ...(reader.marksIt && { anonymous: true }),
        });
      }
      const file = await storage.read(STORAGE_KEYS.ANSWER_FILE(row.id));
      if (!file) throw notFound("file");
      return { fileName: row.fileName, contentType: row.contentType, size: file.size, bytes: file.stream };
    },
  };
}

interface ListedRow {
  id: string;
  question_version_id: string;
  file_name: string;
  bytes: bigint;
  content_type: string;
  sha256: string;
  finished_at: Date;
  isSaved: boolean;
}
