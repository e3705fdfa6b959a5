import { describe, expect, it } from "@jest/globals";
import type { Decimal } from "decimal.js";
import fc from "fast-check";
import { Exact } from "../../src/domain/decimal.ts";
import { type Counted, counted, sumUp, TREATMENTS } from "../../src/domain/scores.ts";

const decimal = (min: number, max: number) =>
  fc.integer({ min: min * 10_000, max: max * 10_000 }).map((tenThousandths) => new Exact(tenThousandths).div(10_000));
const floor = fc.option(decimal(-20, 0), { nil: null });
const question = fc
  .record({ treatment: fc.constantFrom(...TREATMENTS), share: fc.option(decimal(-1, 1)), maxPoints: decimal(0, 20) })
  .map(({ treatment, share, maxPoints }) => counted(treatment, share && maxPoints.times(share), maxPoints));
const section = fc.record({ floor, questions: fc.array(question, { maxLength: 6 }) });
const paper = fc.record({ floor, sections: fc.array(section, { maxLength: 5 }) });

const total = (numbers: Decimal[]) => numbers.reduce((sum, it) => sum.plus(it), new Exact(0));
const points = (questions: Counted[]) => total(questions.map(({ points }) => points ?? new Exact(0)));
const text = (...numbers: (Decimal | null)[]) => numbers.map((number) => number?.toFixed());

describe("the score of a paper", () => {
  it("is the sum of its parts: of every point, and of what every floor adds", () => {
    fc.assert(
      fc.property(paper, ({ floor, sections }) => {
        const sum = sumUp(floor, sections);
        const questions = sections.flatMap(({ questions }) => questions);
        const added = total([...sum.sections.map(({ adjustment }) => adjustment), sum.adjustment]);
        expect(sum.score.toFixed()).toBe(points(questions).plus(added).toFixed());
        expect(sum.maxScore.toFixed()).toBe(total(questions.map(({ maxPoints }) => maxPoints)).toFixed());
        expect(sum.sections.map(({ points }) => points.toFixed())).toEqual(
          sections.map(({ questions }) => points(questions).toFixed()),
        );
      }),
    );
  });

  it("is never below a floor, and a floor adds only what is missing to it", () => {
    fc.assert(
      fc.property(paper, ({ floor, sections }) => {
        const sum = sumUp(floor, sections);
        const parts = [...sum.sections.map((part, at) => ({ ...part, floor: sections[at]!.floor }))];
        const whole = { points: sum.score.minus(sum.adjustment), adjustment: sum.adjustment, floor };
        for (const { points, adjustment, floor } of [...parts, whole]) {
          const isMissing = floor !== null && points.lt(floor);
          expect(points.plus(adjustment).toFixed()).toBe((isMissing ? floor : points).toFixed());
        }
      }),
    );
  });

  it("is cut at the section before it is cut at the exam", () => {
    const wrong = counted("NORMAL", new Exact(-3), new Exact(3));
    const right = counted("NORMAL", new Exact(2), new Exact(2));
    const sections = [
      { floor: "-1", questions: [wrong, wrong] },
      { floor: null, questions: [right] },
    ];
    expect(text(sumUp("0", sections).score, sumUp("0", sections).adjustment)).toEqual(["1", "0"]);
    const alone = sumUp("-0.5", sections.slice(0, 1));
    expect(text(alone.score, alone.adjustment, alone.sections[0]!.adjustment)).toEqual(["-0.5", "0.5", "5"]);
    expect(text(sumUp(null, sections.slice(0, 1)).score)).toEqual(["-1"]);
  });
});

describe("a question that is treated", () => {
  const five = new Exact(5);
  it.each([
    ["NORMAL", "-2", ["-2", "5"]],
    ["FULL_MARKS", "-2", ["5", "5"]],
    ["DROPPED", "3", ["0", "0"]],
    ["BONUS", "3", ["3", "0"]],
    ["BONUS", "-2", ["0", "0"]],
  ] as const)("as %s makes %s of 5 points count %s", (treatment, earned, expected) => {
    const { points, maxPoints } = counted(treatment, new Exact(earned), five);
    expect(text(points, maxPoints)).toEqual(expected);
  });

  it("waits for a human only where a human can change something", () => {
    const waits = TREATMENTS.filter((treatment) => counted(treatment, null, five).points === null);
    expect(waits).toEqual(["NORMAL", "BONUS"]);
  });
});
