import { CsvError } from "csv-parse";
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import { separatorOf } from "../../peopleCsv.ts";
import { linesOf } from "../fileText.ts";
import { MAX_QUESTION_LENGTH, QUESTION_TOO_LONG } from "../limits.ts";

/** A row as it stands in the file; `problem` is why it cannot be read. */
export interface CsvRecord {
  /** Of its first line, from 1: a quoted field may go over several. */
  line: number;
  text: string;
  fields: string[];
  problem: string | null;
}

/** The rows that are not blank, the head line among them. Fields are parted by what parts most of the first line. */
export async function* csvRecords(pieces: AsyncIterable<string>): AsyncGenerator<CsvRecord> {
  let delimiter: string | null = null;
  for await (const { line, text, isTooLong } of wholeRows(pieces)) {
    if (text.trim() === "") continue;
    delimiter ??= separatorOf(text);
    if (isTooLong) yield { line, text, fields: [], problem: QUESTION_TOO_LONG };
    else yield { line, text, ...fieldsOf(text, delimiter) };
  }
}

/** A row ends where a line ends and no quote is open. */
async function* wholeRows(pieces: AsyncIterable<string>) {
  let [line, lines, length, quotes] = [0, [] as string[], 0, 0];
  const row = () => ({ line, text: lines.join("\n"), isTooLong: length > MAX_QUESTION_LENGTH });
  for await (const { number, text } of linesOf(pieces)) {
    if (lines.length === 0) line = number;
    if (length <= MAX_QUESTION_LENGTH) lines.push(text);
    length += text.length + 1;
    quotes += text.split('"').length - 1;
    if (quotes % 2 === 1) continue;
    yield row();
    [lines, length, quotes] = [[], 0, 0];
  }
  if (lines.length > 0) yield row();
}

function fieldsOf(text: string, delimiter: string): { fields: string[]; problem: string | null } {
  try {
    const [fields = []] = parse(text, { delimiter, relax_column_count: true }) as string[][];
    return { fields: fields.map((field) => withoutMark(field).trim()), problem: null };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return {
      fields: [],
      problem: "The quotes of the row are not right; put the field in quotes and double those inside.",
    };
  }
}

/** What a spreadsheet would take for a formula begins with an apostrophe; a number does not. */
const FORMULA = /^'*[=+\-@\t\r]/;
const NUMBER = /^-[\d.:eE+-]+$/;
const withMark = (field: string) => (FORMULA.test(field) && !NUMBER.test(field) ? `'${field}` : field);
const withoutMark = (field: string) => (/^'+[=+\-@\t\r]/.test(field) ? field.slice(1) : field);

/** One line, with its end. */
export const csvLine = (fields: readonly string[]): string =>
  stringify([fields.map((field) => withMark(field.trim()))]);
