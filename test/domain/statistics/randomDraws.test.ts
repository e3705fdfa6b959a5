import { expect, it } from "@jest/globals";
import { itemStatistics } from "../../../src/domain/statistics/itemStatistics.ts";

const notDrawn = Number.NaN;

/** One question of 2 points on every paper, and one of 1 point out of a pool of four. */
const table = {
  persons: 8,
  items: [
    { maxMark: 2, marks: Float64Array.of(2, 0, 1, 2, 0, 2, 0, 1) },
    ...[0, 1, 2, 3].map((drawn) => ({
      maxMark: 1,
      marks: Float64Array.from([1, 0, 1, 0, 0, 1, 0, 1], (mark, person) =>
        Math.floor(person / 2) === drawn ? mark : notDrawn,
      ),
    })),
  ],
};

it("weighs a question of a pool by the paper that it is on, not by the pool", () => {
  const weights = itemStatistics(table).map(({ intendedWeight }) => intendedWeight);
  expect(weights).toEqual([2 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3]);
});

it("weighs what it does to the totals of its papers in the same way", () => {
  const [onAll, ofPool, alike] = itemStatistics({
    persons: 8,
    items: [
      { maxMark: 1, marks: Float64Array.of(1, 1, 0, 0, 1, 1, 0, 0) },
      { maxMark: 1, marks: Float64Array.of(1, 0, 1, 0, notDrawn, notDrawn, notDrawn, notDrawn) },
      { maxMark: 1, marks: Float64Array.of(notDrawn, notDrawn, notDrawn, notDrawn, 1, 0, 1, 0) },
    ],
  });
  // cov(x, T) is 2/7 over all eight, and 1/3 over the four who had one of the others.
  expect(onAll!.effectiveWeight).toBeCloseTo(Math.sqrt(2 / 7) / (Math.sqrt(2 / 7) + Math.sqrt(1 / 3)), 12);
  for (const { effectiveWeight } of [ofPool!, alike!])
    expect(effectiveWeight! + onAll!.effectiveWeight!).toBeCloseTo(1, 12);
});

it("weighs by the papers that it was on where papers are worth different numbers of points", () => {
  const [onBoth, small, large] = itemStatistics({
    persons: 2,
    items: [
      { maxMark: 1, marks: Float64Array.of(1, 0) },
      { maxMark: 1, marks: Float64Array.of(1, notDrawn) },
      { maxMark: 3, marks: Float64Array.of(notDrawn, 2) },
    ],
  });
  expect([onBoth, small, large].map((each) => each!.intendedWeight)).toEqual([1 / 3, 1 / 2, 3 / 4]);
});

it("has no weights before anybody sat the exam", () => {
  const [figures] = itemStatistics({ persons: 0, items: [{ maxMark: 1, marks: new Float64Array(0) }] });
  expect(figures).toMatchObject({ intendedWeight: null, effectiveWeight: null });
});
