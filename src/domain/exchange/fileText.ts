import { unreadable } from "./fileProblem.ts";
import { MAX_FILE_BYTES, MAX_QUESTION_LENGTH } from "./limits.ts";
import type { FileSource } from "./questionFormat.ts";

const BROKEN = "it holds bytes that are not in the encoding of the file; save the file as UTF-8, and send it again.";

/**
 * The text of a file, piece by piece. Bytes are UTF-8, or UTF-16 where the file begins like it; the byte order mark is
 * left out. @throws BAD_USER_INPUT for broken encodings, NUL characters and files that are too large
 */
export async function* fileText(source: FileSource, maxBytes = MAX_FILE_BYTES): AsyncGenerator<string> {
  let decoder: InstanceType<typeof TextDecoder> | null = null;
  let [bytes, line, isFirst] = [0, 1, true];
  const checked = (text: string): string => {
    const nul = text.indexOf("\0");
    if (nul >= 0)
      throw unreadable(line + text.slice(0, nul).split("\n").length - 1, "it holds NUL characters; it is no text.");
    line += text.split("\n").length - 1;
    const piece = isFirst ? text.replace(/^\uFEFF/, "") : text;
    if (text !== "") isFirst = false;
    return piece;
  };
  for await (const piece of evenStart(source)) {
    bytes += piece.length;
    if (bytes > maxBytes)
      throw unreadable(line, `the file is larger than ${maxBytes / 1024 / 1024} MB; divide it and send its parts.`);
    if (typeof piece !== "string") decoder ??= new TextDecoder(encodingOf(piece), { fatal: true });
    yield checked(typeof piece === "string" ? piece : decoded(() => decoder!.decode(piece, { stream: true }), line));
  }
  if (decoder) yield checked(decoded(() => decoder.decode(), line));
}

/** Pieces of which the first holds enough to tell the encoding. */
async function* evenStart(source: FileSource): AsyncGenerator<string | Uint8Array> {
  let held: Uint8Array | null = new Uint8Array();
  for await (const piece of source) {
    if (held === null || typeof piece === "string") {
      yield piece;
      continue;
    }
    const start: Uint8Array = Uint8Array.of(...held, ...piece.subarray(0, 4));
    held = start;
    if (start.length < 4) continue;
    held = null;
    yield start;
    if (piece.length > 4) yield piece.subarray(4);
  }
  if (held && held.length > 0) yield held;
}

function encodingOf([first = 1, second = 1]: Uint8Array): string {
  if ((first === 0xff && second === 0xfe) || second === 0) return "utf-16le";
  if ((first === 0xfe && second === 0xff) || first === 0) return "utf-16be";
  return "utf-8";
}

function decoded(decode: () => string, line: number): string {
  try {
    return decode();
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_ENCODING_INVALID_ENCODED_DATA") throw unreadable(line, BROKEN);
    throw error;
  }
}

export interface Line {
  /** From 1. */
  number: number;
  text: string;
}

/** The lines of a text, whatever ends them. Of a line longer than a question may be, only so much is kept that it is found too long. */
export async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<Line> {
  let [number, open, isAfterReturn] = [1, "", false];
  const append = (text: string) => {
    if (open.length <= MAX_QUESTION_LENGTH) open += text.slice(0, MAX_QUESTION_LENGTH + 1);
  };
  for await (const piece of pieces) {
    if (piece === "") continue;
    const lines = (isAfterReturn && piece.startsWith("\n") ? piece.slice(1) : piece).split(/\r\n|\r|\n/);
    isAfterReturn = piece.endsWith("\r");
    for (const [index, text] of lines.entries()) {
      append(text);
      if (index === lines.length - 1) break;
      yield { number, text: open };
      [number, open] = [number + 1, ""];
    }
  }
  if (open !== "") yield { number, text: open };
}

export interface Paragraph {
  /** Of its first line, from 1. */
  line: number;
  text: string;
  isTooLong: boolean;
}

/** Runs of lines between blank ones. */
export async function* paragraphsOf(pieces: AsyncIterable<string>): AsyncGenerator<Paragraph> {
  let [line, lines, length] = [0, [] as string[], 0];
  const paragraph = () => ({ line, text: lines.join("\n"), isTooLong: length > MAX_QUESTION_LENGTH });
  for await (const { number, text } of linesOf(pieces)) {
    if (text.trim() === "") {
      if (lines.length > 0) yield paragraph();
      [lines, length] = [[], 0];
      continue;
    }
    if (lines.length === 0) line = number;
    if (length <= MAX_QUESTION_LENGTH) lines.push(text);
    length += text.length + 1;
  }
  if (lines.length > 0) yield paragraph();
}
