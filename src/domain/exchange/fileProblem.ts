import { badInput, type DomainError } from "../errors.ts";

/** A refusal of the whole file, which names the line. */
export const unreadable = (line: number, problem: string): DomainError =>
  badInput(`Line ${line} of the file: ${problem}`, [{ path: "input.content", message: `line ${line}: ${problem}` }]);

/** Why a question cannot be read or written, in words for the teacher whose it is. */
export class QuestionProblem extends Error {}
