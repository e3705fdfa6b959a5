import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { gradePaper } from "../../src/domain/grading.ts";
import type { QuestionResponse } from "../../src/domain/questionType.ts";
import { parseDefinition, type QuestionTypeName, questionTypes } from "../../src/domain/questionTypes.ts";
import { responseBy, someQuestion, wordsFor } from "./exchange/someQuestions.ts";

/** What a response comes to, as a share of the points. */
function share(type: QuestionTypeName, definition: unknown, response: unknown): number {
  const grade = questionTypes[type].grade(parseDefinition(type, definition), response as QuestionResponse);
  if (grade.kind !== "graded") throw new Error("a person grades this");
  return grade.fraction.toNumber();
}

const choice = [
  { id: "a", text: "A", fraction: "1" },
  { id: "b", text: "B" },
  { id: "c", text: "C", fraction: "-0.5" },
];
const flags = [
  { id: "a", text: "A", correct: true },
  { id: "b", text: "B", correct: false },
];
const pairs = {
  options: [
    { id: "a", text: "A" },
    { id: "b", text: "B" },
  ],
  prompts: [
    { id: "1", text: "a", match: "a" },
    { id: "2", text: "b", match: "b" },
  ],
};
const matched = (...options: string[]) => ({
  pairs: options.map((option, at) => ({ prompt: String(at + 1), option })),
});
const word = { answers: [{ pattern: "yes" }, { pattern: "y", fraction: "0.5" }] };
const gaps = {
  text: "[[1]] [[2]]",
  gaps: ["1", "2"].map((id) => ({ id, kind: "text", ...word })),
};
const filled = (...values: string[]) => ({ gaps: values.map((value, at) => ({ gap: String(at + 1), value })) });
const quarter = { penalty: "0.25" };

describe("a wrong answer", () => {
  it.each<[QuestionTypeName, object, [response: object, share: number][]]>([
    [
      "SINGLE_CHOICE",
      { options: choice, ...quarter },
      [
        [{ choice: "a" }, 1],
        [{ choice: "b" }, -0.25],
        [{ choice: "c" }, -0.5],
      ],
    ],
    [
      "SINGLE_CHOICE",
      { options: choice, ...quarter, floor: "-0.1" },
      [
        [{ choice: "b" }, -0.1],
        [{ choice: "c" }, -0.1],
      ],
    ],
    [
      "TRUE_FALSE",
      { correct: true, ...quarter },
      [
        [{ choice: "true" }, 1],
        [{ choice: "false" }, -0.25],
      ],
    ],
    [
      "SHORT_TEXT",
      { ...word, ...quarter },
      [
        [{ text: "yes" }, 1],
        [{ text: "y" }, 0.5],
        [{ text: "no" }, -0.25],
        [{ text: " " }, 0],
      ],
    ],
    [
      "NUMERIC",
      { answers: [{ value: "2" }], ...quarter },
      [
        [{ number: "2" }, 1],
        [{ number: "3" }, -0.25],
      ],
    ],
    [
      "MULTIPLE_CHOICE",
      { options: flags, scoring: "allOrNothing", ...quarter },
      [
        [{ choices: ["a"] }, 1],
        [{ choices: ["a", "b"] }, -0.25],
        [{ choices: [] }, 0],
      ],
    ],
    ["MULTIPLE_CHOICE", { options: flags, scoring: "rightMinusWrong", floor: "-0.5" }, [[{ choices: ["b"] }, -0.5]]],
    [
      "MATCHING",
      { ...pairs, penalty: "0.5", floor: "-1" },
      [
        [matched("a", "b"), 1],
        [matched("a", "a"), 0.25],
        [matched("b", "a"), -0.5],
        [matched("b"), -0.25],
        [matched(), 0],
      ],
    ],
    [
      "MATCHING",
      { ...pairs, penalty: "0.5" },
      [
        [matched("a", "a"), 0.25],
        [matched("b", "a"), 0],
      ],
    ],
    [
      "MATCHING",
      { ...pairs, ...quarter, scoring: "allOrNothing" },
      [
        [matched("a"), -0.25],
        [matched(), 0],
      ],
    ],
    [
      "ORDERING",
      { items: pairs.options, ...quarter },
      [
        [{ order: ["a", "b"] }, 1],
        [{ order: ["b", "a"] }, -0.25],
      ],
    ],
    [
      "GAP_FILL",
      { ...gaps, penalty: "0.5", floor: "-0.4" },
      [
        [filled("yes", "no"), 0.25],
        [filled("no", "no"), -0.4],
        [filled("no", ""), -0.25],
        [filled("", ""), 0],
      ],
    ],
  ])("costs what %s says: %j", (type, definition, cases) => {
    for (const [response, expected] of cases)
      expect([response, share(type, definition, response)]).toEqual([response, expected]);
  });

  it("is no wrong answer where none is given", () => {
    const definition = parseDefinition("TRUE_FALSE", { correct: true, penalty: "1" });
    const question = { versionId: "v", type: "TRUE_FALSE", definition, points: "2" };
    const paper = { floor: null, sections: [{ floor: null, questions: [question] }] };
    expect(gradePaper(paper, new Map()).questions[0]!.points!.toString()).toBe("0");
    expect(gradePaper(paper, new Map([["v", { choice: "false" }]])).questions[0]!.points!.toString()).toBe("-2");
  });

  it("needs another way of scoring than one that takes away already", () => {
    expect(() =>
      parseDefinition("MULTIPLE_CHOICE", { options: flags, scoring: "rightMinusWrong", ...quarter }),
    ).toThrow();
  });

  it("never goes below the floor of the question, and never below all of its points, whatever the type", () => {
    fc.assert(
      fc.property(someQuestion, fc.array(fc.nat(1000), { minLength: 6, maxLength: 6 }), (question, seeds) => {
        const { response: shape, problemWith, grade } = questionTypes[question.type];
        const parsed = shape.safeParse(responseBy(question, seeds, wordsFor(question)));
        if (!parsed.success || problemWith(question.definition, parsed.data) !== null) return;
        const given = grade(question.definition, parsed.data);
        if (given.kind !== "graded") return;
        const { floor = "-1" } = question.definition as { floor?: string };
        expect(given.fraction.gte(floor) && given.fraction.lte(1)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
