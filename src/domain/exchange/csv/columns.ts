import { QuestionProblem, unreadable } from "../fileProblem.ts";

/** Answers a row has columns for when it is written; any number of them is read. */
export const WRITTEN_ANSWERS = 12;

export const COLUMNS = [
  "type",
  "title",
  "stem",
  "stem_format",
  "points",
  "tags",
  "feedback",
  "feedback_correct",
  "feedback_partly_correct",
  "feedback_incorrect",
  "correct",
  "scoring",
  "penalty",
  "floor",
  "case_sensitive",
  "max_length",
] as const;
export type Column = (typeof COLUMNS)[number];
const ANSWER_COLUMNS = ["option", "match", "fraction", "feedback"] as const;
type AnswerColumn = (typeof ANSWER_COLUMNS)[number];

export const HEAD: readonly string[] = [
  ...COLUMNS,
  ...Array.from({ length: WRITTEN_ANSWERS }, (_, at) => ANSWER_COLUMNS.map((name) => `${name}_${at + 1}`)).flat(),
];

/** What stands in the columns `option_3`, `match_3` and so on; empty where nothing does. */
export type AnswerCells = Record<AnswerColumn, string> & { number: number };
export type Row = Record<Column, string> & { answers: AnswerCells[] };

const ANSWER = /^(option|match|fraction|feedback)_([1-9]\d?|100)$/;

/** @throws BAD_USER_INPUT for a head line without the columns that must be there */
export function readHead({ line, fields }: { line: number; fields: readonly string[] }) {
  const names = fields.map((field) => field.toLowerCase());
  const missing = (["type", "stem"] as const).filter((column) => !names.includes(column));
  if (missing.length > 0)
    throw unreadable(
      line,
      `the head line lacks the columns ${missing.join(" and ")}; the columns are ${COLUMNS.join(", ")}, option_1, match_1, fraction_1, feedback_1 and so on.`,
    );
  const twice = names.find((name, at) => name !== "" && names.indexOf(name) !== at);
  if (twice !== undefined) throw unreadable(line, `the head line has the column ${twice.slice(0, 50)} twice.`);
  const unknown = names.filter((name) => name !== "" && !COLUMNS.includes(name as Column) && !ANSWER.test(name));
  return {
    unknown,
    titleOf: (cells: readonly string[]) => cells[names.indexOf("title")] || null,
    rowOf: (cells: readonly string[]) => rowOf(names, cells),
  };
}

/** @throws QuestionProblem for a row that is longer than the head line */
function rowOf(names: readonly string[], cells: readonly string[]): Row {
  if (cells.slice(names.length).some((cell) => cell !== ""))
    throw new QuestionProblem(
      "The row has more fields than the head line; a field that holds a separator must stand in quotes.",
    );
  const byName = new Map(names.map((name, at) => [name, cells[at] ?? ""]));
  const cell = (name: string) => byName.get(name) ?? "";
  const numbers = new Set(names.flatMap((name) => ANSWER.exec(name)?.[2] ?? []));
  const answers = [...numbers]
    .map(Number)
    .sort((a, b) => a - b)
    .map((number) => ({
      number,
      option: cell(`option_${number}`),
      match: cell(`match_${number}`),
      fraction: cell(`fraction_${number}`),
      feedback: cell(`feedback_${number}`),
    }));
  const fixed = Object.fromEntries(COLUMNS.map((name) => [name, cell(name)])) as Record<Column, string>;
  return { ...fixed, answers };
}
