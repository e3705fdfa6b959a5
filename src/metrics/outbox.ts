import { Counter } from "prom-client";
import type { Outbox } from "../queues/outbox.ts";
import type { Metrics } from "./metrics.ts";

/** What this process has handed over; what still waits is among the queue figures, since it is the same for all. */
export function outboxMetrics({ registry, beforeScrape }: Metrics, outbox: Pick<Outbox, "stats">): void {
  const registers = [registry];
  const jobs = new Counter({
    name: "lectern_outbox_jobs_total",
    help: "Jobs that this process handed over to BullMQ: new ones, and again ones that Redis had lost.",
    labelNames: ["kind"],
    registers,
  });
  const failures = new Counter({
    name: "lectern_outbox_failures_total",
    help: "Attempts of this process to hand over jobs that failed.",
    registers,
  });
  beforeScrape(() => {
    const stats = outbox.stats();
    jobs.reset();
    jobs.inc({ kind: "new" }, stats.handedOver);
    jobs.inc({ kind: "lost" }, stats.lost);
    failures.reset();
    failures.inc(stats.failures);
  });
}
