import { parseNumber } from "../decimal.ts";
import { extent } from "../exchange/numberNotation.ts";
import { type GiftAnswer, type GiftAnswers, type GiftFormat, type GiftNumber, GiftProblem } from "./giftQuestion.ts";
import { feedbackText, giftText } from "./giftText.ts";
import { cut, find, type Mark, splitAt, type Token, textOf } from "./tokens.ts";

type Item = { mark: Mark; tokens: readonly Token[] };

const TRUTHS = new Map([
  ["T", true],
  ["TRUE", true],
  ["F", false],
  ["FALSE", false],
]);

/**
 * Reads what stands between the braces, the general feedback taken off. What it looks like decides the type.
 * @param format of the stem, which answers and feedback share unless they name their own
 * @throws GiftProblem
 */
export function parseAnswers(tokens: readonly Token[], format: GiftFormat): GiftAnswers {
  if (textOf(tokens).trim() === "") return { type: "essay" };
  const inside = withoutLeadingBlank(tokens);
  if (inside[0]?.mark === "#") return { type: "numerical", answers: numbers(inside.slice(1), format) };
  if (find(inside, "~") !== -1) return multichoice(inside, format);
  const truth = trueFalse(inside, format);
  if (truth) return truth;
  const { before, items } = splitAt(inside, "=");
  if (items.some((item) => find(cut(item.tokens, "#").before, "->") !== -1)) {
    refuseStrayText(before);
    return { type: "match", pairs: items.map((item) => pair(item, format)) };
  }
  // Moodle reads {four} like {=four}.
  const written = textOf(before).trim() === "" ? items : [{ mark: "=" as const, tokens: before }, ...items];
  return { type: "shortanswer", answers: written.map((item) => answer(item, format)) };
}

const withoutLeadingBlank = (tokens: readonly Token[]) =>
  tokens[0]?.mark === null && tokens[0].text.trim() === "" ? tokens.slice(1) : tokens;

function refuseStrayText(tokens: readonly Token[]): void {
  const text = textOf(tokens).trim();
  if (text !== "")
    throw new GiftProblem(`"${text.slice(0, 40)}" stands before the first answer; start each with = or ~.`);
}

function multichoice(tokens: readonly Token[], format: GiftFormat): GiftAnswers {
  const { before, items } = splitAt(tokens, "=", "~");
  refuseStrayText(before);
  const answers = items.map((item) => answer(item, format));
  return { type: "multichoice", single: items.some(({ mark }) => mark === "="), answers };
}

/** The first feedback is for the wrong answer, the second for the right one. Null if it is no true/false. */
function trueFalse(tokens: readonly Token[], format: GiftFormat): GiftAnswers | null {
  const { before, items } = splitAt(tokens, "#");
  const correct = TRUTHS.get(textOf(before).trim().toUpperCase());
  if (correct === undefined) return null;
  if (items.length > 2) throw new GiftProblem("A true/false question has at most two feedbacks, #wrong#right.");
  const [wrong = null, right = null] = items.map((item) => feedbackText(item.tokens, format));
  return correct
    ? { type: "truefalse", correct, feedbackTrue: right, feedbackFalse: wrong }
    : { type: "truefalse", correct, feedbackTrue: wrong, feedbackFalse: right };
}

function answer(item: Item, format: GiftFormat): GiftAnswer {
  const { fraction, tokens } = weight(item);
  const { before, after } = cut(tokens, "#");
  return { text: giftText(before, format), fraction, feedback: feedbackText(after, format) };
}

function pair({ tokens }: Item, format: GiftFormat): { left: GiftAnswer["text"]; right: string } {
  const { before, after } = cut(tokens, "->");
  if (after === null) throw new GiftProblem(`"${textOf(tokens).trim().slice(0, 40)}" has no -> and no partner.`);
  return { left: giftText(before, format), right: textOf(after).trim() };
}

const WEIGHT = /^\s*%\s*(-?\d{1,4}(?:[.,]\d{1,20})?)\s*%/;

/** `=` is worth all and `~` nothing, unless a percentage follows. */
function weight({ mark, tokens }: Item): { fraction: string; tokens: readonly Token[] } {
  const [first, ...rest] = tokens;
  const match = first?.mark === null ? WEIGHT.exec(first.text) : null;
  const percent = match ? parseNumber(match[1] ?? "") : null;
  if (!first || !match || !percent) return { fraction: mark === "=" ? "1" : "0", tokens };
  if (percent.abs().gt(100)) throw new GiftProblem(`A weight of ${percent} % is not between -100 % and 100 %.`);
  const fraction = percent.div(100).toString();
  return { fraction, tokens: [{ mark: null, text: first.text.slice(match[0].length) }, ...rest] };
}

/** One number alone, or several after = (and ~ for what is wrong). */
function numbers(tokens: readonly Token[], format: GiftFormat): GiftNumber[] {
  const { before, items } = splitAt(tokens, "=", "~");
  if (items.length === 0) return [number({ mark: "=", tokens: before }, format)];
  refuseStrayText(before);
  return items.map((item) => number(item, format));
}

function number(item: Item, format: GiftFormat): GiftNumber {
  const { fraction, tokens } = weight(item);
  const { before, after } = cut(tokens, "#");
  return {
    ...extent(textOf(before).trim() || (item.mark === "~" ? "*" : "")),
    fraction,
    feedback: feedbackText(after, format),
  };
}
