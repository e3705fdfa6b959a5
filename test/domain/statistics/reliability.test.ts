import { expect, it } from "@jest/globals";
import { itemStatistics } from "../../../src/domain/statistics/itemStatistics.ts";
import { testStatistics } from "../../../src/domain/statistics/testStatistics.ts";

const tableOf = (...marks: number[][]) => ({
  persons: marks[0]!.length,
  items: marks.map((column) => ({ maxMark: 1, marks: Float64Array.from(column) })),
});

it("says a reliability below 0 as it comes out, with the error that follows from it", () => {
  // Variances 1/3 and 1/4 against 1/4 of the totals 1, 1, 1, 0.
  const figures = testStatistics(tableOf([1, 1, 0, 0], [0, 0, 1, 0]));
  expect(figures.alpha).toBeCloseTo(-8 / 3, 12);
  expect(figures.errorRatio).toBeCloseTo(Math.sqrt(11 / 3), 12);
  expect(figures.standardErrorOfMeasurement).toBeCloseTo(0.5 * Math.sqrt(11 / 3), 12);
  expect(figures.kr21).toBeCloseTo(-3, 12);
});

it("says of a question that without it the reliability would be below 0", () => {
  const items = itemStatistics(tableOf([1, 1, 0, 0], [0, 0, 1, 0], [0, 1, 0, 1]));
  expect(items[2]!.alphaIfDropped).toBeCloseTo(-8 / 3, 12);
});
