/** Milliseconds. */
export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/** How many times fell into each bucket. */
export type TimeCounts = ReadonlyMap<number, number>;

/** Each bucket ends at this many times the one before: a percentile is off by a tenth at most, and a day needs 106 buckets. */
const growth = 2 ** (1 / 4);

/** The bucket of a time: 0 holds all up to a millisecond. */
export const bucketOf = (ms: number): number => (ms <= 1 ? 0 : Math.ceil(Math.log(ms) / Math.log(growth)));

/** The time a bucket stands for, in whole milliseconds: its middle, as logarithms go. */
const timeOf = (bucket: number): number => Math.round(growth ** Math.max(0, bucket - 0.5));

/** The percentiles of what was counted; null if nothing was. */
export function percentilesOf(counts: TimeCounts): Percentiles | null {
  const buckets = [...counts].sort(([a], [b]) => a - b);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return null;
  const percentile = (share: number): number => {
    let below = 0;
    for (const [bucket, count] of buckets) {
      below += count;
      if (below >= share * total) return timeOf(bucket);
    }
    return timeOf(buckets.at(-1)![0]);
  };
  return { p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99) };
}
