import { z } from "zod";
import { mapFeedback } from "../choiceOptions.ts";
import { Exact } from "../decimal.ts";
import { penaltyFields, withPenalty } from "../penalty.ts";
import { defineQuestionType } from "../questionType.ts";
import { checkRegexes } from "../regexLimits.ts";
import { storedText } from "../storedText.ts";
import { MAX_TEXT_RESPONSE, matchingTextAnswer, textAnswerFields, textSolution } from "../textAnswers.ts";

/** A word or a few are typed and compared with the accepted answers. */
export const shortText = defineQuestionType({
  name: "SHORT_TEXT",
  description: "A word or a few are typed and compared with the accepted answers.",
  responseKind: "text",
  definition: z
    .strictObject({ ...textAnswerFields, ...penaltyFields })
    .superRefine((key, context) => checkRegexes([{ path: [], key }], context)),

  response: z.strictObject({ text: storedText(MAX_TEXT_RESPONSE) }),

  problemWith: () => null,

  isBlank: ({ text }) => text.trim() === "",

  mapTexts: (definition, change) => ({
    ...definition,
    answers: definition.answers.map((answer) => mapFeedback(answer, change)),
  }),

  studentView: () => ({ responseKind: "text", options: [], maxLength: MAX_TEXT_RESPONSE }),

  shuffleOptions: () => [],

  solution: (definition) => textSolution(definition),

  grade({ penalty, floor, ...definition }, { text }) {
    const match = matchingTextAnswer(definition, text);
    const fraction = withPenalty(new Exact(match?.fraction ?? 0), { penalty, floor });
    return { kind: "graded", fraction, feedback: match?.feedback ?? null };
  },
});
