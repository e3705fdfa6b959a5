import { QuestionProblem } from "../exchange/fileProblem.ts";

export type GiftFormat = "moodle" | "html" | "plain" | "markdown";

export interface GiftText {
  text: string;
  format: GiftFormat;
}

/** `fraction` is a decimal: the percentage divided by 100. */
interface Weighted {
  fraction: string;
  feedback: GiftText | null;
}

export interface GiftAnswer extends Weighted {
  text: GiftText;
}

/** Decimals are strings; `any` stands for every number the answers before it do not hold. */
export type GiftNumber = Weighted &
  ({ value: string; tolerance: string } | { min: string; max: string } | { any: true });

export type GiftAnswers =
  | { type: "multichoice"; single: boolean; answers: GiftAnswer[] }
  | { type: "truefalse"; correct: boolean; feedbackTrue: GiftText | null; feedbackFalse: GiftText | null }
  | { type: "shortanswer"; answers: GiftAnswer[] }
  | { type: "numerical"; answers: GiftNumber[] }
  | { type: "match"; pairs: { left: GiftText; right: string }[] }
  | { type: "essay" }
  | { type: "description" };

/** All of a question but its title and the marks in the comment above it. */
export type GiftBody = GiftAnswers & {
  /** With `_____` where the answers stood inside the sentence. */
  stem: GiftText;
  blankInStem: boolean;
  generalFeedback: GiftText | null;
};

export type GiftQuestion = GiftBody & {
  title: string | null;
  /** From `[id:…]` and `[tag:…]` in the comment right above. */
  id: string | null;
  tags: string[];
};

/** Why a question cannot be read, in words for the teacher who wrote it. */
export class GiftProblem extends QuestionProblem {}
