import { pipeline, Readable } from "node:stream";
import { setImmediate as othersTurn } from "node:timers/promises";
import { CsvError, type Options, parse } from "csv-parse";
import { badInput } from "../domain/errors.ts";
import {
  type FileRow,
  type Head,
  isBlank,
  lineAfter,
  MAX_ROWS,
  readHead,
  requireReadable,
  separatorOf,
  unreadable,
} from "../domain/peopleCsv.ts";
import { type PersonRow, personRows } from "../domain/personRow.ts";

/** Parsed in a millisecond or two, after which others get their turn. */
const PIECE_BYTES = 16 * 1024;

const REMEDIES: Record<string, string> = {
  CSV_QUOTE_NOT_CLOSED:
    "in the row that begins here a quote is opened and never closed; close it, or double it where it is part of the text.",
  INVALID_OPENING_QUOTE:
    "in the row that begins here a quote stands in a field that has none around it; put the field in quotes and double those inside.",
  CSV_INVALID_CLOSING_QUOTE:
    "in the row that begins here something stands between a closing quote and the next field; double the quotes that are part of the text.",
};

async function* pieces(csv: string): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(csv);
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    yield bytes.subarray(at, at + PIECE_BYTES);
    await othersTurn();
  }
}

/** The rows of a file that are not blank, the head line among them. @throws BAD_USER_INPUT where quotes are not as they must be */
async function* fileRows(csv: string): AsyncGenerator<FileRow> {
  let line = 1;
  // Counted here because the parser counts a quoted CRLF as two lines.
  const numbered = (fields: string[]): FileRow | null => {
    const row = { line, fields };
    line = lineAfter(row);
    return isBlank(fields) ? null : row;
  };
  const parser = parse({
    bom: true,
    delimiter: separatorOf(csv),
    record_delimiter: ["\r\n", "\n", "\r"],
    relax_column_count: true, // that is the row's matter, not the file's
    on_record: numbered as unknown as Options["on_record"], // whose type knows only records that stay what they are
  });
  pipeline(Readable.from(pieces(csv)), parser, () => {}); // what fails is thrown to whoever reads from the parser
  try {
    yield* parser;
  } catch (error) {
    const remedy = error instanceof CsvError && REMEDIES[error.code];
    throw remedy ? unreadable(line, remedy) : error;
  }
}

/** The head of a file, and its rows one after the other. @throws BAD_USER_INPUT when there is no head line, or one with the wrong columns */
async function open(csv: string): Promise<{ head: Head; rows: AsyncIterable<FileRow> }> {
  const rows = fileRows(csv);
  const first = await rows.next();
  if (first.done) throw badInput("The file is empty.", [{ path: "input.csv", message: "is empty" }]);
  return { head: readHead(first.value), rows };
}

/**
 * Reads a file through to its end; others get their turn meanwhile.
 * @returns how many rows it has
 * @throws BAD_USER_INPUT for a file that cannot be read at all, or is too long
 */
export async function checkPeopleFile(csv: string, { isForCourse }: { isForCourse: boolean }): Promise<number> {
  requireReadable(csv);
  const { head, rows } = await open(csv);
  if (head.includes("extra_time_percent") && !isForCourse)
    throw unreadable(1, "extra time is given in a course; name the course, or leave out the column.");
  if (head.includes("groups") && !isForCourse)
    throw unreadable(1, "groups are those of a course; name the course, or leave out the column.");
  let count = 0;
  for await (const { line } of rows) {
    count += 1;
    if (count > MAX_ROWS)
      throw unreadable(line, `more than ${MAX_ROWS.toLocaleString("en")} rows; divide the file and send its parts.`);
  }
  if (count === 0) throw unreadable(1, "there is a head line and nothing below it.");
  return count;
}

/** The rows of a file that was found good, understood, so many at a time. */
export async function* peopleOf(csv: string, chunkRows: number): AsyncGenerator<PersonRow[]> {
  const { head, rows } = await open(csv);
  const understand = personRows(head);
  let chunk: PersonRow[] = [];
  for await (const row of rows) {
    chunk.push(understand(row));
    if (chunk.length < chunkRows) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
