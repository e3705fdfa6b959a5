import { fromLine, type Interval, toLine } from "../domain/video/intervals.ts";
import type { Redis } from "./redis.ts";
import { createScript } from "./script.ts";
import { RECORD, SETTLE } from "./watchScripts.ts";

/** One person and one video. */
export interface Pair {
  userId: string;
  videoId: string;
}

/** What a person has seen of a video. */
export interface Watched {
  /** United. */
  seen: Interval[];
  positionMs: number;
  /** ISO text. */
  completedAt: string | null;
}

/** What is to be written to PostgreSQL, as it was when it was taken. */
export interface Unwritten extends Pair, Pick<Watched, "seen" | "positionMs"> {
  version: string;
}

/** What PostgreSQL has after it was written; null if the person or the video is gone. */
export interface Written extends Pair {
  version: string;
  watched: Pick<Watched, "seen" | "completedAt"> | null;
}

/** Seconds of a video that one second of the clock allows: players go up to double speed. */
const SPEED = 2;
/** What may be seen before the clock has counted anything, and the most that is left over from one call for the next. */
const SLACK_MS = 30_000;
/** How long a person's last call is remembered: a client that was offline hands in what it kept. */
const CLOCK_LIFE_MS = 24 * 3_600_000;
/** Of one person and video; more is only sent to make work. What PostgreSQL has already may be more. */
const MOST_INTERVALS = 2_000;
/** How long what PostgreSQL has is kept here after the last call, for the next. */
const KEPT_SECONDS = 3_600;

export type WatchBuffer = ReturnType<typeof createWatchBuffer>;

/**
 * Collects what people watch until a job writes it to PostgreSQL, every two seconds. When Redis is killed and comes back with its
 * append-only file (`everysec`), about the last second may be lost; when its disk is lost too, what was not written yet: two to four
 * seconds. What was written once is never lost.
 * @param redis the queues' server, for it neither evicts nor forgets; its commands fail rather than wait
 */
export function createWatchBuffer({ redis, prefix, newId }: { redis: Redis; prefix: string; newId: () => string }) {
  const record = createScript(redis, RECORD);
  const settle = createScript(redis, SETTLE);
  const waiting = `${prefix}:watch:unwritten`;
  const memberOf = ({ userId, videoId }: Pair) => `${userId}:${videoId}`;
  const keyOf = (member: string) => `${prefix}:watch:seen:${member}`;

  /** Fields of many hashes in one round trip. */
  async function fieldsOf(members: readonly string[], ...fields: string[]): Promise<(string | null)[][]> {
    const pipeline = redis.pipeline();
    for (const member of members) pipeline.hmget(keyOf(member), ...fields);
    const answers = (await pipeline.exec()) ?? [];
    return answers.map(([error, values]) => {
      if (error) throw error;
      return values as (string | null)[];
    });
  }

  return {
    /**
     * Takes in what was watched, in one round trip, and answers with all that was seen. More than the clock allows is left out:
     * twice the time since the person's last call for whatever video on whatever device, and a small allowance. Safe to repeat.
     * @param known what PostgreSQL has, to be given after the answer `unknown`
     */
    async record(
      pair: Pair,
      { intervals, positionMs }: { intervals: readonly Interval[]; positionMs: number },
      known?: Pick<Watched, "seen" | "completedAt">,
    ): Promise<Watched | "unknown" | "full"> {
      const member = memberOf(pair);
      const args = [member, newId(), toLine(intervals), positionMs, SLACK_MS, SPEED, CLOCK_LIFE_MS, MOST_INTERVALS];
      const [outcome, ...watched] = (await record(
        [keyOf(member), `${prefix}:watch:clock:${pair.userId}`, waiting],
        known ? [...args, toLine(known.seen), known.completedAt ?? ""] : args,
      )) as ["unknown" | "full"] | ["taken", string, string, string];
      if (outcome !== "taken") return outcome;
      const [seen, position, completed] = watched as [string, string, string];
      return toWatched(seen, position, completed);
    },

    /** What is here of each, in the same order; null for what PostgreSQL alone may know. */
    async read(pairs: readonly Pair[]): Promise<(Watched | null)[]> {
      const found = await fieldsOf(pairs.map(memberOf), "seen", "position", "completed");
      return found.map(([seen, position, completed]) =>
        seen == null || position == null ? null : toWatched(seen, position, completed ?? ""),
      );
    },

    /** The time here, in milliseconds: what waits since before it was there when it was asked. */
    async now(): Promise<number> {
      const [seconds, micros] = (await redis.time()) as [number, number];
      return seconds * 1_000 + Math.floor(micros / 1_000);
    },

    /** What has waited longest to be written, at most `count`, since `untilMs` or before. It waits on until `settle`. */
    async oldest(count: number, untilMs: number): Promise<Unwritten[]> {
      const members = await redis.zrangebyscore(waiting, "-inf", untilMs, "LIMIT", 0, count);
      const found = await fieldsOf(members, "seen", "position", "version");
      return members.map((member, index) => {
        const [userId, videoId] = member.split(":") as [string, string];
        const [seen, position, version] = found[index] as [string, string, string];
        return { userId, videoId, seen: fromLine(seen), positionMs: Number(position), version };
      });
    },

    /** To be called after the commit: what was written and has not changed since waits no longer. Safe to repeat. */
    async settle(written: readonly Written[]): Promise<void> {
      if (written.length === 0) return;
      const args = written.flatMap(({ version, watched, ...pair }) => [
        memberOf(pair),
        version,
        watched ? toLine(watched.seen) : "gone",
        watched?.completedAt ?? "",
      ]);
      await settle([waiting, ...written.map((pair) => keyOf(memberOf(pair)))], [KEPT_SECONDS, ...args]);
    },
  };
}

const toWatched = (seen: string, position: string, completed: string): Watched => ({
  seen: fromLine(seen),
  positionMs: Number(position),
  completedAt: completed || null,
});
