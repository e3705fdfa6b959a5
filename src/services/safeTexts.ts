import { badInput } from "../domain/errors.ts";
import { toOutcomeFeedback } from "../domain/outcomeFeedback.ts";
import { type QuestionTexts, sanitiseQuestion } from "../domain/richText/sanitiseQuestion.ts";
import { Prisma } from "../generated/prisma/client.ts";

/** What is written of a question, with what was taken out of its texts. @throws BAD_USER_INPUT if nothing is left of a text */
export function withSafeTexts<Given extends QuestionTexts>(given: Given) {
  const { question, removed } = sanitiseQuestion(given);
  if (question.stem.trim() === "")
    throw badInput("Nothing of the stem may be shown.", [
      { path: "input.stem", message: `only held ${removed.join(", ")}` },
    ]);
  const { definition, outcomeFeedback: said, ...rest } = question;
  const outcomeFeedback = toOutcomeFeedback(said);
  return {
    written: {
      ...rest,
      definition: definition as Prisma.InputJsonValue,
      outcomeFeedback: outcomeFeedback === null ? Prisma.DbNull : { ...outcomeFeedback },
    },
    sanitised: removed,
  };
}
