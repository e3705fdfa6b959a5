import { describe, expect, it } from "@jest/globals";
import type { QuestionResponse, Solution } from "../../src/domain/questionType.ts";
import { parseDefinition, parseResponse, questionType, questionTypes } from "../../src/domain/questionTypes.ts";

const options = [
  { id: "a", text: "A", fraction: "1" },
  { id: "b", text: "B", fraction: "0.5" },
  { id: "c", text: "C" },
];
const answers = [{ pattern: "Basel" }, { regex: "B[aâ]le" }, { pattern: "Bern", fraction: "0.5" }];
const numbers = [
  { value: "3.14", tolerance: "0.01" },
  { value: "300", significantFigures: 2 },
  { min: "7", max: "8" },
  { value: "9", fraction: "0.5" },
  { any: true },
];
const units = [{ unit: "cm", factor: "0.01" }];
const acceptedNumbers = [
  { value: "3.14", tolerance: "0.01", toleranceType: "absolute" },
  { value: "300", significantFigures: 2 },
  { min: "7", max: "8" },
];

/** What is said to be right, and responses made of it, each of which must earn all points. */
const cases: [string, object, Solution | null, QuestionResponse[]][] = [
  [
    "SINGLE_CHOICE",
    { options: [...options, { id: "d", text: "D", fraction: "1" }] },
    { choice: ["a", "d"] },
    [{ choice: "a" }, { choice: "d" }],
  ],
  ["TRUE_FALSE", { correct: false }, { choice: ["false"] }, [{ choice: "false" }]],
  ...(["weighted", "rightMinusWrong", "proportional", "allOrNothing"] as const).map(
    (scoring): (typeof cases)[number] => [
      "MULTIPLE_CHOICE",
      {
        scoring,
        options: [
          { id: "a", text: "A", correct: true },
          { id: "b", text: "B", correct: false },
          { id: "c", text: "C", correct: true },
        ],
      },
      { choices: ["a", "c"] },
      [{ choices: ["a", "c"] }],
    ],
  ),
  ["SHORT_TEXT", { answers }, { text: [{ pattern: "Basel" }, { regex: "B[aâ]le" }] }, [{ text: "Basel" }]],
  [
    "NUMERIC",
    { answers: numbers, units },
    { number: acceptedNumbers as never, units },
    [{ number: "3.14" }, { number: "300" }, { number: "7" }, { number: "800 cm" }],
  ],
  [
    "MATCHING",
    {
      options: [
        { id: "x", text: "X" },
        { id: "y", text: "Y" },
      ],
      prompts: [
        { id: "p", text: "P", match: "y" },
        { id: "q", text: "Q", match: "y" },
      ],
    },
    {
      pairs: [
        { prompt: "p", option: "y" },
        { prompt: "q", option: "y" },
      ],
    },
    [
      {
        pairs: [
          { prompt: "p", option: "y" },
          { prompt: "q", option: "y" },
        ],
      },
    ],
  ],
  [
    "ORDERING",
    {
      items: [
        { id: "2", text: "first" },
        { id: "1", text: "second" },
      ],
    },
    { order: ["2", "1"] },
    [{ order: ["2", "1"] }],
  ],
  [
    "GAP_FILL",
    {
      text: "[[g]] [[h]] [[i]]",
      gaps: [
        { id: "g", kind: "choice", options },
        { id: "h", kind: "text", answers },
        { id: "i", kind: "number", answers: numbers },
      ],
    },
    {
      gaps: [
        { gap: "g", choice: ["a"] },
        { gap: "h", text: [{ pattern: "Basel" }, { regex: "B[aâ]le" }] },
        { gap: "i", number: acceptedNumbers as never },
      ],
    },
    [
      {
        gaps: [
          { gap: "g", value: "a" },
          { gap: "h", value: "Basel" },
          { gap: "i", value: "8" },
        ],
      },
    ],
  ],
  ["ESSAY", { guidance: "Look for three points." }, null, []],
  ["INFORMATION", {}, null, []],
];

describe("the solution of a question", () => {
  it.each(cases)("of %s earns all points: %j", (name, given, solution, responses) => {
    const definition = parseDefinition(name, given);
    const type = questionType(name);
    expect(type.solution(definition)).toEqual(solution);
    for (const response of responses) {
      const grade = type.grade(definition, parseResponse(name, definition, response));
      expect(grade).toMatchObject({ kind: "graded" });
      expect(grade.kind === "graded" && grade.fraction.toFixed()).toBe("1");
    }
  });

  it("is there for every type that is graded by a key", () => {
    const judged = ["ESSAY", "FILE_UPLOAD", "INFORMATION"];
    const covered = new Set(cases.map(([name]) => name));
    expect(Object.keys(questionTypes).filter((name) => !covered.has(name) && !judged.includes(name))).toEqual([]);
  });
});
