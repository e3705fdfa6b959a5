import { toOutcomeFeedback } from "../../outcomeFeedback.ts";
import { questionTypes } from "../../questionTypes.ts";
import { QuestionProblem } from "../fileProblem.ts";
import { QUESTION_TOO_LONG } from "../limits.ts";
import type { ReadEntry } from "../questionFormat.ts";
import { excerptOf, takeQuestion } from "../takeQuestion.ts";
import { childOf, childrenOf, type RootChild, type XmlElement } from "../xmlElements.ts";
import { readCloze } from "./cloze.ts";
import { formatOf, isTrue, numberOf, textIn, textOf } from "./moodleText.ts";
import { readDefinition } from "./readDefinition.ts";

/** What is said in its place here: in Moodle, such a text has no instruction before it. */
export const FILL_IN = "Fill in the gaps.";

/** A `<question>` that is no category. */
export function readQuestion(element: RootChild, categoryTags: readonly string[]): ReadEntry {
  const { line } = element;
  const questionText = childOf(element, "questiontext");
  const text = withoutThrowing(() => textOf(questionText));
  const title = withoutThrowing(() => textIn(element, "name")) || null;
  if (element.isTooLong) return { kind: "refused", line, title, excerpt: excerptOf(text), reason: QUESTION_TOO_LONG };
  return takeQuestion({ line, title, text: text || (title ?? "") }, () => {
    const changed: string[] = [];
    const { type, definition } = definitionOf(element, text, changed);
    const points = textIn(element, "defaultgrade") || textIn(element, "defaultmark") || "1";
    const idNumber = textIn(element, "idnumber");
    const [stem, stemFormat] = [textOf(questionText), formatOf(questionText)];
    changed.push(...losses(element));
    return {
      type,
      definition,
      title,
      stem: type === "GAP_FILL" ? FILL_IN : stem,
      stemFormat,
      points: questionTypes[type].isUnmarked ? "0" : pointsOf(points, changed),
      feedback: textIn(element, "generalfeedback") || null,
      outcomeFeedback: toOutcomeFeedback({
        correct: textIn(element, "correctfeedback"),
        partlyCorrect: textIn(element, "partiallycorrectfeedback"),
        incorrect: textIn(element, "incorrectfeedback"),
      }),
      tags: [
        ...categoryTags,
        ...childrenOf(childOf(element, "tags") ?? element, "tag").map((tag) => textOf(tag)),
        ...(idNumber && [`id:${idNumber}`]),
      ].filter((tag) => tag !== ""),
      changed,
    };
  });
}

const withoutThrowing = (read: () => string): string => {
  try {
    return read();
  } catch (error) {
    if (error instanceof QuestionProblem) return ""; // said again where the question is refused for it
    throw error;
  }
};

function definitionOf(element: XmlElement, text: string, changed: string[]) {
  const { type = "" } = element.attributes;
  if (type === "cloze" || type === "multianswer") {
    changed.push(`A text with gaps has an instruction here: "${FILL_IN}"`);
    return { type: "GAP_FILL" as const, definition: readCloze(text) };
  }
  if (!Object.hasOwn(readDefinition, type))
    throw new QuestionProblem(`There is no question type like Moodle's "${type.slice(0, 50)}" here.`);
  return readDefinition[type]!(element, changed);
}

function pointsOf(text: string, changed: string[]): string {
  const given = numberOf(text, "The mark");
  const points = given.toDecimalPlaces(4);
  if (points.lt(0) || points.gt(10_000)) throw new QuestionProblem(`A mark of ${points} is not between 0 and 10,000.`);
  if (!points.eq(given)) changed.push(`The mark was rounded to ${points}.`);
  return points.toFixed();
}

/** What there is no place for here, a sentence each. */
function losses(element: XmlElement): string[] {
  const { children } = element;
  const lost: string[] = [];
  const idNumber = textIn(element, "idnumber");
  if (idNumber) lost.push(`The id ${idNumber} became the tag "id:${idNumber}".`);
  const penalty = textIn(element, "penalty");
  if (penalty && !numberOf(penalty, "The penalty").isZero())
    lost.push(`The penalty of ${Number(penalty)} for each further try is not kept.`);
  const hints = children.filter(({ name }) => name === "hint").length;
  if (hints > 0) lost.push(hints === 1 ? "A hint is not kept." : `${hints} hints are not kept.`);
  if (isTrue(element, "hidden")) lost.push("In Moodle the question was hidden.");
  const numbering = textIn(element, "answernumbering");
  if (numbering && numbering !== "abc") lost.push(`The numbering of the options, ${numbering}, is not kept.`);
  for (const name of filesIn(element)) lost.push(`The file ${name} is not kept; put it into a lesson, or use a link.`);
  const formats = otherFormats(element);
  if (formats.length > 0)
    lost.push(`Answers or feedback in ${formats.join(", ")} are shown in the format of the question.`);
  return lost;
}

const filesIn = (element: XmlElement): string[] =>
  element.children.flatMap((child) =>
    child.name === "file" ? [child.attributes.name ?? "without a name"] : filesIn(child),
  );

/** Of texts to be shown that are not empty; the texts of true and false, and what is typed, have none. */
function otherFormats(question: XmlElement): string[] {
  const own = formatOf(childOf(question, "questiontext"));
  const isShown = /^(multichoice|ordering)$/.test(question.attributes.type ?? "");
  const shown = [
    ...["general", "correct", "partiallycorrect", "incorrect"].map((kind) => childOf(question, `${kind}feedback`)),
    ...childrenOf(question, "answer").flatMap((answer) => [childOf(answer, "feedback"), ...(isShown ? [answer] : [])]),
    ...childrenOf(question, "subquestion"),
  ];
  const formats = shown
    .filter((element) => element?.attributes.format && textOf(element) !== "" && formatOf(element) !== own)
    .map((element) => element!.attributes.format!);
  return [...new Set(formats)];
}
