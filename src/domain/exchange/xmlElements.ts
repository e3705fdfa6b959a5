import { SaxesParser } from "saxes";
import { QuestionProblem, unreadable } from "./fileProblem.ts";
import { MAX_QUESTION_LENGTH, MAX_XML_DEPTH } from "./limits.ts";

export interface XmlElement {
  name: string;
  attributes: Readonly<Record<string, string>>;
  children: XmlElement[];
  /** What stands in it and in none of its children. */
  text: string;
  /** Where its tag begins, from 1. */
  line: number;
}

/** An element right below the root; of one that is too long, only the beginning is kept. */
export interface RootChild extends XmlElement {
  isTooLong: boolean;
}

/**
 * The elements right below the root, one at a time. The text of elements named in `unread` is passed over, as that of
 * files packed into the XML.
 * @throws BAD_USER_INPUT for what is no such file, is not well-formed, declares a document type or is nested too deep
 */
export async function* childrenOfRoot(
  pieces: AsyncIterable<string>,
  { root, unread }: { root: string; unread: readonly string[] },
): AsyncGenerator<RootChild> {
  const parser = new SaxesParser();
  const open: XmlElement[] = [];
  let ready: RootChild[] = [];
  let length = 0;
  const isTooLong = () => length > MAX_QUESTION_LENGTH;

  parser.on("error", ({ message }) => {
    throw unreadable(parser.line, `this is not well-formed XML: ${message.replace(/^[\d:]+ /, "")}`);
  });
  parser.on("doctype", () => {
    throw unreadable(
      parser.line,
      "a document type (<!DOCTYPE …>) is not accepted; remove it, and the entities with it.",
    );
  });
  parser.on("opentagstart", ({ name }) => {
    if (open.length === 0 && name !== root)
      throw unreadable(parser.line, `the file begins with <${name.slice(0, 50)}> and not with <${root}>.`);
    if (open.length >= MAX_XML_DEPTH)
      throw unreadable(parser.line, `the elements are nested more than ${MAX_XML_DEPTH} deep.`);
    if (open.length === 1) length = 0;
    open.push({ name, attributes: {}, children: [], text: "", line: parser.line });
  });
  parser.on("opentag", ({ attributes }) => {
    const element = open.at(-1)!;
    element.attributes = attributes as Record<string, string>;
    length += 1 + Object.entries(attributes).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    const parent = open.at(-2);
    if (open.length > 2 && parent && !isTooLong()) parent.children.push(element);
  });
  const onText = (text: string) => {
    const element = open.at(-1);
    if (!element || open.length < 2 || unread.includes(element.name)) return;
    length += text.length;
    if (!isTooLong()) element.text += text;
  };
  parser.on("text", onText);
  parser.on("cdata", onText);
  parser.on("closetag", () => {
    const element = open.pop()!;
    if (open.length === 1) ready.push({ ...element, isTooLong: isTooLong() });
  });

  for await (const piece of pieces) {
    parser.write(piece);
    yield* ready;
    ready = [];
  }
  parser.close();
}

export const childOf = (element: XmlElement | undefined, name: string) =>
  element?.children.find((child) => child.name === name);
export const childrenOf = (element: XmlElement, name: string) =>
  element.children.filter((child) => child.name === name);

/** What XML 1.0 has no way to write. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NOT_IN_XML = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;

/** A text as it stands in XML. @throws QuestionProblem for a character that XML cannot hold */
export function xmlText(text: string): string {
  if (NOT_IN_XML.test(text)) throw new QuestionProblem("A text holds a control character, which XML cannot hold.");
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\r", "&#13;");
}
