import type { Transaction } from "../../prisma/client.ts";
import type { ExamOutline } from "../domain/exchange/examOutline.ts";
import type { ReadExam } from "../domain/exchange/questionFormat.ts";

/** Of a test without a limit of time: the longest that an exam may have. */
const WEEK_MINUTES = 10_080;

interface ForFile {
  id: string;
  courseId: string;
  dryRun: boolean;
  createExams: boolean;
}

/**
 * Makes a draft of a test whose questions the file has brought into the bank, if drafts are wanted. Part of the caller's transaction,
 * which writes down that it is done.
 * @returns the draft, and what to tell of the test, a sentence each
 */
export async function takeExam(
  tx: Transaction,
  file: ForFile,
  { title, items, exam, changed }: ReadExam,
  newId: () => string,
): Promise<{ examId: string | null; messages: string[] }> {
  if (!file.createExams) {
    const said = `The test "${title.slice(0, 200)}" gives its ${items} items their order; it becomes no exam.`;
    return { examId: null, messages: [said, ...changed] };
  }
  if (!exam) return { examId: null, messages: changed };
  const inWords = describe(exam);
  if (file.dryRun) return { examId: null, messages: [`A draft exam would be made of it: ${inWords}`, ...changed] };
  const examId = newId();
  const gone = await createDraft(tx, file, exam, examId, newId);
  const missing = gone === 0 ? [] : [`${gone} of its questions were archived or removed meanwhile, and are missing.`];
  return { examId, messages: [`A draft exam is made of it: ${inWords}`, ...missing, ...changed] };
}

function describe({ title, durationMinutes, sections }: ExamOutline): string {
  const questions = sections.reduce((sum, { places }) => sum + places.length, 0);
  const time = durationMinutes === null ? "a week, since it has no time limit" : `${durationMinutes} minutes`;
  return `"${title}", sections: ${sections.length}, questions: ${questions}, time: ${time}.`;
}

/** @returns how many questions are not there any more */
async function createDraft(
  tx: Transaction,
  { id: fileId, courseId }: ForFile,
  { title, durationMinutes, floor, sections }: ExamOutline,
  examId: string,
  newId: () => string,
): Promise<number> {
  const lines = sections.flatMap(({ places }) => places.map(({ question }) => question));
  const questionAt = await questionsAt(tx, fileId, lines);
  const areAllShuffled = sections.every(({ isShuffled }) => isShuffled);
  await tx.exam.create({
    data: {
      id: examId,
      courseId,
      title,
      durationMinutes: durationMinutes ?? WEEK_MINUTES,
      floor,
      shuffleQuestions: areAllShuffled,
      // Each item says itself which of its options keep their places.
      shuffleOptions: true,
    },
  });
  const placed = sections.map(({ places, isShuffled, ...section }, position) => ({
    places,
    row: {
      ...section,
      id: newId(),
      examId,
      position,
      shuffleQuestions: isShuffled && !areAllShuffled ? true : null,
    },
  }));
  await tx.examSection.createMany({ data: placed.map(({ row }) => row) });
  const all = placed.flatMap(({ row, places }) =>
    places.map(({ question, points }) => ({ sectionId: row.id, questionId: questionAt.get(question), points })),
  );
  const there = all.flatMap(({ questionId, ...place }) => (questionId === undefined ? [] : { ...place, questionId }));
  await tx.examQuestion.createMany({ data: there.map((place, position) => ({ ...place, examId, position })) });
  return all.length - there.length;
}

/** The questions of these lines that a file has brought and that may still be put into an exam, by their lines; they are held. */
async function questionsAt(tx: Transaction, fileId: string, lines: readonly number[]): Promise<Map<number, string>> {
  const rows = await tx.$queryRaw<{ line: number; id: string }[]>`
    SELECT entry.line, question.id
    FROM question_file_entries entry JOIN questions question ON question.id = entry.question_id
    WHERE entry.file_id = ${fileId}::uuid AND entry.line = ANY (${lines}::int[]) AND question.archived_at IS NULL
    ORDER BY question.id FOR KEY SHARE OF question`;
  return new Map(rows.map(({ line, id }) => [line, id]));
}
