import { z } from "zod";
import { decimalField, Exact } from "../decimal.ts";
import { defineQuestionType } from "../questionType.ts";
import { storedText } from "../storedText.ts";
import { matchesWildcard } from "../wildcard.ts";

const MAX_RESPONSE_LENGTH = 1_000;

const answer = z.strictObject({
  /** `*` stands for any run of characters, `\*` for a star. */
  pattern: storedText(1_000).refine((pattern) => pattern.trim() !== "", "An accepted answer needs a text."),
  fraction: decimalField({ min: 0, max: 1 }).default("1"),
  feedback: storedText(20_000).optional(),
});

const definition = z.strictObject({
  /** The first pattern that fits decides, so put the exact ones first. */
  answers: z
    .array(answer)
    .min(1, "At least one answer must be accepted.")
    .max(100)
    .refine(
      (answers) => answers.some(({ fraction }) => fraction === "1"),
      "One answer must be worth the full points, with the fraction 1.",
    ),
  caseSensitive: z.boolean().default(false),
  /** White space inside: a run counts as one blank, or every one counts, or none does. It never counts at the ends. */
  spaces: z.enum(["collapse", "keep", "ignore"]).default("collapse"),
});

type Rules = Pick<z.output<typeof definition>, "caseSensitive" | "spaces">;

/** Upper case and not lower: it makes one of "ß" and "ss", and of both forms of sigma. */
function normalise(text: string, { caseSensitive, spaces }: Rules): string {
  const trimmed = text.trim();
  const spaced = spaces === "keep" ? trimmed : trimmed.replace(/\s+/g, spaces === "collapse" ? " " : "");
  return (caseSensitive ? spaced : spaced.toUpperCase()).normalize("NFC");
}

/** A word or a few are typed and compared with the accepted answers. */
export const shortText = defineQuestionType({
  name: "SHORT_TEXT",
  description: "A word or a few are typed and compared with the accepted answers.",
  responseKind: "text",
  definition,

  response: z.strictObject({ text: storedText(MAX_RESPONSE_LENGTH) }),

  problemWith: () => null,

  studentView: () => ({ responseKind: "text", options: [], maxLength: MAX_RESPONSE_LENGTH }),

  shuffleOptions: () => [],

  grade(definition, { text }) {
    const given = normalise(text, definition);
    // Without this, an answer of `*` would pay for an empty field.
    const match =
      given === ""
        ? undefined
        : definition.answers.find(({ pattern }) => matchesWildcard(normalise(pattern, definition), given));
    return { kind: "graded", fraction: new Exact(match?.fraction ?? 0), feedback: match?.feedback ?? null };
  },
});
