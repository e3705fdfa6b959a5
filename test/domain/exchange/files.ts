import type {
  FileSource,
  ImportedQuestion,
  QuestionFormat,
  ReadEntry,
  WriteReport,
} from "../../../src/domain/exchange/questionFormat.ts";

/** A file in pieces of so many characters or bytes. */
export async function* pieces(
  file: string | Uint8Array,
  size = 1_000,
): FileSource & AsyncGenerator<string | Uint8Array> {
  for (let at = 0; at < file.length; at += size)
    yield typeof file === "string" ? file.slice(at, at + size) : file.subarray(at, at + size);
}

export async function readAll(format: QuestionFormat, file: string | Uint8Array, size?: number) {
  const entries: ReadEntry[] = [];
  for await (const entry of format.read(pieces(file, size))) entries.push(entry);
  return {
    taken: entries.filter((entry) => entry.kind === "taken"),
    refused: entries.filter((entry) => entry.kind === "refused"),
    exams: entries.filter((entry) => entry.kind === "exam"),
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
