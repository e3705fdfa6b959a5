import { SaxesParser } from "saxes";
import { QuestionProblem } from "../fileProblem.ts";
import { MAX_QUESTION_LENGTH, MAX_XML_DEPTH } from "../limits.ts";

/** Who is told what stands in an XML text, in its order. */
export interface XmlVisitor {
  /** An element by its name in version 2 of QTI, and where its tag ends, from 1. */
  open(name: string, attributes: Readonly<Record<string, string>>, line: number): void;
  /** A text may come in several parts. */
  text(part: string): void;
  close(): void;
}

const camelCase = (name: string) => name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
const problemAt = (line: number, problem: string) => new QuestionProblem(`Line ${line}: ${problem}`);

/**
 * Parses an XML text that is written to it in pieces, and keeps none of it. Prefixes of namespaces are left out, and QTI 3
 * is given the names of QTI 2: `qti-simple-choice` is `simpleChoice`. Both methods throw QuestionProblem, with the line,
 * for what is not well-formed, declares a document type or an encoding that is not Unicode, is nested too deep, or has a
 * tag or text without end.
 */
export function xmlParser(visitor: XmlVisitor): { write(piece: string): void; close(): void } {
  const parser = new SaxesParser();
  let depth = 0;
  let unended = 0;
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
    unended = 0;
    depth += 1;
    if (depth > MAX_XML_DEPTH) throw problemAt(parser.line, `the elements are nested more than ${MAX_XML_DEPTH} deep.`);
    const local = name.replace(/^.*:/, "");
    const isVersion3 = local.startsWith("qti-");
    visitor.open(
      isVersion3 ? camelCase(local.slice("qti-".length)) : local,
      toAttributes(attributes as Record<string, string>, isVersion3),
      parser.line,
    );
  });
  const onText = (part: string) => {
    unended = 0;
    visitor.text(part);
  };
  const onOther = () => {
    unended = 0;
  };
  parser.on("comment", onOther);
  parser.on("processinginstruction", onOther);
  parser.on("text", onText);
  parser.on("cdata", onText);
  parser.on("closetag", () => {
    unended = 0;
    depth -= 1;
    visitor.close();
  });
  return {
    write(piece) {
      unended += piece.length; // set back by all that ends in the piece
      parser.write(piece);
      if (unended > MAX_QUESTION_LENGTH)
        throw problemAt(parser.line, "a tag, a text or a comment is longer than 1 MB.");
    },
    close: () => void parser.close(),
  };
}

const toAttributes = (given: Record<string, string>, isVersion3: boolean) =>
  Object.fromEntries(
    Object.entries(given)
      .filter(([name]) => !/^xmlns(:|$)|^xsi:/.test(name))
      .map(([name, value]) => [isVersion3 ? camelCase(name) : name, value]),
  );
