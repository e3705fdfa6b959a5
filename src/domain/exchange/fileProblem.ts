import { badInput, type DomainError, unprocessable } from "../errors.ts";
import { MAX_QUESTIONS } from "./limits.ts";

/** A refusal of the whole file, which names the line. */
export const unreadable = (line: number, problem: string): DomainError =>
  badInput(`Line ${line} of the file: ${problem}`, [{ path: "input.content", message: `line ${line}: ${problem}` }]);

export const tooManyQuestions = (): DomainError =>
  unprocessable("IMPORT_TOO_LARGE", `The file holds more than ${MAX_QUESTIONS} questions; divide it.`);

/** Why a question cannot be read or written, in words for the teacher whose it is. */
export class QuestionProblem extends Error {}
