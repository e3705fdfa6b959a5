import { z } from "zod";
import type { Db, Transaction } from "../../prisma/client.ts";
import { notFound, unprocessable } from "../domain/errors.ts";
import { isAcceptedName } from "../domain/fileKinds.ts";
import type { FileLimits } from "../domain/questionType.ts";
import { questionType } from "../domain/questionTypes.ts";
import { Prisma } from "../generated/prisma/client.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Actor } from "./actor.ts";
import { type AnswerFileRemoval, isNamed } from "./answerFileRemoval.ts";
import { logged } from "./attemptEvents.ts";
import { databaseTime } from "./databaseTime.ts";
import type { ExamAddresses } from "./examAddresses.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import type { Papers } from "./papers.ts";
import { newTicket, type ResumableUploads, type UploadTicket, uploadUrl } from "./resumableUploads.ts";

export interface AnswerFileTicket extends UploadTicket {
  fileId: string;
}

/** For each file that an answer may name there may be another, so that one can be replaced before it is given up. */
const UPLOADS_PER_FILE = 2;
const KB = 1024;

const NOT_OPEN = {
  CLOSED: "This attempt was handed in or its time is up; it takes no more files.",
  TAKEN_OVER: "This attempt goes on in another log-in. Call startAttempt to go on here.",
  PAUSED: "The exam is paused. Try again when it goes on.",
};

const asked = z.object({
  attemptId: z.string(),
  questionId: z.string(),
  fileName: z
    .string()
    .transform((name) => name.slice(Math.max(name.lastIndexOf("/"), name.lastIndexOf("\\")) + 1).trim())
    .pipe(
      z
        .string()
        .min(1, "is empty")
        .max(255, "has at most 255 characters")
        .refine((name) => !/\p{Cc}/u.test(name), "holds a control character"),
    ),
  bytes: z.number().min(1, "is below 1"),
});

export type AnswerFileService = ReturnType<typeof createAnswerFileService>;

