import type { Db, Transaction } from "../../prisma/client.ts";
import { DomainError } from "../domain/errors.ts";
import { countEntries } from "../domain/exchange/countEntries.ts";
import type { ReadEntry, WriteReport } from "../domain/exchange/questionFormat.ts";
import { type QuestionFormatName, questionFormats } from "../domain/exchange/questionFormats.ts";
import type { QuestionFile as FileRow, Prisma } from "../generated/prisma/client.ts";
import type { JobContext } from "../queues/jobContext.ts";
import type { Access } from "./access.ts";
import { addToBank } from "./bankQuestions.ts";
import type { ExamQuestions } from "./examQuestions.ts";
import { exportSource } from "./exportSources.ts";
import { takeExam } from "./importedExam.ts";
import { storedFile, writePieces } from "./questionFilePieces.ts";
import { requireStillStaff } from "./stillStaff.ts";

/** Questions of one transaction. */
const CHUNK = 200;

type Entry = Prisma.QuestionFileEntryCreateManyInput;
type Job = Pick<JobContext, "progress" | "signal">;
type Placed = { position: number; entry: ReadEntry };

export type QuestionFileRuns = ReturnType<typeof createQuestionFileRuns>;

/** The jobs that take a file of questions into a bank, or make one of it. */
export function createQuestionFileRuns({
  db,
  access,
  examQuestions,
  clock,
  newId,
}: {
  db: Db;
  access: Access;
  examQuestions: ExamQuestions;
  clock: () => Date;
  newId: () => string;
}) {
  /** Takes in those of these that are not done; false when the import is finished or gone. */
  async function takeInChunk(file: FileRow, chunk: readonly Placed[]): Promise<boolean> {
    return db.$transaction(async (tx) => {
      // Held until the commit: a second worker that was given the job too waits here, and then finds them done.
      const open = await tx.$queryRaw<unknown[]>`
        SELECT FROM question_files WHERE id = ${file.id}::uuid AND finished_at IS NULL FOR UPDATE`;
      if (open.length === 0) return false;
      await requireStillStaff(tx, access, file);
      const done = await lastDone(tx, file.id);
      const left = chunk
        .filter(({ position }) => position > done)
        .map((placed) => ({ ...placed, id: newId(), versionId: newId() }));
      const taken = left.flatMap(({ entry, id, versionId }) =>
        entry.kind === "taken" ? [{ id, versionId, question: entry.question }] : [],
      );
      if (!file.dryRun) await addToBank(tx, file, taken);
      const rows = left.flatMap(({ position, entry, id }) =>
        entry.kind === "exam" ? [] : toRow(file, position, entry, id),
      );
      await tx.questionFileEntry.createMany({ data: rows });
      for (const { position, entry } of left) {
        if (entry.kind !== "exam") continue;
        const made = await takeExam(tx, file, entry, newId);
        const { line, title } = entry;
        await tx.questionFileEntry.create({
          data: { fileId: file.id, position, line, outcome: "NOTE", title: title.slice(0, 300), ...made },
        });
      }
      const count = (outcome: Entry["outcome"]) => rows.filter((row) => row.outcome === outcome).length;
      await tx.questionFile.update({
        where: { id: file.id },
        data: {
          taken: { increment: taken.length },
          changed: { increment: count("CHANGED") },
          refused: { increment: count("REFUSED") },
        },
      });
      return true;
    });
  }

  /** Once. The file itself is of no more use when it has been taken in. */
  const finish = (file: FileRow, data: Prisma.QuestionFileUpdateManyMutationInput) =>
    db.$transaction(async (tx) => {
      await tx.questionFile.updateMany({
        where: { id: file.id, finishedAt: null },
        data: { ...data, finishedAt: clock() },
      });
      if (file.direction === "IMPORT" || data.failure)
        await tx.questionFilePiece.deleteMany({ where: { fileId: file.id } });
    });

  /** A rule that says no says it again next time: it is written down, and the job is done. */
  async function orFailure(file: FileRow, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      await finish(file, { failure: error.message });
    }
  }

  /** The file a job is about; null when it is finished, or gone with whoever asked for it. */
  const openFile = (id: string) => db.questionFile.findFirst({ where: { id, finishedAt: null } });

  return {
    /** Takes a file in, a chunk at a time. Safe to repeat: it goes on behind the last question that is done. */
    async import(fileId: string, { progress, signal }: Job): Promise<void> {
      const file = await openFile(fileId);
      if (!file) return;
      await orFailure(file, async () => {
        await requireStillStaff(db, access, file);
        const { entries, questions } = await countEntries(entriesOf(db, file), signal);
        await db.questionFile.update({ where: { id: fileId }, data: { total: questions } });
        const done = await lastDone(db, fileId);
        for await (const chunk of chunksOf(entriesOf(db, file))) {
          signal.throwIfAborted();
          const last = chunk.at(-1)!.position;
          if (last <= done) continue;
          if (!(await takeInChunk(file, chunk))) return;
          await progress((last / entries) * 100);
        }
        await finish(file, {});
      });
    },

    /** Makes a file of a bank, a page at a time. Safe to repeat: it begins anew. */
    async export(fileId: string, { progress, signal }: Job): Promise<void> {
      const file = await openFile(fileId);
      if (!file) return;
      await orFailure(file, async () => {
        await requireStillStaff(db, access, file);
        const format = questionFormats[file.format as QuestionFormatName];
        const { total, questions, write, exam } = await exportSource({ db, examQuestions }, file, format);
        await db.questionFileEntry.deleteMany({ where: { fileId } });
        const ids: string[] = [];
        const all: WriteReport[] = [];
        async function* chosen() {
          for await (const { id, question } of questions) {
            signal.throwIfAborted();
            ids.push(id);
            yield question;
            if (ids.length % CHUNK === 0) await progress((ids.length / total) * 100);
          }
        }
        const pieces = await writePieces(
          db,
          fileId,
          write(chosen(), (entry) => all.push(entry)),
        );
        await db.questionFilePiece.deleteMany({ where: { fileId, number: { gte: pieces } } });
        const reports = all.filter(({ position }) => position <= ids.length);
        const ofExam = all.filter(({ position }) => position > ids.length).flatMap(({ lost }) => lost);
        await db.questionFileEntry.createMany({
          data: [
            ...reports.map(({ position, title, lost, refused }) => ({
              fileId,
              position,
              outcome: refused === null ? ("CHANGED" as const) : ("REFUSED" as const),
              title,
              questionId: ids[position - 1],
              messages: refused === null ? lost : [refused],
            })),
            ...(exam
              ? [
                  {
                    ...{
                      fileId,
                      position: ids.length + 1,
                      outcome: "NOTE" as const,
                      title: exam.title,
                      examId: exam.id,
                    },
                    messages: [...ofExam, ...exam.lost],
                  },
                ]
              : []),
          ],
        });
        const refused = reports.filter((entry) => entry.refused !== null).length;
        await finish(file, {
          total: ids.length,
          taken: ids.length - refused,
          changed: reports.length - refused,
          refused,
        });
      });
    },
  };
}

