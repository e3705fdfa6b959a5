import type { Job } from "bullmq";
import type { Redis } from "ioredis";
import type { Db } from "../../prisma/client.ts";
import { allQueues } from "../queues/allQueues.ts";
import { countDeadLetters } from "../queues/deadLetters.ts";
import type { OpenQueues } from "../queues/openQueues.ts";

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
  const [queueFigures, outbox, redisFigures] = await Promise.all([
    orAway(readQueues(queues, now)),
    orAway(readOutbox(db)),
    orAway(readRedis(redis, queues)),
  ]);
  return { takenAt: now.toISOString(), queues: queueFigures, outbox, redis: redisFigures };
}

async function orAway<Part>(part: Promise<Part>): Promise<Part | Away> {
  try {
    return await part;
  } catch (error) {
    const text = (error instanceof Error ? error.message : String(error)).trim().split("\n").at(-1);
    return { away: text?.replace(/^.*Message: `(.*)`$/, "$1") || "no answer" }; // Prisma wraps the reason
  }
}

async function readQueues(queues: OpenQueues, now: Date): Promise<QueueFigures[]> {
  const dead = await countDeadLetters(queues);
  return Promise.all(
    allQueues.map(({ name }) =>
      queues.use(name, async (queue) => {
        const [counts, [oldest], workers, isPaused] = await Promise.all([
          queue.getJobCounts("waiting", "active", "delayed", "failed", "completed"),
          queue.getJobs(["waiting"], 0, 0, true),
          queue.getWorkersCount(),
          queue.isPaused(),
        ]);
        return {
          name,
          waiting: counts.waiting ?? 0,
          active: counts.active ?? 0,
          delayed: counts.delayed ?? 0,
          failed: counts.failed ?? 0,
          dead: dead.get(name) ?? 0,
          completed: counts.completed ?? 0,
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
  queues.checkConnected(); // says it better than the command would
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
  };
}
