import { LRUCache } from "lru-cache";
import { RE2JS } from "re2js";
import { z } from "zod";
import { decimalField } from "./decimal.ts";
import type { AcceptedText } from "./questionType.ts";
import { storedText } from "./storedText.ts";
import { matchesWildcard } from "./wildcard.ts";

export const MAX_TEXT_RESPONSE = 1_000;
export const MAX_REGEX_LENGTH = 1_000;

const worth = {
  fraction: decimalField({ min: 0, max: 1 }).default("1"),
  feedback: storedText(20_000).optional(),
};

const wildcard = z.strictObject({
  /** `*` stands for any run of characters, `\*` for a star. */
  pattern: storedText(1_000).refine((pattern) => pattern.trim() !== "", "An accepted answer needs a text."),
  ...worth,
});

const regex = z.strictObject({
  /** A regular expression in RE2's syntax, which has no back references and takes time in proportion to the text; fits the whole text. */
  regex: storedText(MAX_REGEX_LENGTH).min(1, "An accepted answer needs a text."),
  ...worth,
});

/** What is accepted as a typed text, and what of it counts. A definition with them goes through `checkRegexes` as a whole. */
export const textAnswerFields = {
  /** The first answer that fits decides, so put the exact ones first. */
  answers: z
    .array(z.union([wildcard, regex], { error: "An answer is { pattern } or { regex }." }))
    .min(1, "At least one answer must be accepted.")
    .max(100)
    .refine(
      (answers) => answers.some(({ fraction }) => fraction === "1"),
      "One answer must be worth the full points, with the fraction 1.",
    ),
  caseSensitive: z.boolean().default(false),
  /** Whether "cafe" is taken for "café". */
  ignoreAccents: z.boolean().optional(),
  /** White space inside: a run counts as one blank, or every one counts, or none does. It never counts at the ends. */
  spaces: z.enum(["collapse", "keep", "ignore"]).default("collapse"),
};

const _textAnswers = z.strictObject(textAnswerFields);
export type TextAnswers = z.output<typeof _textAnswers>;
type Rules = Omit<TextAnswers, "answers">;

/** The answer that fits, or none. A blank text fits nothing: an answer of `*` would pay for an empty field. */
export function matchingTextAnswer({ answers, ...rules }: TextAnswers, text: string) {
  const given = normalise(text, rules);
  if (given === "") return undefined;
  return answers.find((answer) =>
    "regex" in answer
      ? compiled(answer.regex, rules.caseSensitive).matches(normalise(text, { ...rules, caseSensitive: true }))
      : matchesWildcard(normalise(answer.pattern, rules), given),
  );
}

/** The answers that are worth the full points. */
export const textSolution = ({ answers }: Pick<TextAnswers, "answers">): { text: AcceptedText[] } => ({
  text: answers
    .filter(({ fraction }) => fraction === "1")
    .map((answer) => ("regex" in answer ? { regex: answer.regex } : { pattern: answer.pattern })),
});

const ACCENTS = /\p{M}/gu;

/** Upper case and not lower: it makes one of "ß" and "ss", and of both forms of sigma. */
function normalise(text: string, { caseSensitive, ignoreAccents, spaces }: Rules): string {
  const trimmed = text.trim();
  const spaced = spaces === "keep" ? trimmed : trimmed.replace(/\s+/g, spaces === "collapse" ? " " : "");
  const cased = caseSensitive ? spaced : spaced.toUpperCase();
  return ignoreAccents ? cased.normalize("NFD").replace(ACCENTS, "").normalize("NFC") : cased.normalize("NFC");
}

/** Compiled ones, so that an answer is not graded at the price of a compilation; by their steps, of which each takes some 100 bytes. */
const expressions = new LRUCache<string, RE2JS>({
  max: 1_000,
  maxSize: 250_000,
  sizeCalculation: (expression) => expression.programSize(),
});

/** @throws RE2JSException for what is no expression */
export function compiled(source: string, caseSensitive: boolean): RE2JS {
  const key = `${caseSensitive}${source}`;
  const known = expressions.get(key);
  if (known) return known;
  const made = RE2JS.compile(source, caseSensitive ? 0 : RE2JS.CASE_INSENSITIVE);
  expressions.set(key, made);
  return made;
}
