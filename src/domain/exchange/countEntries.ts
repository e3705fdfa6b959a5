import { unprocessable } from "../errors.ts";
import { tooManyQuestions } from "./fileProblem.ts";
import { MAX_NOTES, MAX_QUESTIONS } from "./limits.ts";
import type { ReadEntry } from "./questionFormat.ts";

/** Reads an import through. @throws BAD_USER_INPUT for what cannot be read as a whole, UNPROCESSABLE (IMPORT_TOO_LARGE) */
export async function countEntries(file: AsyncIterable<Pick<ReadEntry, "kind">>, signal: AbortSignal) {
  let [questions, notes] = [0, 0];
  for await (const { kind } of file) {
    signal.throwIfAborted();
    if (kind === "note") notes += 1;
    else questions += 1;
    if (questions > MAX_QUESTIONS) throw tooManyQuestions();
    if (notes > MAX_NOTES)
      throw unprocessable("IMPORT_TOO_LARGE", `The file holds more than ${MAX_NOTES} things that are no questions.`);
  }
  return { entries: questions + notes, questions };
}
