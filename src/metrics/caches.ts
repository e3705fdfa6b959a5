import { Counter, Gauge } from "prom-client";
import type { Cache } from "../redis/cache.ts";
import type { EdgeCache } from "../redis/edgeCache.ts";
import type { Metrics } from "./metrics.ts";

/** The read-through cache of this process. */
export function cacheMetrics({ registry, beforeScrape }: Metrics, cache: Pick<Cache, "stats">): void {
  const registers = [registry];
  const reads = new Counter({
    name: "lectern_cache_reads_total",
    help: "Values asked of the cache, by what answered: memory, Redis, or the database (a fetch, or waiting for one).",
    labelNames: ["answered_by"],
    registers,
  });
  const errors = new Counter({
    name: "lectern_cache_errors_total",
    help: "Commands of the cache that Redis did not answer.",
    registers,
  });
  const withoutRedis = new Gauge({
    name: "lectern_cache_without_redis",
    help: "1 while the cache goes without Redis, else 0.",
    registers,
  });
  beforeScrape(() => {
    const stats = cache.stats();
    reads.reset();
    reads.inc({ answered_by: "memory" }, stats.l1Hits);
    reads.inc({ answered_by: "redis" }, stats.l2Hits);
    reads.inc({ answered_by: "database" }, stats.misses);
    errors.reset();
    errors.inc(stats.errors);
    withoutRedis.set(Number(stats.breakerOpen));
  });
}

/** The finished answers that this server keeps. */
export function edgeCacheMetrics({ registry, beforeScrape }: Metrics, edge: Pick<EdgeCache, "stats">): void {
  const registers = [registry];
  const lookups = new Counter({
    name: "lectern_edge_cache_lookups_total",
    help: "Requests looked up among the stored answers, by outcome.",
    labelNames: ["outcome"],
    registers,
  });
  const answers = new Gauge({ name: "lectern_edge_cache_answers", help: "Answers that are stored.", registers });
  const bytes = new Gauge({
    name: "lectern_edge_cache_bytes",
    help: "Approximate size of the stored answers.",
    registers,
  });
  beforeScrape(() => {
    const stats = edge.stats();
    lookups.reset();
    lookups.inc({ outcome: "hit" }, stats.hits);
    lookups.inc({ outcome: "miss" }, stats.misses);
    answers.set(stats.entries);
    bytes.set(stats.bytes);
  });
}
