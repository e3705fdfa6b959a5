import { z } from "zod";

/** PostgreSQL cannot store a NUL character, and its `jsonb` refuses half of a surrogate pair. */
const NOT_STORABLE = /[\0\p{Surrogate}]/u;

/** Whether the database can keep a text as it is. */
export const isStorable = (text: string): boolean => !NOT_STORABLE.test(text);

export const NOT_STORABLE_MESSAGE = "holds a character that cannot be stored";

/** Text that can be stored as it is, of at most so many characters (UTF-16 code units). */
export const storedText = (maxLength: number) =>
  z
    .string()
    .max(maxLength, `The text is too long: ${maxLength} characters are allowed.`)
    .refine(isStorable, "The text holds a character that cannot be stored.");
