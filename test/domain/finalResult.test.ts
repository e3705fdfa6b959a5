import { describe, expect, it } from "@jest/globals";
import { type AttemptGrading, type AttemptToCount, finalScore } from "../../src/domain/finalResult.ts";

const rules = (attemptGrading: AttemptGrading) => ({
  attemptGrading,
  passMarkPercent: "50",
  gradeScale: [
    { name: "good", fromPercent: "70" },
    { name: "enough", fromPercent: "50" },
  ],
});

/** Scores in the order of the attempts; null for one that is not graded. "3/4" is 3 of 4 points. */
const attempts = (...scores: (string | null)[]): AttemptToCount[] =>
  scores.map((text, at) => {
    const [score = null, maxScore = "10"] = text?.split("/") ?? [];
    return { id: `${at + 1}`, number: at + 1, status: text === null ? "SUBMITTED" : "GRADED", score, maxScore };
  });

describe("finalScore", () => {
  it.each([
    ["BEST", ["4", "7", "6"], { score: "7", countedIds: ["2"], complete: true, passed: true, grade: "good" }],
    ["MEAN", ["4", "7", "6"], { score: "5.6667", countedIds: ["1", "2", "3"], complete: true, grade: "enough" }],
    ["FIRST", ["4", "7", "6"], { score: "4", countedIds: ["1"], complete: true, passed: false, grade: null }],
    ["LAST", ["4", "7", "6"], { score: "6", countedIds: ["3"], complete: true, passed: true, grade: "enough" }],
    // what is not graded
    ["BEST", ["4", null], { score: "4", countedIds: ["1"], complete: false, passed: null, grade: null }],
    ["MEAN", ["4", null], { score: "4", countedIds: ["1"], complete: false, passed: null, grade: null }],
    ["FIRST", ["4", null], { score: "4", countedIds: ["1"], complete: true, passed: false }],
    ["FIRST", [null, "4"], { score: null, countedIds: [], complete: false, passed: null }],
    ["LAST", ["4", null], { score: null, countedIds: [], complete: false, passed: null }],
    ["BEST", [], { score: null, countedIds: [], complete: false, percent: null }],
    // papers that are worth differently much
    ["BEST", ["5/10", "4/6"], { score: "4", maxScore: "6", countedIds: ["2"], percent: "66.67" }],
    ["MEAN", ["5/10", "4/6"], { score: "4.5", maxScore: "8", percent: "56.25" }],
    ["BEST", ["2/6", "1/3"], { countedIds: ["1"] }], // the earlier of equals
    ["BEST", ["0/0", "1/10", "0/0"], { countedIds: ["2"] }], // a paper whose questions were all dropped
    ["BEST", ["0/0"], { countedIds: ["1"], passed: null, grade: null }],
    ["BEST", ["3333.3333/9999.9999", "3333.3334/10000"], { countedIds: ["2"] }],
    // a mean passes by the exact sum, not by what is shown
    ["MEAN", ["4.9999", "5", "5"], { score: "5", percent: "50", passed: false }],
    ["MEAN", ["5.0001", "5", "4.9999"], { score: "5", passed: true, grade: "enough" }],
    // half to even
    ["MEAN", ["0.0001", "0"], { score: "0" }],
    ["MEAN", ["0.0003", "0"], { score: "0.0002" }],
  ] as const)("%s of %j is %j", (grading, scores, expected) => {
    expect(finalScore(attempts(...scores), rules(grading))).toMatchObject(expected);
  });

  it("does not depend on the order in which attempts are read", () => {
    for (const grading of ["BEST", "MEAN", "FIRST", "LAST"] as const) {
      const read = attempts("4", "7", "7", "6");
      const { countedIds: one, ...final } = finalScore(read, rules(grading));
      const { countedIds: other, ...same } = finalScore([...read].reverse(), rules(grading));
      expect(same).toEqual(final);
      expect([...other].sort()).toEqual([...one].sort());
    }
  });
});
