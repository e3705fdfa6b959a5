import type { Job } from "bullmq";
import type { Redis } from "ioredis";
import type { Db, PoolFigures } from "../../prisma/client.ts";
import { allQueues } from "../queues/allQueues.ts";
import { countDeadLetters } from "../queues/deadLetters.ts";
import { readRecent } from "../queues/jobHistory.ts";
import type { OpenQueues } from "../queues/openQueues.ts";
import type { Percentiles } from "../queues/timeBuckets.ts";
import { readSchedules } from "./scheduleFigures.ts";
import { type ProgramName, readVitalSigns } from "./vitalSigns.ts";

export interface QueueFigures {
  name: string;
  waiting: number;
  active: number;
  delayed: number;
  /** Kept after their last try; those on the dead-letter list are among them. */
  failed: number;
  dead: number;
  /** Kept for an hour. */
  completed: number;
  /** Rates and times are of the last five minutes. */
  completedPerMinute: number;
  /** Tries that failed, whether or not they were repeated. */
  failedPerMinute: number;
  /** Jobs that lost their worker. */
  stalledPerMinute: number;
  /** How long jobs that were due waited for their first start; null if none started. */
  wait: Percentiles | null;
  /** How long tries took; null if none ended. */
  run: Percentiles | null;
  oldestWaitingSeconds: number | null;
  /** Worker processes that are connected. */
  workers: number;
  isPaused: boolean;
}

export interface OutboxFigures {
  /** Jobs that are not handed over yet. */
  waiting: number;
  oldestSeconds: number | null;
}

export interface RedisFigures {
  version: string;
  usedMemoryBytes: number;
  /** Null for no limit. */
  maxMemoryBytes: number | null;
  maxMemoryPolicy: string;
  appendOnly: "on" | "off" | "failing";
  /** Keys thrown away for want of memory since Redis started. */
  evictedKeys: number;
}

/** One running process, as it last described itself. */
export interface ProcessFigures {
  program: ProgramName;
  id: string;
  host: string;
  pid: number;
  startedAt: string;
  seenAt: string;
  /** How late its event loop was in the worst hundredth of the last seconds. */
  eventLoopDelayP99Ms: number;
  /** Connections to PostgreSQL, all of the process's pools together. */
  pool: PoolFigures;
  /** Since the process began. */
  cache: { hits: number; misses: number } | null;
}

export interface CacheFigures {
  /** The share of reads that the cache answered since the processes began, 0 to 1; null if there were none, or nobody says. */
  hitRate: number | null;
}

/** A job that starts by itself. */
export interface ScheduleFigures {
  queue: string;
  job: string;
  everyMs: number | null;
  /** In UTC. */
  cron: string | null;
  /** Null when Redis has no such schedule: a worker puts it there within a minute. */
  nextAt: string | null;
  /** Null when it has not finished yet. */
  lastFinishedAt: string | null;
  isLate: boolean;
}

/** Why something could not be read; never zeros instead. */
export interface Away {
  away: string;
}

export interface Snapshot {
  takenAt: string;
  queues: QueueFigures[] | Away;
  outbox: OutboxFigures | Away;
  redis: RedisFigures | Away;
  processes: ProcessFigures[] | Away;
  cache: CacheFigures;
  schedules: ScheduleFigures[] | Away;
}

export const isAway = (part: object): part is Away => "away" in part;

/** Reads everything the monitor shows. Never rejects: what cannot be read says why. */
export async function takeSnapshot({
  db,
  redis,
  queues,
  clock,
}: {
  db: Db;
  redis: Redis;
  queues: OpenQueues;
  clock: () => Date;
}): Promise<Snapshot> {
  const now = clock();
  const [queueFigures, outbox, redisFigures, processes, schedules] = await Promise.all([
    orAway(readQueues({ redis, queues, now })),
    orAway(readOutbox(db)),
    orAway(readRedis(redis, queues)),
    orAway(readProcesses(redis, queues)),
    orAway(readSchedules({ redis, queues, declarations: allQueues, now })),
  ]);
  return {
    takenAt: now.toISOString(),
    queues: queueFigures,
    outbox,
    redis: redisFigures,
    processes,
    cache: { hitRate: isAway(processes) ? null : hitRateOf(processes) },
    schedules,
  };
}

