import { Decimal } from "decimal.js";
import { z } from "zod";

/** What the database and the API's Decimal scalar both accept as an exact number. */
export type DecimalLike = { toString(): string };

/** An exact decimal as clients get it: no exponent, no trailing zeros. */
export const decimalText = (value: DecimalLike): string => new Decimal(value.toString()).toFixed();

/** An exact decimal with at most 4 places, as points and marks are stored. */
export const decimalInput = ({ min, max }: { min: number; max: number }) =>
  z
    .string()
    .refine((text) => /^[+-]?\d+(\.\d{1,4})?$/.test(text), "is no decimal number with at most 4 places")
    .refine((text) => {
      const value = Number(text);
      return value >= min && value <= max;
    }, `must be ${min} to ${max}`)
    .transform((text) => new Decimal(text).toFixed());
