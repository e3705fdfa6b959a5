import type { ExamOutline } from "../examOutline.ts";
import type { ImportedQuestion, WriteReport } from "../questionFormat.ts";
import { writeEach } from "../writeEach.ts";
import { xmlText } from "../xmlElements.ts";
import { element, type QtiVersion } from "./elements.ts";
import { fromQuestion } from "./fromQuestion.ts";
import { MANIFEST } from "./manifest.ts";
import { type WrittenItem, writeTest } from "./qtiTestWriter.ts";
import { zipped } from "./zipWriter.ts";

const TYPES: Record<QtiVersion, { suffix: string; manifest: string; schema: string }> = {
  "2.1": {
    suffix: "xmlv2p1",
    manifest: "http://www.imsglobal.org/xsd/imscp_v1p1",
    schema: "QTIv2.1 Package",
  },
  "2.2": {
    suffix: "xmlv2p2",
    manifest: "http://www.imsglobal.org/xsd/imscp_v1p1",
    schema: "QTIv2.2 Package",
  },
  "3.0": {
    suffix: "xmlv3p0",
    manifest: "http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1",
    schema: "QTI Package",
  },
};
const TEST = "test.xml";
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

/**
 * A content package: an item for each question that can be written, and a test that is the exam, or else holds them in their
 * order. Of what has been written, only what the test and the manifest say of it is kept.
 */
export const writePackage = (
  version: QtiVersion,
  questions: AsyncIterable<ImportedQuestion>,
  report: (entry: WriteReport) => void,
  exam?: ExamOutline,
): AsyncGenerator<Uint8Array> =>
  zipped(async (add) => {
    const written: (WrittenItem & { question: number; tags: string[] })[] = [];
    let position = 0;
    const items = writeEach(questions, report, (question, lost) => {
      position += 1;
      const identifier = `item-${written.length + 1}`;
      const xml = fromQuestion(question, version, identifier, lost);
      const { tags, points } = question;
      written.push({ question: position, identifier, href: pathOf(identifier), points, tags });
      return xml;
    });
    for await (const xml of items) await add(written.at(-1)!.href, [xml]);
    const itemOf = new Map(written.map((item) => [item.question, item]));
    const test = writeTest(version, exam ?? inOrder(written), (question) => itemOf.get(question));
    await add(TEST, [test]);
    await add(MANIFEST, manifestOf(version, written));
  });

/** A test of questions that are in no exam. */
const inOrder = (items: readonly { question: number }[]): ExamOutline => {
  const places = items.map(({ question }) => ({ question, points: null, isFixed: false }));
  const section = { title: "Questions", drawCount: null, isShuffled: false, floor: null, places };
  return { title: "Questions", durationMinutes: null, floor: null, sections: [section] };
};

const pathOf = (identifier: string) => `items/${identifier}.xml`;

/** The text of the manifest in parts, since it is long where there are many questions with many tags. */
function* manifestOf(version: QtiVersion, items: readonly { identifier: string; tags: string[] }[]): Generator<string> {
  const { suffix, manifest, schema } = TYPES[version];
  const resource = (identifier: string, type: string, href: string, ...inner: string[]) =>
    element("resource", { identifier, type, href }, ...inner, element("file", { href }));
  const schemaOf = [element("schema", {}, schema), element("schemaversion", {}, version === "3.0" ? "3.0.0" : "1.0.0")];
  yield `${DECLARATION}<manifest xmlns="${manifest}" identifier="package-1">`;
  yield `${element("metadata", {}, ...schemaOf)}${element("organizations")}<resources>`;
  for (const { identifier, tags } of items)
    yield resource(identifier, `imsqti_item_${suffix}`, pathOf(identifier), ...metadataOf(tags));
  const dependencies = items.map(({ identifier }) => element("dependency", { identifierref: identifier }));
  yield resource("test-1", `imsqti_test_${suffix}`, TEST, ...dependencies);
  yield "</resources></manifest>\n";
}

/** Tags as the keywords of a learning object. */
const metadataOf = (tags: readonly string[]) =>
  tags.length === 0
    ? []
    : [
        element(
          "metadata",
          {},
          element(
            "lom",
            { xmlns: "http://ltsc.ieee.org/xsd/LOM" },
            element("general", {}, ...tags.map((tag) => element("keyword", {}, element("string", {}, xmlText(tag))))),
          ),
        ),
      ];
