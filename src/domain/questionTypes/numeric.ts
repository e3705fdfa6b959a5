import { z } from "zod";
import { mapFeedback } from "../choiceOptions.ts";
import {
  gradeNumber,
  MAX_NUMBER_RESPONSE,
  numberAnswerFields,
  numberSolution,
  parseQuantity,
} from "../numberAnswers.ts";
import { penaltyFields, withPenalty } from "../penalty.ts";
import { defineQuestionType } from "../questionType.ts";
import { storedText } from "../storedText.ts";

/** A number is typed and compared exactly, with a tolerance, a range or rounding where the definition gives one. */
export const numeric = defineQuestionType({
  name: "NUMERIC",
  description:
    "A number is typed, with its unit where the question has some; it is right within a tolerance or a range.",
  responseKind: "number",
  definition: z.strictObject({ ...numberAnswerFields, ...penaltyFields }),

  response: z.strictObject({ number: storedText(MAX_NUMBER_RESPONSE).trim() }),

  problemWith({ units = [] }, { number }) {
    if (number === "" || parseQuantity(number, units)) return null;
    const after = units.length > 0 ? ", with a unit if there is one" : "";
    return `This is not a number. Write it like 3.14, 3,14 or 1e-3${after}.`;
  },

  isBlank: ({ number }) => number.trim() === "",

  mapTexts: (definition, change) => ({
    ...definition,
    answers: definition.answers.map((answer) => mapFeedback(answer, change)),
  }),

  studentView: () => ({ responseKind: "number", options: [], maxLength: MAX_NUMBER_RESPONSE }),

  shuffleOptions: () => [],

  unitsOf: ({ units = [] }) => units.map(({ unit }) => `"${unit}"`),

  solution: (definition) => numberSolution(definition),

  grade({ penalty, floor, ...definition }, { number }) {
    const { fraction, feedback } = gradeNumber(definition, number);
    return { kind: "graded", fraction: withPenalty(fraction, { penalty, floor }), feedback };
  },
});
