import { idOfText } from "../choiceOptions.ts";

/** A matching question from its pairs. A pair without a left side is an option that belongs to nothing. */
export function matchingOf(pairs: readonly { left: string; right: string }[]) {
  const options = [...new Set(pairs.map(({ right }) => right))].map((text) => ({ id: idOfText(text), text }));
  const prompts = pairs
    .filter(({ left }) => left !== "")
    .map(({ left, right }, at) => ({ id: String(at + 1), text: left, match: idOfText(right) }));
  return { options, prompts };
}
