import { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import { notFound } from "../domain/errors.ts";
import type { ResultFile as FileRow } from "../generated/prisma/client.ts";
import { examQueue } from "../queues/exam.queue.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { databaseTime } from "./databaseTime.ts";
import { readInOrder } from "./filePieces.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import type { SignedLinks } from "./signedLinks.ts";
import { requireStillStaff } from "./stillStaff.ts";

/** A file of an exam's results, and how far the job with it has come. */
export interface ResultFile {
  id: string;
  examId: string;
  format: "CSV" | "JSON";
  detail: "ATTEMPTS" | "QUESTIONS";
  jobId: string;
  rows: number | null;
  failure: string | null;
  createdAt: string;
  finishedAt: string | null;
  expiresAt: string;
}

const LINK_MS = 3_600_000;
const KEPT_MS = 7 * 86_400_000;
const CONTENT_TYPES = { CSV: "text/csv; charset=utf-8", JSON: "application/json; charset=utf-8" } as const;

const asking = z.object({
  examId: z.string(),
  format: z.enum(["CSV", "JSON"]),
  detail: z.enum(["ATTEMPTS", "QUESTIONS"]),
});

const toResultFile = ({ actorId: _by, run: _run, createdAt, finishedAt, expiresAt, ...row }: FileRow): ResultFile => ({
  ...row,
  createdAt: createdAt.toISOString(),
  finishedAt: finishedAt?.toISOString() ?? null,
  expiresAt: expiresAt.toISOString(),
});

export type ResultFileService = ReturnType<typeof createResultFileService>;

/** Files of results as they are asked for and fetched; `resultFileRuns` makes them. For the staff of a course. */
export function createResultFileService({
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
  return {
    /** Asks for a file of an exam's results. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async request(actor: Actor, input: unknown): Promise<ResultFile> {
      const given = parseInput(asking, input, { path: "" });
      const examId = requireId(given.examId, "exam");
      const fileId = newId();
      const row = await db.$transaction(async (tx) => {
        const exam = await tx.exam.findUnique({ where: { id: examId }, select: { courseId: true } });
        if (!exam) throw notFound("exam");
        await access.requireStaff(tx, actor, exam.courseId, "exam");
        const { userId: actorId, requestId } = actor;
        const asked = { ownerId: actorId, requestId };
        const jobId = await outbox.add(tx, examQueue, "exportResultFile", { fileId }, asked);
        const { format, detail } = given;
        const after = { format, detail };
        await audit(tx, actor, newId, { action: "exportResults", entityType: "Exam", entityId: examId, after });
        const expiresAt = new Date((await databaseTime(tx)).getTime() + KEPT_MS);
        return tx.resultFile.create({ data: { id: fileId, actorId, examId, format, detail, jobId, expiresAt } });
      });
      outbox.handOver();
      return toResultFile(row);
    },

    /** A file of the actor's own, or any for an ADMIN. @throws NOT_FOUND */
    async get(actor: Actor, fileId: string): Promise<ResultFile> {
      const row = await db.resultFile.findUnique({ where: { id: requireId(fileId, "file") } });
      if (!row || (row.actorId !== actor.userId && actor.role !== "ADMIN")) throw notFound("file");
      return toResultFile(row);
    },

    /** Where a file can be fetched for an hour; null before it is finished. */
    downloadUrl: ({ id, finishedAt, failure }: ResultFile): string | null =>
      finishedAt !== null && failure === null
        ? links.url(`/downloads/results/${id}`, new Date(clock().getTime() + LINK_MS))
        : null,

    /**
     * A file, for whoever has the link and as long as who asked for it is staff, a piece at a time.
     * @throws NOT_FOUND when it has expired, FORBIDDEN
     */
    async open(
      fileIdGiven: string,
    ): Promise<{ fileName: string; contentType: string; bytes: AsyncIterable<Uint8Array> }> {
      const fileId = requireId(fileIdGiven, "file");
      const row = await db.resultFile.findFirst({
        where: { id: fileId, expiresAt: { gt: await databaseTime(db) } },
        include: { exam: { select: { courseId: true } } },
      });
      const run = row?.run;
      if (!row || !run) throw notFound("file");
      await requireStillStaff(db, access, { actorId: row.actorId, courseId: row.exam.courseId });
      return {
        fileName: `results.${row.format.toLowerCase()}`,
        contentType: CONTENT_TYPES[row.format],
        bytes: readInOrder((number) =>
          db.resultFilePiece.findUnique({ where: { fileId_run_number: { fileId, run, number } } }),
        ),
      };
    },
  };
}
