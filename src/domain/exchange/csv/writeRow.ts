import type { Penalty } from "../../penalty.ts";
import { QuestionProblem } from "../fileProblem.ts";
import { lostHere, nominalAnswers, patternAnswers, requireDistinct } from "../plainKeys.ts";
import type { ImportedQuestion } from "../questionFormat.ts";
import { type Definitions, type TypedQuestion, typed } from "../typedQuestion.ts";
import type { WriteQuestion } from "../writeEach.ts";
import { type AnswerCells, COLUMNS, type Column, WRITTEN_ANSWERS } from "./columns.ts";
import { csvLine } from "./csvRecords.ts";

type Answer = Partial<Omit<AnswerCells, "number">>;
type Cells = { answers?: Answer[] } & Partial<Record<Column, string>>;

/** A question as a row. @throws QuestionProblem for what the columns cannot say */
export const writeRow: WriteQuestion = (question, lost) => {
  const { type, title, stem, stemFormat, points, feedback, outcomeFeedback, tags } = question;
  const { answers = [], ...own } = { ...penaltyOf(question), ...cellsOf(typed(question), lost) };
  if (answers.length > WRITTEN_ANSWERS)
    throw new QuestionProblem(
      `The file has columns for ${WRITTEN_ANSWERS} options, and the question has ${answers.length}.`,
    );
  if (tags.some((tag) => tag.includes("|"))) lost.push("The | in tags, which parts them, became /.");
  const row: Partial<Record<Column, string>> = {
    type,
    title: title ?? "",
    stem,
    stem_format: stemFormat,
    points,
    tags: tags.map((tag) => tag.replaceAll("|", "/")).join(" | "),
    feedback: feedback ?? "",
    feedback_correct: outcomeFeedback?.correct ?? "",
    feedback_partly_correct: outcomeFeedback?.partlyCorrect ?? "",
    feedback_incorrect: outcomeFeedback?.incorrect ?? "",
    ...own,
  };
  const cells = Array.from({ length: WRITTEN_ANSWERS }, (_, at) => answers[at] ?? {}).flatMap(
    ({ option = "", match = "", fraction = "", feedback: said = "" }) => [option, match, fraction, said],
  );
  return csvLine([...COLUMNS.map((column) => row[column] ?? ""), ...cells]);
};

function penaltyOf({ definition }: ImportedQuestion): Cells {
  const { penalty = "", floor = "" } = definition as Penalty;
  return { penalty, floor };
}

function cellsOf(question: TypedQuestion, lost: string[]): Cells {
  switch (question.type) {
    case "SINGLE_CHOICE": {
      const { options } = question.definition;
      lost.push(...lostHere(options));
      return { answers: options.map(({ text, fraction, feedback }) => ({ option: text, fraction, feedback })) };
    }
    case "MULTIPLE_CHOICE":
      lost.push(...lostHere(question.definition.options));
      return multipleChoice(question.definition);
    case "TRUE_FALSE": {
      const { correct, feedbackTrue, feedbackFalse } = question.definition;
      return { correct: String(correct), answers: [{ feedback: feedbackTrue }, { feedback: feedbackFalse }] };
    }
    case "SHORT_TEXT": {
      const answers = patternAnswers(question.definition);
      return {
        case_sensitive: String(question.definition.caseSensitive),
        answers: answers.map(({ pattern, fraction, feedback }) => ({ option: pattern, fraction, feedback })),
      };
    }
    case "NUMERIC": {
      if ((question.definition.units ?? []).length > 0) throw new QuestionProblem("There are no columns for units.");
      return {
        answers: nominalAnswers(question.definition).map((key) => ({
          option: "any" in key ? "*" : `${key.value}:${key.tolerance}`,
          fraction: key.fraction,
          feedback: key.feedback,
        })),
      };
    }
    case "MATCHING":
      return matching(question.definition, lost);
    case "ORDERING": {
      const { items, scoring, feedbackRight, feedbackWrong } = question.definition;
      if (feedbackRight || feedbackWrong) lost.push("The feedback on the order.");
      return { scoring, answers: items.map((item) => ({ option: item.text, feedback: item.feedback })) };
    }
    case "ESSAY":
      if (question.definition.guidance) lost.push("The guidance for who grades.");
      if (question.definition.rubric) lost.push("The rubric.");
      return { max_length: String(question.definition.maxLength) };
    case "INFORMATION":
      return {};
    case "FILE_UPLOAD":
      throw new QuestionProblem("There are no columns for FILE_UPLOAD, the files that are handed in.");
    case "GAP_FILL":
      throw new QuestionProblem("There are no columns for texts with gaps.");
  }
}

function multipleChoice({ options, scoring }: Definitions["MULTIPLE_CHOICE"]): Cells {
  const right = options.flatMap(({ correct }, at) => (correct ? [at + 1] : []));
  const answers = options.map(({ text, fraction, feedback }) => ({ option: text, fraction, feedback }));
  return { correct: right.join(";"), scoring, answers };
}

function matching({ options, prompts, scoring }: Definitions["MATCHING"], lost: string[]): Cells {
  requireDistinct(options.map(({ text }) => text));
  if ([...prompts, ...options].some(({ feedback }) => feedback)) lost.push("The feedback on the pairs.");
  lost.push(...lostHere(options));
  const textOf = new Map(options.map(({ id, text }) => [id, text]));
  const unused = options.filter(({ id }) => !prompts.some(({ match }) => match === id));
  const answers = [
    ...prompts.map(({ text, match }) => ({ option: text, match: textOf.get(match)! })),
    ...unused.map(({ text }) => ({ match: text })),
  ];
  return { scoring, answers };
}
