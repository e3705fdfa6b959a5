import { categoryNote, tagsOfCategory } from "../exchange/categoryTag.ts";
import { matchingOf } from "../exchange/matchingPairs.ts";
import type { FileNote, ReadEntry, RefusedQuestion, TakenQuestion } from "../exchange/questionFormat.ts";
import { excerptOf, takeQuestion } from "../exchange/takeQuestion.ts";
import type { QuestionTypeName } from "../questionTypes.ts";
import type { GiftAnswers, GiftQuestion, GiftText } from "./giftQuestion.ts";
import { type GiftEntry, parseGift } from "./parseGift.ts";

export interface GiftImport {
  taken: TakenQuestion[];
  refused: RefusedQuestion[];
  notes: FileNote[];
}

/**
 * Makes questions of a GIFT file. Everything in the file is taken, refused with a reason, or noted; one bad question
 * never stops the others. Never throws because of the text.
 */
export function importGift(file: string): GiftImport {
  const result: GiftImport = { taken: [], refused: [], notes: [] };
  const read = giftReader();
  for (const { kind, ...entry } of read(file, 1)) {
    if (kind === "taken") result.taken.push(entry as TakenQuestion);
    else if (kind === "refused") result.refused.push(entry as RefusedQuestion);
    else result.notes.push(entry as FileNote);
  }
  return result;
}

/** Reads a file in parts that end at blank lines; what a category above says holds for the parts below. */
export function giftReader(): (text: string, firstLine: number) => ReadEntry[] {
  let categoryTags: string[] = [];

  function read(entry: GiftEntry): ReadEntry {
    const { line } = entry;
    if (entry.kind === "category") {
      categoryTags = tagsOfCategory(entry.name);
      return { kind: "note", line, message: categoryNote(entry.name, categoryTags) };
    }
    if (entry.kind === "strayMarks") {
      const message = `${entry.marks.join(", ")}: not used, because a blank line parts the comment from a question.`;
      return { kind: "note", line, message };
    }
    if (entry.kind === "refused")
      return { kind: "refused", line, title: entry.title, excerpt: excerptOf(entry.text), reason: entry.reason };
    return importQuestion(entry, categoryTags);
  }

  return (text, firstLine) =>
    parseGift(text).map((entry) => read({ ...entry, line: entry.line + firstLine - 1 } as GiftEntry));
}

function importQuestion(
  { line, question, text }: GiftEntry & { kind: "question" },
  categoryTags: readonly string[],
): ReadEntry {
  const { title, stem, id } = question;
  return takeQuestion({ line, title, text }, () => ({
    ...toDefinition(question),
    title,
    stem: stem.text,
    stemFormat: STEM_FORMATS[stem.format],
    feedback: question.generalFeedback?.text ?? null,
    tags: [...categoryTags, ...question.tags, ...(id === null ? [] : [`id:${id}`])],
    changed: changes(question),
  }));
}

const STEM_FORMATS = { plain: "PLAIN", html: "HTML", markdown: "MARKDOWN", moodle: "MOODLE" } as const;

function toDefinition(question: GiftAnswers): { type: QuestionTypeName; definition: unknown } {
  switch (question.type) {
    case "multichoice": {
      const options = question.answers.map(({ text, fraction, feedback }) => ({
        text: text.text,
        fraction,
        ...(feedback && { feedback: feedback.text }),
      }));
      return { type: question.single ? "SINGLE_CHOICE" : "MULTIPLE_CHOICE", definition: { options } };
    }
    case "truefalse": {
      const { correct, feedbackTrue, feedbackFalse } = question;
      const definition = {
        correct,
        ...(feedbackTrue && { feedbackTrue: feedbackTrue.text }),
        ...(feedbackFalse && { feedbackFalse: feedbackFalse.text }),
      };
      return { type: "TRUE_FALSE", definition };
    }
    case "shortanswer": {
      const answers = question.answers.map(({ text, fraction, feedback }) => ({
        pattern: text.text,
        fraction,
        ...(feedback && { feedback: feedback.text }),
      }));
      return { type: "SHORT_TEXT", definition: { answers } };
    }
    case "numerical": {
      const answers = question.answers.map(({ feedback, ...answer }) => ({
        ...answer,
        ...(feedback && { feedback: feedback.text }),
      }));
      return { type: "NUMERIC", definition: { answers } };
    }
    case "essay":
      return { type: "ESSAY", definition: {} };
    case "match":
      return {
        type: "MATCHING",
        definition: matchingOf(question.pairs.map(({ left, right }) => ({ left: left.text, right }))),
      };
    case "description":
      return { type: "INFORMATION", definition: {} };
  }
}

/** Options and feedback share the format of the stem here, and there is no field for an id. */
function changes(question: GiftQuestion): string[] {
  const changed: string[] = [];
  if (question.id !== null) changed.push(`The id ${question.id} became the tag "id:${question.id}".`);
  const others = new Set(
    textsOf(question)
      .filter(({ format }) => format !== question.stem.format)
      .map(({ format }) => format),
  );
  for (const format of others) {
    changed.push(
      `Answers or feedback marked [${format}] are shown in the format of the question, ${question.stem.format}.`,
    );
  }
  return changed;
}

function textsOf(question: GiftQuestion): GiftText[] {
  return [question.generalFeedback, ...answerTexts(question)].filter((text) => text !== null);
}

function answerTexts(question: GiftQuestion): (GiftText | null)[] {
  switch (question.type) {
    case "truefalse":
      return [question.feedbackTrue, question.feedbackFalse];
    case "multichoice":
    case "shortanswer":
      return question.answers.flatMap(({ text, feedback }) => [text, feedback]);
    case "match":
      return question.pairs.map(({ left }) => left);
    case "numerical":
      return question.answers.map(({ feedback }) => feedback);
    default:
      return [];
  }
}
