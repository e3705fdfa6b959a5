import { SaxesParser } from "saxes";
import { QuestionProblem } from "../fileProblem.ts";
import { MAX_QUESTION_LENGTH, MAX_XML_DEPTH } from "../limits.ts";

/** An element of QTI by its name in version 2: `qti-simple-choice` of version 3 is `simpleChoice` here. */
export interface XmlNode {
  name: string;
  attributes: Readonly<Record<string, string>>;
  /** Elements and texts in their order. */
  children: (XmlNode | string)[];
  /** Where its tag ends, from 1. */
  line: number;
}

const camelCase = (name: string) => name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
const problemAt = (line: number, problem: string) => new QuestionProblem(`Line ${line}: ${problem}`);

/**
 * The root of an XML text. Prefixes of namespaces are left out, and QTI 3 is given the names of QTI 2.
 * @throws QuestionProblem, with the line, for what is not well-formed, declares a document type or an encoding that is
 * not Unicode, is nested too deep or too long
 */
export function parseXml(text: string, maxLength = MAX_QUESTION_LENGTH): XmlNode {
  if (text.length > maxLength) throw new QuestionProblem(`The file is longer than ${maxLength / 1024 / 1024} MB.`);
  const parser = new SaxesParser();
  const top: XmlNode = { name: "", attributes: {}, children: [], line: 1 };
  const open = [top];

  parser.on("error", ({ message }) => {
    throw problemAt(parser.line, `this is not well-formed XML: ${message.replace(/^[\d:]+ /, "")}`);
  });
  parser.on("xmldecl", ({ encoding }) => {
    if (encoding && !/^(utf-?8|utf-?16(le|be)?|us-ascii)$/i.test(encoding))
      throw problemAt(parser.line, `the encoding ${encoding.slice(0, 30)} is not read; save the file as UTF-8.`);
  });
  parser.on("doctype", () => {
    throw problemAt(
      parser.line,
      "a document type (<!DOCTYPE …>) is not accepted; remove it, and the entities with it.",
    );
  });
  parser.on("opentag", ({ name, attributes }) => {
    if (open.length > MAX_XML_DEPTH)
      throw problemAt(parser.line, `the elements are nested more than ${MAX_XML_DEPTH} deep.`);
    const node = toNode(name, attributes as Record<string, string>, parser.line);
    open.at(-1)!.children.push(node);
    open.push(node);
  });
  const onText = (piece: string) => open.at(-1)!.children.push(piece);
  parser.on("text", onText);
  parser.on("cdata", onText);
  parser.on("closetag", () => {
    open.pop();
  });
  parser.write(text).close();
  return elementsOf(top)[0]!;
}

function toNode(tag: string, given: Record<string, string>, line: number): XmlNode {
  const local = tag.replace(/^.*:/, "");
  const isVersion3 = local.startsWith("qti-");
  const attributes = Object.entries(given)
    .filter(([name]) => !/^xmlns(:|$)|^xsi:/.test(name))
    .map(([name, value]) => [isVersion3 ? camelCase(name) : name, value]);
  const name = isVersion3 ? camelCase(local.slice("qti-".length)) : local;
  return { name, attributes: Object.fromEntries(attributes), children: [], line };
}

export const elementsOf = ({ children }: XmlNode): XmlNode[] => children.filter((child) => typeof child !== "string");
export const childrenNamed = (node: XmlNode, ...names: string[]) =>
  elementsOf(node).filter(({ name }) => names.includes(name));
export const childNamed = (node: XmlNode, name: string) => childrenNamed(node, name)[0];

/** All text in an element, that of its children included. */
export const textOf = (node: XmlNode): string =>
  node.children.map((child) => (typeof child === "string" ? child : textOf(child))).join("");

/** An element and all below it, in the order of the file. */
export function* descendants(node: XmlNode): Generator<XmlNode> {
  yield node;
  for (const child of elementsOf(node)) yield* descendants(child);
}
