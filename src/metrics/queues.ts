import { Counter, Gauge } from "prom-client";
import type { Container } from "../container.ts";
import { isAway, type OutboxFigures, type QueueFigures, type RedisFigures, takeSnapshot } from "../monitor/snapshot.ts";
import { allQueues } from "../queues/allQueues.ts";
import type { OpenQueues } from "../queues/openQueues.ts";
import type { Metrics } from "./metrics.ts";

type Table<Figures> = readonly [name: string, help: string, read: (figures: Figures) => number | null][];

const OF_QUEUES: Table<QueueFigures> = [
  ["lectern_queue_dead_letters", "Jobs on the dead-letter list.", ({ dead }) => dead],
  [
    "lectern_queue_oldest_waiting_seconds",
    "How long the job that waits longest has waited.",
    ({ oldestWaitingSeconds }) => oldestWaitingSeconds ?? 0,
  ],
  [
    "lectern_queue_failed_tries_per_minute",
    "Tries that failed, of the last five minutes.",
    (queue) => queue.failedPerMinute,
  ],
  [
    "lectern_queue_stalled_per_minute",
    "Jobs that lost their worker, of the last five minutes.",
    (queue) => queue.stalledPerMinute,
  ],
  ["lectern_queue_workers", "Worker processes that are connected.", ({ workers }) => workers],
  ["lectern_queue_paused", "1 while the queue is paused, else 0.", ({ isPaused }) => Number(isPaused)],
];

const OF_OUTBOX: Table<OutboxFigures> = [
  ["lectern_outbox_waiting", "Jobs that are committed and not yet handed over to BullMQ.", ({ waiting }) => waiting],
  [
    "lectern_outbox_oldest_seconds",
    "How long the one among them that waits longest has waited.",
    ({ oldestSeconds }) => oldestSeconds ?? 0,
  ],
];

const OF_REDIS: Table<RedisFigures> = [
  ["lectern_redis_memory_bytes", "Memory that Redis uses.", ({ usedMemoryBytes }) => usedMemoryBytes],
  [
    "lectern_redis_memory_limit_bytes",
    "Its maxmemory; absent where there is no limit.",
    ({ maxMemoryBytes }) => maxMemoryBytes,
  ],
  [
    "lectern_redis_evicted_keys",
    "Keys thrown away for want of memory since Redis started.",
    ({ evictedKeys }) => evictedKeys,
  ],
  [
    "lectern_redis_append_only",
    "1 while Redis keeps its append-only file, 0 while it has none or cannot write it.",
    ({ appendOnly }) => Number(appendOnly === "on"),
  ],
];

/**
 * The figures that are the same whoever reads them: queues, outbox and Redis, read anew for each scrape. Several processes
 * export them, so that they outlive each; what is asked of them takes `max by (queue)` and no sum.
 * What cannot be read is left out, and `lectern_source_up` says so: never a zero in its place.
 */
