import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  correctnessOf,
  gradeFor,
  isPassed,
  percentOf,
  REVIEW_PARTS,
  REVIEW_PHASES,
  type Release,
  type ReleaseState,
  type ResultsPolicy,
  type ReviewMatrix,
  type ReviewPart,
  releaseOf,
  reviewOf,
  scaleProblem,
} from "../../src/domain/results.ts";

const noon = new Date("2030-06-01T12:00:00Z");
const before = new Date(noon.getTime() - 1);
const after = new Date(noon.getTime() + 1);
const muchLater = new Date(noon.getTime() + 2);

describe("releaseOf", () => {
  /** What the exam says, and what comes of it at noon: written down by hand, for every combination. */
  const table: [ResultsPolicy, { closesAt?: Date; releaseAt?: Date }, ReleaseState, Date?][] = [
    ["IMMEDIATE", {}, "RELEASED"],
    ["IMMEDIATE", { closesAt: after }, "RELEASED"],
    ["IMMEDIATE", { releaseAt: after }, "SCHEDULED", after],
    ["IMMEDIATE", { releaseAt: before, closesAt: after }, "RELEASED"],
    ["AFTER_CLOSE", {}, "HELD"],
    ["AFTER_CLOSE", { closesAt: after }, "SCHEDULED", after],
    ["AFTER_CLOSE", { closesAt: noon }, "RELEASED"],
    ["AFTER_CLOSE", { closesAt: before }, "RELEASED"],
    ["AFTER_CLOSE", { releaseAt: after }, "SCHEDULED", after],
    ["AFTER_CLOSE", { releaseAt: before }, "RELEASED"],
    ["AFTER_CLOSE", { closesAt: before, releaseAt: after }, "SCHEDULED", after],
    ["AFTER_CLOSE", { closesAt: after, releaseAt: before }, "SCHEDULED", after],
    ["AFTER_CLOSE", { closesAt: after, releaseAt: muchLater }, "SCHEDULED", muchLater],
    ["AFTER_CLOSE", { closesAt: muchLater, releaseAt: after }, "SCHEDULED", muchLater],
    ["MANUAL", {}, "HELD"],
    ["MANUAL", { closesAt: before }, "HELD"],
    ["MANUAL", { releaseAt: after }, "SCHEDULED", after],
    ["MANUAL", { releaseAt: noon }, "RELEASED"],
  ];
  const at = (policy: ResultsPolicy, given: Partial<Parameters<typeof releaseOf>[0]>) =>
    releaseOf({ policy, closesAt: null, releaseAt: null, releasedAt: null, withdrawnAt: null, now: noon, ...given });

  it.each(table)("%s with %j is %s", (policy, given, state, when = undefined) => {
    expect(at(policy, given)).toEqual({ state, at: when ?? null });
  });

  it.each(table)("%s with %j is released once staff say so, and withdrawn once they take it back", (policy, given) => {
    expect(at(policy, { ...given, releasedAt: before })).toEqual({ state: "RELEASED", at: null });
    expect(at(policy, { ...given, withdrawnAt: before })).toEqual({ state: "WITHDRAWN", at: null });
    expect(at(policy, { ...given, releasedAt: before, withdrawnAt: before })).toMatchObject({ state: "WITHDRAWN" });
  });
});

/**
 * What docs/results.md says, as a teacher would look it up: which row of the matrix is shown, or why none is. Attempt state, release,
 * has the exam closed for its last student.
 */
