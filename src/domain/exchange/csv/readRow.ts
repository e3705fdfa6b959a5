import { parseNumber } from "../../decimal.ts";
import { toOutcomeFeedback } from "../../outcomeFeedback.ts";
import { type QuestionTypeName, questionTypes } from "../../questionTypes.ts";
import { QuestionProblem } from "../fileProblem.ts";
import { matchingOf } from "../matchingPairs.ts";
import { extent } from "../numberNotation.ts";
import type { ImportedQuestion } from "../questionFormat.ts";
import type { QuestionDraft } from "../takeQuestion.ts";
import type { Row } from "./columns.ts";

const STEM_FORMATS = ["PLAIN", "HTML", "MARKDOWN", "MOODLE"] as const;

/** @throws QuestionProblem for what the columns do not say rightly */
export function readRow(row: Row): QuestionDraft {
  const type = typeOf(row.type);
  const format = (row.stem_format || "PLAIN").toUpperCase();
  const stemFormat = STEM_FORMATS.find((name) => name === format);
  if (!stemFormat) throw new QuestionProblem(`stem_format is one of ${STEM_FORMATS.join(", ")}.`);
  return {
    type,
    definition: definitionOf(type, row),
    title: row.title || null,
    stem: row.stem,
    stemFormat: stemFormat as ImportedQuestion["stemFormat"],
    points: pointsOf(row.points),
    feedback: row.feedback || null,
    outcomeFeedback: toOutcomeFeedback({
      correct: row.feedback_correct,
      partlyCorrect: row.feedback_partly_correct,
      incorrect: row.feedback_incorrect,
    }),
    tags: row.tags
      .split("|")
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ""),
    changed: [],
  };
}

function typeOf(text: string): QuestionTypeName {
  const name = text.toUpperCase().replace(/[\s-]+/g, "_");
  if (name !== "GAP_FILL" && Object.hasOwn(questionTypes, name)) return name as QuestionTypeName;
  const names = Object.keys(questionTypes).filter((it) => it !== "GAP_FILL");
  throw new QuestionProblem(`There is no type "${text.slice(0, 40)}" in CSV; there are ${names.join(", ")}.`);
}

function pointsOf(text: string): string {
  const points = parseNumber(text || "1");
  if (!points || points.lt(0) || points.gt(10_000) || points.decimalPlaces() > 4)
    throw new QuestionProblem("points is a number from 0 to 10,000 with at most 4 decimal places.");
  return points.toFixed();
}

function definitionOf(type: QuestionTypeName, row: Row): unknown {
  const scoring = row.scoring ? { scoring: row.scoring } : {};
  const penalty = { ...(row.penalty && { penalty: row.penalty }), ...(row.floor && { floor: row.floor }) };
  const answers = row.answers.filter(({ option }) => option !== "");
  const worth = ({ fraction, feedback }: Row["answers"][number]) => ({
    ...(fraction && { fraction }),
    ...(feedback && { feedback }),
  });
  switch (type) {
    case "SINGLE_CHOICE":
    case "MULTIPLE_CHOICE":
      return { options: options(type, row), ...scoring, ...penalty };
    case "TRUE_FALSE": {
      const [feedbackTrue, feedbackFalse] = [1, 2].map((at) => row.answers.find((it) => it.number === at)?.feedback);
      return {
        correct: truth(row.correct, "correct"),
        ...(feedbackTrue && { feedbackTrue }),
        ...(feedbackFalse && { feedbackFalse }),
        ...penalty,
      };
    }
    case "SHORT_TEXT": {
      const caseSensitive = row.case_sensitive !== "" && truth(row.case_sensitive, "case_sensitive");
      return { answers: answers.map((it) => ({ pattern: it.option, ...worth(it) })), caseSensitive, ...penalty };
    }
    case "NUMERIC":
      return { answers: answers.map((it) => ({ ...extent(it.option), ...worth(it) })), ...penalty };
    case "MATCHING": {
      const pairs = row.answers.filter(({ option, match }) => option !== "" || match !== "");
      return {
        ...matchingOf(pairs.map(({ option, match }) => ({ left: option, right: match }))),
        ...scoring,
        ...penalty,
      };
    }
    case "ORDERING":
      return {
        items: answers.map(({ option, feedback }) => ({ text: option, ...(feedback && { feedback }) })),
        ...scoring,
        ...penalty,
      };
    case "ESSAY":
      return row.max_length ? { maxLength: Number(row.max_length) } : {};
    default:
      return {};
  }
}

/** Worth what their fractions say; or all that `correct` names are right, by their numbers or letters. */
function options(type: "SINGLE_CHOICE" | "MULTIPLE_CHOICE", { correct, answers }: Row) {
  const given = answers.filter(({ option }) => option !== "");
  const plain = ({ option, feedback }: Row["answers"][number]) => ({ text: option, ...(feedback && { feedback }) });
  if (given.some(({ fraction }) => fraction !== ""))
    return given.map((it) => ({ ...plain(it), fraction: it.fraction || "0" }));
  const right = correct
    .split(/[\s,;|]+/)
    .filter((name) => name !== "")
    .map(numberOfOption);
  if (right.length === 0) throw new QuestionProblem("Say in the column correct which option is right, by its number.");
  const missing = right.find((number) => !given.some((it) => it.number === number));
  if (missing !== undefined)
    throw new QuestionProblem(`There is no option ${missing}, which the column correct names.`);
  if (type === "MULTIPLE_CHOICE") return given.map((it) => ({ ...plain(it), correct: right.includes(it.number) }));
  if (right.length > 1) throw new QuestionProblem("A single choice has one right option.");
  return given.map((it) => ({ ...plain(it), fraction: it.number === right[0] ? "1" : "0" }));
}

function numberOfOption(name: string): number {
  if (/^\d{1,3}$/.test(name)) return Number(name);
  if (/^[A-Za-z]$/.test(name)) return name.toUpperCase().charCodeAt(0) - "A".charCodeAt(0) + 1;
  throw new QuestionProblem(
    `"${name.slice(0, 40)}" in the column correct is neither the number of an option nor its letter.`,
  );
}

function truth(text: string, column: string): boolean {
  if (/^(true|t|yes|1)$/i.test(text)) return true;
  if (/^(false|f|no|0)$/i.test(text)) return false;
  throw new QuestionProblem(`The column ${column} is true or false.`);
}
