import { stringify } from "csv-stringify/sync";

/** A question of an exam as a file of results names it. */
export interface ResultQuestion {
  questionId: string;
  title: string;
}

/** What one question of a paper came to; null while a person has to grade it. */
export interface QuestionPoints {
  questionId: string;
  points: string | null;
  maxPoints: string;
}

/** One attempt with its student; without one for a student who has none. Instants are ISO strings, numbers exact decimals. */
export interface ResultRow {
  name: string;
  email: string;
  attempt: number | null;
  status: string | null;
  startedAt: string | null;
  submittedAt: string | null;
  submittedBy: string | null;
  score: string | null;
  maxScore: string | null;
  percent: string | null;
  passed: boolean | null;
  grade: string | null;
  /** Whether the student's final result is made of it. */
  counts: boolean;
  questions: readonly QuestionPoints[];
}

const COLUMNS = [
  ...["name", "email", "attempt", "status", "startedAt", "submittedAt", "submittedBy"],
  ...["score", "maxScore", "percent", "passed", "grade", "counts"],
] as const satisfies readonly (keyof ResultRow)[];

/** A column of numbers is written as numbers, so that a score below 0 is not taken for a formula and marked as one. */
const NUMBERS: ReadonlySet<string> = new Set<keyof ResultRow>(["score", "maxScore", "percent"]);

/** With at most 4 places and 8 before them a number comes out as it went in. */
const toNumber = (decimal: string | null | undefined) => (decimal == null ? null : Number(decimal));

const csv = (records: readonly (readonly unknown[])[]) =>
  stringify(records as unknown[][], { escape_formulas: true, cast: { boolean: String } });

/**
 * CSV with a head line and a byte order mark, without which spreadsheets take it for another encoding. A text that a spreadsheet
 * would take for a formula begins with an apostrophe. Each question has a column, empty where it was not on the paper.
 */
export async function* resultCsv(
  pages: AsyncIterable<readonly ResultRow[]>,
  questions: readonly ResultQuestion[],
): AsyncGenerator<string> {
  yield `\ufeff${csv([[...COLUMNS, ...questions.map(({ title }, at) => `${at + 1}. ${title}`)]])}`;
  for await (const page of pages) {
    const records = page.map((row) => {
      const points = new Map(row.questions.map((question) => [question.questionId, question.points]));
      const fields = COLUMNS.map((name) => (NUMBERS.has(name) ? toNumber(row[name] as string | null) : row[name]));
      return [...fields, ...questions.map(({ questionId }) => toNumber(points.get(questionId)))];
    });
    yield csv(records);
  }
}

/** One array, a row in each line; every number a decimal string, as in the API. */
export async function* resultJson(
  pages: AsyncIterable<readonly ResultRow[]>,
  questions: readonly ResultQuestion[],
): AsyncGenerator<string> {
  let between = "[\n";
  for await (const page of pages)
    for (const { questions: points, ...row } of page) {
      yield between + JSON.stringify(questions.length > 0 ? { ...row, questions: points } : row);
      between = ",\n";
    }
  yield between === "[\n" ? "[]\n" : "\n]\n";
}
