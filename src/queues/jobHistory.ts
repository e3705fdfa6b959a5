import type { Redis } from "ioredis";
import { minuteKey, minuteMs } from "./jobTimes.ts";
import { type Percentiles, percentilesOf } from "./timeBuckets.ts";

/** What a queue did within some time. */
export interface Activity {
  completed: number;
  /** Tries that failed, whether or not they were repeated. */
  failed: number;
  /** Jobs that lost their worker. */
  stalled: number;
  /** How long jobs that were due waited for their first start; null if none started. */
  wait: Percentiles | null;
  /** How long tries took, well or badly; null if none ended. */
  run: Percentiles | null;
}

export interface MinuteOfActivity extends Activity {
  /** When the minute began. */
  at: string;
}

export interface RecentActivity extends Activity {
  /** The time it is about; the minute that is under way is not over. */
  minutes: number;
}

const recentMinutes = 5;
const longestMinutes = 24 * 60;

interface Source {
  redis: Redis;
  prefix: string;
  queues: readonly string[];
  now: Date;
}

/**
 * What each queue did in each of the last minutes, the oldest first and the minute under way last, for charts.
 * At most a day is kept. Minutes without jobs are zeros.
 */
export async function readHistory({
  minutes,
  ...source
}: Source & { minutes: number }): Promise<Map<string, MinuteOfActivity[]>> {
  const last = Math.floor(source.now.getTime() / minuteMs);
  const kept = await readMinutes(source, Math.min(minutes, longestMinutes));
  return new Map(
    [...kept].map(([queue, hashes]) => [
      queue,
      hashes.map((hash, index) => ({
        at: new Date((last - hashes.length + 1 + index) * minuteMs).toISOString(),
        ...activityOf([hash]),
      })),
    ]),
  );
}

/** What each queue did in the last five minutes. */
export async function readRecent(source: Source): Promise<Map<string, RecentActivity>> {
  const underWay = (source.now.getTime() % minuteMs) / minuteMs;
  const kept = await readMinutes(source, recentMinutes);
  return new Map(
    [...kept].map(([queue, hashes]) => [queue, { minutes: recentMinutes - 1 + underWay, ...activityOf(hashes) }]),
  );
}

type Hash = Record<string, string>;

async function readMinutes({ redis, prefix, queues, now }: Source, minutes: number): Promise<Map<string, Hash[]>> {
  const last = Math.floor(now.getTime() / minuteMs);
  const batch = redis.pipeline();
  for (const queue of queues) {
    for (let minute = last - minutes + 1; minute <= last; minute++) batch.hgetall(minuteKey(prefix, queue, minute));
  }
  const hashes = ((await batch.exec()) ?? []).map(([error, hash]) => {
    if (error) throw error;
    return hash as Hash;
  });
  return new Map(queues.map((queue, index) => [queue, hashes.slice(index * minutes, (index + 1) * minutes)]));
}

function activityOf(hashes: readonly Hash[]): Activity {
  const count = (field: string) => hashes.reduce((sum, hash) => sum + Number(hash[field] ?? 0), 0);
  const times = (kind: "w" | "r") => {
    const counts = new Map<number, number>();
    for (const [field, text] of hashes.flatMap((hash) => Object.entries(hash))) {
      const bucket = new RegExp(`^${kind}(\\d+)$`).exec(field)?.[1];
      if (bucket) counts.set(Number(bucket), (counts.get(Number(bucket)) ?? 0) + Number(text));
    }
    return percentilesOf(counts);
  };
  return {
    completed: count("completed"),
    failed: count("failed"),
    stalled: count("stalled"),
    wait: times("w"),
    run: times("r"),
  };
}
