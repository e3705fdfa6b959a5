import { Gauge, Histogram } from "prom-client";
import type { WrittenBatch } from "../services/answerBatches.ts";
import type { Metrics } from "./metrics.ts";

const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/**
 * How the group commit of saved answers gathers.
 * @param waiting requests that wait for a batch now
 * @returns what is to be told of every batch
 */
export function answerBatchMetrics({ registry }: Metrics, waiting: () => number): (batch: WrittenBatch) => void {
  const registers = [registry];
  const requests = new Histogram({
    name: "lectern_save_batch_requests",
    help: "Requests that one statement and one commit carried.",
    buckets: SIZES,
    registers,
  });
  const answers = new Histogram({
    name: "lectern_save_batch_answers",
    help: "Answers that one statement and one commit carried.",
    buckets: SIZES,
    registers,
  });
  const duration = new Histogram({
    name: "lectern_save_batch_duration_seconds",
    help: "Time of the statement with its commit.",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
    registers,
  });
  new Gauge({
    name: "lectern_save_requests_waiting",
    help: "Requests that wait for the next statement.",
    registers,
    collect() {
      this.set(waiting());
    },
  });
  return (batch) => {
    requests.observe(batch.requests);
    answers.observe(batch.answers);
    duration.observe(batch.ms / 1_000);
  };
}
