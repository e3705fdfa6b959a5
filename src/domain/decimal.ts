import { Decimal } from "decimal.js";
import { z } from "zod";

const MAX_DIGITS = 60;
const MAX_EXPONENT = 100;

/** Wide enough that sums of any two numbers `parseNumber` accepts are exact; rounds half to even where it must. */
export const Exact = Decimal.clone({ defaults: true, precision: 300, rounding: Decimal.ROUND_HALF_EVEN });

const FRACTION_PLACES = 15;

/** A part of a whole, to 15 places, so that thirds do not run on. */
export const share = (part: Decimal.Value, whole: Decimal.Value): Decimal =>
  new Exact(part).div(whole).toDecimalPlaces(FRACTION_PLACES);

const SIGN = "[+\\-\u2212]"; // the last is the typographic minus
const GROUP_SPACE = "[ \u00a0\u2009\u202f]";
const NUMBER = new RegExp(
  `^(${SIGN}?)\\s*(\\d{1,3}(?:${GROUP_SPACE}\\d{3})+|\\d*)(?:[.,](\\d*))?` +
    `(?:\\s*(?:[eE]|[x×*·]\\s*10\\s*\\^)\\s*(${SIGN}?\\d{1,4}))?$`,
);

/**
 * Reads a number as people write it: "3.14", "3,14", "-2", "1e-3", "1.5×10^3", "12 000". A comma is always the
 * decimal comma. Null for anything else, and for numbers of more than 60 digits or beyond 10^±100.
 */
export function parseNumber(text: string): Decimal | null {
  const match = NUMBER.exec(text.trim());
  if (!match) return null;
  const [, sign = "", integer = "", decimals = "", exponent = "0"] = match;
  const whole = integer.replace(/\D/g, "");
  const digits = whole.length + decimals.length;
  if (digits === 0 || digits > MAX_DIGITS) return null;
  const plain = `${minus(sign)}${whole || "0"}.${decimals || "0"}e${minus(exponent)}`;
  const number = new Exact(plain);
  return number.isZero() || Math.abs(number.e) <= MAX_EXPONENT ? number : null;
}

const minus = (text: string) => text.replace("\u2212", "-");

/** A decimal in a definition: given as a JSON string or number, kept as a string, so that it stays exact. */
export const decimalField = ({ min, max }: { min?: number; max?: number } = {}) =>
  z.union([z.string().max(100), z.number()], { error: "This is not a number." }).transform((value, context) => {
    const number = parseNumber(String(value));
    if (number === null) return refuse(context, "This is not a number.");
    if (min !== undefined && number.lt(min)) return refuse(context, `The number must be at least ${min}.`);
    if (max !== undefined && number.gt(max)) return refuse(context, `The number must be at most ${max}.`);
    return number.toString();
  });

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}
