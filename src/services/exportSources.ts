import type { Db } from "../../prisma/client.ts";
import { unprocessable } from "../domain/errors.ts";
import { MAX_QUESTIONS } from "../domain/exchange/limits.ts";
import type { ImportedQuestion, QuestionFormat } from "../domain/exchange/questionFormat.ts";
import type { QuestionFile as FileRow, Prisma } from "../generated/prisma/client.ts";
import { newestVersions } from "./bankQuestions.ts";
import { examToWrite } from "./examFile.ts";
import type { ExamQuestions } from "./examQuestions.ts";

/** What goes into a file. */
export interface ExportSource {
  total: number;
  questions:
    | AsyncIterable<{ id: string; question: ImportedQuestion }>
    | Iterable<{ id: string; question: ImportedQuestion }>;
  write: QuestionFormat["write"];
  /** The exam they are of, and what no file holds of it; null for questions of a bank. */
  exam: { id: string; title: string; lost: string[] } | null;
}

/** @throws UNPROCESSABLE (EXPORT_TOO_LARGE) */
export async function exportSource(
  { db, examQuestions }: { db: Db; examQuestions: ExamQuestions },
  file: FileRow,
  format: QuestionFormat,
): Promise<ExportSource> {
  const source = await (file.examId === null
    ? ofBank(db, file, format)
    : ofExam({ db, examQuestions }, file.examId, format));
  if (source.total > MAX_QUESTIONS)
    throw unprocessable("EXPORT_TOO_LARGE", `These are more than ${MAX_QUESTIONS} questions; export them by tag.`);
  return source;
}

async function ofBank(db: Db, file: FileRow, format: QuestionFormat): Promise<ExportSource> {
  const where = chosenFor(file);
  return {
    total: await db.question.count({ where }),
    questions: newestVersions(db, where),
    write: (questions, report) => format.write(questions, report),
    exam: null,
  };
}

async function ofExam(
  deps: { db: Db; examQuestions: ExamQuestions },
  examId: string,
  format: QuestionFormat,
): Promise<ExportSource> {
  const { outline, questions, lost } = await examToWrite(deps, examId);
  return {
    total: questions.length,
    questions,
    write: (given, report) => format.writeExam!(outline, given, report),
    exam: { id: examId, title: outline.title, lost },
  };
}

/** Which questions go into an export. */
const chosenFor = ({ courseId, tag, questionIds }: FileRow): Prisma.QuestionWhereInput => ({
  courseId,
  ...(tag !== null && { tags: { has: tag } }),
  ...(questionIds.length > 0 ? { id: { in: questionIds } } : { archivedAt: null }),
});
