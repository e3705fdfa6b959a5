import { describe, expect, it } from "@jest/globals";
import { gradePaper, type QuestionToGrade } from "../../src/domain/grading.ts";
import type { QuestionResponse } from "../../src/domain/questionType.ts";
import { isAnswered, parseDefinition, parseResponse, questionTypes } from "../../src/domain/questionTypes.ts";
import { correctnessOf } from "../../src/domain/results.ts";

const options = ["a", "b", "c"].map((id) => ({ id, text: id, feedback: `You chose ${id}.` }));
const costly = { penalty: "1", floor: "-1" };
const flags = options.map((option) => ({ ...option, correct: option.id === "a" }));
const [right, ...others] = options;
const weighted = [{ ...right!, fraction: "1" }, ...others.map((option) => ({ ...option, fraction: "-1" }))];
const text = { answers: [{ pattern: "*", feedback: "Something." }], ...costly };
const number = { answers: [{ any: true, fraction: "1", feedback: "A number." }], ...costly };
const prompts = options.map(({ id }) => ({ id, text: id, match: id, feedback: "Matched." }));
const gaps = {
  text: "[[t]] [[n]] [[c]]",
  gaps: [
    { id: "t", kind: "text", answers: [{ pattern: "*" }] },
    { id: "n", kind: "number", answers: [{ any: true, fraction: "1" }] },
    { id: "c", kind: "choice", options: weighted },
  ],
  ...costly,
};
const filled = (...values: string[]) => ({ gaps: values.map((value, at) => ({ gap: ["t", "n", "c"][at]!, value })) });

/** What can be emptied again, with all that could cost or earn something. A choice of one option is taken back with null. */
const EMPTIED: [type: string, definition: unknown, responses: unknown[], answered: unknown][] = [
  ...["weighted", "rightMinusWrong", "proportional"].map((scoring): (typeof EMPTIED)[number] => [
    "MULTIPLE_CHOICE",
    { options: flags, scoring, floor: "-1" },
    [{ choices: [] }],
    { choices: ["b"] },
  ]),
  ["MULTIPLE_CHOICE", { options: weighted, floor: "-1" }, [{ choices: [] }], { choices: ["b"] }],
  ["MULTIPLE_CHOICE", { options: flags, scoring: "allOrNothing", ...costly }, [{ choices: [] }], { choices: ["b"] }],
  ["SHORT_TEXT", text, ["", "  ", "\n\t"].map((it) => ({ text: it })), { text: "x" }],
  ["NUMERIC", number, ["", "  "].map((it) => ({ number: it })), { number: "1" }],
  ["MATCHING", { options, prompts, ...costly }, [{ pairs: [] }], { pairs: [{ prompt: "a", option: "b" }] }],
  [
    "MATCHING",
    { options, prompts, scoring: "allOrNothing", ...costly },
    [{ pairs: [] }],
    { pairs: [{ prompt: "a", option: "b" }] },
  ],
  ...["exact", "adjacentPairs", "longestCommonSubsequence"].map((scoring): (typeof EMPTIED)[number] => [
    "ORDERING",
    { items: options, scoring, feedbackRight: "Right.", feedbackWrong: "Wrong.", ...costly },
    [{ order: [] }],
    { order: ["c", "b", "a"] },
  ]),
  ["GAP_FILL", gaps, [filled(), filled(""), filled(" ", "", "  ")], filled("", "", "b")],
  ["ESSAY", {}, [{ text: "" }, { text: " \n" }], { text: "x" }],
  ["FILE_UPLOAD", {}, [{ files: [] }], { files: ["01890a5d-ac96-774b-bcce-b302099a8057"] }],
];

describe("an answer that was emptied again", () => {
  const outcomeFeedback = { correct: "All.", partlyCorrect: "Part.", incorrect: "None." };
  const graded = (type: string, definition: unknown, response: QuestionResponse | null) => {
    const question: QuestionToGrade = { versionId: "v", type, definition, points: "3", outcomeFeedback };
    const paper = { floor: null, sections: [{ floor: null, questions: [question] }] };
    const { questions, needsHuman } = gradePaper(paper, new Map([["v", response]]));
    return { ...questions[0]!, needsHuman };
  };

  it.each(EMPTIED)("is none: %s %j", (type, given, responses, answered) => {
    const definition = parseDefinition(type, given);
    for (const response of responses) {
      const parsed = parseResponse(type, definition, response);
      expect(isAnswered(type, parsed)).toBe(false);
      const grade = graded(type, definition, parsed);
      expect(grade).toEqual(graded(type, definition, null));
      expect(grade).toMatchObject({ feedback: null, needsHuman: false });
      expect(grade.points?.toString()).toBe("0");
      const correctness = correctnessOf({ isAnswered: isAnswered(type, parsed), points: grade.points, maxPoints: "3" });
      expect(correctness).toBe("UNANSWERED");
    }
    const parsed = parseResponse(type, definition, answered);
    expect(isAnswered(type, parsed)).toBe(true);
    expect(graded(type, definition, parsed)).not.toEqual(graded(type, definition, null));
  });

  it("is none to the grader of each type, too", () => {
    for (const [type, given, responses] of EMPTIED) {
      const definition = parseDefinition(type, given);
      for (const response of responses)
        expect(
          questionTypes[type as keyof typeof questionTypes].grade(definition, response as QuestionResponse),
        ).toMatchObject({ kind: "graded", feedback: null });
    }
  });

  it("can be of every type but those of one choice and of none", () => {
    const types = new Set(EMPTIED.map(([type]) => type));
    expect(Object.keys(questionTypes).filter((type) => !types.has(type))).toEqual([
      "SINGLE_CHOICE",
      "TRUE_FALSE",
      "INFORMATION",
    ]);
  });

  it("cannot be what earns the points: a choice of several options has a right one", () => {
    for (const scoring of ["weighted", "rightMinusWrong", "proportional", "allOrNothing"]) {
      const noneRight = { scoring, options: options.map((option) => ({ ...option, correct: false })) };
      expect(() => parseDefinition("MULTIPLE_CHOICE", noneRight)).toThrow();
    }
  });
});
