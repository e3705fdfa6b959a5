/** What one stretch of work took: how much was done in a second, and the CPU of each process for one of it. */
export interface Sample {
  perSecond: number;
  /** Microseconds for one request or job, by process. */
  cpuMicros: Record<string, number>;
}

/** CPU seconds used so far, by process. */
export type Clocks = Record<string, () => number>;

/** CPU seconds each process uses while the work goes on. */
export async function cpuDuring<T>(
  clocks: Clocks,
  work: () => Promise<T>,
): Promise<{ result: T; cpu: Record<string, number> }> {
  const before = Object.entries(clocks).map(([name, clock]) => [name, clock()] as const);
  const result = await work();
  return { result, cpu: Object.fromEntries(before.map(([name, at]) => [name, clocks[name]!() - at])) };
}

/** Measures work that says how much it did in how many seconds. */
export async function sample(clocks: Clocks, work: () => Promise<{ done: number; seconds: number }>): Promise<Sample> {
  const { result, cpu } = await cpuDuring(clocks, work);
  return {
    perSecond: result.done / result.seconds,
    cpuMicros: Object.fromEntries(Object.entries(cpu).map(([name, seconds]) => [name, (seconds * 1e6) / result.done])),
  };
}

/**
 * Runs all cases in turn, several rounds, and takes each one's medians, so that what else the machine does in a moment falls on all.
 * The first round only warms up.
 */
export async function interleave<Name extends string>(
  rounds: number,
  cases: Record<Name, () => Promise<Sample>>,
): Promise<Record<Name, Sample>> {
  const names = Object.keys(cases) as Name[];
  const samples = new Map(names.map((name) => [name, [] as Sample[]]));
  for (let round = 0; round <= rounds; round++)
    for (const name of names) {
      const measured = await cases[name]().catch((cause) => {
        throw new Error(`"${name}" in round ${round} failed: ${cause.message}`, { cause });
      });
      if (round > 0) samples.get(name)!.push(measured);
    }
  return Object.fromEntries(names.map((name) => [name, medians(samples.get(name)!)])) as Record<Name, Sample>;
}

const medians = (samples: readonly Sample[]): Sample => ({
  perSecond: median(samples.map(({ perSecond }) => perSecond)),
  cpuMicros: Object.fromEntries(
    Object.keys(samples[0]!.cpuMicros).map((name) => [name, median(samples.map(({ cpuMicros }) => cpuMicros[name]!))]),
  ),
});

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The value below which this share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}
