import { badInput } from "./errors.ts";
import type { QuestionResponse, QuestionType, ResponseKind } from "./questionType.ts";
import { essay } from "./questionTypes/essay.ts";
import { fileUpload } from "./questionTypes/fileUpload.ts";
import { gapFill } from "./questionTypes/gapFill.ts";
import { information } from "./questionTypes/information.ts";
import { matching } from "./questionTypes/matching.ts";
import { multipleChoice } from "./questionTypes/multipleChoice.ts";
import { numeric } from "./questionTypes/numeric.ts";
import { ordering } from "./questionTypes/ordering.ts";
import { shortText } from "./questionTypes/shortText.ts";
import { singleChoice } from "./questionTypes/singleChoice.ts";
import { trueFalse } from "./questionTypes/trueFalse.ts";

const all = [
  singleChoice,
  multipleChoice,
  trueFalse,
  shortText,
  numeric,
  matching,
  ordering,
  gapFill,
  essay,
  fileUpload,
  information,
] as const;

export type QuestionTypeName = (typeof all)[number]["name"];

/** All question types there are, by name. */
export const questionTypes: Readonly<Record<QuestionTypeName, QuestionType>> = Object.fromEntries(
  all.map((type) => [type.name, type]),
) as Record<QuestionTypeName, (typeof all)[number]>;

/** @throws BAD_USER_INPUT if there is no type of this name. */
export function questionType(name: string): QuestionType {
  if (Object.hasOwn(questionTypes, name)) return questionTypes[name as QuestionTypeName];
  const message = `There is no question type ${name}; there are ${Object.keys(questionTypes).join(", ")}.`;
  throw badInput(message, [{ path: "type", message }]);
}

/**
 * Checks a definition and fills in what was left out (ids of options, defaults). Doing it again changes nothing.
 * @throws BAD_USER_INPUT with one field for each problem, its path starting with `definition`.
 */
export function parseDefinition(name: string, value: unknown): unknown {
  const parsed = questionType(name).definition.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path, message }) => ({ path: ["definition", ...path].join("."), message }));
  throw badInput("The definition of the question is not valid.", fields);
}

const HOW_TO_ANSWER: Record<ResponseKind, string> = {
  choice: "Answer this question with one choice.",
  choices: "Answer this question with a list of choices.",
  text: "Answer this question with a text.",
  number: "Answer this question with a number.",
  order: "Answer this question with the options in order.",
  pairs: "Answer this question with pairs of a prompt and an option.",
  gaps: "Answer this question with what stands in its gaps.",
  files: "Answer this question with the files you have uploaded for it.",
  nothing: "There is nothing to answer here.",
};

/**
 * Checks a response against the definition it answers; `definition` is what `parseDefinition` returned.
 * @throws BAD_USER_INPUT with a message a student can be shown; the field's path starts with `response`.
 */
export function parseResponse(name: string, definition: unknown, value: unknown): QuestionResponse {
  const { responseKind, response, problemWith } = questionType(name);
  const parsed = response.safeParse(value);
  if (!parsed.success) {
    const isAnotherKind =
      !isRecord(value) ||
      Object.keys(value).join() !== responseKind ||
      (value as Record<string, unknown>)[responseKind] === null;
    const message = isAnotherKind ? undefined : parsed.error.issues[0]?.message;
    throw refusedResponse(message ?? HOW_TO_ANSWER[responseKind], responseKind);
  }
  const problem = problemWith(definition, parsed.data);
  if (problem !== null) throw refusedResponse(problem, responseKind);
  return parsed.data;
}

/** Whether something was answered; takes what `parseResponse` returned, null where nothing was saved. */
export const isAnswered = (name: string, response: QuestionResponse | null): boolean =>
  response !== null && !questionType(name).isBlank(response);

const isRecord = (value: unknown): value is object => typeof value === "object" && value !== null;
const refusedResponse = (message: string, kind: ResponseKind) =>
  badInput(message, [{ path: `response.${kind}`, message }]);
