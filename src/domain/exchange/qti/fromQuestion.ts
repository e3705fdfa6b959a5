import { questionTypes } from "../../questionTypes.ts";
import { QuestionProblem } from "../fileProblem.ts";
import { lostOutcomes } from "../plainKeys.ts";
import type { ImportedQuestion } from "../questionFormat.ts";
import { type TypedQuestion, typed } from "../typedQuestion.ts";
import { type Elements, element, elementsFor, NAMESPACES, type QtiVersion } from "./elements.ts";
import { writeOutcomeFeedback } from "./outcomeFeedback.ts";
import { type RuleWriter, ruleWriter } from "./ruleWriter.ts";
import { writeChoices, writeSingleChoice, writeTrueFalse } from "./writeChoices.ts";
import { writeGapFill, writeTyped } from "./writeGaps.ts";
import { writeEssay, writeFileUpload, writeMatching, writeOrdering } from "./writeOthers.ts";
import { type WrittenText, writtenText } from "./writtenText.ts";

/** What is written of a question beside its stem. */
export interface ItemParts {
  declarations: string[];
  /** Below the stem. */
  body: string[];
  /** What sets the score, and what shows feedback. */
  rules: string[];
  /** By the identifier that FEEDBACK holds where it is shown. */
  feedback: [identifier: string, text: string][];
  isGradedByHand?: boolean;
}

export interface ItemContext {
  q: Elements;
  rule: RuleWriter;
  text: WrittenText;
  points: string;
  lost: string[];
}

const GENERAL = "general";

/**
 * A question as an item. What the item cannot hold of it goes to `lost`, a sentence each.
 * @throws QuestionProblem for what QTI cannot grade in the same way
 */
export function fromQuestion(
  question: ImportedQuestion,
  version: QtiVersion,
  identifier: string,
  lost: string[],
): string {
  const { title, stem, points } = question;
  const q = elementsFor(version);
  const rule = ruleWriter(q);
  const text = writtenText(question, textsIn(question), lost);
  const parts = partsOf(typed(question), { q, rule, text, points, lost });
  const general = question.feedback?.trim() ? question.feedback : null;
  const outcomes = outcomeParts(question, parts, { q, rule, points, lost });
  const feedback = [
    ...(general === null ? [] : [[GENERAL, general] as const]),
    ...parts.feedback,
    ...outcomes.feedback,
  ];
  const rules = [...parts.rules, ...outcomes.rules, ...(general === null ? [] : [rule.show(GENERAL)])];
  const item = q(
    "assessmentItem",
    { xmlns: NAMESPACES[version], identifier, title: title ?? "", adaptive: false, timeDependent: false },
    ...parts.declarations,
    ...(question.type === "INFORMATION" ? [] : scores(q, version, points, parts.isGradedByHand === true)),
    ...(feedback.length > 0
      ? [q("outcomeDeclaration", { identifier: "FEEDBACK", cardinality: "multiple", baseType: "identifier" })]
      : []),
    q("itemBody", {}, element("div", { class: text.className }, text.write(stem)), ...parts.body),
    ...(rules.length > 0 ? [q("responseProcessing", {}, ...rules)] : []),
    ...feedback.map(([name, words]) => modalFeedback(q, version, name, text.write(words))),
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${item}\n`;
}

/** Where no rule sets a score, none can tell what was earned. */
function outcomeParts(
  question: ImportedQuestion,
  { declarations, rules, isGradedByHand }: ItemParts,
  context: Pick<ItemContext, "q" | "rule" | "points" | "lost">,
): Pick<ItemParts, "rules" | "feedback"> {
  const { outcomeFeedback } = question;
  if (!outcomeFeedback || isGradedByHand || rules.length === 0) {
    context.lost.push(...lostOutcomes(question));
    return { rules: [], feedback: [] };
  }
  const responses = declarations.flatMap((it) => /\bidentifier="([^"]+)"/.exec(it)?.[1] ?? []);
  return writeOutcomeFeedback(outcomeFeedback, { ...context, responses });
}

function scores(q: Elements, version: QtiVersion, points: string, isGradedByHand: boolean): string[] {
  const float = (identifier: string, value: string, more = {}) =>
    q(
      "outcomeDeclaration",
      { identifier, cardinality: "single", baseType: "float", ...more },
      q("defaultValue", {}, q("value", {}, value)),
    );
  return [
    // Version 2.1 has no word for it.
    float("SCORE", "0", {
      normalMaximum: points,
      externalScored: isGradedByHand && version !== "2.1" ? "human" : undefined,
    }),
    float("MAXSCORE", points),
  ];
}

const modalFeedback = (q: Elements, version: QtiVersion, identifier: string, words: string) =>
  q(
    "modalFeedback",
    { outcomeIdentifier: "FEEDBACK", identifier, showHide: "show" },
    version === "3.0" ? q("contentBody", {}, words) : words,
  );

/** All texts of a question that stand as marked-up text in its item. */
function textsIn({ stem, feedback, outcomeFeedback, type, definition }: ImportedQuestion): string[] {
  const texts: string[] = [stem, feedback ?? "", ...Object.values(outcomeFeedback ?? {})];
  questionTypes[type].mapTexts(definition, (text) => {
    texts.push(...(type === "GAP_FILL" ? text.split(/\[\[[\w-]+\]\]/) : [text]));
    return text;
  });
  return texts;
}

function partsOf(question: TypedQuestion, context: ItemContext): ItemParts {
  switch (question.type) {
    case "SINGLE_CHOICE":
      return writeSingleChoice(question.definition, context);
    case "TRUE_FALSE":
      return writeTrueFalse(question.definition, context);
    case "MULTIPLE_CHOICE":
      return writeChoices(question.definition, context);
    case "SHORT_TEXT":
      return writeTyped({ kind: "text", ...question.definition }, context);
    case "NUMERIC":
      return writeTyped({ kind: "number", ...question.definition }, context);
    case "GAP_FILL":
      return writeGapFill(question.definition, context);
    case "MATCHING":
      return writeMatching(question.definition, context);
    case "ORDERING":
      return writeOrdering(question.definition, context);
    case "ESSAY":
      return writeEssay(question.definition, context);
    case "FILE_UPLOAD":
      return writeFileUpload(question.definition, context);
    case "INFORMATION":
      return { declarations: [], body: [], rules: [], feedback: [] };
    default:
      throw new QuestionProblem("QTI has no such questions.");
  }
}
