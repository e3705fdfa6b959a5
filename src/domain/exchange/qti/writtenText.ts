import { QuestionProblem } from "../fileProblem.ts";
import type { ImportedQuestion } from "../questionFormat.ts";
import { xmlText } from "../xmlElements.ts";
import { SOURCE_CLASSES, XHTML_CLASS } from "./bodyText.ts";
import { descendants, parseXml } from "./xmlTree.ts";

/** What may stand in the body of an item of every version. */
const HTML_ELEMENTS = new Set(
  (
    "a abbr acronym address b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img kbd " +
    "li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var"
  ).split(" "),
);

/** How the texts of one question are written: all in one way, as they share a format. */
export interface WrittenText {
  /** Of the element around the stem: it tells a reader how to take the texts. */
  className: string;
  write(text: string): string;
}

/** HTML that is well-formed stands as it is; all else as text, with a mark that says what it is. */
export function writtenText({ stemFormat }: ImportedQuestion, texts: readonly string[], lost: string[]): WrittenText {
  if (stemFormat === "HTML" && texts.every(isXhtml)) return { className: XHTML_CLASS, write: (text) => text };
  if (stemFormat === "HTML") lost.push("Its HTML is not well-formed XML, so other programs show it with its tags.");
  if (stemFormat === "MARKDOWN" || stemFormat === "MOODLE")
    lost.push(`Other programs show the text with the marks of ${stemFormat === "MARKDOWN" ? "Markdown" : "Moodle"}.`);
  return { className: SOURCE_CLASSES[stemFormat], write: (text) => xmlText(text).replaceAll("\n", "<br/>") };
}

function isXhtml(text: string): boolean {
  if (/<!|<\?|<\/?[\w-]+:|\sxmlns|lectern-/.test(text)) return false;
  try {
    return [...descendants(parseXml(`<div>${text}</div>`))].every(({ name }) => HTML_ELEMENTS.has(name));
  } catch (error) {
    if (error instanceof QuestionProblem) return false;
    throw error;
  }
}
