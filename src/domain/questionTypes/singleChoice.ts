import { z } from "zod";
import { isOption, mapShown, NOT_AN_OPTION, optionFields, optionList, shown, shuffled } from "../choiceOptions.ts";
import { decimalField, Exact } from "../decimal.ts";
import { penaltyFields, withPenalty } from "../penalty.ts";
import { defineQuestionType } from "../questionType.ts";

const definition = z.strictObject({
  options: optionList(
    z.strictObject({
      ...optionFields,
      /** What choosing it is worth; below 0 takes points away, against guessing. */
      fraction: decimalField({ min: -1, max: 1 }).default("0"),
    }),
  ).refine(
    (options) => options.some(({ fraction }) => fraction === "1"),
    "One option must be the right one, with the fraction 1.",
  ),
  ...penaltyFields,
});

/** One option is chosen; the option says what it is worth. */
export const singleChoice = defineQuestionType({
  name: "SINGLE_CHOICE",
  description: "One of several options is right.",
  responseKind: "choice",
  definition,

  response: z.strictObject({ choice: z.string() }),

  problemWith: ({ options }, { choice }) => (isOption(options, choice) ? null : NOT_AN_OPTION),

  isBlank: () => false,

  mapTexts: (definition, change) => ({ ...definition, options: mapShown(definition.options, change) }),

  studentView: ({ options }) => ({ responseKind: "choice", options: shown(options), maxLength: null }),

  shuffleOptions: ({ options }) => shuffled(options),

  solution: ({ options }) => ({ choice: options.filter(({ fraction }) => fraction === "1").map(({ id }) => id) }),

  grade({ options, ...penalty }, { choice }) {
    const chosen = options.find(({ id }) => id === choice);
    const fraction = withPenalty(new Exact(chosen?.fraction ?? 0), penalty);
    return { kind: "graded", fraction, feedback: chosen?.feedback ?? null };
  },
});