const whichRow = {
  "IN_PROGRESS HELD no": "during",
  "IN_PROGRESS HELD yes": "during",
  "IN_PROGRESS SCHEDULED no": "during",
  "IN_PROGRESS SCHEDULED yes": "during",
  "IN_PROGRESS RELEASED no": "during",
  "IN_PROGRESS RELEASED yes": "during",
  "IN_PROGRESS WITHDRAWN no": "WITHDRAWN",
  "IN_PROGRESS WITHDRAWN yes": "WITHDRAWN",
  "SUBMITTED HELD no": "HELD",
  "SUBMITTED HELD yes": "HELD",
  "SUBMITTED SCHEDULED no": "SCHEDULED",
  "SUBMITTED SCHEDULED yes": "SCHEDULED",
  "SUBMITTED RELEASED no": "NOT_GRADED",
  "SUBMITTED RELEASED yes": "NOT_GRADED",
  "SUBMITTED WITHDRAWN no": "WITHDRAWN",
  "SUBMITTED WITHDRAWN yes": "WITHDRAWN",
  "GRADED HELD no": "HELD",
  "GRADED HELD yes": "HELD",
  "GRADED SCHEDULED no": "SCHEDULED",
  "GRADED SCHEDULED yes": "SCHEDULED",
  "GRADED RELEASED no": "afterSubmission",
  "GRADED RELEASED yes": "afterClose",
  "GRADED WITHDRAWN no": "WITHDRAWN",
  "GRADED WITHDRAWN yes": "WITHDRAWN",
} as const;
const statuses = ["IN_PROGRESS", "SUBMITTED", "GRADED"] as const;
const releases: Release[] = [
  { state: "HELD", at: null },
  { state: "SCHEDULED", at: after },
  { state: "RELEASED", at: null },
  { state: "WITHDRAWN", at: null },
];
const situations = statuses.flatMap((status) =>
  releases.flatMap((release) =>
    [before, noon, after, null].map((closesAt) => {
      const hasClosed = closesAt !== null && closesAt <= noon;
      const answer = whichRow[`${status} ${release.state} ${hasClosed ? "yes" : "no"}`];
      return { status, release, closesAt, answer };
    }),
  ),
);
/** Every choice of parts there is. */
const choices = Array.from({ length: 2 ** REVIEW_PARTS.length }, (_, bits) =>
  REVIEW_PARTS.filter((_part, at) => bits & (1 << at)),
);
const nothing: ReviewPart[] = [];

