import type { Db } from "../../prisma/client.ts";
import { unavailable, unprocessable } from "../domain/errors.ts";
import { fromLine, lengthMs } from "../domain/video/intervals.ts";
import { isRedisOutage } from "../redis/outage.ts";
import type { Pair, WatchBuffer, Watched } from "../redis/watchBuffer.ts";
import type { Logger } from "../utils/logger.ts";
import type { Standing } from "./access.ts";
import type { Actor } from "./actor.ts";
import { batched } from "./batched.ts";
import type { VideoAccess } from "./videoAccess.ts";
import type { SecondsRange } from "./videoInput.ts";
import { parseWatched } from "./watchInput.ts";

/** What a person has seen of a video, in seconds. */
export interface WatchProgress {
  videoId: string;
  position: number;
  seenSeconds: number;
  /** Of the video's length, 0 to 100. */
  percent: number;
  seen: SecondsRange[];
  completedAt: string | null;
}

/** How many people saw each hundredth of a video. */
export interface Retention {
  viewers: number;
  counts: number[];
  computedAt: string;
}

/** As much of a video as its viewers' progress needs. */
interface Viewed {
  id: string;
  durationSeconds: number | null;
  standing: Standing;
}

export type WatchService = ReturnType<typeof createWatchService>;

/** What people watch: taken in by Redis, and written to PostgreSQL by the job `flushWatchProgress`. */
export function createWatchService({
  db,
  watchBuffer,
  videoAccess,
  log,
}: {
  db: Db;
  watchBuffer: WatchBuffer;
  videoAccess: VideoAccess;
  log: Logger;
}) {
  const stored = batched((pairs: readonly Pair[]) => readStored(db, pairs));
  const current = batched(async (pairs: readonly Pair[]) => {
    const collected = await watchBuffer.read(pairs).catch((err): (Watched | null)[] => {
      if (!isRedisOutage(err)) throw err;
      log.warn({ err }, "progress is read without redis");
      return pairs.map(() => null);
    });
    return Promise.all(pairs.map((pair, index) => collected[index] ?? stored(pair)));
  });
  const retentionOf = batched((videoIds: readonly string[]) => readRetention(db, videoIds));

  return {
    /**
     * Notes what the actor watched and where they are now. Asks Redis once and PostgreSQL only for what neither the cache nor Redis
     * knows. More seconds than the clock allows are left out. Safe to repeat: what was seen is seen once.
     * @throws NOT_FOUND, BAD_USER_INPUT, UNPROCESSABLE (VIDEO_NOT_READY), SERVICE_UNAVAILABLE
     */
    async record(
      actor: Actor,
      videoId: string,
      input: { intervals: readonly SecondsRange[]; position: number },
    ): Promise<WatchProgress> {
      const { video } = await videoAccess.forViewer(actor, videoId);
      if (video.status !== "READY" || video.durationMs === null)
        throw unprocessable("VIDEO_NOT_READY", "This video cannot be watched yet.");
      const watched = parseWatched(input, video.durationMs);
      const pair = { userId: actor.userId, videoId: video.id };
      let outcome = await watchBuffer.record(pair, watched).catch(throwIfAway);
      if (outcome === "unknown") {
        const known = (await stored(pair)) ?? { seen: [], completedAt: null };
        outcome = await watchBuffer.record(pair, watched, known).catch(throwIfAway);
      }
      if (typeof outcome === "string") throw away(new Error(`the buffer answered ${outcome}`));
      return toProgress(video.id, video.durationMs, outcome);
    },

    /** What the actor has seen of a video they may see, what was taken in a moment ago included; null before the first second. */
    async progress(actor: Actor, { id, durationSeconds }: Viewed): Promise<WatchProgress | null> {
      const watched = durationSeconds === null ? null : await current({ userId: actor.userId, videoId: id });
      return watched && toProgress(id, durationSeconds! * 1_000, watched);
    },

    /** For staff; null for students, and before it was first worked out. */
    async retention({ id, standing }: Viewed): Promise<Retention | null> {
      return standing === "STAFF" ? retentionOf(id) : null;
    },
  };
}

const away = (cause: unknown) =>
  unavailable("What was watched could not be noted now. Send it again, together with what comes next.", 2, cause);

function throwIfAway(error: unknown): never {
  throw isRedisOutage(error) ? away(error) : error;
}

async function readStored(db: Db, pairs: readonly Pair[]): Promise<(Watched | null)[]> {
  const wanted = JSON.stringify(pairs.map(({ userId, videoId }) => ({ user_id: userId, video_id: videoId })));
  const rows = await db.$queryRaw<
    { user_id: string; video_id: string; seen: string; position_ms: number; completed_at: Date | null }[]
  >`
    SELECT user_id, video_id, translate(seen::text, '{[)}', '') AS seen, position_ms, completed_at
    FROM watch_progress
    JOIN jsonb_to_recordset(${wanted}::jsonb) AS wanted (user_id uuid, video_id uuid) USING (user_id, video_id)`;
  const found = new Map(rows.map((row) => [`${row.user_id}:${row.video_id}`, row]));
  return pairs.map(({ userId, videoId }) => {
    const row = found.get(`${userId}:${videoId}`);
    if (!row) return null;
    return {
      seen: fromLine(row.seen),
      positionMs: row.position_ms,
      completedAt: row.completed_at?.toISOString() ?? null,
    };
  });
}

async function readRetention(db: Db, videoIds: readonly string[]): Promise<(Retention | null)[]> {
  const rows = await db.videoRetention.findMany({ where: { videoId: { in: [...videoIds] } } });
  const found = new Map(rows.map((row) => [row.videoId, row]));
  return videoIds.map((videoId) => {
    const row = found.get(videoId);
    return row ? { viewers: row.viewers, counts: row.counts, computedAt: row.computedAt.toISOString() } : null;
  });
}

function toProgress(videoId: string, durationMs: number, { seen, positionMs, completedAt }: Watched): WatchProgress {
  const seenMs = lengthMs(seen);
  return {
    videoId,
    position: positionMs / 1_000,
    seenSeconds: seenMs / 1_000,
    percent: Math.min(100, Math.floor((seenMs * 1_000) / durationMs) / 10),
    seen: seen.map(([from, to]) => ({ from: from / 1_000, to: to / 1_000 })),
    completedAt,
  };
}