async function* entriesOf(db: Db, { id, format }: FileRow): AsyncGenerator<ReadEntry> {
  yield* questionFormats[format as QuestionFormatName].read(await storedFile(db, id));
}

async function* chunksOf(entries: AsyncIterable<ReadEntry>): AsyncGenerator<Placed[]> {
  let [position, chunk] = [0, [] as Placed[]];
  for await (const entry of entries) {
    position += 1;
    const isAlone = entry.kind === "exam"; // it puts up to thousands of questions in their places
    if (isAlone && chunk.length > 0) {
      yield chunk;
      chunk = [];
    }
    chunk.push({ position, entry });
    if (chunk.length < CHUNK && !isAlone) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

function toRow(
  { id: fileId, dryRun }: FileRow,
  position: number,
  entry: Exclude<ReadEntry, { kind: "exam" }>,
  questionId: string,
): Entry {
  const place = { fileId, position, line: entry.line };
  if (entry.kind === "note") return { ...place, outcome: "NOTE", messages: [entry.message] };
  const title = entry.title?.slice(0, 300) ?? null;
  if (entry.kind === "refused")
    return { ...place, outcome: "REFUSED", title, excerpt: entry.excerpt, messages: [entry.reason] };
  const outcome = entry.changed.length > 0 ? "CHANGED" : "TAKEN";
  return { ...place, outcome, title, questionId: dryRun ? null : questionId, messages: entry.changed };
}

/** 0 when none is. */
async function lastDone(tx: Db | Transaction, fileId: string): Promise<number> {
  const { _max } = await tx.questionFileEntry.aggregate({ where: { fileId }, _max: { position: true } });
  return _max.position ?? 0;
}
