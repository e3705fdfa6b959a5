/** Of one text; more are not found by. */
const MAX_WORDS = 5_000;
const MAX_WORD_LENGTH = 100;

/** A tag as HTML has them; "a < b" is none. */
const TAG = /<\/?[a-z][^<>]*>/gi;
/** Of a definition: what a person reads or wrote, not the ids and numbers. */
const READ_BY_PEOPLE = /^(text|pattern|regex|guidance|feedback.*)$/;

/**
 * The words of a text in lower case, without accents and HTML tags, each once. What is searched and what is searched for are
 * both made of them, so that no dictionary or locale decides what is found.
 */
export function wordsOf(text: string): string[] {
  const plain = text
    .replace(TAG, " ")
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase();
  const words = plain.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return [...new Set(words.map((word) => word.slice(0, MAX_WORD_LENGTH)))].slice(0, MAX_WORDS);
}

/** What a question is found by: the words of its title, its stem, and the texts of its definition, the key's among them. */
export const searchWords = ({
  title,
  stem,
  definition,
}: {
  title?: string | null | undefined;
  stem: string;
  definition: unknown;
}): string[] => wordsOf([title ?? "", stem, ...textsOf(definition)].join("\n"));

function textsOf(value: unknown, isRead = false): string[] {
  if (typeof value === "string") return isRead ? [value] : [];
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((one) => textsOf(one, isRead));
  return Object.entries(value).flatMap(([key, inner]) => textsOf(inner, READ_BY_PEOPLE.test(key)));
}

/** What finds texts with all these words, the last of which may be the beginning of one; null where there is no word. */
export function searchQuery(search: string): string | null {
  const words = wordsOf(search);
  const last = words.length - 1;
  return last < 0 ? null : words.map((word, at) => `'${word}'${at === last ? ":*" : ""}`).join(" & ");
}