export function queueMetrics({
  metrics,
  db,
  queueRedis,
  queues,
  clock,
}: Pick<Container, "metrics" | "db" | "queueRedis" | "queues" | "clock">): void {
  const registers = [metrics.registry];
  const up = new Gauge({
    name: "lectern_source_up",
    help: "1 if Redis or PostgreSQL gave the figures of this scrape, else 0.",
    labelNames: ["source"],
    registers,
  });
  const gaugesOf = <Figures>(table: Table<Figures>, labelNames: string[]) =>
    table.map(([name, help, read]) => ({ gauge: new Gauge({ name, help, labelNames, registers }), read }));
  const ofQueues = gaugesOf(OF_QUEUES, ["queue"]);
  const ofOutbox = gaugesOf(OF_OUTBOX, []);
  const ofRedis = gaugesOf(OF_REDIS, []);
  const times = new Gauge({
    name: "lectern_queue_time_seconds",
    help: "How long jobs waited for their first start and how long tries ran, by percentile, of the last five minutes.",
    labelNames: ["queue", "phase", "percentile"],
    registers,
  });
  const late = new Gauge({
    name: "lectern_schedule_late",
    help: "1 while a job that starts by itself is overdue, else 0.",
    labelNames: ["queue", "job_name"], // "job" is Prometheus's own, for what it scrapes
    registers,
  });
  const ofBullmq = bullmqMetrics(metrics);

  metrics.beforeScrape(async () => {
    const [{ queues: figuresOfQueues, outbox, redis, schedules }, counts] = await Promise.all([
      takeSnapshot({ db, redis: queueRedis, queues, clock }),
      readBullmq(queues).catch(() => []), // the snapshot says that Redis is away
    ]);
    for (const gauge of [...[...ofQueues, ...ofOutbox, ...ofRedis].map(({ gauge }) => gauge), times, late]) {
      gauge.reset();
      gauge.remove({}); // without labels a reset leaves a zero
    }
    for (const figures of isAway(figuresOfQueues) ? [] : figuresOfQueues) {
      set(ofQueues, figures, { queue: figures.name });
      for (const phase of ["wait", "run"] as const) {
        for (const [name, ms] of Object.entries(figures[phase] ?? {}))
          times.set({ queue: figures.name, phase, percentile: name.slice(1) }, ms / 1_000);
      }
    }
    for (const { queue, job, isLate } of isAway(schedules) ? [] : schedules)
      late.set({ queue, job_name: job }, Number(isLate));
    if (!isAway(outbox)) set(ofOutbox, outbox, {});
    if (!isAway(redis)) set(ofRedis, redis, {});
    ofBullmq(counts);
    up.set({ source: "redis" }, Number(!isAway(figuresOfQueues) && !isAway(redis)));
    up.set({ source: "postgresql" }, Number(!isAway(outbox)));
  });
}

function set<Figures>(
  gauges: readonly { gauge: Gauge; read: (figures: Figures) => number | null }[],
  figures: Figures,
  labels: Record<string, string>,
): void {
  for (const { gauge, read } of gauges) {
    const value = read(figures);
    if (value === null) gauge.remove(labels);
    else gauge.set(labels, value);
  }
}

interface BullmqFigures {
  queue: string;
  counts: Record<string, number>;
  completed: number;
  failed: number;
}

const readBullmq = (queues: OpenQueues): Promise<BullmqFigures[]> =>
  Promise.all(
    allQueues.map(({ name }) =>
      queues.use(name, async (queue) => {
        const [counts, completed, failed] = await Promise.all([
          queue.getJobCounts(),
          queue.getMetrics("completed", 0, 0),
          queue.getMetrics("failed", 0, 0),
        ]);
        return { queue: name, counts, completed: completed.meta.count, failed: failed.meta.count };
      }),
    ),
  );

/**
 * BullMQ's own figures, under the names of its own export. That export's text is not used: for more than one queue it repeats
 * the HELP and TYPE lines, which Prometheus refuses.
 */
function bullmqMetrics({ registry }: Metrics): (figures: readonly BullmqFigures[]) => void {
  const registers = [registry];
  const counts = new Gauge({
    name: "bullmq_job_count",
    help: "Number of jobs in the queue by state",
    labelNames: ["queue", "state"],
    registers,
  });
  const completed = new Counter({
    name: "bullmq_job_completed_total",
    help: "Total number of completed jobs",
    labelNames: ["queue"],
    registers,
  });
  const failed = new Counter({
    name: "bullmq_job_failed_total",
    help: "Total number of failed jobs",
    labelNames: ["queue"],
    registers,
  });
  return (figures) => {
    for (const metric of [counts, completed, failed]) metric.reset();
    for (const { queue, ...figure } of figures) {
      for (const [state, count] of Object.entries(figure.counts)) counts.set({ queue, state }, count);
      completed.inc({ queue }, figure.completed);
      failed.inc({ queue }, figure.failed);
    }
  };
}
