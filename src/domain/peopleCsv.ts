import { badInput, type DomainError } from "./errors.ts";

/** Most rows of one file, the head line not counted. */
export const MAX_ROWS = 50_000;

const REQUIRED = ["email", "name"] as const;
const OPTIONAL = ["role", "locale", "extra_time_percent", "groups"] as const;
const COLUMNS = [...REQUIRED, ...OPTIONAL];
export type Column = (typeof COLUMNS)[number];

/** The columns of a file in their order. */
export type Head = readonly Column[];

/** A row as it stands in the file. */
export interface FileRow {
  /** Line on which it begins, from 1: a quoted field may go over several. */
  line: number;
  fields: readonly string[];
}

const SEPARATORS = [",", ";", "\t"];
/** What no school means to write: it is there when the file was saved or read in another encoding than UTF-8. */
const UNREADABLE = /[\0\uFFFD\p{Surrogate}]/u;
const LINE_BREAK = /\r\n|\n|\r/g;

/** A refusal of the whole file, which names the line. */
export const unreadable = (line: number, problem: string): DomainError =>
  badInput(`Line ${line} of the file: ${problem}`, [{ path: "input.csv", message: `line ${line}: ${problem}` }]);

/** @throws BAD_USER_INPUT for a text that is not what was written in the school's file */
export function requireReadable(csv: string): void {
  const at = csv.search(UNREADABLE);
  if (at >= 0)
    throw unreadable(
      1 + lineBreaks(csv.slice(0, at)),
      "it holds a character that cannot be read; save the file as “CSV UTF-8”, and send it again.",
    );
}

/** What stands between the fields: whichever of comma, semicolon and tab the head line has most of. */
export function separatorOf(csv: string): string {
  const headLine = /[^\r\n]+/.exec(csv)?.[0] ?? "";
  const count = (separator: string) => headLine.split(separator).length;
  return SEPARATORS.reduce((best, separator) => (count(separator) > count(best) ? separator : best));
}

/** The line after a row, which goes over as many as its fields have line breaks. */
export const lineAfter = ({ line, fields }: FileRow): number =>
  line + 1 + fields.reduce((sum, field) => sum + lineBreaks(field), 0);

export const isBlank = (fields: readonly string[]): boolean => fields.every((field) => field.trim() === "");

/** @throws BAD_USER_INPUT for columns that are missing, unknown or there twice */
export function readHead({ line, fields }: FileRow): Head {
  const names = fields.map((field) => field.trim().toLowerCase());
  const listed = (columns: readonly string[]) => columns.map((name) => `“${name}”`).join(", ");
  const unknown = names.filter((name) => !isColumn(name));
  if (unknown.length > 0)
    throw unreadable(
      line,
      `the head line has columns that are not known: ${listed(unknown.map((name) => name.slice(0, 100)))}. Name or leave out columns so that there are only ${listed(COLUMNS)}.`,
    );
  const missing = REQUIRED.filter((column) => !names.includes(column));
  if (missing.length > 0) throw unreadable(line, `the head line lacks ${listed(missing)}; add what is missing.`);
  const twice = names.filter((name, at) => names.indexOf(name) !== at);
  if (twice.length > 0) throw unreadable(line, `the head line has ${listed(twice)} twice; leave one.`);
  return names.filter(isColumn);
}

/** The fields of a row by their columns, empty ones left out; or what is wrong with their number, in words. */
export function byColumn(head: Head, { fields }: FileRow): Partial<Record<Column, string>> | string {
  if (fields.length !== head.length)
    return `The row has ${fields.length} fields and the head line ${head.length}; a field that holds a separator must stand in quotes.`;
  const entries = head.map((column, at) => [column, fields[at]!.trim()] as const);
  return Object.fromEntries(entries.filter(([, text]) => text !== ""));
}

const isColumn = (name: string): name is Column => COLUMNS.some((column) => column === name);

const lineBreaks = (text: string): number => text.match(LINE_BREAK)?.length ?? 0;
