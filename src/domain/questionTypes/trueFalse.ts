import { z } from "zod";
import { Exact } from "../decimal.ts";
import { penaltyFields, withPenalty } from "../penalty.ts";
import { defineQuestionType } from "../questionType.ts";
import { storedText } from "../storedText.ts";

const OPTIONS = [
  { id: "true", text: "True" },
  { id: "false", text: "False" },
] as const;

/** A statement is judged. */
export const trueFalse = defineQuestionType({
  name: "TRUE_FALSE",
  description: 'A statement is true or false; the choice is "true" or "false".',
  responseKind: "choice",
  definition: z.strictObject({
    correct: z.boolean(),
    /** Shown to who answered "true", right or wrong. */
    feedbackTrue: storedText(20_000).optional(),
    feedbackFalse: storedText(20_000).optional(),
    ...penaltyFields,
  }),

  response: z.strictObject({ choice: z.enum(["true", "false"], { error: 'The choice must be "true" or "false".' }) }),

  problemWith: () => null,

  isBlank: () => false,

  mapTexts: ({ feedbackTrue, feedbackFalse, ...rest }, change) => ({
    ...rest,
    ...(feedbackTrue !== undefined && { feedbackTrue: change(feedbackTrue) }),
    ...(feedbackFalse !== undefined && { feedbackFalse: change(feedbackFalse) }),
  }),

  studentView: () => ({ responseKind: "choice", options: OPTIONS, maxLength: null }),

  shuffleOptions: () => [], // "true" before "false" is what everybody expects

  solution: ({ correct }) => ({ choice: [String(correct)] }),

  grade({ correct, feedbackTrue, feedbackFalse, ...penalty }, { choice }) {
    const fraction = withPenalty(new Exact(choice === String(correct) ? 1 : 0), penalty);
    return { kind: "graded", fraction, feedback: (choice === "true" ? feedbackTrue : feedbackFalse) ?? null };
  },
});
