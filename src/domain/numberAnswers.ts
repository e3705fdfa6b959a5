import { Decimal } from "decimal.js";
import { z } from "zod";
import { decimalField, Exact, parseNumber } from "./decimal.ts";
import type { AcceptedNumber } from "./questionType.ts";
import { storedText } from "./storedText.ts";

export const MAX_NUMBER_RESPONSE = 100;

const worth = {
  fraction: decimalField({ min: 0, max: 1 }).default("1"),
  feedback: storedText(20_000).optional(),
};

const nominal = z.strictObject({
  value: decimalField(),
  tolerance: decimalField({ min: 0 }).default("0"),
  /** `absolute` if left out; `relative`: the tolerance is a share of the value, 0.01 for one per cent. */
  toleranceType: z.enum(["absolute", "relative"]).optional(),
  ...worth,
});
/** Right is what is the same number after rounding both, half away from zero: QTI's `equalRounded`. */
const rounded = z.strictObject({
  value: decimalField(),
  significantFigures: z.int().min(1).max(15),
  ...worth,
});
const range = z
  .strictObject({ min: decimalField(), max: decimalField(), ...worth })
  .refine(({ min, max }) => new Exact(min).lte(max), "The lower end of the range lies above the upper end.");
const rest = z.strictObject({ any: z.literal(true), ...worth, fraction: worth.fraction.default("0") });
const answer = z.union([nominal, rounded, range, rest], {
  // Of an answer that has the shape of one kind, the problem is what is wrong with that one.
  error: ({ code, errors }) => {
    const ofKind =
      code === "invalid_union" ? errors.find((issues) => issues.every((it) => it.code === "custom")) : null;
    return (
      ofKind?.[0]?.message ??
      "An answer is { value, tolerance }, { value, significantFigures }, { min, max } or { any: true }."
    );
  },
});

const unit = z.strictObject({
  /** As it is typed after the number, or before it. */
  unit: storedText(50).trim().min(1, "A unit needs a name."),
  /** One of this unit, in the unit of the answers: 0.01 for cm where these are in m. */
  factor: decimalField({ min: 0 }).refine((factor) => factor !== "0", "A factor is more than 0."),
});

/** What is accepted as a typed number. */
export const numberAnswerFields = {
  /** The first answer that holds the number decides, so put the narrow ones first. Both ends belong to a range. */
  answers: z
    .array(answer)
    .min(1, "At least one answer must be accepted.")
    .max(100)
    .refine(
      (answers) => answers.some(({ fraction }) => fraction === "1"),
      "One answer must be worth the full points, with the fraction 1.",
    ),
  /** Units that may be typed with the number; upper and lower case differ. */
  units: z
    .array(unit)
    .max(50)
    .refine((units) => new Set(units.map(({ unit }) => unit)).size === units.length, "Two units have the same name.")
    .optional(),
  /** Share of the points taken away where a unit is missing, if there are units; 0 if left out. A bare number is in the answers' unit. */
  missingUnitPenalty: decimalField({ min: 0, max: 1 }).optional(),
};

const _numberAnswers = z.strictObject(numberAnswerFields);
export type NumberAnswers = z.output<typeof _numberAnswers>;
type Answer = NumberAnswers["answers"][number];

/** A number with one of the units, in the unit of the answers; null for anything else. */
export function parseQuantity(
  text: string,
  units: NumberAnswers["units"] = [],
): { number: Decimal; hasUnit: boolean } | null {
  const given = text.trim();
  const bare = parseNumber(given);
  if (bare) return { number: bare, hasUnit: false };
  const byLength = [...units].sort((a, b) => b.unit.length - a.unit.length); // "mm" before "m"
  for (const { unit, factor } of byLength) {
    const rest = given.endsWith(unit)
      ? given.slice(0, -unit.length)
      : given.startsWith(unit)
        ? given.slice(unit.length)
        : null;
    const number = rest === null ? null : parseNumber(rest);
    if (number) return { number: number.times(factor), hasUnit: true };
  }
  return null;
}

/** What a typed number is worth, and what is said about it; a text that is no number is worth nothing. */
export function gradeNumber(
  { answers, units = [], missingUnitPenalty = "0" }: NumberAnswers,
  text: string,
): { fraction: Decimal; feedback: string | null } {
  const given = parseQuantity(text, units);
  const match = given ? answers.find((answer) => holds(answer, given.number)) : undefined;
  const penalty = units.length > 0 && given && !given.hasUnit ? missingUnitPenalty : 0;
  return {
    fraction: new Exact(match?.fraction ?? 0).times(new Exact(1).minus(penalty)),
    feedback: match?.feedback ?? null,
  };
}

/** The answers that are worth the full points, and the units they may be typed in. */
export const numberSolution = ({ answers, units = [] }: Pick<NumberAnswers, "answers" | "units">) => ({
  number: answers.filter(({ fraction }) => fraction === "1").map(accepted),
  ...(units.length > 0 && { units }),
});

function accepted(answer: Answer): AcceptedNumber {
  if ("any" in answer) return { any: true };
  if ("min" in answer) return { min: answer.min, max: answer.max };
  if ("significantFigures" in answer) return { value: answer.value, significantFigures: answer.significantFigures };
  const { value, tolerance, toleranceType = "absolute" } = answer;
  return { value, tolerance, toleranceType };
}

function holds(answer: Answer, number: Decimal): boolean {
  if ("any" in answer) return true;
  if ("min" in answer) return number.gte(answer.min) && number.lte(answer.max);
  if ("significantFigures" in answer) return figures(number, answer).eq(figures(new Exact(answer.value), answer));
  const allowed =
    answer.toleranceType === "relative" ? new Exact(answer.value).abs().times(answer.tolerance) : answer.tolerance;
  return number.minus(answer.value).abs().lte(allowed);
}

const figures = (number: Decimal, { significantFigures }: { significantFigures: number }) =>
  number.toSignificantDigits(significantFigures, Decimal.ROUND_HALF_UP);
