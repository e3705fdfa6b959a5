import type { ImportedQuestion, WriteReport } from "../questionFormat.ts";
import { writeEach } from "../writeEach.ts";
import { xmlText } from "../xmlElements.ts";
import { element, elementsFor, type QtiVersion } from "./elements.ts";
import { fromQuestion } from "./fromQuestion.ts";
import { MANIFEST } from "./manifest.ts";
import { zipped } from "./zipWriter.ts";

const TYPES: Record<QtiVersion, { suffix: string; manifest: string; schema: string; test: string }> = {
  "2.2": {
    suffix: "xmlv2p2",
    manifest: "http://www.imsglobal.org/xsd/imscp_v1p1",
    schema: "QTIv2.2 Package",
    test: "http://www.imsglobal.org/xsd/imsqti_v2p2",
  },
  "3.0": {
    suffix: "xmlv3p0",
    manifest: "http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1",
    schema: "QTI Package",
    test: "http://www.imsglobal.org/xsd/imsqtiasi_v3p0",
  },
};
const TEST = "test.xml";
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

/**
 * A content package: an item for each question that can be written, and a test that holds them in their order. Of what has
 * been written, only the tags are kept, for the manifest.
 */
export const writePackage = (
  version: QtiVersion,
  questions: AsyncIterable<ImportedQuestion>,
  report: (entry: WriteReport) => void,
): AsyncGenerator<Uint8Array> =>
  zipped(async (add) => {
    const written: { identifier: string; tags: string[] }[] = [];
    const items = writeEach(questions, report, (question, lost) => {
      const identifier = `item-${written.length + 1}`;
      const xml = fromQuestion(question, version, identifier, lost);
      written.push({ identifier, tags: question.tags });
      return xml;
    });
    for await (const xml of items) await add(pathOf(written.at(-1)!.identifier), [xml]);
    const identifiers = written.map(({ identifier }) => identifier);
    await add(TEST, [testOf(version, identifiers)]);
    await add(MANIFEST, manifestOf(version, written));
  });

const pathOf = (identifier: string) => `items/${identifier}.xml`;

function testOf(version: QtiVersion, items: readonly string[]): string {
  const q = elementsFor(version);
  const references = items.map((identifier) => q("assessmentItemRef", { identifier, href: pathOf(identifier) }));
  const section = q("assessmentSection", { identifier: "section-1", title: "Questions", visible: true }, ...references);
  const part = q(
    "testPart",
    { identifier: "part-1", navigationMode: "nonlinear", submissionMode: "simultaneous" },
    section,
  );
  const test = q("assessmentTest", { xmlns: TYPES[version].test, identifier: "test-1", title: "Questions" }, part);
  return `${DECLARATION}${test}\n`;
}

/** The text of the manifest in parts, since it is long where there are many questions with many tags. */
function* manifestOf(version: QtiVersion, items: readonly { identifier: string; tags: string[] }[]): Generator<string> {
  const { suffix, manifest, schema } = TYPES[version];
  const resource = (identifier: string, type: string, href: string, ...inner: string[]) =>
    element("resource", { identifier, type, href }, ...inner, element("file", { href }));
  const schemaOf = [element("schema", {}, schema), element("schemaversion", {}, version === "2.2" ? "1.0.0" : "3.0.0")];
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
