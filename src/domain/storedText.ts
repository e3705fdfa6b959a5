import { z } from "zod";

/** PostgreSQL cannot store a NUL character, and its `jsonb` refuses half of a surrogate pair. */
const NOT_STORABLE = /[\0\p{Surrogate}]/u;

/** Text that can be stored as it is, of at most so many characters (UTF-16 code units). */
export const storedText = (maxLength: number) =>
  z
    .string()
    .max(maxLength, `The text is too long: ${maxLength} characters are allowed.`)
    .refine((text) => !NOT_STORABLE.test(text), "The text holds a character that cannot be stored.");
