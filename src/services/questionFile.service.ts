import { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import { badInput, conflict, notFound } from "../domain/errors.ts";
import { MAX_QUESTIONS } from "../domain/exchange/limits.ts";
import { type QuestionFormatName, questionFormats } from "../domain/exchange/questionFormats.ts";
import type { QuestionFile as FileRow } from "../generated/prisma/client.ts";
import type { QuestionFileDirection, QuestionFileOutcome } from "../generated/prisma/enums.ts";
import { examQueue } from "../queues/exam.queue.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { type Connection, connectionBy, type Ordering, type PageArgs } from "./connection.ts";
import { formatName } from "./exchange.service.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import { readPieces, writePieces } from "./questionFilePieces.ts";
import { requireFolder } from "./questionFolder.service.ts";
import { tagList } from "./questionInput.ts";
import type { SignedLinks } from "./signedLinks.ts";
import { requireStillStaff } from "./stillStaff.ts";

/** A file of questions, and how far the job with it has come. */
export interface QuestionFile {
  id: string;
  courseId: string;
  direction: QuestionFileDirection;
  format: string;
  dryRun: boolean;
  examId: string | null;
  createExams: boolean;
  jobId: string | null;
  total: number | null;
  taken: number;
  changed: number;
  refused: number;
  failure: string | null;
  createdAt: string;
  finishedAt: string | null;
}

export interface QuestionFileEntry {
  position: number;
  line: number | null;
  outcome: QuestionFileOutcome;
  title: string | null;
  excerpt: string | null;
  questionId: string | null;
  examId: string | null;
  messages: string[];
}

const LINK_MS = 3_600_000;
const IN_FILE_ORDER: Ordering<number> = {
  direction: "asc",
  parse: (text) => (/^\d{1,9}$/.test(text) ? Number(text) : null),
};

const importing = z.object({
  courseId: z.string(),
  format: formatName,
  dryRun: z.boolean(),
  tags: tagList,
  folderId: z.string().nullish(),
  createExams: z.boolean().default(false),
});
const exporting = z.object({
  courseId: z.string(),
  format: formatName,
  tag: z.string().nullish(),
  ids: z.array(z.string()).min(1, "is empty").max(MAX_QUESTIONS, `has at most ${MAX_QUESTIONS} ids`).nullish(),
});

const exportingExam = z.object({ examId: z.string(), format: formatName });

const uploadPath = (fileId: string) => `/question-files/${fileId}`;
const downloadPath = (fileId: string) => `/downloads/questions/${fileId}`;

const toQuestionFile = ({
  createdAt,
  finishedAt,
  actorId: _by,
  tags: _tags,
  folderId: _folder,
  tag: _tag,
  questionIds: _ids,
  ...row
}: FileRow): QuestionFile => ({
  ...row,
  createdAt: createdAt.toISOString(),
  finishedAt: finishedAt?.toISOString() ?? null,
});

export type QuestionFileService = ReturnType<typeof createQuestionFileService>;

/** Files of questions as they are asked for, sent and fetched; `questionFileRuns` works on them. For the staff of a course. */
export function createQuestionFileService({
  db,
  access,
  outbox,
  links,
  clock,
  newId,
}: {
  db: Db;
  access: Access;
  outbox: Outbox;
  links: SignedLinks;
  clock: () => Date;
  newId: () => string;
}) {
  const linkTo = (path: string) => links.url(path, new Date(clock().getTime() + LINK_MS));

  return {
    /** Gets an import ready for its file, which is sent to `uploadUrl`. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async requestImport(actor: Actor, input: unknown): Promise<QuestionFile> {
      const { courseId: courseIdGiven, ...given } = parseInput(importing, input);
      const courseId = requireId(courseIdGiven, "course");
      if (given.createExams) requireExams(given.format, "input.format");
      const data = { id: newId(), actorId: actor.userId, courseId, direction: "IMPORT" as const, ...given };
      return db.$transaction(async (tx) => {
        await access.requireStaff(tx, actor, courseId, "course");
        if (given.folderId) await requireFolder(tx, courseId, given.folderId);
        return toQuestionFile(await tx.questionFile.create({ data }));
      });
    },

    /** Asks for a file of a bank's questions. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async requestExport(actor: Actor, input: unknown): Promise<QuestionFile> {
      const { courseId: courseIdGiven, format, tag, ids } = parseInput(exporting, input);
      const courseId = requireId(courseIdGiven, "course");
      const questionIds = (ids ?? []).map((id) => requireId(id, "question"));
      const fileId = newId();
      const row = await db.$transaction(async (tx) => {
        await access.requireStaff(tx, actor, courseId, "course");
        const { userId: actorId, requestId } = actor;
        const jobId = await outbox.add(
          tx,
          examQueue,
          "exportQuestionFile",
          { fileId },
          { ownerId: actorId, requestId },
        );
        const chosen = { tag: tag ?? null, questionIds };
        return tx.questionFile.create({
          data: { id: fileId, actorId, courseId, direction: "EXPORT", format, ...chosen, jobId },
        });
      });
      outbox.handOver();
      return toQuestionFile(row);
    },

    /** Asks for a file of an exam. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT for a format that has no exams */
    async requestExam(actor: Actor, input: unknown): Promise<QuestionFile> {
      const { examId: examIdGiven, format } = parseInput(exportingExam, input, { path: "" });
      const examId = requireId(examIdGiven, "exam");
      const fileId = newId();
      const row = await db.$transaction(async (tx) => {
        const exam = await tx.exam.findUnique({ where: { id: examId }, select: { courseId: true } });
        if (!exam) throw notFound("exam");
        await access.requireStaff(tx, actor, exam.courseId, "exam");
        requireExams(format, "format");
        const { userId: actorId, requestId } = actor;
        const made = { ownerId: actorId, requestId };
        const jobId = await outbox.add(tx, examQueue, "exportQuestionFile", { fileId }, made);
        return tx.questionFile.create({
          data: { id: fileId, actorId, courseId: exam.courseId, direction: "EXPORT", format, examId, jobId },
        });
      });
      outbox.handOver();
      return toQuestionFile(row);
    },

    /**
     * Keeps the file of an import as it arrives, and asks for it to be taken in. For who has its signed link; a file that broke off
     * can be sent again. @throws NOT_FOUND, FORBIDDEN, CONFLICT (FILE_ARRIVED), UNPROCESSABLE (FILE_TOO_LARGE), BAD_USER_INPUT
     */
    async receive(fileIdGiven: string, body: AsyncIterable<Uint8Array>): Promise<QuestionFile> {
      const fileId = requireId(fileIdGiven, "file");
      const row = await db.questionFile.findFirst({ where: { id: fileId, direction: "IMPORT" } });
      if (!row) throw notFound("file");
      await requireStillStaff(db, access, row);
      const pieces = await writePieces(db, fileId, body);
      if (pieces === 0) throw badInput("The file is empty.");
      const queued = await db.$transaction(async (tx) => {
        await tx.$queryRaw`SELECT FROM question_files WHERE id = ${fileId}::uuid FOR UPDATE`; // two that send at once
        const before = await tx.questionFile.findUnique({ where: { id: fileId }, select: { jobId: true } });
        if (!before) throw notFound("file");
        if (before.jobId) throw conflict("The file has arrived already.", "FILE_ARRIVED");
        await tx.questionFilePiece.deleteMany({ where: { fileId, number: { gte: pieces } } });
        const jobId = await outbox.add(tx, examQueue, "importQuestionFile", { fileId }, { ownerId: row.actorId });
        return tx.questionFile.update({ where: { id: fileId }, data: { jobId } });
      });
      outbox.handOver();
      return toQuestionFile(queued);
    },

    /** A file of the actor's own, or any for an ADMIN. @throws NOT_FOUND */
    async get(actor: Actor, fileId: string): Promise<QuestionFile> {
      const row = await db.questionFile.findUnique({ where: { id: requireId(fileId, "file") } });
      if (!row || (row.actorId !== actor.userId && actor.role !== "ADMIN")) throw notFound("file");
      return toQuestionFile(row);
    },

    /** What became of the questions of a file the caller has been given, in its order. @throws BAD_USER_INPUT */
    async entries(
      fileId: string,
      outcome: QuestionFileOutcome | null,
      page: PageArgs,
    ): Promise<Connection<QuestionFileEntry>> {
      const matching = { fileId, ...(outcome && { outcome }) };
      return connectionBy(IN_FILE_ORDER, page, {
        find: ({ where, orderBy, take }) =>
          db.questionFileEntry.findMany({
            where: { ...matching, ...(where.id && { position: where.id }) },
            orderBy: { position: orderBy.id },
            take,
          }),
        count: () => db.questionFileEntry.count({ where: matching }),
        id: ({ position }) => position,
        toNode: ({ fileId: _file, ...entry }) => entry,
      });
    },

    /** Where the file of an import is sent to for an hour; null once it has arrived, and for an export. */
    uploadUrl: ({ id, direction, jobId }: QuestionFile): string | null =>
      direction === "IMPORT" && jobId === null ? linkTo(uploadPath(id)) : null,

    /** Where an export can be fetched for an hour; null before it is finished, and for an import. */
    downloadUrl: ({ id, direction, finishedAt, failure }: QuestionFile): string | null =>
      direction === "EXPORT" && finishedAt !== null && failure === null ? linkTo(downloadPath(id)) : null,

    /** An export, for whoever has the link and as long as who asked for it is staff, a piece at a time. @throws NOT_FOUND, FORBIDDEN */
    async open(
      fileIdGiven: string,
    ): Promise<{ fileName: string; contentType: string; bytes: AsyncIterable<Uint8Array> }> {
      const id = requireId(fileIdGiven, "file");
      const ready = { id, direction: "EXPORT", finishedAt: { not: null }, failure: null } as const;
      const row = await db.questionFile.findFirst({
        where: ready,
        select: { format: true, actorId: true, courseId: true, examId: true },
      });
      if (!row) throw notFound("file");
      await requireStillStaff(db, access, row);
      const { fileEnding, contentType } = questionFormats[row.format as QuestionFormatName];
      return { fileName: `${row.examId ? "exam" : "questions"}.${fileEnding}`, contentType, bytes: readPieces(db, id) };
    },
  };
}

/** @throws BAD_USER_INPUT for a format that has no exams */
function requireExams(format: QuestionFormatName, path: string): void {
  if (!questionFormats[format].writeExam)
    throw badInput(`Files of ${format} hold no exams; those of QTI do.`, [{ path, message: "has no exams" }]);
}
