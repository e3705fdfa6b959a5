import type { Decimal } from "decimal.js";
import { z } from "zod";
import { decimalField, Exact, parseNumber } from "../decimal.ts";
import { defineQuestionType } from "../questionType.ts";
import { storedText } from "../storedText.ts";

const MAX_RESPONSE_LENGTH = 100;

const worth = {
  fraction: decimalField({ min: 0, max: 1 }).default("1"),
  feedback: storedText(20_000).optional(),
};

const nominal = z.strictObject({ value: decimalField(), tolerance: decimalField({ min: 0 }).default("0"), ...worth });
const range = z
  .strictObject({ min: decimalField(), max: decimalField(), ...worth })
  .refine(({ min, max }) => new Exact(min).lte(max), "The lower end of the range lies above the upper end.");
const rest = z.strictObject({ any: z.literal(true), ...worth, fraction: worth.fraction.default("0") });
const answer = z.union([nominal, range, rest], {
  // Of an answer that has the shape of one kind, the problem is what is wrong with that one.
  error: ({ code, errors }) => {
    const ofKind =
      code === "invalid_union" ? errors.find((issues) => issues.every((it) => it.code === "custom")) : null;
    return ofKind?.[0]?.message ?? "An answer is { value, tolerance }, { min, max } or { any: true }.";
  },
});

const definition = z.strictObject({
  /** The first answer that holds the number decides, so put the narrow ones first. Both ends belong to a range. */
  answers: z
    .array(answer)
    .min(1, "At least one answer must be accepted.")
    .max(100)
    .refine(
      (answers) => answers.some(({ fraction }) => fraction === "1"),
      "One answer must be worth the full points, with the fraction 1.",
    ),
});

type Answer = z.output<typeof answer>;

function holds(answer: Answer, number: Decimal): boolean {
  if ("any" in answer) return true;
  if ("min" in answer) return number.gte(answer.min) && number.lte(answer.max);
  return number.minus(answer.value).abs().lte(answer.tolerance);
}

/** A number is typed and compared exactly, with a tolerance where the definition gives one. */
export const numeric = defineQuestionType({
  name: "NUMERIC",
  description: "A number is typed; it is right within a tolerance or a range.",
  responseKind: "number",
  definition,

  response: z.strictObject({
    number: storedText(MAX_RESPONSE_LENGTH)
      .trim()
      .refine((text) => parseNumber(text) !== null, "This is not a number. Write it like 3.14, 3,14 or 1e-3."),
  }),

  problemWith: () => null,

  studentView: () => ({ responseKind: "number", options: [], maxLength: MAX_RESPONSE_LENGTH }),

  shuffleOptions: () => [],

  grade({ answers }, { number }) {
    const given = parseNumber(number);
    const match = given === null ? undefined : answers.find((answer) => holds(answer, given));
    return { kind: "graded", fraction: new Exact(match?.fraction ?? 0), feedback: match?.feedback ?? null };
  },
});