async function orAway<Part>(part: Promise<Part>): Promise<Part | Away> {
  try {
    return await part;
  } catch (error) {
    const text = (error instanceof Error ? error.message : String(error)).trim().split("\n").at(-1);
    return { away: text?.replace(/^.*Message: `(.*)`$/, "$1") || "no answer" }; // Prisma wraps the reason
  }
}

async function readQueues({
  redis,
  queues,
  now,
}: {
  redis: Redis;
  queues: OpenQueues;
  now: Date;
}): Promise<QueueFigures[]> {
  queues.checkConnected(); // says it better than the commands would
  const names = allQueues.map(({ name }) => name);
  const [dead, recent] = await Promise.all([
    countDeadLetters(queues),
    readRecent({ redis, prefix: queues.prefix, queues: names, now }),
  ]);
  return Promise.all(
    names.map((name) =>
      queues.use(name, async (queue) => {
        const [counts, [oldest], workers, isPaused] = await Promise.all([
          queue.getJobCounts("waiting", "active", "delayed", "failed", "completed"),
          queue.getJobs(["waiting"], 0, 0, true),
          queue.getWorkersCount(),
          queue.isPaused(),
        ]);
        const activity = recent.get(name)!;
        const perMinute = (count: number) => Math.round((10 * count) / activity.minutes) / 10;
        return {
          name,
          waiting: counts.waiting ?? 0,
          active: counts.active ?? 0,
          delayed: counts.delayed ?? 0,
          failed: counts.failed ?? 0,
          dead: dead.get(name) ?? 0,
          completed: counts.completed ?? 0,
          completedPerMinute: perMinute(activity.completed),
          failedPerMinute: perMinute(activity.failed),
          stalledPerMinute: perMinute(activity.stalled),
          wait: activity.wait,
          run: activity.run,
          oldestWaitingSeconds: oldest ? waitingSeconds(oldest, now) : null,
          workers,
          isPaused,
        };
      }),
    ),
  );
}

/** A job that was delayed waits since it was due. */
const waitingSeconds = (job: Job, now: Date) =>
  Math.max(0, Math.round((now.getTime() - job.timestamp - (job.opts.delay ?? 0)) / 1_000));

async function readOutbox(db: Db): Promise<OutboxFigures> {
  const [figures] = await db.$queryRaw<OutboxFigures[]>`
    SELECT count(*)::int AS waiting, round(extract(epoch FROM now() - min(created_at)))::int AS "oldestSeconds"
    FROM outbox_jobs WHERE published_at IS NULL`;
  return figures!;
}

async function readRedis(redis: Redis, queues: OpenQueues): Promise<RedisFigures> {
  queues.checkConnected();
  const info = await redis.info();
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? "";
  const isAppendOnly = field("aof_enabled") === "1";
  const isWritten = field("aof_last_write_status") === "ok" && field("aof_last_bgrewrite_status") === "ok";
  return {
    version: field("redis_version"),
    usedMemoryBytes: Number(field("used_memory")),
    maxMemoryBytes: Number(field("maxmemory")) || null,
    maxMemoryPolicy: field("maxmemory_policy"),
    appendOnly: isAppendOnly ? (isWritten ? "on" : "failing") : "off",
    evictedKeys: Number(field("evicted_keys")),
  };
}

async function readProcesses(redis: Redis, queues: OpenQueues): Promise<ProcessFigures[]> {
  queues.checkConnected();
  return readVitalSigns({ redis, prefix: queues.prefix });
}

function hitRateOf(processes: readonly ProcessFigures[]): number | null {
  const sum = (figure: "hits" | "misses") => processes.reduce((total, { cache }) => total + (cache?.[figure] ?? 0), 0);
  const reads = sum("hits") + sum("misses");
  return reads === 0 ? null : sum("hits") / reads;
}
