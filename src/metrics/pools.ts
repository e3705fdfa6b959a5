import type { Pool } from "pg";
import { Gauge } from "prom-client";
import { poolFigures } from "../../prisma/client.ts";
import type { Metrics } from "./metrics.ts";

/** The connections of this process to PostgreSQL, by pool. */
export function poolMetrics({ registry }: Metrics, pools: Readonly<Record<string, Pool>>): void {
  const gauges = [
    { name: "lectern_db_pool_limit", help: "Connections that the pool may open.", read: "max" },
    { name: "lectern_db_pool_open", help: "Connections that are open.", read: "open" },
    { name: "lectern_db_pool_busy", help: "Connections that are in use.", read: "busy" },
    { name: "lectern_db_pool_waiting", help: "Queries that wait for a connection.", read: "waiting" },
  ] as const;
  for (const { name, help, read } of gauges) {
    new Gauge({
      name,
      help,
      labelNames: ["pool"],
      registers: [registry],
      collect() {
        for (const [label, pool] of Object.entries(pools)) this.set({ pool: label }, poolFigures([pool])[read]);
      },
    });
  }
}
