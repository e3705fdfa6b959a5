import { QuestionProblem } from "../exchange/fileProblem.ts";
import { parseAnswers } from "./answers.ts";
import { type GiftBlock, splitBlocks } from "./blocks.ts";
import { type GiftBody, GiftProblem, type GiftQuestion } from "./giftQuestion.ts";
import { feedbackText, giftText } from "./giftText.ts";
import { cut, find, type Token, textOf, tokenise } from "./tokens.ts";

export type GiftEntry = { line: number; endLine: number } & (
  | { kind: "question"; question: GiftQuestion; text: string }
  | { kind: "category"; name: string }
  | { kind: "refused"; title: string | null; text: string; reason: string }
  /** An `[id:…]` or `[tag:…]` in a comment with a blank line below: it belongs to no question. */
  | { kind: "strayMarks"; marks: string[] }
);

const BLANK = "_____";

/**
 * Reads a file in Moodle's GIFT format (https://docs.moodle.org/en/GIFT_format). Never throws, takes time in
 * proportion to the text; what cannot be read becomes a `refused` entry. Entries are in file order.
 */
export function parseGift(file: string): GiftEntry[] {
  return splitBlocks(file).flatMap((block): GiftEntry[] => {
    const { line, endLine } = block;
    if (block.kind === "category") return [{ kind: "category", line, endLine, name: block.name }];
    if (block.kind === "question") return [questionEntry(block)];
    const { id, tags } = commentMarks(block.comments);
    const marks = id === null ? tags : [id, ...tags];
    return marks.length === 0 ? [] : [{ kind: "strayMarks", line, endLine, marks }];
  });
}

function questionEntry({ line, endLine, text, comments }: GiftBlock & { kind: "question" }): GiftEntry {
  let title: string | null = null;
  try {
    const parts = takeTitle(tokenise(text));
    title = parts.title;
    const question = { title, ...commentMarks(comments), ...parseBody(parts.rest) };
    return { kind: "question", line, endLine, question, text };
  } catch (error) {
    if (!(error instanceof QuestionProblem)) throw error;
    return { kind: "refused", line, endLine, title, text, reason: error.message };
  }
}

function takeTitle(tokens: readonly Token[]): { title: string | null; rest: readonly Token[] } {
  const start = find(tokens, "::");
  if (start === -1 || textOf(tokens.slice(0, start)).trim() !== "") return { title: null, rest: tokens };
  const { before, after } = cut(tokens.slice(start + 1), "::");
  if (after === null) throw new GiftProblem("The title begins with :: and has no :: at its end.");
  return { title: textOf(before).trim() || null, rest: after };
}

function parseBody(tokens: readonly Token[]): GiftBody {
  const { before, inside, after } = cutBraces(tokens);
  const tail = textOf(after);
  const blankInStem = tail.trim() !== "";
  const stem = giftText(blankInStem ? [...before, { mark: null, text: BLANK }, ...after] : before, "moodle");
  if (stem.text === "") throw new GiftProblem("The question has no text.");
  if (inside === null) return { type: "description", stem, blankInStem: false, generalFeedback: null };
  const answers = cut(inside, "####");
  return {
    ...parseAnswers(answers.before, stem.format),
    stem,
    blankInStem,
    generalFeedback: feedbackText(answers.after, stem.format),
  };
}

/** A question has one pair of braces, or none. More are nearly always formulas in which they were not escaped. */
function cutBraces(tokens: readonly Token[]) {
  const braces = tokens.filter(({ mark }) => mark === "{" || mark === "}").map(({ text }) => text);
  if (braces.length === 0) return { before: tokens, inside: null, after: [] };
  const order = braces.join("");
  if (order === "{") throw new GiftProblem("The answers begin with { and have no } before the next blank line.");
  if (order === "}") throw new GiftProblem("There is a } without a {.");
  if (order !== "{}")
    throw new GiftProblem("There is more than one { or }; write those that belong to the text as \\{ and \\}.");
  const [open, close] = [find(tokens, "{"), find(tokens, "}")];
  return { before: tokens.slice(0, open), inside: tokens.slice(open + 1, close), after: tokens.slice(close + 1) };
}

const COMMENT_MARK = /\[(id|tag):((?:\\.|[^\\[\]])*)\]/g;

function commentMarks(comments: readonly string[]): { id: string | null; tags: string[] } {
  const marks = comments
    .flatMap((comment) => [...comment.matchAll(COMMENT_MARK)])
    .map(([, kind, value = ""]) => ({ kind, value: value.replace(/\\(.)/g, "$1").trim() }))
    .filter(({ value }) => value !== "");
  return {
    id: marks.find(({ kind }) => kind === "id")?.value ?? null,
    tags: marks.filter(({ kind }) => kind === "tag").map(({ value }) => value),
  };
}
