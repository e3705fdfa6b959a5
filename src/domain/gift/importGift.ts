import { z } from "zod";
import { idOfText } from "../choiceOptions.ts";
import { DomainError } from "../errors.ts";
import { parseDefinition, type QuestionTypeName, questionTypes } from "../questionTypes.ts";
import { storedText } from "../storedText.ts";
import { type GiftAnswers, GiftProblem, type GiftQuestion, type GiftText } from "./giftQuestion.ts";
import { type GiftEntry, parseGift } from "./parseGift.ts";

export interface ImportedQuestion {
  type: QuestionTypeName;
  title: string | null;
  stem: string;
  stemFormat: "PLAIN" | "HTML" | "MARKDOWN" | "MOODLE";
  /** As `parseDefinition` returned it. */
  definition: unknown;
  /** A decimal; GIFT knows no points, so it is "1", and "0" for what asks nothing. */
  points: string;
  feedback: string | null;
  tags: string[];
}

export interface TakenQuestion {
  line: number;
  title: string | null;
  question: ImportedQuestion;
  /** What is not as it stood in the file, a sentence each. */
  changed: string[];
}

export interface RefusedQuestion {
  line: number;
  title: string | null;
  excerpt: string;
  reason: string;
}

export interface GiftImport {
  taken: TakenQuestion[];
  refused: RefusedQuestion[];
  notes: { line: number; message: string }[];
}

/**
 * Makes questions of a GIFT file. Everything in the file is taken, refused with a reason, or noted; one bad question
 * never stops the others. Never throws because of the text.
 */
export function importGift(file: string): GiftImport {
  const result: GiftImport = { taken: [], refused: [], notes: [] };
  let categoryTags: string[] = [];
  for (const entry of parseGift(file)) {
    const { line } = entry;
    if (entry.kind === "category") {
      categoryTags = tagOfCategory(entry.name);
      result.notes.push({ line, message: categoryNote(entry.name, categoryTags) });
    } else if (entry.kind === "strayMarks") {
      const marks = entry.marks.join(", ");
      result.notes.push({
        line,
        message: `${marks}: not used, because a blank line parts the comment from a question.`,
      });
    } else if (entry.kind === "refused") {
      result.refused.push({ line, title: entry.title, excerpt: excerptOf(entry.text), reason: entry.reason });
    } else {
      importQuestion(entry, categoryTags, result);
    }
  }
  return result;
}

/** The last part of `a/b/c` as a slug; in a name, `//` stands for a slash. */
function tagOfCategory(path: string): string[] {
  const last = path.replace(/\/\//g, "\0").split("/").at(-1) ?? "";
  const slug = last
    .normalize("NFC")
    .toLowerCase()
    .match(/[\p{L}\p{M}\p{N}]+/gu)
    ?.join("-")
    .slice(0, 100);
  return slug ? [slug] : [];
}

const categoryNote = (name: string, [tag]: string[]) =>
  tag === undefined
    ? `The category "${name}" makes no tag; the questions below it get none.`
    : `The category "${name}" became the tag "${tag}" of the questions below it.`;

/** Enough of a question to recognise it by. */
const excerptOf = (text: string) => text.slice(0, 1_000).replace(/\s+/g, " ").trim().slice(0, 120);

const content = z.object({
  title: storedText(300).nullable(),
  stem: storedText(20_000),
  feedback: storedText(20_000).nullable(),
  tags: z.array(storedText(100)),
});

function importQuestion(
  { line, question, text }: GiftEntry & { kind: "question" },
  categoryTags: readonly string[],
  { taken, refused }: GiftImport,
): void {
  const { title, stem, id } = question;
  try {
    const { type, definition } = toDefinition(question);
    const { isUnmarked } = questionTypes[type];
    const given = content.safeParse({
      title,
      stem: stem.text,
      feedback: question.generalFeedback?.text ?? null,
      tags: [...new Set([...categoryTags, ...question.tags, ...(id === null ? [] : [`id:${id}`])])],
    });
    if (!given.success)
      throw new GiftProblem(given.error.issues.map((it) => `${String(it.path[0])}: ${it.message}`).join(" "));
    const imported = {
      ...given.data,
      type,
      stemFormat: STEM_FORMATS[stem.format],
      definition: parseDefinition(type, definition),
      points: isUnmarked ? "0" : "1",
    };
    taken.push({ line, title, question: imported, changed: changes(question) });
  } catch (error) {
    refused.push({ line, title, excerpt: excerptOf(text), reason: reasonOf(error) });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof GiftProblem) return error.message;
  if (error instanceof DomainError && error.fields) {
    return [...new Set(error.fields.map(({ message }) => message))].join(" ");
  }
  throw error;
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
      return { type: "MATCHING", definition: matchingOf(question.pairs) };
    case "description":
      return { type: "INFORMATION", definition: {} };
  }
}

/** A pair without a left side is an option that belongs to nothing. */
function matchingOf(pairs: readonly { left: GiftText; right: string }[]) {
  const options = [...new Set(pairs.map(({ right }) => right))].map((text) => ({ id: idOfText(text), text }));
  const prompts = pairs
    .filter(({ left }) => left.text !== "")
    .map(({ left, right }, at) => ({ id: String(at + 1), text: left.text, match: idOfText(right) }));
  return { options, prompts };
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
  const texts: (GiftText | null)[] = [question.generalFeedback];
  if (question.type === "truefalse") texts.push(question.feedbackTrue, question.feedbackFalse);
  if (question.type === "multichoice" || question.type === "shortanswer") {
    texts.push(...question.answers.flatMap(({ text, feedback }) => [text, feedback]));
  }
  if (question.type === "match") texts.push(...question.pairs.map(({ left }) => left));
  if (question.type === "numerical") texts.push(...question.answers.map(({ feedback }) => feedback));
  return texts.filter((text) => text !== null);
}
