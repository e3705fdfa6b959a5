import { Exact } from "../../decimal.ts";
import { typesOf } from "../../fileKinds.ts";
import { QuestionProblem } from "../fileProblem.ts";
import {
  lostHere,
  lostOutcomes,
  type NumberKey,
  nominalAnswers,
  optionWeights,
  patternAnswers,
  percent,
  requireDistinct,
  requireNoPenalty,
  singleWorth,
} from "../plainKeys.ts";
import type { Definitions } from "../typedQuestion.ts";
import { type TypedQuestion, typed } from "../typedQuestion.ts";
import type { WriteQuestion } from "../writeEach.ts";
import { xmlText } from "../xmlElements.ts";
import { moodleFormat } from "./moodleText.ts";
import { FACTOR_DIGITS, ORDER_SCORING } from "./readDefinition.ts";
import { FILL_IN } from "./readQuestion.ts";
import { writeCloze } from "./writeCloze.ts";

/** A `<question>`. @throws QuestionProblem for what Moodle cannot grade as we do */
export const writeMoodle: WriteQuestion = (question, lost) => {
  const { title, stem, stemFormat, points, feedback, tags } = question;
  const format = moodleFormat(stemFormat);
  const { type, text = stem, body } = bodyOf(typed(question), { format, lost });
  const outcomes = WITH_OUTCOMES.includes(type) ? outcomeFeedbackOf(typed(question)) : null;
  if (outcomes === null) lost.push(...lostOutcomes(question));
  return element(
    "question",
    [
      `<name>${texts(title ?? stem.slice(0, 80))}</name>`,
      formatted("questiontext", text, format),
      formatted("generalfeedback", feedback ?? "", format),
      `<defaultgrade>${points}</defaultgrade>`,
      "<penalty>0</penalty>",
      "<hidden>0</hidden>",
      ...body,
      ...(outcomes ?? []).map(([name, said]) => formatted(name, said.join("\n"), format)),
      ...(tags.length > 0 ? [`<tags>${tags.map((tag) => `<tag>${texts(tag)}</tag>`).join("")}</tags>`] : []),
    ],
    ` type="${type}"`,
  );
};

interface Body {
  /** Moodle's name. */
  type: string;
  /** The stem if left out. */
  text?: string;
  body: string[];
}

/** Its form offers no more, but for any number. */
const MOODLE_MAX_FILES = 3;

const texts = (text: string) => `<text>${xmlText(text)}</text>`;
const formatted = (name: string, text: string, format: string) =>
  `<${name} format="${format}">${texts(text)}</${name}>`;
const element = (name: string, lines: readonly string[], attributes = "") =>
  `  <${name}${attributes}>\n${lines.map((line) => `    ${line}\n`).join("")}  </${name}>\n`;

/** Moodle's types in which feedback goes by what an answer earned. */
const WITH_OUTCOMES = ["multichoice", "matching", "ordering"];

/** That of an order for all that is not right is Moodle's for both other outcomes. */
function outcomeFeedbackOf({ type, definition, outcomeFeedback }: TypedQuestion) {
  const { feedbackRight = "", feedbackWrong = "" } = type === "ORDERING" ? definition : {};
  const said = (...texts: (string | undefined)[]) => texts.filter((text) => text?.trim());
  return [
    ["correctfeedback", said(feedbackRight, outcomeFeedback?.correct)],
    ["partiallycorrectfeedback", said(feedbackWrong, outcomeFeedback?.partlyCorrect)],
    ["incorrectfeedback", said(feedbackWrong, outcomeFeedback?.incorrect)],
  ] as const;
}

