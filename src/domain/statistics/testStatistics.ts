import {
  centralMoment,
  covariance,
  kurtosisExcess,
  mean,
  median,
  skewness,
  standardDeviation,
  variance,
} from "./moments.ts";
import { isComplete, type ScoreTable, totalsOf } from "./scoreTable.ts";

/** Of a whole exam; null where a figure is not defined for it. */
export interface TestStatistics {
  persons: number;
  items: number;
  maxTotal: number | null;
  mean: number | null;
  median: number | null;
  standardDeviation: number | null;
  skewness: number | null;
  kurtosisExcess: number | null;
  /**
   * Cronbach's alpha, KR-20 where marks are all or nothing: k / (k − 1) · (1 − Σ var(item) / var(total)). As it comes out, also below 0.
   * Null for papers that differ from person to person, fewer than two questions, or totals that do not vary.
   */
  alpha: number | null;
  /** In points: sd · √(1 − alpha). */
  standardErrorOfMeasurement: number | null;
  /** √(1 − alpha). */
  errorRatio: number | null;
  /** k / (k − 1) · (1 − m (k − m) / (k · m2)); null unless every mark is 0 or 1. */
  kr21: number | null;
}

export function testStatistics(table: ScoreTable): TestStatistics {
  const totals = totalsOf(table);
  const some = table.persons > 0;
  const complete = isComplete(table);
  const alpha = complete ? cronbachAlpha(table, totals) : null;
  const sd = standardDeviation(totals);
  // An alpha above 1 cannot be; one below 0 makes an error larger than the spread, and is said as it is.
  const errorRatio = alpha === null ? null : Math.sqrt(1 - alpha);
  return {
    persons: table.persons,
    items: table.items.length,
    maxTotal: complete ? table.items.reduce((sum, { maxMark }) => sum + maxMark, 0) : null,
    mean: some ? mean(totals) : null,
    median: median(totals),
    standardDeviation: sd,
    skewness: skewness(totals),
    kurtosisExcess: kurtosisExcess(totals),
    alpha,
    standardErrorOfMeasurement: sd === null || errorRatio === null ? null : sd * errorRatio,
    errorRatio,
    kr21: complete && isDichotomous(table) ? kr21(table.items.length, totals) : null,
  };
}

/** Of the given questions; `totals` are the sums over them. */
export function cronbachAlpha({ items }: Pick<ScoreTable, "items">, totals: Float64Array): number | null {
  const spread = variance(totals);
  const k = items.length;
  if (k < 2 || !spread) return null;
  const parts = items.reduce((sum, { marks }) => sum + covariance(marks, marks)!, 0);
  return (k / (k - 1)) * (1 - parts / spread);
}

const isDichotomous = ({ items }: ScoreTable) =>
  items.every(({ marks }) => marks.every((mark) => mark === 0 || mark === 1));

function kr21(k: number, totals: Float64Array): number | null {
  const spread = totals.length === 0 ? 0 : centralMoment(totals, 2);
  if (k < 2 || !spread) return null;
  const middle = mean(totals);
  return (k / (k - 1)) * (1 - (middle * (k - middle)) / (k * spread));
}
