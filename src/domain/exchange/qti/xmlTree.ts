import { QuestionProblem } from "../fileProblem.ts";
import { MAX_QUESTION_LENGTH } from "../limits.ts";
import { xmlParser } from "./xmlParser.ts";

/** An element of QTI by its name in version 2: `qti-simple-choice` of version 3 is `simpleChoice` here. */
export interface XmlNode {
  name: string;
  attributes: Readonly<Record<string, string>>;
  /** Elements and texts in their order. */
  children: (XmlNode | string)[];
  /** Where its tag ends, from 1. */
  line: number;
}

/** The root of an XML text. @throws QuestionProblem for what `xmlParser` refuses, and what is longer than a question may be */
export function parseXml(text: string): XmlNode {
  const tree = treeParser({ maxLength: MAX_QUESTION_LENGTH, maxNodes: MAX_QUESTION_LENGTH });
  tree.write(text);
  return tree.root();
}

/** Of a whole tree that is kept: characters, and elements and texts. */
export interface TreeLimits {
  maxLength: number;
  maxNodes: number;
}

/** The root of an XML text that comes in pieces. @throws QuestionProblem as `parseXml`, with these limits */
export async function readXml(pieces: AsyncIterable<string>, limits: TreeLimits): Promise<XmlNode> {
  const tree = treeParser(limits);
  for await (const piece of pieces) tree.write(piece);
  return tree.root();
}

function treeParser({ maxLength, maxNodes }: TreeLimits) {
  const top: XmlNode = { name: "", attributes: {}, children: [], line: 1 };
  const open = [top];
  let [length, nodes] = [0, 0];
  const add = (child: XmlNode | string) => {
    nodes += 1;
    if (nodes > maxNodes) throw new QuestionProblem(`The file has more than ${maxNodes} elements and texts.`);
    open.at(-1)!.children.push(child);
  };
  const parser = xmlParser({
    open(name, attributes, line) {
      const node: XmlNode = { name, attributes, children: [], line };
      add(node);
      open.push(node);
    },
    text: add,
    close: () => void open.pop(),
  });
  return {
    write(piece: string): void {
      length += piece.length;
      if (length > maxLength) throw new QuestionProblem(`The file is longer than ${maxLength / 1024 / 1024} MB.`);
      parser.write(piece);
    },
    root(): XmlNode {
      parser.close();
      return elementsOf(top)[0]!;
    },
  };
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