/** The files of answers as they come: who may upload which, and which an answer may name. */
export function createAnswerFileService({
  db,
  papers,
  addresses,
  removal,
  outbox,
  uploads,
  publicUrl,
  graceSeconds,
  newId,
}: {
  db: Db;
  papers: Papers;
  addresses: ExamAddresses;
  removal: AnswerFileRemoval;
  outbox: Outbox;
  uploads: Pick<ResumableUploads, "path" | "discard">;
  publicUrl: string;
  graceSeconds: number;
  newId: () => string;
}) {
  /** Holds the actor's own attempt until the transaction ends: two tabs cannot both take the last place. Judged as a save is. */
  async function lockOpen(tx: Transaction, { userId, sessionId }: Actor, attemptId: string): Promise<void> {
    const grace = Prisma.sql`make_interval(secs => ${graceSeconds})`;
    const [attempt] = await tx.$queryRaw<{ state: "CLOSED" | "TAKEN_OVER" | "PAUSED" | "OPEN" }[]>`
      SELECT CASE WHEN status <> 'IN_PROGRESS' OR (paused_at IS NULL AND clock_timestamp() > deadline_at + ${grace}) THEN 'CLOSED'
                  WHEN session_id <> ${sessionId}::uuid THEN 'TAKEN_OVER'
                  WHEN clock_timestamp() > paused_at + ${grace} THEN 'PAUSED'
                  ELSE 'OPEN' END AS state
      FROM attempts WHERE id = ${attemptId}::uuid AND user_id = ${userId}::uuid FOR NO KEY UPDATE`;
    if (!attempt) throw notFound("attempt");
    if (attempt.state !== "OPEN") throw unprocessable(`ATTEMPT_${attempt.state}`, NOT_OPEN[attempt.state]);
  }

  /** Uploads that came to nothing never stand in the way: a new one ends the oldest of them. @returns which */
  async function makeRoom(tx: Transaction, place: { attemptId: string; questionVersionId: string }, most: number) {
    const arrived = await tx.answerFile.count({ where: { ...place, finishedAt: { not: null } } });
    if (arrived >= most)
      throw unprocessable(
        "TOO_MANY_FILES",
        `${arrived} files were uploaded for this question, and no more are taken. Delete one that is not in your answer.`,
      );
    return tx.$queryRaw<{ id: string }[]>`
      UPDATE answer_files SET expires_at = clock_timestamp() WHERE id IN (
        SELECT id FROM answer_files
        WHERE attempt_id = ${place.attemptId}::uuid AND question_version_id = ${place.questionVersionId}::uuid
          AND finished_at IS NULL AND expires_at > clock_timestamp()
        ORDER BY id DESC OFFSET ${most - arrived - 1})
      RETURNING id`;
  }

  return {
    /**
     * A permission to upload one file for a question of the actor's own attempt.
     * @throws NOT_FOUND, BAD_USER_INPUT, UNPROCESSABLE (NO_FILES_WANTED, FILE_TOO_LARGE, WRONG_KIND_OF_FILE, TOO_MANY_FILES,
     *   ADDRESS_NOT_ALLOWED, ATTEMPT_TAKEN_OVER, ATTEMPT_CLOSED, ATTEMPT_PAUSED)
     */
    async createTicket(actor: Actor, input: unknown): Promise<AnswerFileTicket> {
      const { questionId, fileName, bytes, ...given } = parseInput(asked, input, { path: "" });
      const attemptId = requireId(given.attemptId, "attempt");
      const paper = await papers.stored(attemptId, actor.reads);
      if (paper?.userId !== actor.userId) throw notFound("attempt");
      await addresses.requireAllowed(actor, paper.examId, attemptId);
      const entry = (await papers.entries(paper, actor.reads)).get(questionId);
      if (!entry) throw notFound("question in this attempt");
      const limits = questionType(entry.question.type).studentView(entry.question.definition).files;
      if (!limits) throw unprocessable("NO_FILES_WANTED", "This question is not answered with files.");
      requireFits(limits, fileName, bytes);
      const { ended, ticket } = await db.$transaction(async (tx) => {
        await lockOpen(tx, actor, attemptId);
        const place = { attemptId, questionVersionId: entry.item.versionId };
        const ended = await makeRoom(tx, place, limits.maxFiles * UPLOADS_PER_FILE);
        const { token, kept } = newTicket(await databaseTime(tx));
        const fileId = newId();
        await tx.answerFile.create({ data: { ...place, ...kept, id: fileId, fileName, bytes } });
        const url = uploadUrl(publicUrl, uploads);
        return { ended, ticket: { fileId, url, token, expiresAt: kept.expiresAt.toISOString() } };
      });
      for (const { id } of ended) await uploads.discard(id); // now, so that nobody fills the disk by beginning again and again
      return ticket;
    },

    /**
     * Takes back a file that is in no answer, and makes room for another.
     * @throws NOT_FOUND, UNPROCESSABLE (FILE_IN_ANSWER, ADDRESS_NOT_ALLOWED, ATTEMPT_TAKEN_OVER, ATTEMPT_CLOSED, ATTEMPT_PAUSED)
     */
    async delete(actor: Actor, fileId: string): Promise<boolean> {
      const id = requireId(fileId, "file");
      const row = await db.answerFile.findFirst({
        where: { id, attempt: { userId: actor.userId } },
        select: { attempt: { select: { id: true, examId: true } } },
      });
      if (!row) throw notFound("file");
      await addresses.requireAllowed(actor, row.attempt.examId, row.attempt.id);
      await db.$transaction(async (tx) => {
        await lockOpen(tx, actor, row.attempt.id);
        const removed = await removal.remove(tx, Prisma.sql`file.id = ${id}::uuid AND NOT ${isNamed}`);
        if (removed === 0)
          throw unprocessable("FILE_IN_ANSWER", "Your answer names this file. Save the answer without it first.");
        const ofAttempt = Prisma.sql`(VALUES (${row.attempt.id}::uuid)) AS attempt (id)`;
        const detail = Prisma.sql`jsonb_build_object('fileId', ${id}::text)`;
        await tx.$executeRaw`${logged("FILE_REMOVED", actor, ofAttempt, detail)}`;
      });
      outbox.handOver();
      return true;
    },

    /** Which of these files have arrived for this attempt, and for which question's version each was sent. */
    async arrived(attemptId: string, fileIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
      const rows = await db.answerFile.findMany({
        where: { attemptId, id: { in: [...fileIds] }, finishedAt: { not: null } },
        select: { id: true, questionVersionId: true },
      });
      return new Map(rows.map(({ id, questionVersionId }) => [id, questionVersionId]));
    },
  };
}

/** @throws UNPROCESSABLE (FILE_TOO_LARGE, WRONG_KIND_OF_FILE) */
function requireFits({ maxBytes, accept }: FileLimits, fileName: string, bytes: number): void {
  if (bytes > maxBytes)
    throw unprocessable(
      "FILE_TOO_LARGE",
      `The file is too large: it has ${Math.ceil(bytes / KB)} KB, and ${Math.floor(maxBytes / KB)} KB may be uploaded.`,
    );
  if (!isAcceptedName(accept, fileName))
    throw unprocessable("WRONG_KIND_OF_FILE", `"${fileName}" is not accepted. Upload one of: ${accept.join(", ")}.`);
}
