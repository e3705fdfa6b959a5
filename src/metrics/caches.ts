import { Counter, Gauge } from "prom-client";
import type { Cache } from "../redis/cache.ts";
import type { EdgeCache } from "../redis/edgeCache.ts";
import type { Metrics } from "./metrics.ts";

/** The read-through cache of this process. */
export function cacheMetrics({ registry }: Metrics, cache: Pick<Cache, "stats">): void {
  const registers = [registry];
  new Counter({
    name: "lectern_cache_reads_total",
    help: "Values asked of the cache, by what answered: memory, Redis, or the database (a fetch, or waiting for one).",
    labelNames: ["answered_by"],
    registers,
    collect() {
      const { l1Hits, l2Hits, misses } = cache.stats();
      this.reset();
      this.inc({ answered_by: "memory" }, l1Hits);
      this.inc({ answered_by: "redis" }, l2Hits);
      this.inc({ answered_by: "database" }, misses);
    },
  });
  new Counter({
    name: "lectern_cache_errors_total",
    help: "Commands of the cache that Redis did not answer.",
    registers,
    collect() {
      this.reset();
      this.inc(cache.stats().errors);
    },
  });
  new Gauge({
    name: "lectern_cache_without_redis",
    help: "1 while the cache goes without Redis, else 0.",
    registers,
    collect() {
      this.set(cache.stats().breakerOpen ? 1 : 0);
    },
  });
}

/** The finished answers that this server keeps. */
export function edgeCacheMetrics({ registry }: Metrics, edge: Pick<EdgeCache, "stats">): void {
  const registers = [registry];
  new Counter({
    name: "lectern_edge_cache_lookups_total",
    help: "Requests looked up among the stored answers, by outcome.",
    labelNames: ["outcome"],
    registers,
    collect() {
      const { hits, misses } = edge.stats();
      this.reset();
      this.inc({ outcome: "hit" }, hits);
      this.inc({ outcome: "miss" }, misses);
    },
  });
  new Gauge({
    name: "lectern_edge_cache_answers",
    help: "Answers that are stored.",
    registers,
    collect() {
      this.set(edge.stats().entries);
    },
  });
  new Gauge({
    name: "lectern_edge_cache_bytes",
    help: "Approximate size of the stored answers.",
    registers,
    collect() {
      this.set(edge.stats().bytes);
    },
  });
}
