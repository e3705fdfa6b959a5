import { correlation, covariance, mean, sorted, standardDeviation } from "./moments.ts";
import { type ItemColumn, isComplete, personsWith, pick, type ScoreTable, totalsOf } from "./scoreTable.ts";
import { cronbachAlpha } from "./testStatistics.ts";

/** Of one question, over those who had it on their paper; null where a figure is not defined. */
export interface ItemStatistics {
  persons: number;
  mean: number | null;
  /** Mean mark ÷ points: how easy it was, 0 to 1. */
  facility: number | null;
  standardDeviation: number | null;
  /** The question's share of the points of a paper: of those it was on, on average, where they differ. */
  intendedWeight: number | null;
  /** Its share of the spread of the totals: √cov(x, T) ÷ the sum of that over the questions of a paper; those with a negative covariance have none. */
  effectiveWeight: number | null;
  /** Correlation of the mark with the total: point-biserial for marks of all or nothing. */
  pointBiserial: number | null;
  /** Correlation of the mark with the rest of the total. */
  discriminationIndex: number | null;
  /** cov(x, R) ÷ the largest it could be with the same marks: of both sorted. */
  discriminativeEfficiency: number | null;
  /** Facility among the best 27 % by the rest of the total minus that among the last 27 %. */
  upperLower: number | null;
  /** What alpha would be without it. */
  alphaIfDropped: number | null;
}

const EXTREME_SHARE = 0.27;

export function itemStatistics(table: ScoreTable): ItemStatistics[] {
  const totals = totalsOf(table);
  const complete = isComplete(table);
  const columns = table.items.map((item) => columnOf(item, totals));
  const roots = columns.map(({ marks, total }) => {
    const shared = covariance(marks, total);
    return shared === null || shared < 0 ? null : Math.sqrt(shared);
  });
  const pointsOfPapers = sumsOnPapers(
    table.items.map(({ maxMark }) => maxMark),
    columns,
    table.persons,
  );
  const rootsOfPapers = sumsOnPapers(
    roots.map((root) => root ?? 0),
    columns,
    table.persons,
  );
  return table.items.map((item, at) => {
    const { places, marks, total, rest } = columns[at]!;
    const root = roots[at] ?? null;
    const most = covariance(sorted(marks), sorted(rest));
    const withRest = covariance(marks, rest);
    const average = marks.length === 0 ? null : mean(marks);
    return {
      persons: marks.length,
      mean: average,
      facility: average === null || item.maxMark === 0 ? null : average / item.maxMark,
      standardDeviation: standardDeviation(marks),
      intendedWeight: shareOf(item.maxMark, pick(pointsOfPapers, places)),
      effectiveWeight: root === null ? null : shareOf(root, pick(rootsOfPapers, places)),
      pointBiserial: correlation(marks, total),
      discriminationIndex: correlation(marks, rest),
      discriminativeEfficiency: withRest === null || !most ? null : withRest / most,
      upperLower: upperLower(item.maxMark, marks, rest),
      alphaIfDropped: complete ? alphaWithout(table, at, rest) : null,
    };
  });
}

function columnOf(item: ItemColumn, totals: Float64Array) {
  const places = personsWith(item);
  const [marks, total] = [pick(item.marks, places), pick(totals, places)];
  return { places, marks, total, rest: total.map((sum, at) => sum - marks[at]!) };
}

/** For each person, the sum over the questions on their paper. */
function sumsOnPapers(
  values: readonly number[],
  columns: readonly { places: Int32Array }[],
  persons: number,
): Float64Array {
  const sums = new Float64Array(persons);
  columns.forEach(({ places }, at) => {
    for (const person of places) sums[person]! += values[at]!;
  });
  return sums;
}

/** Of the mean of the whole papers; null where nothing is on them. */
function shareOf(part: number, wholes: Float64Array): number | null {
  const whole = wholes.length === 0 ? 0 : mean(wholes);
  return whole > 0 ? part / whole : null;
}

const alphaWithout = ({ items }: ScoreTable, dropped: number, rest: Float64Array) =>
  cronbachAlpha({ items: items.filter((_item, at) => at !== dropped) }, rest);

/** Everybody who ties with the last of a group belongs to it, so that the order of the rows decides nothing. */
function upperLower(maxMark: number, marks: Float64Array, rest: Float64Array): number | null {
  const size = Math.floor(marks.length * EXTREME_SHARE);
  if (size < 1 || maxMark === 0) return null;
  const ranked = sorted(rest);
  const [low, high] = [ranked[size - 1]!, ranked[ranked.length - size]!];
  if (low >= high) return null;
  const facilityWhere = (isIn: (sum: number) => boolean) =>
    mean(marks.filter((_mark, at) => isIn(rest[at]!))) / maxMark;
  return facilityWhere((sum) => sum >= high) - facilityWhere((sum) => sum <= low);
}
