import { expect, it } from "@jest/globals";
import { itemStatistics } from "../../../src/domain/statistics/itemStatistics.ts";
import { fitModel, type ModelFit } from "../../../src/domain/statistics/responseModel.ts";
import type { ScoreTable } from "../../../src/domain/statistics/scoreTable.ts";
import { testStatistics } from "../../../src/domain/statistics/testStatistics.ts";
import { describeWithSharedData, readShared } from "../sharedData.ts";

const fitted = (table: ScoreTable, model: ModelFit["model"]): ModelFit => {
  const run = fitModel(table, model);
  for (;;) {
    const { done, value } = run.next();
    if (done) return value;
  }
};

describeWithSharedData("section 6 of the LSAT: 1,000 people, five questions", () => {
  const rows = readShared("item-analysis/lsat6.csv")
    .trim()
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const numbers = line.split(",").map(Number);
      return Array.from({ length: numbers.pop()! }, () => numbers);
    });
  const table: ScoreTable = {
    persons: rows.length,
    items: [0, 1, 2, 3, 4].map((at) => ({ maxMark: 1, marks: Float64Array.from(rows, (row) => row[at]!) })),
  };
  const expected = JSON.parse(readShared("item-analysis/lsat6.expected.json"));

  it("has the reference's figures for the whole", () => {
    const { test } = expected;
    const figures = testStatistics(table);
    const pairs: [number | null, number][] = [
      [figures.persons, test.n],
      [figures.items, test.k],
      [figures.maxTotal, test.maxTotal],
      [figures.mean, test.mean],
      [figures.median, test.median],
      [figures.standardDeviation, test.sd],
      [figures.skewness, test.skewness],
      [figures.kurtosisExcess, test.kurtosisExcess],
      [figures.alpha, test.alpha],
      [figures.alpha, test.kr20],
      [figures.kr21, test.kr21],
      [figures.standardErrorOfMeasurement, test.sem],
      [figures.errorRatio, test.errorRatio],
    ];
    for (const [ours, theirs] of pairs) expect(ours).toBeCloseTo(theirs, 6);
  });

  it("has the reference's figures for each question", () => {
    itemStatistics(table).forEach((ours, at) => {
      const theirs = expected.items[at];
      const pairs: [number | null, number][] = [
        [ours.persons, theirs.n],
        [ours.mean, theirs.mean],
        [ours.facility, theirs.facility],
        [ours.standardDeviation, theirs.sd],
        [ours.intendedWeight, 1 / 5],
        [ours.effectiveWeight, theirs.effectiveWeight],
        [ours.pointBiserial, theirs.itemTotal],
        [ours.discriminationIndex, theirs.itemRest],
        [ours.discriminativeEfficiency, theirs.discriminativeEfficiency],
        [ours.alphaIfDropped, theirs.alphaIfDropped],
      ];
      for (const [mine, other] of pairs) expect(mine).toBeCloseTo(other, 6);
    });
  });

  // R's package ltm 1.2, on its own copy of the same data: rasch(LSAT) and ltm(LSAT ~ z1).
  it("gets the Rasch parameters that ltm gets", () => {
    const { items, converged, logLikelihood } = fitted(table, "RASCH");
    expect(converged).toBe(true);
    expect(logLikelihood).toBeCloseTo(-2466.938, 2);
    items.forEach((item, at) => {
      expect(item!.difficulty).toBeCloseTo([-3.6153, -1.3224, -0.3176, -1.7301, -2.7802][at]!, 2);
      expect(item!.discrimination).toBeCloseTo(0.7551, 3);
    });
  });

  it("gets the parameters and errors of the two-parameter model that ltm gets", () => {
    const { items, converged, logLikelihood } = fitted(table, "TWO_PARAMETERS");
    expect(converged).toBe(true);
    expect(logLikelihood).toBeCloseTo(-2466.653, 2);
    items.forEach((item, at) => {
      expect(item!.difficulty).toBeCloseTo([-3.3597, -1.3696, -0.2799, -1.8659, -3.1236][at]!, 2);
      expect(item!.discrimination).toBeCloseTo([0.8254, 0.7229, 0.8905, 0.6886, 0.6575][at]!, 2);
      // ltm inverts the Hessian; the two agree as the number of people grows.
      expect(item!.difficultyError! / [0.8669, 0.3073, 0.0997, 0.4341, 0.87][at]!).toBeCloseTo(1, 0.7);
      expect(item!.discriminationError! / [0.2581, 0.1867, 0.2326, 0.1852, 0.21][at]!).toBeCloseTo(1, 0.7);
    });
  });
});
