import { describe, expect, it } from "@jest/globals";
import { gift } from "../../../src/domain/exchange/gift.ts";
import { MAX_FILE_BYTES, MAX_QUESTION_LENGTH } from "../../../src/domain/exchange/limits.ts";
import type { QuestionFormat } from "../../../src/domain/exchange/questionFormat.ts";
import { questionFormats } from "../../../src/domain/exchange/questionFormats.ts";
import { readAll } from "./files.ts";

const { AIKEN, CSV, GIFT, MOODLE_XML } = questionFormats;
const refusal = async (format: QuestionFormat, file: string | Uint8Array, size?: number) => {
  try {
    await readAll(format, file, size);
  } catch (error) {
    return (error as Error).message;
  }
  return "read";
};
const quiz = (inside: string) => `<?xml version="1.0" encoding="UTF-8"?>\n<quiz>${inside}</quiz>`;
const GOOD = "Two?\nA) 1\nB) 2\nANSWER: B\n";
const question = (text: string) =>
  `<question type="truefalse"><questiontext><text>${text}</text></questiontext><answer fraction="100"><text>true</text></answer><answer fraction="0"><text>false</text></answer></question>`;

describe("a file of questions", () => {
  it.each([
    [
      "entities that grow",
      `<!DOCTYPE quiz [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>${quiz("&b;")}`.replace(/<\?xml.*\?>\n/, ""),
      "a document type",
    ],
    [
      "an external entity",
      `<!DOCTYPE quiz [<!ENTITY x SYSTEM "file:///etc/passwd">]><quiz>&x;</quiz>`,
      "a document type",
    ],
    ["an entity nobody declared", quiz(question("&x;")), "not well-formed"],
    ["a tag that is not closed", quiz("<question>"), "not well-formed"],
    ["another root", "<html></html>", "begins with <html> and not with <quiz>"],
    ["elements within elements", quiz("<a>".repeat(200) + "</a>".repeat(200)), "nested more than 100 deep"],
    ["no XML at all", GOOD, "not well-formed"],
  ])("is refused for %s", async (_name, file, reason) => {
    expect(await refusal(MOODLE_XML, file)).toContain(reason);
    expect(await refusal(MOODLE_XML, file, 3)).toContain(reason);
  });

  it.each(Object.values(questionFormats).filter(({ isBinary }) => !isBinary))(
    "of $name is refused for broken encodings",
    async (format) => {
      expect(await refusal(format, Buffer.from([0x61, 0x62, 0xff, 0xc0, 0x0a]))).toContain("not in the encoding");
      expect(await refusal(format, Buffer.from("<quiz>Frage \xe4\xf6\xfc: wahr", "latin1"))).toContain(
        "not in the encoding",
      );
      expect(await refusal(format, Buffer.from("a\nb\0c"))).toMatch(/Line 2 .*NUL characters/);
    },
  );

  it("is refused when it is too large, before it is kept", async () => {
    let sent = 0;
    async function* endless() {
      for (;;) {
        sent += 1_000_000;
        yield Buffer.alloc(1_000_000, "a");
      }
    }
    await expect(gift.read(endless()).next()).rejects.toThrow("larger than 50 MB");
    expect(sent).toBeLessThan(MAX_FILE_BYTES + 2_000_000);
  });

  it("may be UTF-16, or begin with a byte order mark", async () => {
    const text = `\uFEFFGrün 🙂?\r\nA) ja\r\nB) nein\r\nANSWER: A\r\n`;
    const bigEndian = Buffer.from(text, "utf16le").swap16();
    for (const file of [text, Buffer.from(text), Buffer.from(text, "utf16le"), bigEndian]) {
      for (const size of [1, 3, 1_000]) {
        const { taken } = await readAll(AIKEN, file, size);
        expect(taken.map((it) => it.question.stem)).toEqual(["Grün 🙂?"]);
      }
    }
  });

  it("loses only the question that is longer than 1 MB", async () => {
    const long = "x".repeat(MAX_QUESTION_LENGTH + 1);
    const files: [QuestionFormat, string][] = [
      [MOODLE_XML, quiz(question(long) + question("short"))],
      [GIFT, `${long}{T}\n\nshort{T}\n`],
      [AIKEN, `${long}\nA) 1\nB) 2\nANSWER: A\n\n${GOOD}`],
      [CSV, `type,stem,correct\nTRUE_FALSE,"${long}",true\nTRUE_FALSE,short,true\n`],
    ];
    for (const [format, file] of files) {
      const { taken, refused } = await readAll(format, file, 65_536);
      expect(refused.map(({ reason }) => reason)).toEqual(["The question is longer than 1 MB."]);
      expect(taken).toHaveLength(1);
    }
  });

  it("is told apart line by line when single questions are wrong", async () => {
    const file = `No options\n\n${GOOD}\nNo answer\nA) 1\nB) 2\n\nThree?\nA) 1\nB) 2\nANSWER: C\n\nOne?\nA) 1\nANSWER: A\n`;
    const { taken, refused } = await readAll(AIKEN, file);
    expect(taken.map(({ line }) => line)).toEqual([3]);
    expect(refused.map(({ line, reason }) => [line, reason])).toEqual([
      [1, expect.stringContaining("no options")],
      [8, expect.stringContaining("no line ANSWER")],
      [12, expect.stringContaining("no option C")],
      [17, "A choice needs at least two options."],
    ]);
  });

  it("names what a Moodle question loses, and the types there are none of", async () => {
    const file = quiz(
      `\n<question type="calculated"><name><text>C</text></name><questiontext><text>{a}</text></questiontext></question>
      <question type="cloze"><questiontext format="html"><text><![CDATA[<p>{1:SHORTANSWER:=Berlin#Yes~%50%Bonn} {2:NM:=3:0.5} {:MCS:=a~b\\}}</p>]]></text>
        <file name="map.png" encoding="base64">AAAA</file></questiontext><penalty>0.3333333</penalty><tags><tag><text>geo</text></tag></tags></question>`,
    );
    const { taken, refused } = await readAll(MOODLE_XML, file);
    expect(refused).toMatchObject([{ line: 3, title: "C", reason: expect.stringContaining('"calculated"') }]);
    expect(taken).toMatchObject([
      {
        line: 4,
        question: {
          type: "GAP_FILL",
          tags: ["geo"],
          definition: {
            text: "<p>[[1]] [[2]] [[3]]</p>",
            gaps: [
              {
                kind: "text",
                answers: [
                  { pattern: "Berlin", feedback: "Yes" },
                  { pattern: "Bonn", fraction: "0.5" },
                ],
              },
              { kind: "number", weight: "2", answers: [{ value: "3", tolerance: "0.5" }] },
              { kind: "choice", options: [{ text: "a" }, { text: "b}" }] },
            ],
          },
        },
      },
    ]);
    expect(taken[0]!.changed.join(" ")).toMatch(/instruction.*penalty of 0.33.*map.png/);
  });

  it("takes a table as a person writes it", async () => {
    const file =
      "Type;Stem;Correct;Option_1;Option_2;Mood\nsingle choice;Which?;B;one;two;x\ntrue_false;Is it?;yes;;;\nnumeric;How many?;;3,5:0,1;;\nriddle;What?;;;;\n";
    const { taken, refused, notes } = await readAll(CSV, file);
    expect(taken.map(({ question }) => question)).toMatchObject([
      {
        type: "SINGLE_CHOICE",
        definition: {
          options: [
            { text: "one", fraction: "0" },
            { text: "two", fraction: "1" },
          ],
        },
      },
      { type: "TRUE_FALSE", definition: { correct: true } },
      { type: "NUMERIC", definition: { answers: [{ value: "3.5", tolerance: "0.1" }] } },
    ]);
    expect(refused).toMatchObject([{ line: 5, reason: expect.stringContaining('no type "riddle"') }]);
    expect(notes).toMatchObject([{ message: 'The column "mood" is not known, and not used.' }]);
  });
});
