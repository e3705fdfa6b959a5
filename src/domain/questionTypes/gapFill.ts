import type { Decimal } from "decimal.js";
import { z } from "zod";
import {
  isOption,
  mapFeedback,
  mapShown,
  NOT_AN_OPTION,
  optionFields,
  optionList,
  scrambled,
  shown,
} from "../choiceOptions.ts";
import { decimalField, Exact, share } from "../decimal.ts";
import {
  gradeNumber,
  MAX_NUMBER_RESPONSE,
  numberAnswerFields,
  numberSolution,
  parseQuantity,
} from "../numberAnswers.ts";
import { penaltyFields, withPenalty } from "../penalty.ts";
import { defineQuestionType, type ShownGap } from "../questionType.ts";
import { checkRegexes } from "../regexLimits.ts";
import { storedText } from "../storedText.ts";
import { MAX_TEXT_RESPONSE, matchingTextAnswer, textAnswerFields, textSolution } from "../textAnswers.ts";

const MAX_GAPS = 100;

const gapFields = {
  id: z.string().regex(/^[\w-]{1,64}$/, "An id has 1 to 64 letters, digits, _ or -."),
  /** How much the gap counts beside the others. */
  weight: decimalField({ min: 0, max: 1_000 }).default("1"),
};

const { pinned: _pinned, ...gapOption } = optionFields;
const choiceGap = z.strictObject({
  ...gapFields,
  kind: z.literal("choice"),
  options: optionList(
    z.strictObject({ ...gapOption, fraction: decimalField({ min: -1, max: 1 }).default("0") }),
  ).refine(
    (options) => options.some(({ fraction }) => fraction === "1"),
    "One option must be the right one, with the fraction 1.",
  ),
});
const textGap = z.strictObject({ ...gapFields, kind: z.literal("text"), ...textAnswerFields });
const numberGap = z.strictObject({ ...gapFields, kind: z.literal("number"), ...numberAnswerFields });

const definition = z
  .strictObject({
    /** The text, in which each gap stands once as `[[id]]`. */
    text: storedText(50_000),
    gaps: z
      .array(z.discriminatedUnion("kind", [choiceGap, textGap, numberGap]))
      .min(1, "The text needs at least one gap.")
      .max(MAX_GAPS),
    /** Of the gap's share, for each gap filled wrongly. */
    penalty: penaltyFields.penalty,
    /** The share that wrong gaps may take the question down to. */
    floor: decimalField({ min: -1, max: 0 }).default("0"),
  })
  .superRefine(({ text, gaps }, context) => {
    if (new Set(gaps.map(({ id }) => id)).size < gaps.length)
      context.addIssue({ code: "custom", path: ["gaps"], message: "Two gaps have the same id." });
    gaps.forEach(({ id }, at) => {
      const places = text.split(`[[${id}]]`).length - 1;
      if (places !== 1)
        context.addIssue({
          code: "custom",
          path: ["gaps", at, "id"],
          message: `The gap stands ${places} times in the text; it must be there once, as [[${id}]].`,
        });
    });
    if (gaps.every(({ weight }) => weight === "0"))
      context.addIssue({ code: "custom", path: ["gaps"], message: "At least one gap must count." });
    const typed = gaps.flatMap((gap, at) => (gap.kind === "text" ? [{ path: ["gaps", at], key: gap }] : []));
    checkRegexes(typed, context);
  });

type Gap = z.output<typeof definition>["gaps"][number];

/** A gap that was emptied again is one that was not filled. */
const isEmpty = (value: string) => value.trim() === "";

function problemWithValue(gap: Gap, value: string): string | null {
  if (isEmpty(value)) return null;
  if (gap.kind === "choice") return isOption(gap.options, value) ? null : NOT_AN_OPTION;
  if (gap.kind === "text")
    return value.length <= MAX_TEXT_RESPONSE ? null : `A gap takes ${MAX_TEXT_RESPONSE} characters.`;
  const isNumber = value.length <= MAX_NUMBER_RESPONSE && parseQuantity(value, gap.units) !== null;
  return isNumber ? null : "This is not a number. Write it like 3.14, 3,14 or 1e-3.";
}

