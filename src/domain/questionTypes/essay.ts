import { z } from "zod";
import { defineQuestionType } from "../questionType.ts";
import { mapRubric, rubric } from "../rubric.ts";
import { storedText } from "../storedText.ts";

const MAX_LENGTH = 100_000;

/** A longer text is written and graded by a human. */
export const essay = defineQuestionType({
  name: "ESSAY",
  description: "A longer text is written and graded by a human.",
  responseKind: "text",
  isMarkedByHand: true,
  definition: z.strictObject({
    /** In characters. */
    maxLength: z.int().min(1).max(MAX_LENGTH).default(20_000),
    /** For who grades; students never see it. */
    guidance: storedText(20_000).optional(),
    rubric: rubric.optional(),
  }),

  response: z.strictObject({ text: storedText(MAX_LENGTH) }),

  problemWith: ({ maxLength }, { text }) =>
    text.length <= maxLength ? null : `The text is too long: ${maxLength} characters are allowed.`,

  isBlank: ({ text }) => text.trim() === "",

  mapTexts: ({ guidance, rubric: criteria, ...rest }, change) => ({
    ...rest,
    ...(criteria !== undefined && { rubric: mapRubric(criteria, change) }),
    ...(guidance !== undefined && { guidance: change(guidance) }),
  }),

  studentView: ({ maxLength }) => ({ responseKind: "text", options: [], maxLength }),

  shuffleOptions: () => [],

  solution: () => null,

  grade: () => ({ kind: "needsHuman" }),
});
