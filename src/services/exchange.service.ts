import { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import { badInput, unprocessable } from "../domain/errors.ts";
import type { RefusedQuestion, TakenQuestion, TextFormat, WriteReport } from "../domain/exchange/questionFormat.ts";
import { type QuestionFormatName, questionFormats } from "../domain/exchange/questionFormats.ts";
import type { Prisma } from "../generated/prisma/client.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { addToBank, newestVersions } from "./bankQuestions.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import { requireFolder } from "./questionFolder.service.ts";
import { tagList } from "./questionInput.ts";

export interface ImportReport {
  dryRun: boolean;
  taken: {
    line: number;
    type: string;
    title: string | null;
    stem: string;
    changed: string[];
    questionId: string | null;
  }[];
  refused: { line: number; title: string | null; excerpt: string; reason: string }[];
  notes: { line: number; message: string }[];
}

export interface ExportedFile {
  fileName: string;
  contentType: string;
  content: string;
  written: number;
  changed: ExportLoss[];
}

/** What a file lacks of a question. */
interface ExportLoss {
  questionId: string;
  title: string | null;
  lost: string[];
  refused: string | null;
}

const MAX_IMPORT = 5_000;
const MAX_EXPORT = 500;

/** The name of a format. */
export const formatName = z.enum(Object.keys(questionFormats) as [QuestionFormatName, ...QuestionFormatName[]]);
const importing = z.object({
  courseId: z.string(),
  format: formatName,
  content: z.string().min(1, "is empty"),
  dryRun: z.boolean(),
  tags: tagList,
  folderId: z.string().nullish(),
});
const exporting = z.object({
  courseId: z.string(),
  format: formatName,
  tag: z.string().nullish(),
  ids: z.array(z.string()).max(MAX_EXPORT, `has at most ${MAX_EXPORT} ids`).nullish(),
});

export type ExchangeService = ReturnType<typeof createExchangeService>;

/** Questions that come from files and go to files; for the staff of a course. */
export function createExchangeService({ db, access, newId }: { db: Db; access: Access; newId: () => string }) {
  return {
    /**
     * Adds what a file holds to the bank, all of it or nothing. One bad question does not stop the others.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (IMPORT_TOO_LARGE)
     */
    async import(actor: Actor, input: unknown): Promise<ImportReport> {
      const { courseId: courseIdGiven, content, dryRun, ...given } = parseInput(importing, input, { isFile: true });
      const courseId = requireId(courseIdGiven, "course");
      await access.requireStaff(db, actor, courseId, "course");
      const { taken, refused, notes } = await readWhole(textFormat(given.format), content);
      const rows = taken.map((entry) => ({ ...entry, id: newId(), versionId: newId() }));
      await db.$transaction(async (tx) => {
        if (given.folderId) await requireFolder(tx, courseId, given.folderId);
        if (!dryRun) await addToBank(tx, { courseId, tags: given.tags, folderId: given.folderId ?? null }, rows);
      });
      return {
        dryRun,
        taken: rows.map(({ id, line, question, changed }) => ({
          line,
          type: question.type,
          title: question.title,
          stem: question.stem,
          changed,
          questionId: dryRun ? null : id,
        })),
        refused,
        notes,
      };
    },

    /**
     * The newest versions of a bank's questions as a file, oldest question first: those with the tag, or of these ids, or all that are not archived.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (EXPORT_TOO_LARGE)
     */
    async export(actor: Actor, input: unknown): Promise<ExportedFile> {
      const { courseId: courseIdGiven, tag, ids, ...given } = parseInput(exporting, input, { path: "" });
      const courseId = requireId(courseIdGiven, "course");
      await access.requireStaff(db, actor, courseId, "course");
      const format = textFormat(given.format);
      const where: Prisma.QuestionWhereInput = {
        courseId,
        ...(tag && { tags: { has: tag } }),
        ...(ids ? { id: { in: ids.map((id) => requireId(id, "question")) } } : { archivedAt: null }),
      };
      if ((await db.question.count({ where })) > MAX_EXPORT)
        throw unprocessable(
          "EXPORT_TOO_LARGE",
          `These are more than ${MAX_EXPORT} questions; export them by tag or by their ids, or by exportQuestionFile.`,
        );
      const questionIds: string[] = [];
      const reports: WriteReport[] = [];
      async function* chosen() {
        for await (const { id, question } of newestVersions(db, where)) {
          questionIds.push(id);
          yield question;
        }
      }
      let content = "";
      for await (const piece of format.write(chosen(), (entry) => reports.push(entry))) content += piece;
      return {
        fileName: `questions.${format.fileEnding}`,
        contentType: format.contentType,
        content,
        written: questionIds.length - reports.filter(({ refused }) => refused !== null).length,
        changed: reports.map(({ position, ...entry }) => ({ ...entry, questionId: questionIds[position - 1]! })),
      };
    },
  };
}

/** @throws BAD_USER_INPUT for a format whose files are bytes */
function textFormat(name: QuestionFormatName): TextFormat {
  const format = questionFormats[name];
  if (!format.isBinary) return format;
  throw badInput(`Files of ${name} are no text: use importQuestionFile and exportQuestionFile.`, [
    { path: "format", message: "is no text" },
  ]);
}

/** @throws BAD_USER_INPUT for what cannot be read as a whole, UNPROCESSABLE (IMPORT_TOO_LARGE) */
async function readWhole(format: TextFormat, content: string) {
  async function* file() {
    yield content;
  }
  const result = { taken: [] as TakenQuestion[], refused: [] as RefusedQuestion[], notes: [] as ImportReport["notes"] };
  for await (const entry of format.read(file())) {
    const { kind, ...rest } = entry;
    if (kind === "taken") result.taken.push(rest as TakenQuestion);
    else if (kind === "refused") result.refused.push(rest as RefusedQuestion);
    else result.notes.push(rest as ImportReport["notes"][number]);
    if (result.taken.length + result.refused.length > MAX_IMPORT)
      throw unprocessable(
        "IMPORT_TOO_LARGE",
        `The file holds more than ${MAX_IMPORT} questions; divide it and import its parts.`,
      );
  }
  return result;
}
