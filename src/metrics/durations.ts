import type { Metric, MetricValue, Registry } from "prom-client";

/** Upper bounds of the buckets, in seconds; above them is one without a bound. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** How often and how long: what one child of a histogram counts. */
export interface Durations {
  observe(ms: number): void;
}

/**
 * A histogram whose children are made once and kept by whoever measures. The library's own looks its children up by the
 * text of their labels in every observation, which costs more than the counting.
 */
export function createDurationHistogram<Label extends string>(
  registry: Registry,
  { name, help }: { name: string; help: string },
): (labels: Record<Label, string>) => Durations {
  const children: { labels: Record<Label, string>; counts: number[]; sum: number }[] = [];

  async function get() {
    const values = children.flatMap(({ labels, counts, sum }) => {
      let total = 0;
      const buckets = [...BOUNDS, "+Inf"].map((le, index) => {
        total += counts[index]!;
        return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total };
      });
      const rest = { [`${name}_sum`]: sum, [`${name}_count`]: total };
      return [...buckets, ...Object.entries(rest).map(([metricName, value]) => ({ metricName, labels, value }))];
    });
    return { name, help, type: "histogram", aggregator: "sum", values: values as MetricValue<string>[] };
  }
  // All that the registry uses of a metric, which its types do not say.
  registry.registerMetric({ name, help, get, reset: () => {} } as unknown as Metric);

  return (labels) => {
    const child = { labels, counts: new Array<number>(BOUNDS.length + 1).fill(0), sum: 0 };
    children.push(child);
    return {
      observe(ms) {
        const seconds = ms / 1_000;
        let bucket = 0;
        while (bucket < BOUNDS.length && seconds > BOUNDS[bucket]!) bucket++;
        child.counts[bucket]!++;
        child.sum += seconds;
      },
    };
  };
}
