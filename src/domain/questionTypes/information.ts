import { z } from "zod";
import { defineQuestionType, UNANSWERED } from "../questionType.ts";

/** A text between the questions: there is nothing to answer and nothing to earn. */
export const information = defineQuestionType({
  name: "INFORMATION",
  description: "A text between the questions: there is nothing to answer and nothing to earn.",
  responseKind: "nothing",
  isUnmarked: true,
  definition: z.strictObject({}),
  response: z.never(),
  problemWith: () => null,
  isBlank: () => true,
  mapTexts: (definition) => definition,
  studentView: () => ({ responseKind: "nothing", options: [], maxLength: null }),
  shuffleOptions: () => [],
  solution: () => null,
  grade: () => UNANSWERED,
});
