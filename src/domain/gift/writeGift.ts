import { QuestionProblem } from "../exchange/fileProblem.ts";
import {
  lostHere,
  lostOutcomes,
  nominalAnswers,
  optionWeights,
  patternAnswers,
  percent,
  requireDistinct,
  requireNoPenalty,
  singleWorth,
} from "../exchange/plainKeys.ts";
import { type Definitions, type TypedQuestion, typed } from "../exchange/typedQuestion.ts";
import type { WriteQuestion } from "../exchange/writeEach.ts";

/** As many as a weight may have when it is read. */
const MAX_PERCENT_PLACES = 20;

/** A question as a block of a GIFT file, with the blank line behind it. @throws QuestionProblem for what GIFT cannot say */
export const writeGift: WriteQuestion = (question, lost) => {
  const { title, stem, stemFormat, points, feedback, tags } = question;
  const answers = answersOf(typed(question), lost);
  if (points !== "1" && question.type !== "INFORMATION") lost.push(`GIFT has no points; these were ${points}.`);
  if (feedback && answers === null) lost.push("The feedback, which a description cannot have.");
  lost.push(...lostOutcomes(question));
  const general = feedback?.trim() ? `\n####${marked(feedback)}` : "";
  const lines = [
    ...tags.map((tag) => `// [tag:${tag.replace(/\s+/g, " ").replace(/[\\[\]]/g, "\\$&")}]\n`),
    title?.trim() ? `::${escaped(title.trim())}::` : "",
    `[${stemFormat.toLowerCase()}]${escaped(stem)}`,
    answers === null ? "" : `{${answers}${general}}`,
  ];
  return `${lines.join("")}\n\n`;
};

const escaped = (text: string) => text.replace(/[~=#{}:\\]/g, "\\$&").replace(/\r\n|\r|\n/g, "\\n");

/** A text that begins like the name of a format is given one, so that it is not taken for it. */
const marked = (text: string) =>
  /^\s*\[(moodle|html|plain|markdown)\]/i.test(text) ? `[plain]${escaped(text)}` : escaped(text);

const withFeedback = (text: string, feedback: string | undefined) =>
  feedback?.trim() ? `${text}#${marked(feedback)}` : text;

/** Null for what has no braces. */
function answersOf(question: TypedQuestion, lost: string[]): string | null {
  switch (question.type) {
    case "SINGLE_CHOICE":
      lost.push(...lostHere(question.definition.options));
      return singleChoice(question.definition);
    case "MULTIPLE_CHOICE": {
      const { options } = question.definition;
      lost.push(...lostHere(options));
      const weights = optionWeights(question.definition);
      return lines(
        options.map(({ text, feedback }, at) => withFeedback(`~${weight(weights[at]!)}${marked(text)}`, feedback)),
      );
    }
    case "TRUE_FALSE":
      return trueFalse(question.definition);
    case "SHORT_TEXT":
      return shortText(question.definition);
    case "NUMERIC":
      return numeric(question.definition);
    case "MATCHING":
      return matching(question.definition, lost);
    case "ESSAY":
      if (question.definition.guidance) lost.push("The guidance for who grades.");
      if (question.definition.rubric) lost.push("The rubric.");
      return "";
    case "INFORMATION":
      return null;
    default:
      throw new QuestionProblem(`GIFT has no questions like ${question.type}.`);
  }
}

const lines = (answers: readonly string[]) => answers.map((answer) => `\n${answer}`).join("");

function weight(fraction: string): string {
  const text = percent(fraction);
  if ((text.split(".")[1]?.length ?? 0) > MAX_PERCENT_PLACES)
    throw new QuestionProblem("A weight has more decimal places than GIFT can hold.");
  return `%${text}%`;
}

/** One `=` tells that one choice is to be made. A text that begins like a weight gets one before it. */
function singleChoice(definition: Definitions["SINGLE_CHOICE"]): string {
  const { options } = definition;
  const worth = singleWorth(definition);
  const right = worth.indexOf("1");
  return lines(
    options.map(({ text, feedback }, at) => {
      const fraction = worth[at]!;
      const isPlain = (at === right || fraction === "0") && !text.trim().startsWith("%");
      return withFeedback(`${at === right ? "=" : "~"}${isPlain ? "" : weight(fraction)}${marked(text)}`, feedback);
    }),
  );
}

function trueFalse({ correct, feedbackTrue = "", feedbackFalse = "", ...rest }: Definitions["TRUE_FALSE"]): string {
  requireNoPenalty(rest);
  const [wrong, right] = correct ? [feedbackFalse, feedbackTrue] : [feedbackTrue, feedbackFalse];
  const feedback = right.trim() ? `#${marked(wrong.trim())} #${marked(right)}` : withFeedback("", wrong);
  return `${correct ? "TRUE" : "FALSE"}${feedback}`;
}

function shortText({ caseSensitive, ...definition }: Definitions["SHORT_TEXT"]): string {
  requireNoPenalty(definition);
  if (caseSensitive) throw new QuestionProblem("GIFT cannot say that upper and lower case differ.");
  const answers = patternAnswers(definition);
  if (answers.some(({ pattern }) => pattern.includes("->")))
    throw new QuestionProblem('An answer holds "->", which GIFT takes for a pair.');
  return lines(
    answers.map(({ pattern, fraction, feedback }) => withFeedback(`=${weight(fraction)}${marked(pattern)}`, feedback)),
  );
}

function numeric({ units = [], ...definition }: Definitions["NUMERIC"]): string {
  requireNoPenalty(definition);
  if (units.length > 0) throw new QuestionProblem("GIFT has no units.");
  const answers = nominalAnswers(definition).map((answer) => {
    const number = "any" in answer ? "*" : `${answer.value}:${answer.tolerance}`;
    return withFeedback(`=${weight(answer.fraction)}${number}`, answer.feedback);
  });
  return `#${lines(answers)}`;
}

function matching({ options, prompts, scoring, ...rest }: Definitions["MATCHING"], lost: string[]): string {
  requireNoPenalty(rest);
  if (scoring !== "proportional")
    throw new QuestionProblem("GIFT gives each pair its share, and knows no all or nothing.");
  requireDistinct(options.map(({ text }) => text));
  if (prompts.some(({ text }) => text.includes("->")))
    throw new QuestionProblem('A prompt holds "->", which GIFT takes for the middle of the pair.');
  if ([...prompts, ...options].some(({ feedback }) => feedback)) lost.push("The feedback on the pairs.");
  lost.push(...lostHere(options));
  const textOf = new Map(options.map(({ id, text }) => [id, text]));
  const unused = options.filter(({ id }) => !prompts.some(({ match }) => match === id));
  return lines([
    ...prompts.map(({ text, match }) => `=${marked(text)} -> ${escaped(textOf.get(match)!)}`),
    ...unused.map(({ text }) => `= -> ${escaped(text)}`),
  ]);
}
