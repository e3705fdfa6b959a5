import { Counter } from "prom-client";
import type { Outbox } from "../queues/outbox.ts";
import type { Metrics } from "./metrics.ts";

/** What this process has handed over; what still waits is among the queue figures, since it is the same for all. */
export function outboxMetrics({ registry }: Metrics, outbox: Pick<Outbox, "stats">): void {
  new Counter({
    name: "lectern_outbox_jobs_total",
    help: "Jobs that this process handed over to BullMQ: new ones, and again ones that Redis had lost.",
    labelNames: ["kind"],
    registers: [registry],
    collect() {
      const { handedOver, lost } = outbox.stats();
      this.reset();
      this.inc({ kind: "new" }, handedOver);
      this.inc({ kind: "lost" }, lost);
    },
  });
  new Counter({
    name: "lectern_outbox_failures_total",
    help: "Attempts of this process to hand over jobs that failed.",
    registers: [registry],
    collect() {
      this.reset();
      this.inc(outbox.stats().failures);
    },
  });
}
