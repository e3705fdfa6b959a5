import { zipOf } from "./archives.ts";

/** A package with a test in `test.xml`; its other files are items, and those in folders sections. */
export function packageOf(files: Record<string, string>): Promise<Uint8Array> {
  const kindOf = (path: string) => (path === "test.xml" ? "test" : path.includes("/") ? "section" : "item");
  const resources = Object.keys(files).map(
    (path) => `<resource type="imsqti_${kindOf(path)}_xmlv2p1" href="${path}"/>`,
  );
  return zipOf({ "imsmanifest.xml": `<manifest><resources>${resources.join("")}</resources></manifest>`, ...files });
}

/** A choice whose score is at most so many points. */
export const sampleItem = (title: string, points: string) =>
  `<assessmentItem identifier="i" title="${title}">
    <responseDeclaration identifier="RESPONSE" cardinality="single" baseType="identifier">
      <mapping><mapEntry mapKey="A" mappedValue="${points}"/></mapping></responseDeclaration>
    <outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float"/>
    <itemBody><p>Which?</p><choiceInteraction responseIdentifier="RESPONSE" maxChoices="1" shuffle="true">
      <simpleChoice identifier="A">yes</simpleChoice><simpleChoice identifier="B">no</simpleChoice></choiceInteraction></itemBody>
    <responseProcessing template="http://www.imsglobal.org/question/qti_v2p1/rptemplates/map_response"/>
  </assessmentItem>`;
