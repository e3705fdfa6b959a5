import { QuestionProblem } from "../fileProblem.ts";
import type { ImportedQuestion } from "../questionFormat.ts";
import { xmlText } from "../xmlElements.ts";
import type { Item } from "./item.ts";
import { descendants, elementsOf, type XmlNode } from "./xmlTree.ts";

type Format = ImportedQuestion["stemFormat"];

/** Around a text that is kept as it was typed, in the format the class names. */
export const SOURCE_CLASSES: Record<Format, string> = {
  PLAIN: "lectern-plain",
  HTML: "lectern-html",
  MARKDOWN: "lectern-markdown",
  MOODLE: "lectern-moodle",
};

/** Around HTML that is well-formed XML. */
export const XHTML_CLASS = "lectern-xhtml";

const PLAIN_ELEMENTS = new Set(["p", "div", "span", "br"]);
const BLOCKS = new Set(["p", "div", "prompt", "contentBody"]);
const EMPTY_ELEMENTS = new Set(["br", "hr", "img", "col", "source", "wbr"]);
/** What programs could hide in. */
const ACTIVE_ELEMENTS = new Set(["script", "style", "iframe"]);
const WHITE_SPACE = /[\t\n\f\r ]+/g;

/** What of an item's body is no text for the student, and what is said about its loss. */
const NOT_SHOWN: Record<string, string> = {
  feedbackBlock: "Feedback in the text, which is shown only after some answers, is left out.",
  feedbackInline: "Feedback in the text, which is shown only after some answers, is left out.",
  rubricBlock: "A rubric block is left out.",
  infoControl: "Information that is shown on demand is left out.",
  positionObjectStage: "A stage for objects is left out.",
};

/** Takes texts out of an item, all in one format, and gathers in `lost` what is not taken. */
export interface BodyText {
  format: Format;
  lost: Set<string>;
  /** The text of nodes in which each interaction stands as `placeOf` says; what it says null for has no text. */
  text(nodes: readonly (XmlNode | string)[], placeOf?: (interaction: XmlNode) => string | null): string;
}

export function bodyTextOf(item: Item): BodyText {
  const lost = new Set(item.stylesheets.map((href) => `The style sheet ${href} is not taken along.`));
  const format = formatOf(item);
  for (const missing of mediaOf(item)) lost.add(`The file ${missing} is not taken along; the text still refers to it.`);
  return {
    format: format.name,
    lost,
    text: (nodes, placeOf = () => null) => {
      const write = (node: XmlNode | string): string => {
        if (typeof node === "string") return format.ofText(node);
        const { name } = node;
        if (name.endsWith("Interaction")) return placeOf(node) ?? "";
        if (name === "printedVariable" || name === "templateBlock" || name === "templateInline")
          throw new QuestionProblem(`The text holds <${name}>, which changes while it is answered.`);
        const loss = Object.hasOwn(NOT_SHOWN, name) ? NOT_SHOWN[name] : undefined;
        if (loss) lost.add(loss);
        if (ACTIVE_ELEMENTS.has(name)) lost.add(`<${name}> is left out.`);
        if (loss || ACTIVE_ELEMENTS.has(name)) return "";
        return format.ofElement(node, node.children.map(write).join(""));
      };
      return format.finish(nodes.map(write).join(""));
    },
  };
}

interface Writer {
  name: Format;
  ofText(text: string): string;
  ofElement(node: XmlNode, inner: string): string;
  finish(text: string): string;
}

/** As it was typed; a line break is one. */
const source = (name: Format): Writer => ({
  name,
  ofText: (text) => text,
  ofElement: ({ name: tag }, inner) => (tag === "br" ? "\n" : inner),
  finish: (text) => text,
});

/** Text without marks: blocks are lines of their own. */
const plain: Writer = {
  name: "PLAIN",
  ofText: (text) => text.replace(WHITE_SPACE, " "),
  ofElement: ({ name }, inner) => (name === "br" ? "\n" : BLOCKS.has(name) ? `\n${inner}\n` : inner),
  finish: (text) => text.replace(/ *\n[ \n]*/g, "\n").trim(),
};

const html: Writer = {
  name: "HTML",
  ofText: (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;"),
  ofElement({ name, attributes }, inner) {
    if (name === "contentBody" || classesOf({ attributes }).includes(XHTML_CLASS)) return inner;
    const tag = name === "prompt" ? "p" : name;
    const given = Object.entries(attributes)
      .filter(([key, value]) => !/^on/i.test(key) && !/^\s*javascript:/i.test(value))
      .map(([key, value]) => ` ${key}="${xmlText(value).replaceAll('"', "&quot;")}"`)
      .join("");
    return EMPTY_ELEMENTS.has(tag) ? `<${tag}${given}/>` : `<${tag}${given}>${inner}</${tag}>`;
  },
  finish: (text) => text.trim(),
};

/** Our own classes tell; without them, a text is HTML only if it needs to be. */
function formatOf({ body, modalFeedback }: Item): Writer {
  const all = [body, ...modalFeedback].flatMap((node) => [...descendants(node)]);
  const classes = new Set(all.flatMap(classesOf));
  const own = (Object.keys(SOURCE_CLASSES) as Format[]).find((name) => classes.has(SOURCE_CLASSES[name]));
  if (own) return source(own);
  if (classes.has(XHTML_CLASS)) return html;
  return all.every(isPlain) ? plain : html;
}

const classesOf = ({ attributes }: Pick<XmlNode, "attributes">) => attributes.class?.split(/\s+/) ?? [];

/** Elements that QTI itself has are no marks of the text. */
const isPlain = ({ name }: XmlNode) => PLAIN_ELEMENTS.has(name) || QTI_ELEMENT.test(name);
const QTI_ELEMENT =
  /^(itemBody|modalFeedback|prompt|contentBody|simpleMatchSet|gapText|hottext|\w+(Interaction|Choice|Block))$|^(feedback|inline)[A-Z]\w+$/;

const mediaOf = ({ body }: Item) =>
  [...descendants(body)].flatMap(({ name, attributes: { src, data } }) => {
    const file =
      name === "object" ? data : ["img", "audio", "video", "source", "track"].includes(name) ? src : undefined;
    return file && !/^(https?:|data:|\/\/)/.test(file) ? [file] : [];
  });

/** The first element with this class, wherever it stands. */
export const elementOfClass = (node: XmlNode, name: string) =>
  [...descendants(node)].find((it) => classesOf(it).includes(name));

/** Whether an element holds nothing to read but what it is asked about. */
export const holdsOnly = (block: XmlNode, child: XmlNode): boolean =>
  elementsOf(block).length === 1 &&
  block.children.every((it) => typeof it !== "string" || it.trim() === "") &&
  (block.children.includes(child) || holdsOnly(elementsOf(block)[0]!, child));

/** What a scorer is told in a rubric block. */
export const scorerRubrics = ({ body }: Item) =>
  [...descendants(body)].filter(
    ({ name, attributes }) => name === "rubricBlock" && /\bscorer\b/.test(attributes.view ?? ""),
  );
