import { describe, expect, it } from "@jest/globals";
import { Decimal } from "decimal.js";
import fc from "fast-check";
import { gradePaper, type QuestionToGrade } from "../../src/domain/grading.ts";
import type { QuestionResponse } from "../../src/domain/questionType.ts";
import { parseDefinition } from "../../src/domain/questionTypes.ts";

interface Case {
  question: QuestionToGrade;
  right: QuestionResponse;
  given: QuestionResponse | null;
}

const question = (versionId: string, type: string, definition: unknown, points: Decimal.Value): QuestionToGrade => ({
  versionId,
  type,
  points,
  definition: parseDefinition(type, definition),
});

const single = (versionId: string, points: Decimal.Value, ...fractions: (string | number)[]) =>
  question(
    versionId,
    "SINGLE_CHOICE",
    { options: fractions.map((fraction, index) => ({ id: `o${index}`, text: `${index}`, fraction })) },
    points,
  );

const points = fc.integer({ min: 0, max: 100_000 }).map((tenThousandths) => new Decimal(tenThousandths).div(10_000));

const aSingle = fc
  .record({
    points,
    others: fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 1, maxLength: 5 }),
    chosen: fc.option(fc.nat(1), { nil: null }),
  })
  .map(({ points, others, chosen }) => ({
    question: single("", points, 1, ...others.map((percent) => percent / 100)),
    right: { choice: "o0" },
    given: chosen === null ? null : { choice: `o${chosen}` },
  }));

const aMultiple = fc
  .record({
    points,
    correct: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
    chosen: fc.uniqueArray(fc.nat(1), { maxLength: 2 }),
    scoring: fc.constantFrom("weighted", "allOrNothing"),
  })
  .map(({ points, correct, chosen, scoring }) => {
    const flags = [true, ...correct];
    const options = flags.map((flag, index) => ({ id: `o${index}`, text: `${index}`, correct: flag }));
    return {
      question: question("", "MULTIPLE_CHOICE", { options, scoring }, points),
      right: { choices: flags.flatMap((flag, index) => (flag ? [`o${index}`] : [])) },
      given: { choices: chosen.map((index) => `o${index}`) },
    };
  });

const aNumeric = fc
  .record({ points, value: fc.integer(), off: fc.integer({ min: -3, max: 3 }) })
  .map(({ points, value, off }) => ({
    question: question("", "NUMERIC", { answers: [{ value }, { value, tolerance: 1, fraction: "0.3333" }] }, points),
    right: { number: String(value) },
    given: { number: String(value + off) },
  }));

const aPaper: fc.Arbitrary<Case[]> = fc
  .array(fc.oneof(aSingle, aMultiple, aNumeric), { maxLength: 8 })
  .map((cases) => cases.map((it, index) => ({ ...it, question: { ...it.question, versionId: `v${index}` } })));

/** All in one section, with the floor that exams have. */
const inOneSection = (questions: QuestionToGrade[]) => ({ floor: "0", sections: [{ floor: null, questions }] });

const grade = (cases: Case[], pick: (it: Case) => QuestionResponse | null) =>
  gradePaper(
    inOneSection(cases.map(({ question }) => question)),
    new Map(cases.map((it) => [it.question.versionId, pick(it)])),
  );

const total = (numbers: (Decimal | null)[]) => numbers.reduce<Decimal>((sum, it) => sum.plus(it ?? 0), new Decimal(0));

describe("gradePaper", () => {
  it("stays between 0 and the maximum, and each question within its points", () => {
    fc.assert(
      fc.property(aPaper, (cases) => {
        const paper = grade(cases, ({ given }) => given);
        expect(paper.score.gte(0) && paper.score.lte(paper.maxScore)).toBe(true);
        for (const { points, maxPoints } of paper.questions) expect(points?.abs().lte(maxPoints)).toBe(true);
      }),
    );
  });

  it("sums its parts", () => {
    fc.assert(
      fc.property(aPaper, (cases) => {
        const paper = grade(cases, ({ given }) => given);
        const sum = total(paper.questions.map(({ points }) => points));
        expect(paper.score.toString()).toBe(Decimal.max(0, sum).toString());
        expect(paper.maxScore.toString()).toBe(total(paper.questions.map(({ maxPoints }) => maxPoints)).toString());
      }),
    );
  });

  it("gives everything for all right and 0 for nothing answered", () => {
    fc.assert(
      fc.property(aPaper, (cases) => {
        const right = grade(cases, ({ right }) => right);
        expect(right.score.toString()).toBe(right.maxScore.toString());
        const nothing = grade(cases, () => null);
        expect(nothing.score.toString()).toBe("0");
        expect(nothing.needsHuman).toBe(false);
      }),
    );
  });

  it("never falls when one answer is made right", () => {
    fc.assert(
      fc.property(aPaper, fc.nat(), (cases, at) => {
        fc.pre(cases.length > 0);
        const before = grade(cases, ({ given }) => given);
        const improved = cases[at % cases.length];
        const after = grade(cases, (it) => (it === improved ? it.right : it.given));
        expect(after.score.gte(before.score)).toBe(true);
      }),
    );
  });

  it("gives the same twice and changes nothing it is given", () => {
    fc.assert(
      fc.property(aPaper, (cases) => {
        const before = JSON.stringify(cases);
        expect(JSON.stringify(grade(cases, ({ given }) => given))).toBe(
          JSON.stringify(grade(cases, ({ given }) => given)),
        );
        expect(JSON.stringify(cases)).toBe(before);
      }),
    );
  });

  it("rounds each question half to even at four places", () => {
    const pointsFor = (points: string) =>
      gradePaper(
        inOneSection([single("v", points, 1, "0.5")]),
        new Map([["v", { choice: "o1" }]]),
      ).questions[0]?.points?.toString();
    expect([pointsFor("0.0001"), pointsFor("0.0003"), pointsFor("0.0005")]).toEqual(["0", "0.0002", "0.0002"]);
  });

  it("lets a wrong answer cost points, but not below 0 for the whole", () => {
    const questions = [single("a", 2, 1, "-0.5"), single("b", 1, 1, 0)];
    const first = gradePaper(inOneSection(questions), new Map([["a", { choice: "o1" }]]));
    expect(first.questions.map(({ points }) => points?.toString())).toEqual(["-1", "0"]);
    expect(first.score.toString()).toBe("0");
  });

  it("waits for a human where there is an essay, and counts what is known", () => {
    const questions = [single("a", 2, 1, 0), question("e", "ESSAY", {}, 5)];
    const responses = new Map<string, QuestionResponse>([
      ["a", { choice: "o0" }],
      ["e", { text: "Well." }],
    ]);
    const known = gradePaper(inOneSection(questions), responses);
    expect([known.needsHuman, known.score.toString(), known.maxScore.toString()]).toEqual([true, "2", "7"]);
    expect(known.questions[1]?.points).toBeNull();

    const complete = gradePaper(inOneSection(questions), responses, new Map([["e", "3.5"]]));
    expect([complete.needsHuman, complete.score.toString()]).toEqual([false, "5.5"]);
  });
});
