import { expect, it } from "@jest/globals";
import { parseDefinition } from "../../src/domain/questionTypes.ts";
import { createExamAnalysis } from "../../src/services/examAnalysis.ts";
import type { ExamQuestion } from "../../src/services/examQuestions.ts";

it("counts a choice that was emptied again with those who chose nothing", async () => {
  const options = ["a", "b"].map((id) => ({ id, text: id, correct: id === "a" }));
  const definition = parseDefinition("MULTIPLE_CHOICE", { options, scoring: "proportional" });
  const question = { id: "q", versionId: "v", version: 1, title: null, type: "MULTIPLE_CHOICE", definition };
  const place = { points: "1", treatment: "NORMAL", question } as ExamQuestion;
  const given = [["a"], [], null].map((choices, at) => ({
    id: `${at}`,
    versionIds: ["v"],
    answers: choices === null ? [] : [{ versionId: "v", points: choices.length, response: { choices } }],
  }));
  const analysis = createExamAnalysis([place], given.length);
  for (const add of [analysis.addMarks, analysis.addChoices])
    given.forEach((row, person) => {
      add(person, row);
    });
  const { items } = await analysis.result();
  expect(items[0]!.mean).toBeCloseTo(1 / 3, 12);
  expect(items[0]!.responses).toEqual([
    { optionId: "a", text: "a", low: 0, middle: 0, high: 1 },
    { optionId: "b", text: "b", low: 0, middle: 0, high: 0 },
    { optionId: null, text: null, low: 2, middle: 0, high: 0 },
  ]);
});
