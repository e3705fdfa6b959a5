import { QuestionProblem } from "./fileProblem.ts";
import type { ImportedQuestion, WriteReport } from "./questionFormat.ts";

/** Writes one question. What the text lacks goes to `lost`, a sentence each. @throws QuestionProblem if it cannot be written */
export type WriteQuestion = (question: ImportedQuestion, lost: string[]) => string;

/** The texts of the questions that can be written, one after the other; the report tells of what is not in them. */
export async function* writeEach(
  questions: AsyncIterable<ImportedQuestion>,
  report: (entry: WriteReport) => void,
  write: WriteQuestion,
): AsyncGenerator<string> {
  let position = 0;
  for await (const question of questions) {
    position += 1;
    const { title } = question;
    const lost: string[] = [];
    try {
      yield write(question, lost);
      if (lost.length > 0) report({ position, title, lost, refused: null });
    } catch (error) {
      if (!(error instanceof QuestionProblem)) throw error;
      report({ position, title, lost: [], refused: error.message });
    }
  }
}
