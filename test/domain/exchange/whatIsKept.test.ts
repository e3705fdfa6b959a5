import { describe, expect, it } from "@jest/globals";
import type { ImportedQuestion } from "../../../src/domain/exchange/questionFormat.ts";
import { questionFormats } from "../../../src/domain/exchange/questionFormats.ts";
import { parseDefinition, type QuestionTypeName } from "../../../src/domain/questionTypes.ts";
import { readAll, writeAll } from "./files.ts";

const options = [{ text: "right", fraction: "1" }, { text: "wrong" }];
const asked = (type: QuestionTypeName, definition: object, more: object = {}): ImportedQuestion => ({
  ...{ type, title: null, stem: "Which?", stemFormat: "PLAIN", points: "1", feedback: null, tags: [] },
  definition: parseDefinition(type, definition),
  ...more,
});
const outcomeFeedback = { correct: "Yes.", partlyCorrect: "Nearly.", incorrect: "No." };

async function journey(format: "CSV" | "GIFT" | "AIKEN" | "MOODLE_XML", question: ImportedQuestion) {
  const { file, reports } = await writeAll(questionFormats[format], [question]);
  const { taken } = await readAll(questionFormats[format], file);
  return { after: taken[0]?.question, lost: reports.flatMap((it) => it.lost), refused: reports[0]?.refused ?? null };
}

describe("what files keep of", () => {
  it.each([
    ["CSV", "SINGLE_CHOICE", { options }],
    ["CSV", "SHORT_TEXT", { answers: [{ pattern: "x" }] }],
    ["MOODLE_XML", "SINGLE_CHOICE", { options }],
    ["MOODLE_XML", "ORDERING", { items: options.map(({ text }) => ({ text, feedback: "Not here." })) }],
  ] as const)("feedback by what was earned: all, in %s of %s", async (format, type, definition) => {
    const { after, lost } = await journey(format, asked(type, definition, { outcomeFeedback }));
    expect(after).toMatchObject({ outcomeFeedback });
    expect(lost).toEqual([]);
    if (type === "ORDERING") expect(after).toMatchObject({ definition: { items: [{ feedback: "Not here." }, {}] } });
  });

  it.each([
    ["GIFT", "SINGLE_CHOICE", { options }],
    ["AIKEN", "SINGLE_CHOICE", { options }],
    ["MOODLE_XML", "TRUE_FALSE", { correct: true }],
  ] as const)(
    "feedback by what was earned: nothing, and they say so, in %s of %s",
    async (format, type, definition) => {
      const { after, lost } = await journey(format, asked(type, definition, { outcomeFeedback }));
      expect(after?.outcomeFeedback).toBeUndefined();
      expect(lost).toContain("The feedback for right, partly right and wrong answers.");
    },
  );

  it("a penalty: what a wrong option costs, or nothing of the question", async () => {
    const penalty = { penalty: "0.25" };
    const single = await journey("GIFT", asked("SINGLE_CHOICE", { options, ...penalty }));
    expect(single.after).toMatchObject({ definition: { options: [{ fraction: "1" }, { fraction: "-0.25" }] } });
    const typed = asked("SHORT_TEXT", { answers: [{ pattern: "x" }], ...penalty });
    expect((await journey("GIFT", typed)).refused).toBe("The format cannot say that a wrong answer costs points.");
    expect((await journey("CSV", typed)).after).toMatchObject({ definition: penalty });
  });

  it("texts that are not safe: what is left of them, and the report says what went", async () => {
    const xml = `<quiz><question type="multichoice"><questiontext format="html"><text><![CDATA[<p style="x">Q</p><img src="@@PLUGINFILE@@/a.png" alt="">]]></text></questiontext>
      <correctfeedback format="html"><text><![CDATA[<b onclick="x()">Yes</b>]]></text></correctfeedback><single>true</single>
      <answer fraction="100"><text>a</text></answer><answer fraction="0"><text>b</text></answer></question></quiz>`;
    const { taken } = await readAll(questionFormats.MOODLE_XML, xml);
    expect(taken[0]).toMatchObject({
      question: {
        stem: '<p>Q</p><img src="@@PLUGINFILE@@/a.png" alt="" />',
        outcomeFeedback: { correct: "<b>Yes</b>" },
      },
      changed: [expect.stringContaining("the attribute style of <p>, the attribute onclick of <b>")],
    });
  });
});