describe("reviewOf", () => {
  it("shows in every situation what the table says, for every row that the matrix can have there", () => {
    expect(situations).toHaveLength(48);
    for (const { status, release, closesAt, answer } of situations)
      for (const phase of REVIEW_PHASES)
        for (const choice of choices) {
          const matrix = { during: nothing, afterSubmission: nothing, afterClose: nothing, [phase]: choice };
          const { visible } = reviewOf({ matrix, release, status, closesAt, now: noon });
          expect(visible).toEqual(phase === answer ? choice : []);
        }
  });

  it("never shows a part that the row of the table does not have, whatever the other rows are", () => {
    const row = fc.constantFrom(...choices);
    const matrices = fc.record({ during: row, afterSubmission: row, afterClose: row });
    fc.assert(
      fc.property(matrices, fc.constantFrom(...situations), (matrix: ReviewMatrix, { answer, ...situation }) => {
        const { visible } = reviewOf({ matrix, ...situation, now: noon });
        expect(visible).toEqual(answer in matrix ? matrix[answer as keyof ReviewMatrix] : []);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(situations)("says why there is not more: $status, $release.state, closes at $closesAt", (situation) => {
    const { answer, release } = situation;
    const matrix: ReviewMatrix = { during: nothing, afterSubmission: ["MARK"], afterClose: ["MARK"] };
    const { reason, availableAt } = reviewOf({ matrix, ...situation, now: noon });
    const reasons = { during: "NOT_SUBMITTED", afterSubmission: null, afterClose: null } as const;
    expect(reason).toBe(answer in reasons ? reasons[answer as keyof typeof reasons] : answer);
    expect(availableAt).toEqual(answer === "SCHEDULED" ? release.at : null);
  });

  it("says that there is more after the close, if there is", () => {
    const of = (afterClose: ReviewPart[], closesAt: Date | null) =>
      reviewOf({
        matrix: { during: nothing, afterSubmission: ["MARK"], afterClose },
        release: { state: "RELEASED", at: null },
        status: "GRADED",
        closesAt,
        now: noon,
      });
    expect(of(["MARK", "KEY"], after)).toEqual({ visible: ["MARK"], reason: "EXAM_NOT_CLOSED", availableAt: after });
    expect(of(["MARK", "KEY"], null)).toEqual({ visible: ["MARK"], reason: null, availableAt: null });
    expect(of([], after)).toMatchObject({ reason: null });
  });
});

describe("isPassed", () => {
  it("compares exactly", () => {
    expect(isPassed({ score: "1.5", maxScore: "3", passMarkPercent: "50" })).toBe(true);
    expect(isPassed({ score: "1.4999", maxScore: "3", passMarkPercent: "50" })).toBe(false);
    expect(isPassed({ score: "2", maxScore: "3", passMarkPercent: "66.6666" })).toBe(true);
    expect(isPassed({ score: "2", maxScore: "3", passMarkPercent: "66.6667" })).toBe(false);
  });

  it("says nothing where there is no pass mark, or nothing to be had", () => {
    expect(isPassed({ score: "3", maxScore: "3", passMarkPercent: null })).toBeNull();
    expect(isPassed({ score: "0", maxScore: "0", passMarkPercent: "50" })).toBeNull();
  });
});

describe("gradeFor", () => {
  const scale = [
    { name: "1,0", fromPercent: "95" },
    { name: "2,0", fromPercent: "80" },
    { name: "4,0", fromPercent: "50" },
    { name: "5,0", fromPercent: "0" },
  ];

  it.each([
    ["100", "100", "1,0", "100"],
    ["95", "100", "1,0", "95"],
    ["94.9999", "100", "2,0", "95"], // rounded for reading, and still below
    ["94.995", "100", "2,0", "95"],
    ["80", "100", "2,0", "80"],
    ["79.9999", "100", "4,0", "80"],
    ["1.5", "3", "4,0", "50"],
    ["1.4999", "3", "5,0", "50"],
    ["0", "3", "5,0", "0"],
    ["0.0001", "30000000", "5,0", "0"],
    ["28499999.9999", "30000000", "2,0", "95"],
    ["28500000", "30000000", "1,0", "95"],
    ["0", "0", null, "0"],
  ])("gives %s of %s the grade %s, and shows %s %%", (score, maxScore, grade, percent) => {
    expect(gradeFor({ score, maxScore }, scale)).toBe(grade);
    expect(percentOf({ score, maxScore })).toBe(percent);
  });

  it("gives no grade below the last band, or without a scale", () => {
    expect(gradeFor({ score: "49.9999", maxScore: "100" }, scale.slice(0, 3))).toBeNull();
    expect(gradeFor({ score: "1", maxScore: "1" }, [])).toBeNull();
  });

  it("takes only scales that go down, each name once", () => {
    expect(scaleProblem(scale)).toBeNull();
    expect(scaleProblem([])).toBeNull();
    expect(scaleProblem([...scale].reverse())).toContain("down");
    expect(scaleProblem([scale[0]!, { name: "other", fromPercent: "95.0" }])).toContain("down");
    expect(scaleProblem([scale[0]!, { name: "1,0", fromPercent: "1" }])).toContain("twice");
  });
});

describe("correctnessOf", () => {
  it.each([
    [true, "2", "2", "RIGHT"],
    [true, "2.5", "2", "RIGHT"],
    [true, "1.9999", "2", "PARTLY"],
    [true, "0.0001", "2", "PARTLY"],
    [true, "0", "2", "WRONG"],
    [true, "-1", "2", "WRONG"],
    [true, null, "2", "PENDING"],
    [false, "0", "2", "UNANSWERED"],
    [false, "1", "2", "PARTLY"], // given by hand
    [true, "0", "0", null],
  ] as const)("answered: %s, %s of %s points: %s", (isAnswered, points, maxPoints, expected) => {
    expect(correctnessOf({ isAnswered, points, maxPoints })).toBe(expected);
  });
});
