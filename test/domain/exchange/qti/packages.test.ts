import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { countEntries } from "../../../../src/domain/exchange/countEntries.ts";
import { MAX_NOTES, MAX_QUESTIONS } from "../../../../src/domain/exchange/limits.ts";
import { qti22, qti30 } from "../../../../src/domain/exchange/qti/qti.ts";
import type { ImportedQuestion, WriteReport } from "../../../../src/domain/exchange/questionFormat.ts";
import type { Definitions } from "../../../../src/domain/exchange/typedQuestion.ts";
import { describeWithSharedData, readShared } from "../../sharedData.ts";
import { readAll } from "../files.ts";
import { someQuestion } from "../someQuestions.ts";
import { manifest, zipOf } from "./archives.ts";

const choiceItem = (body = "<p>Which?</p>", more = "") =>
  `<assessmentItem identifier="i" title="A title">
    <responseDeclaration identifier="RESPONSE" cardinality="single" baseType="identifier"><correctResponse><value>A</value></correctResponse></responseDeclaration>
    <outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float"/>
    <itemBody>${body}<choiceInteraction responseIdentifier="RESPONSE" maxChoices="1" shuffle="true">
      <simpleChoice identifier="A">yes</simpleChoice><simpleChoice identifier="B" fixed="true">no</simpleChoice></choiceInteraction></itemBody>
    <responseProcessing template="http://www.imsglobal.org/question/qti_v2p1/rptemplates/match_correct"/>${more}
  </assessmentItem>`;

async function writeAll(format: typeof qti22 | typeof qti30, questions: ImportedQuestion[]) {
  const reports: WriteReport[] = [];
  async function* each() {
    yield* questions;
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of format.write(each(), (entry) => reports.push(entry))) pieces.push(piece as Uint8Array);
  return { file: Buffer.concat(pieces), reports };
}

describe("packages of QTI", () => {
  it.each([qti22, qti30])(
    "$name brings back every question it could write, in order and with its tags",
    async (format) => {
      const questions = fc.sample(someQuestion, { numRuns: 60, seed: 7 });
      const { file, reports } = await writeAll(format, questions);
      const refused = new Set(reports.filter((it) => it.refused !== null).map(({ position }) => position));
      const kept = questions.filter((_, at) => !refused.has(at + 1));
      const read = await readAll(format, file);
      expect(read.refused).toEqual([]);
      expect(read.taken.map(({ question }) => [question.type, question.title, question.tags])).toEqual(
        kept.map(({ type, title, tags }) => [type, title, tags]),
      );
      expect(kept.length).toBeGreaterThan(30);
    },
  );

  it.each([
    ["questions", "taken", MAX_QUESTIONS],
    ["notes", "note", MAX_NOTES],
  ] as const)("may not have more %s than that", async (_what, kind, most) => {
    async function* entries() {
      for (let at = 0; at <= most; at++) yield { kind };
    }
    await expect(countEntries(entries(), new AbortController().signal)).rejects.toMatchObject({
      reason: "IMPORT_TOO_LARGE",
    });
  });

  it("reads an item that comes without a package", async () => {
    const { taken } = await readAll(qti22, choiceItem());
    expect(taken[0]).toMatchObject({
      title: "A title",
      question: { type: "SINGLE_CHOICE", stem: "Which?", points: "1" },
    });
    const { options } = taken[0]!.question.definition as Definitions["SINGLE_CHOICE"];
    expect(options).toMatchObject([
      { text: "yes", fraction: "1" },
      { text: "no", fraction: "0", pinned: true },
    ]);
  });

  it("takes what it can of a package, and says of the rest what is wrong, and in which file", async () => {
    const file = await zipOf({
      "imsmanifest.xml": manifest(["good.xml", "gone.xml", "spot.xml", "broken.xml", "latin.xml"]),
      "good.xml": choiceItem('<p>See <img src="map.png" alt=""/></p>'),
      "spot.xml": choiceItem("<hotspotInteraction/>"),
      "broken.xml": "<assessmentItem>\n<itemBody></assessmentItem>",
      "latin.xml": Buffer.from("<assessmentItem title='caf\xe9'/>", "latin1"),
    });
    const { taken, refused } = await readAll(qti30, file);
    expect(taken.map(({ changed }) => changed)).toEqual([
      ["The file map.png is not taken along; the text still refers to it."],
    ]);
    expect(refused.map(({ line, reason }) => [line, reason])).toEqual([
      [2, "The manifest names gone.xml, which is not in the archive."],
      [3, "spot.xml: There are no questions like hotspotInteraction here."],
      [4, expect.stringMatching(/^broken.xml: Line 2: this is not well-formed XML: /)],
      [5, expect.stringMatching(/^latin.xml: Line 1 of the file: .*save the file as UTF-8/)],
    ]);
  });
});

const addNothing =
  '<setOutcomeValue identifier="SCORE"><sum><variable identifier="SCORE"/><baseValue baseType="float">0</baseValue></sum></setOutcomeValue>';
const longScoring = choiceItem()
  .replace('"single" baseType="identifier"', '"multiple" baseType="identifier"')
  .replace('maxChoices="1"', 'maxChoices="0"')
  .replace(
    "</choiceInteraction>",
    `${"CDEFGHIJ".replace(/./g, '<simpleChoice identifier="$&">$&</simpleChoice>')}</choiceInteraction>`,
  )
  .replace(/<responseProcessing.*\/>/, `<responseProcessing>${addNothing.repeat(2_000)}</responseProcessing>`);

