import { badInput } from "../domain/errors.ts";
import { type QuestionTexts, sanitiseQuestion } from "../domain/richText/sanitiseQuestion.ts";
import type { Prisma } from "../generated/prisma/client.ts";

/** What is written of a question, with what was taken out of its texts. @throws BAD_USER_INPUT if nothing is left of a text */
export function withSafeTexts<Given extends QuestionTexts>(given: Given) {
  const { question, removed } = sanitiseQuestion(given);
  if (question.stem.trim() === "")
    throw badInput("Nothing of the stem may be shown.", [
      { path: "input.stem", message: `only held ${removed.join(", ")}` },
    ]);
  return { written: { ...question, definition: question.definition as Prisma.InputJsonValue }, sanitised: removed };
}
