import { Counter, Gauge } from "prom-client";
import { LEVELS } from "../middlewares/loadLevel.ts";
import type { LoadShedding } from "../middlewares/loadShedding.ts";
import type { Metrics } from "./metrics.ts";

/** What this server refuses because it has too much to do. */
export function loadSheddingMetrics(
  { registry, beforeScrape }: Metrics,
  shedding: Pick<LoadShedding, "level" | "counts">,
): void {
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