function bodyOf(question: TypedQuestion, { format, lost }: { format: string; lost: string[] }): Body {
  const answer = (text: string, fraction: string, feedback: string | undefined, { as = format, more = "" } = {}) =>
    `<answer fraction="${percent(fraction)}" format="${as}">${texts(text)}${formatted("feedback", feedback ?? "", format)}${more}</answer>`;
  const choice = (
    options: readonly { text: string; feedback?: string | undefined; pinned?: boolean | undefined }[],
    weights: readonly string[],
  ) => {
    const isFixed = options.every(({ pinned }) => pinned);
    if (!isFixed) lost.push(...lostHere(options));
    return [
      `<shuffleanswers>${!isFixed}</shuffleanswers>`,
      "<answernumbering>abc</answernumbering>",
      ...options.map(({ text, feedback }, at) => answer(text, weights[at]!, feedback)),
    ];
  };
  switch (question.type) {
    case "SINGLE_CHOICE": {
      const { options } = question.definition;
      return {
        type: "multichoice",
        body: ["<single>true</single>", ...choice(options, singleWorth(question.definition))],
      };
    }
    case "MULTIPLE_CHOICE": {
      const weights = optionWeights(question.definition);
      return { type: "multichoice", body: ["<single>false</single>", ...choice(question.definition.options, weights)] };
    }
    case "TRUE_FALSE": {
      const { correct, feedbackTrue, feedbackFalse } = question.definition;
      requireNoPenalty(question.definition);
      const one = (text: string, isRight: boolean, feedback: string | undefined) =>
        answer(text, isRight ? "1" : "0", feedback, { as: "moodle_auto_format" });
      return { type: "truefalse", body: [one("true", correct, feedbackTrue), one("false", !correct, feedbackFalse)] };
    }
    case "SHORT_TEXT": {
      const { caseSensitive } = question.definition;
      requireNoPenalty(question.definition);
      const answers = patternAnswers(question.definition).map(({ pattern, fraction, feedback }) =>
        answer(pattern, fraction, feedback, { as: "moodle_auto_format" }),
      );
      return { type: "shortanswer", body: [`<usecase>${caseSensitive ? 1 : 0}</usecase>`, ...answers] };
    }
    case "NUMERIC": {
      requireNoPenalty(question.definition);
      const one = (key: NumberKey) =>
        answer("any" in key ? "*" : key.value, key.fraction, key.feedback, {
          as: "moodle_auto_format",
          more: `<tolerance>${"any" in key ? "0" : key.tolerance}</tolerance>`,
        });
      return {
        type: "numerical",
        body: [...nominalAnswers(question.definition).map(one), ...units(question.definition)],
      };
    }
    case "MATCHING":
      return { type: "matching", body: matching(question.definition, { format, lost }) };
    case "ORDERING": {
      const { items, scoring } = question.definition;
      requireNoPenalty(question.definition);
      const grading = Object.entries(ORDER_SCORING).find(([, name]) => name === scoring)![0];
      return {
        type: "ordering",
        body: [
          "<layouttype>VERTICAL</layouttype><selecttype>ALL</selecttype><selectcount>0</selectcount>",
          `<gradingtype>${grading}</gradingtype><showgrading>SHOW</showgrading><numberingstyle>none</numberingstyle>`,
          ...items.map(
            ({ text, feedback = "" }, at) =>
              `<answer fraction="${at + 1}" format="${format}">${texts(text)}${formatted("feedback", feedback, format)}</answer>`,
          ),
        ],
      };
    }
    case "GAP_FILL": {
      const hasOwnStem = question.stem.trim() !== FILL_IN;
      if (hasOwnStem) lost.push("The instruction, which became the beginning of the text with the gaps.");
      const text = writeCloze(question.definition);
      return { type: "cloze", text: hasOwnStem ? `${question.stem}\n\n${text}` : text, body: [] };
    }
    case "ESSAY":
      if (question.definition.maxLength !== 20_000)
        lost.push(`The limit of ${question.definition.maxLength} characters.`);
      if (question.definition.rubric) lost.push("The rubric.");
      return {
        type: "essay",
        body: [
          "<responseformat>editor</responseformat>",
          formatted("graderinfo", question.definition.guidance ?? "", format),
        ],
      };
    case "FILE_UPLOAD":
      if (question.definition.rubric) lost.push("The rubric.");
      return { type: "essay", body: fileUpload(question.definition, format) };
    case "INFORMATION":
      return { type: "description", body: [] };
  }
}

/** An essay without a text. */
function fileUpload(
  { maxFiles, maxBytes, accept, guidance = "" }: Definitions["FILE_UPLOAD"],
  format: string,
): string[] {
  if (maxFiles > MOODLE_MAX_FILES)
    throw new QuestionProblem(`Moodle takes up to ${MOODLE_MAX_FILES} files, and this question ${maxFiles}.`);
  const kinds = [...new Set(accept.flatMap((entry) => (entry.includes("/") ? typesOf(entry) : [entry])))];
  return [
    `<responseformat>noinline</responseformat><responserequired>0</responserequired>`,
    `<attachments>${maxFiles}</attachments><attachmentsrequired>1</attachmentsrequired>`,
    `<maxbytes>${maxBytes}</maxbytes><filetypeslist>${xmlText(kinds.join(","))}</filetypeslist>`,
    formatted("graderinfo", guidance, format),
  ];
}

function matching(
  { options, prompts, scoring, ...rest }: Definitions["MATCHING"],
  { format, lost }: { format: string; lost: string[] },
): string[] {
  requireNoPenalty(rest);
  if (scoring !== "proportional")
    throw new QuestionProblem("Moodle gives each pair its share, and knows no all or nothing.");
  requireDistinct(options.map(({ text }) => text));
  if ([...prompts, ...options].some(({ feedback }) => feedback)) lost.push("The feedback on the pairs.");
  lost.push(...lostHere(options));
  const textOf = new Map(options.map(({ id, text }) => [id, text]));
  const unused = options.filter(({ id }) => !prompts.some(({ match }) => match === id));
  const pair = (left: string, right: string) =>
    `<subquestion format="${format}">${texts(left)}<answer>${texts(right)}</answer></subquestion>`;
  return [
    "<shuffleanswers>true</shuffleanswers>",
    ...prompts.map(({ text, match }) => pair(text, textOf.get(match)!)),
    ...unused.map(({ text }) => pair("", text)),
  ];
}

function units({ units: list = [], missingUnitPenalty = "0" }: Definitions["NUMERIC"]): string[] {
  if (list.length === 0) return ["<unitgradingtype>0</unitgradingtype><showunits>3</showunits>"];
  const all = list.map(({ unit, factor }) => {
    const multiplier = new Exact(1).div(factor).toSignificantDigits(FACTOR_DIGITS);
    if (!new Exact(1).div(multiplier).toSignificantDigits(FACTOR_DIGITS).eq(factor))
      throw new QuestionProblem(`The factor of the unit ${unit} cannot be written exactly.`);
    return `<unit><multiplier>${multiplier}</multiplier><unit_name>${xmlText(unit)}</unit_name></unit>`;
  });
  return [
    `<unitgradingtype>${missingUnitPenalty === "0" ? 0 : 1}</unitgradingtype><unitpenalty>${missingUnitPenalty}</unitpenalty>`,
    "<showunits>0</showunits><unitsleft>0</unitsleft>",
    `<units>${all.join("")}</units>`,
  ];
}