describe("hostile files", () => {
  it.each([
    ["an entity that grows", '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>', /document type/],
    ["an entity from elsewhere", '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>', /document type/],
    ["an entity nobody declared", "<x>&nbsp;</x>", /well-formed/],
    ["elements nested without end", "<x>".repeat(5_000), /nested more than 100 deep/],
    ["another encoding", '<?xml version="1.0" encoding="UTF-7"?><x/>', /encoding UTF-7 is not read/],
    ["scoring that takes too long to try", longScoring, /too long to try all responses/],
  ])("are refused: %s", async (_name, xml, reason) => {
    const { refused } = await readAll(qti22, xml);
    expect(refused[0]!.reason).toMatch(reason);
  });

  it.each([
    [
      "a bomb",
      { "imsmanifest.xml": manifest(["a.xml"]), "a.xml": Buffer.alloc(20_000_000) },
      /more than 200 times its size/,
    ],
    ["no manifest", { "a.xml": choiceItem() }, /no imsmanifest.xml at the top/],
    ["a manifest that leads out", { "imsmanifest.xml": manifest(["../../etc/passwd"]) }, /leads out of the package/],
    ["nothing of QTI", { "imsmanifest.xml": manifest([]) }, /no items and no tests/],
  ])("are refused: a package with %s", async (_name, files, reason) => {
    await expect(readAll(qti22, await zipOf(files as Record<string, string>))).rejects.toThrow(reason);
  });

  it("are refused: a path that leads out of the package, a file cut off, what is neither", async () => {
    const outward = Buffer.from(await zipOf({ "imsmanifest.xml": manifest([]), "aa/evil.xml": "x" })).toString(
      "latin1",
    );
    const evil = Buffer.from(outward.replaceAll("aa/evil.xml", "../evil.xml"), "latin1");
    await expect(readAll(qti22, evil)).rejects.toThrow(/invalid relative path/);
    const whole = await zipOf({ "imsmanifest.xml": manifest(["a.xml"]) });
    await expect(readAll(qti22, whole.subarray(0, whole.length - 30))).rejects.toThrow(/The package cannot be read/);
    await expect(readAll(qti22, "What is this?")).rejects.toThrow(/neither a zip file nor XML/);
  });
});

describeWithSharedData("packages and items of other makers", () => {
  const pack = (name: string) =>
    readFileSync(new URL(`../../../../../shared/data/qti-packages/${name}`, import.meta.url));

  it("reads the good package in the order of its test", async () => {
    const { taken, refused, notes } = await readAll(qti22, pack("minimal_qti_2.1_sample.zip"));
    expect(refused).toEqual([]);
    expect(notes[0]!.message).toMatch(/^The test "example_pool_from_test_maker" gives its 2 items their order/);
    const seen = taken.map(({ question: { type, stem, definition } }) => {
      const { options } = definition as { options: { text: string; fraction?: string; correct?: boolean }[] };
      return [
        type,
        stem,
        options.map(({ text }) => text),
        options.filter((it) => it.correct ?? it.fraction === "1").map(({ text }) => text),
      ];
    });
    expect(seen).toEqual([
      ["SINGLE_CHOICE", "What is your favorite color?", ["blue", "red", "yellow"], ["blue"]],
      [
        "MULTIPLE_CHOICE",
        "Which are types of fruit?",
        ["orange", "banana", "apple", "lettuce", "spinach"],
        ["orange", "banana", "apple"],
      ],
    ]);
  });

  it("refuses the bad ones for what is wrong with them", async () => {
    await expect(readAll(qti22, pack("NotContentPackage.zip"))).rejects.toThrow(/no imsmanifest.xml at the top/);
    const { refused } = await readAll(qti22, pack("MissingFile.zip"));
    expect(refused.map(({ reason }) => reason)).toEqual([
      "The manifest names missing.xml, which is not in the archive.",
    ]);
  });

  it.each([
    ["qti22/choice_match_correct/item.xml", "SINGLE_CHOICE"],
    ["qti22/mapping_mapResponse/item.xml", "SINGLE_CHOICE"],
    ["qti22/member_multiple/item.xml", "MULTIPLE_CHOICE"],
    ["qti22/multiple_unordered_match/item.xml", /no interaction that asks/],
    ["qti22/outcome_numeric_default_zero_accumulating/item.xml", "GAP_FILL"],
    ["qti22/qti22_advanced_q10_hotspot/item.xml", /hotspotInteraction/],
    ["qti22/qti22_advanced_q12_inline_choice/item.xml", "GAP_FILL"],
    ["qti30/match-correct-template.xml", "SHORT_TEXT"],
    ["qti30/simple-choice-processing.xml", "SINGLE_CHOICE"],
    ["qti30/simple-match-processing.xml", "MATCHING"],
    ["qti30/without-response-processing.xml", "ESSAY"],
  ])("makes of %s: %s", async (path, expected) => {
    const { taken, refused } = await readAll(qti22, readShared(path));
    if (typeof expected === "string") expect([refused, taken[0]?.question.type]).toEqual([[], expected]);
    else expect(refused[0]!.reason).toMatch(expected);
  });
});
