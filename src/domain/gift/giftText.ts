import type { GiftFormat, GiftText } from "./giftQuestion.ts";
import { type Token, textOf } from "./tokens.ts";

const FORMAT = /^\[(moodle|html|plain|markdown)\]\s*/i;

/** A text with the format it names, or else the one given. */
export function giftText(tokens: readonly Token[], format: GiftFormat): GiftText {
  const text = textOf(tokens).trim();
  const named = FORMAT.exec(text);
  if (!named) return { text, format };
  return { text: text.slice(named[0].length), format: named[1]?.toLowerCase() as GiftFormat };
}

export function feedbackText(tokens: readonly Token[] | null, format: GiftFormat): GiftText | null {
  const feedback = giftText(tokens ?? [], format);
  return feedback.text === "" ? null : feedback;
}