function gradeGap(gap: Gap, value: string): { fraction: Decimal; feedback: string | null } {
  if (gap.kind === "number") return gradeNumber(gap, value);
  const match = gap.kind === "choice" ? gap.options.find(({ id }) => id === value) : matchingTextAnswer(gap, value);
  return { fraction: new Exact(match?.fraction ?? 0), feedback: match?.feedback ?? null };
}

function gapSolution(gap: Gap) {
  if (gap.kind === "text") return textSolution(gap);
  if (gap.kind === "number") return numberSolution(gap);
  return { choice: gap.options.filter(({ fraction }) => fraction === "1").map(({ id }) => id) };
}

const toShown = (gap: Gap): ShownGap => ({
  id: gap.id,
  kind: gap.kind,
  options: gap.kind === "choice" ? shown(scrambled(gap.options)) : [],
});

/** A text has gaps, each of which takes a choice, a text or a number. */
export const gapFill = defineQuestionType({
  name: "GAP_FILL",
  description: "A text has gaps, each of which takes a choice, a text or a number.",
  responseKind: "gaps",
  definition,

  response: z.strictObject({
    gaps: z
      .array(z.strictObject({ gap: z.string(), value: storedText(MAX_TEXT_RESPONSE) }))
      .max(MAX_GAPS, "There are not so many gaps."),
  }),

  problemWith({ gaps }, { gaps: given }) {
    if (new Set(given.map(({ gap }) => gap)).size < given.length) return "A gap is filled twice.";
    for (const { gap: id, value } of given) {
      const gap = gaps.find((each) => each.id === id);
      const problem = gap ? problemWithValue(gap, value) : "This is not one of the gaps.";
      if (problem) return problem;
    }
    return null;
  },

  isBlank: ({ gaps }) => gaps.every(({ value }) => isEmpty(value)),

  mapTexts: ({ text, gaps, ...rest }, change) => ({
    ...rest,
    text: change(text),
    gaps: gaps.map((gap) => {
      if (gap.kind === "choice") return { ...gap, options: mapShown(gap.options, change) };
      if (gap.kind === "text") return { ...gap, answers: gap.answers.map((answer) => mapFeedback(answer, change)) };
      return { ...gap, answers: gap.answers.map((answer) => mapFeedback(answer, change)) };
    }),
  }),

  studentView: ({ text, gaps }) => ({
    responseKind: "gaps",
    options: [],
    gapText: text,
    gaps: gaps.map(toShown),
    maxLength: MAX_TEXT_RESPONSE,
  }),

  shuffleOptions: () => [], // a gap's few options stay where they are, as in every drop-down list

  unitsOf: ({ gaps }) =>
    gaps.flatMap((gap) =>
      gap.kind === "number" ? (gap.units ?? []).map(({ unit }) => `"${unit}" of the gap "${gap.id}"`) : [],
    ),

  solution: ({ gaps }) => ({ gaps: gaps.map((gap) => ({ gap: gap.id, ...gapSolution(gap) })) }),

  grade({ gaps, penalty, floor }, { gaps: given }) {
    const values = new Map(given.map(({ gap, value }) => [gap, value]));
    let [earned, whole] = [new Exact(0), new Exact(0)];
    const feedback: string[] = [];
    for (const gap of gaps) {
      whole = whole.plus(gap.weight);
      const value = values.get(gap.id);
      if (value === undefined || isEmpty(value)) continue;
      const grade = gradeGap(gap, value);
      earned = earned.plus(withPenalty(grade.fraction, { penalty }).times(gap.weight));
      if (grade.feedback) feedback.push(grade.feedback);
    }
    return {
      kind: "graded",
      fraction: Exact.max(floor, share(earned, whole)),
      feedback: feedback.join("\n") || null,
    };
  },
});
