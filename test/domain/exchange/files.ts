import type {
  ImportedQuestion,
  QuestionFormat,
  ReadEntry,
  StoredFile,
  WriteReport,
} from "../../../src/domain/exchange/questionFormat.ts";

/** A text in pieces of so many characters. */
async function* textPieces(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}

/** A file as it is kept, which comes in pieces of so many bytes. */
export function stored(file: string | Uint8Array, size = 1_000): StoredFile {
  const bytes = typeof file === "string" ? Buffer.from(file) : file;
  return {
    size: bytes.length,
    range: async (start, end) => bytes.subarray(start, end),
    async *[Symbol.asyncIterator]() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    },
  };
}

export async function readAll(format: QuestionFormat, file: string | Uint8Array, size = 1_000) {
  const entries: ReadEntry[] = [];
  const read =
    typeof file === "string" && !format.isBinary
      ? format.read(textPieces(file, size))
      : format.read(stored(file, size));
  for await (const entry of read) entries.push(entry);
  return {
    taken: entries.filter((entry) => entry.kind === "taken"),
    refused: entries.filter((entry) => entry.kind === "refused"),
    notes: entries.filter((entry) => entry.kind === "note"),
  };
}

export async function writeAll(format: QuestionFormat, questions: readonly ImportedQuestion[]) {
  const reports: WriteReport[] = [];
  let file = "";
  async function* each() {
    yield* questions;
  }
  for await (const piece of format.write(each(), (entry) => reports.push(entry))) file += piece;
  return { file, reports };
}
