/** A stretch of a video in whole milliseconds: from the first, up to and without the second. */
export type Interval = readonly [fromMs: number, toMs: number];

/** The same milliseconds, each in one interval only, in order and with gaps between them. */
export function united(intervals: readonly Interval[]): Interval[] {
  const whole: [number, number][] = [];
  for (const [from, to] of intervals.toSorted(([a], [b]) => a - b)) {
    if (to <= from) continue;
    const last = whole.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else whole.push([from, to]);
  }
  return whole;
}

/** What of the intervals lies before the end. */
export const clipped = (intervals: readonly Interval[], endMs: number): Interval[] =>
  intervals.flatMap(([from, to]) => (from < endMs ? [[from, Math.min(to, endMs)] as const] : []));

/** How many milliseconds united intervals hold. */
export const lengthMs = (intervals: readonly Interval[]): number =>
  intervals.reduce((sum, [from, to]) => sum + to - from, 0);

/** United intervals as one line, `0,1500,4000,9000`: how they travel. */
export const toLine = (intervals: readonly Interval[]): string => intervals.flat().join(",");

/** Reads what `toLine` writes. */
export function fromLine(line: string): Interval[] {
  if (line === "") return [];
  const edges = line.split(",").map(Number);
  return Array.from({ length: edges.length / 2 }, (_, index) => [edges[2 * index]!, edges[2 * index + 1]!] as const);
}
