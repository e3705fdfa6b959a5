import { collectDefaultMetrics } from "prom-client";
import type { Metrics } from "./metrics.ts";

/** CPU, memory, garbage collection and event-loop delay of this process, as the library measures them. To be called once. */
export function processMetrics({ registry }: Metrics): void {
  collectDefaultMetrics({ register: registry });
}
