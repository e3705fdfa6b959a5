import { Counter, Gauge } from "prom-client";
import type { Metrics } from "./metrics.ts";

const LEVELS = ["NORMAL", "READS", "SAVES"] as const;

interface Shedding {
  level(): (typeof LEVELS)[number];
  counts(): { readCount: number; saveCount: number };
}

/** What this server refuses because it has too much to do. */
export function loadSheddingMetrics({ registry, beforeScrape }: Metrics, shedding: Shedding): void {
  const registers = [registry];
  const level = new Gauge({
    name: "lectern_load_level",
    help: "0 while nothing is refused for load, 1 while reads are, 2 while saves are too.",
    registers,
  });
  const refused = new Counter({
    name: "lectern_load_refused_total",
    help: "Requests refused for load.",
    labelNames: ["kind"],
    registers,
  });
  beforeScrape(() => {
    level.set(LEVELS.indexOf(shedding.level()));
    const { readCount, saveCount } = shedding.counts();
    refused.reset();
    refused.inc({ kind: "read" }, readCount);
    refused.inc({ kind: "save" }, saveCount);
  });
}
