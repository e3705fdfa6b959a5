import { z } from "zod";
import { Exact } from "../decimal.ts";
import { defineQuestionType } from "../questionType.ts";
import { storedText } from "../storedText.ts";
import { MAX_TEXT_RESPONSE, matchingTextAnswer, textAnswerFields, textSolution } from "../textAnswers.ts";

/** A word or a few are typed and compared with the accepted answers. */
export const shortText = defineQuestionType({
  name: "SHORT_TEXT",
  description: "A word or a few are typed and compared with the accepted answers.",
  responseKind: "text",
  definition: z.strictObject(textAnswerFields),

  response: z.strictObject({ text: storedText(MAX_TEXT_RESPONSE) }),

  problemWith: () => null,

  studentView: () => ({ responseKind: "text", options: [], maxLength: MAX_TEXT_RESPONSE }),

  shuffleOptions: () => [],

  solution: (definition) => textSolution(definition),

  grade(definition, { text }) {
    const match = matchingTextAnswer(definition, text);
    return { kind: "graded", fraction: new Exact(match?.fraction ?? 0), feedback: match?.feedback ?? null };
  },
});
