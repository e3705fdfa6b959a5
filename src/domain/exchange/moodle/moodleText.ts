import { Exact, parseNumber } from "../../decimal.ts";
import { QuestionProblem } from "../fileProblem.ts";
import type { ImportedQuestion } from "../questionFormat.ts";
import { childOf, type XmlElement } from "../xmlElements.ts";

type StemFormat = ImportedQuestion["stemFormat"];

const FORMATS: Readonly<Record<string, StemFormat>> = {
  html: "HTML",
  plain_text: "PLAIN",
  markdown: "MARKDOWN",
};

/** Moodle's own auto-format where nothing else is named. */
export const formatOf = (element: XmlElement | undefined): StemFormat =>
  FORMATS[element?.attributes.format ?? ""] ?? "MOODLE";

export const moodleFormat = (format: StemFormat): string =>
  Object.entries(FORMATS).find(([, name]) => name === format)?.[0] ?? "moodle_auto_format";

/** What stands in the element's `<text>`, or in itself; "" where there is none. @throws QuestionProblem for tags in a text */
export function textOf(element: XmlElement | undefined): string {
  const inner = childOf(element, "text") ?? element;
  if (inner && inner.name === "text" && inner.children.length > 0)
    throw new QuestionProblem("A <text> holds elements; put its HTML into <![CDATA[ … ]]>, or escape it.");
  return inner?.text.trim() ?? "";
}

export const textIn = (element: XmlElement | undefined, name: string): string => textOf(childOf(element, name));

/** Null for an element that is not there or holds nothing. */
export const isTrue = (question: XmlElement, name: string): boolean | null => {
  const text = textIn(question, name).toLowerCase();
  return text === "" ? null : ["1", "true", "yes"].includes(text);
};

/** @throws QuestionProblem */
export function numberOf(text: string, what: string) {
  const number = parseNumber(text);
  if (number === null) throw new QuestionProblem(`${what} "${text.slice(0, 40)}" is not a number.`);
  return number;
}

/** A percentage as a share. */
export const fractionOf = ({ attributes: { fraction = "0" } }: XmlElement): string =>
  new Exact(numberOf(fraction, "The fraction")).div(100).toString();

/** The feedback of an answer, as a field that is left out where there is none. */
export const feedbackOf = (answer: XmlElement): { feedback?: string } => {
  const feedback = textIn(answer, "feedback");
  return feedback === "" ? {} : { feedback };
};
