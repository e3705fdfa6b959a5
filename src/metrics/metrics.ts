import { Registry } from "prom-client";

export interface Metrics {
  /** Of this process alone, not the library's global one: tests run several processes' worth in one. */
  readonly registry: Registry;
  /** To be run before each scrape, for figures that are asked for and not counted. Must not reject. */
  beforeScrape(refresh: () => void | Promise<void>): void;
  /** Everything registered, in Prometheus's text format. */
  text(): Promise<string>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const refreshes: (() => void | Promise<void>)[] = [];
  return {
    registry,
    beforeScrape: (refresh) => void refreshes.push(refresh),
    async text() {
      await Promise.all(refreshes.map((refresh) => refresh()));
      return registry.metrics();
    },
  };
}
