import { randomBytes } from "node:crypto";
import { describe, expect, it, jest } from "@jest/globals";
import { countEntries } from "../../../../src/domain/exchange/countEntries.ts";
import { MAX_QUESTIONS } from "../../../../src/domain/exchange/limits.ts";
import { qti22, qti30 } from "../../../../src/domain/exchange/qti/qti.ts";
import type { ImportedQuestion } from "../../../../src/domain/exchange/questionFormat.ts";
import { readAll, stored } from "../files.ts";
import { manifest, zipOf } from "./archives.ts";

const aQuestion: ImportedQuestion = {
  type: "INFORMATION",
  title: null,
  stem: "Read this.",
  stemFormat: "PLAIN",
  definition: {},
  points: "0",
  feedback: null,
  tags: [],
};

const ITEM = '<assessmentItem identifier="i"><itemBody><p>Read this.</p></itemBody></assessmentItem>';

/** Generous: thousands of files are packed and unpacked here, and the machine may be busy. */
jest.setTimeout(180_000);

/** With as many tags the manifest is as long as that of 10,000 questions with four each. */
const [TAGGED, TAGS] = [2_000, 20];

describe("a package of as many questions as there may be", () => {
  it("comes back with all its tags, and neither writing nor reading holds it as a whole", async () => {
    const tagsOf = (at: number) =>
      Array.from({ length: TAGS }, (_, n) => `by ${"long-".repeat(8)}${n % 2 ? "all" : at} ${n}`);
    const information = (at: number) => ({ ...aQuestion, stem: `Read text ${at}.`, tags: tagsOf(at) });
    let asked = 0;
    async function* each() {
      for (; asked < TAGGED; asked++) yield information(asked);
    }
    const parts: Uint8Array[] = [];
    let written = 0;
    for await (const part of qti30.write(each(), () => {})) {
      if (written === 0) expect(asked).toBeLessThan(200); // and not all of them before the first byte
      written += part.length;
      parts.push(part);
    }
    const file = stored(Buffer.concat(parts));
    let longest = 0;
    const range = (start: number, end: number) => {
      longest = Math.max(longest, end - start);
      return file.range(start, end);
    };
    let taken = 0;
    for await (const entry of qti30.read({ ...file, range })) {
      if (entry.kind === "note" || entry.kind === "exam") continue;
      if (entry.kind === "refused") throw new Error(entry.reason);
      const { stem, tags } = information(taken);
      if (entry.question.stem !== stem || entry.question.tags.join() !== tags.join())
        throw new Error(`Question ${taken} came back as ${JSON.stringify(entry.question)}`);
      taken += 1;
    }
    expect(taken).toBe(TAGGED);
    expect(longest).toBeLessThan(100_000);
  });

  it("is not made any further when nobody takes it", async () => {
    let asked = 0;
    async function* endless() {
      for (;;) {
        asked += 1;
        yield aQuestion;
      }
    }
    for await (const _piece of qti22.write(endless(), () => {})) break;
    const before = asked;
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toBeLessThan(before + 10);
  });

  it("is not refused when the place it is kept in cannot be reached", async () => {
    const gone = new Error("The connection to the database was lost.");
    const whole = stored(await zipOf({ "imsmanifest.xml": manifest(["good.xml"]), "good.xml": ITEM }));
    let left = 1; // for the first two bytes, by which a package is known
    const range = async (start: number, end: number) => {
      if (left-- <= 0) throw gone;
      return whole.range(start, end);
    };
    await expect(qti22.read({ ...whole, range }).next()).rejects.toBe(gone);
  });

  it("may have long names, in a manifest and a test of more than 1 MB each", async () => {
    const hrefs = Array.from({ length: MAX_QUESTIONS }, (_, at) => `items/${"long-".repeat(20)}${at}.xml`);
    const references = hrefs.map((href) => `<assessmentItemRef href="${href}"/>`).join("");
    const file = await zipOf({
      "imsmanifest.xml": manifest(hrefs).replace(
        "</resources>",
        '<resource type="imsqti_test_xmlv2p1" href="test.xml"/></resources>',
      ),
      "test.xml": `<assessmentTest title="All">${references}</assessmentTest>`,
    });
    // The items themselves are left out: each is a question that is refused, which takes a moment and not a minute.
    const counted = await countEntries(qti22.read(stored(file)), new AbortController().signal);
    expect(counted).toEqual({ questions: MAX_QUESTIONS, entries: MAX_QUESTIONS + 1 });
  });
});

describe("a package that lists more than that", () => {
  it("is refused for a million files, before its manifest is read to the end", async () => {
    const hrefs = Array.from({ length: 1_000_000 }, (_, at) => `${at}`);
    const file = stored(await zipOf({ "imsmanifest.xml": manifest(hrefs) }));
    let read = 0;
    const range = async (start: number, end: number) => {
      const bytes = await file.range(start, end);
      read += bytes.length;
      return bytes;
    };
    await expect(qti30.read({ ...file, range }).next()).rejects.toThrow(
      "imsmanifest.xml: it names more than 25000 resources.",
    );
    expect(read).toBeLessThan(file.size / 2);
  });

  it("is refused for more questions than are taken, before they are tried", async () => {
    const hrefs = Array.from({ length: MAX_QUESTIONS + 1 }, (_, at) => `${at}.xml`);
    await expect(readAll(qti22, await zipOf({ "imsmanifest.xml": manifest(hrefs) }))).rejects.toMatchObject({
      reason: "IMPORT_TOO_LARGE",
    });
  });

  it.each([
    [
      "a tag without end",
      `<manifest a="${randomBytes(1_500_000).toString("hex")}"/>`,
      /a tag, a text or a comment is longer than 1 MB/,
    ],
    ["elements nested without end", "<manifest>".repeat(5_000), /nested more than 100 deep/],
    [
      "an entity that grows",
      '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><manifest>&b;</manifest>',
      /document type/,
    ],
    ["another root", "<html/>", /holds <html> and no manifest/],
  ])("is refused for a manifest with %s", async (_name, xml, reason) => {
    await expect(readAll(qti22, await zipOf({ "imsmanifest.xml": xml }))).rejects.toThrow(reason);
  });

  it("loses only a test that has more elements than any test", async () => {
    const test = `<assessmentTest>${"<a/>".repeat(600_000)}</assessmentTest>`;
    const listed = manifest(["good.xml"]).replace(
      "</resources>",
      '<resource type="imsqti_test_xmlv2p1" href="test.xml"/></resources>',
    );
    const file = await zipOf({ "imsmanifest.xml": listed, "good.xml": ITEM, "test.xml": test }, false);
    const { taken, refused } = await readAll(qti22, file);
    expect(taken).toHaveLength(1);
    expect(refused.map(({ reason }) => reason)).toEqual([
      "test.xml: The file has more than 500000 elements and texts.",
    ]);
  });
});
