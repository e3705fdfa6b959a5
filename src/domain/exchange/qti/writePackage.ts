import { ZipFile } from "yazl";
import type { ExamOutline } from "../examOutline.ts";
import type { ImportedQuestion, WriteReport } from "../questionFormat.ts";
import { writeEach } from "../writeEach.ts";
import { xmlText } from "../xmlElements.ts";
import { element, type QtiVersion } from "./elements.ts";
import { fromQuestion } from "./fromQuestion.ts";
import { MANIFEST } from "./manifest.ts";
import { type WrittenItem, writeTest } from "./qtiTestWriter.ts";

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
/** The same questions make the same file, whenever it is written. */
const WRITTEN_AT = { mtime: new Date("2000-01-01T12:00:00Z"), forceDosTimestamp: true };
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** A content package: an item for each question that can be written, and a test that is the exam, or else holds them in their order. */
export async function* writePackage(
  version: QtiVersion,
  questions: AsyncIterable<ImportedQuestion>,
  report: (entry: WriteReport) => void,
  exam?: ExamOutline,
): AsyncGenerator<Uint8Array> {
  const zip = new ZipFile();
  const add = (path: string, xml: string) => zip.addBuffer(Buffer.from(xml), path, WRITTEN_AT);
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
  for await (const xml of items) add(written.at(-1)!.href, xml);
  const itemOf = new Map(written.map((item) => [item.question, item]));
  add(
    TEST,
    writeTest(version, exam ?? inOrder(written), (question) => itemOf.get(question)),
  );
  add(MANIFEST, manifestOf(version, written));
  zip.end();
  for await (const piece of zip.outputStream) yield piece as Uint8Array;
}

/** A test of questions that are in no exam. */
const inOrder = (items: readonly { question: number }[]): ExamOutline => {
  const places = items.map(({ question }) => ({ question, points: null, isFixed: false }));
  const section = { title: "Questions", drawCount: null, isShuffled: false, floor: null, places };
  return { title: "Questions", durationMinutes: null, floor: null, sections: [section] };
};

const pathOf = (identifier: string) => `items/${identifier}.xml`;

function manifestOf(version: QtiVersion, items: readonly { identifier: string; tags: string[] }[]): string {
  const { suffix, manifest, schema } = TYPES[version];
  const resource = (identifier: string, type: string, href: string, ...inner: string[]) =>
    element("resource", { identifier, type, href }, ...inner, element("file", { href }));
  const schemaOf = [element("schema", {}, schema), element("schemaversion", {}, version === "3.0" ? "3.0.0" : "1.0.0")];
  const resources = [
    ...items.map(({ identifier, tags }) =>
      resource(identifier, `imsqti_item_${suffix}`, pathOf(identifier), ...metadataOf(tags)),
    ),
    resource(
      "test-1",
      `imsqti_test_${suffix}`,
      TEST,
      ...items.map(({ identifier }) => element("dependency", { identifierref: identifier })),
    ),
  ];
  const parts = [
    element("metadata", {}, ...schemaOf),
    element("organizations"),
    element("resources", {}, ...resources),
  ];
  return `${DECLARATION}${element("manifest", { xmlns: manifest, identifier: "package-1" }, ...parts)}\n`;
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
