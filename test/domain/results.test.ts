import { describe, expect, it } from "@jest/globals";
import { isPassed, type ResultsPolicy, resultVisibility } from "../../src/domain/results.ts";

const noon = new Date("2030-06-01T12:00:00Z");
const before = new Date(noon.getTime() - 1);
const after = new Date(noon.getTime() + 1);

const visibility = (policy: ResultsPolicy, changes: Partial<Parameters<typeof resultVisibility>[0]> = {}) =>
  resultVisibility({ policy, status: "GRADED", closesAt: null, releasedAt: null, now: noon, ...changes });

describe("resultVisibility", () => {
  it.each(["IMMEDIATE", "AFTER_CLOSE", "MANUAL"] as const)("hides what is not graded: %s", (policy) => {
    for (const status of ["IN_PROGRESS", "SUBMITTED"] as const) {
      const hidden = { visible: false, reason: "NOT_GRADED", visibleAt: null };
      expect(visibility(policy, { status, closesAt: before, releasedAt: before })).toEqual(hidden);
    }
  });

  it("shows an immediate result at once", () => {
    expect(visibility("IMMEDIATE", { closesAt: after })).toEqual({ visible: true });
  });

  it("shows a result after the close from the very moment of the close", () => {
    expect(visibility("AFTER_CLOSE", { closesAt: after })).toEqual({
      visible: false,
      reason: "EXAM_NOT_CLOSED",
      visibleAt: after,
    });
    expect(visibility("AFTER_CLOSE", { closesAt: noon })).toEqual({ visible: true });
  });

  it("waits for a release where the exam never closes", () => {
    expect(visibility("AFTER_CLOSE")).toEqual({ visible: false, reason: "NOT_RELEASED", visibleAt: null });
  });

  it.each(["AFTER_CLOSE", "MANUAL"] as const)("shows a released result: %s", (policy) => {
    expect(visibility(policy, { closesAt: after, releasedAt: noon })).toEqual({ visible: true });
  });

  it("waits for a release that is planned", () => {
    expect(visibility("MANUAL", { releasedAt: after })).toEqual({
      visible: false,
      reason: "NOT_RELEASED",
      visibleAt: after,
    });
  });
});

describe("isPassed", () => {
  it("compares exactly", () => {
    expect(isPassed({ score: "1.5", maxScore: "3", passMarkPercent: "50" })).toBe(true);
    expect(isPassed({ score: "1.4999", maxScore: "3", passMarkPercent: "50" })).toBe(false);
    expect(isPassed({ score: "2", maxScore: "3", passMarkPercent: "66.6666" })).toBe(true);
    expect(isPassed({ score: "2", maxScore: "3", passMarkPercent: "66.6667" })).toBe(false);
  });

  it("says nothing where there is no pass mark", () => {
    expect(isPassed({ score: "3", maxScore: "3", passMarkPercent: null })).toBeNull();
  });
});
