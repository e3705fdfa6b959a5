import type { Db, Transaction } from "../../prisma/client.ts";
import { fromLine, type Interval } from "../domain/video/intervals.ts";
import type { Unwritten, WatchBuffer, Written } from "../redis/watchBuffer.ts";

/** People with a video each that are written by one statement. */
const BATCH = 500;
/** The key of the lock that one flush at a time holds. */
const LOCK = 0x77617463; // "watc"

export type WatchFlush = ReturnType<typeof createWatchFlush>;

/** Writes what was watched from Redis to PostgreSQL, many people at a time. */
export function createWatchFlush({ db, watchBuffer }: { db: Db; watchBuffer: WatchBuffer }) {
  /**
   * What waited longest, read under the lock and committed before it is free again: so an older position is never written over a
   * newer one. Null while another flush is at work.
   */
  const writeOldest = (untilMs: number) =>
    db.$transaction(async (tx): Promise<Written[] | null> => {
      const [lock] = await tx.$queryRaw<{ is_ours: boolean }[]>`SELECT pg_try_advisory_xact_lock(${LOCK}) AS is_ours`;
      if (!lock!.is_ours) return null;
      const batch = await watchBuffer.oldest(BATCH, untilMs);
      return batch.length === 0 ? [] : write(tx, batch);
    });

  return {
    /**
     * Writes all that waits when it begins. Only after the commit does it wait no longer, and what changed meanwhile waits on; a crash
     * in between only writes the same once more. @returns how many were written
     */
    async flush(): Promise<number> {
      const untilMs = await watchBuffer.now();
      let total = 0;
      for (;;) {
        const written = await writeOldest(untilMs);
        if (!written) return total; // the other one writes it
        await watchBuffer.settle(written);
        total += written.length;
        if (written.length < BATCH) return total;
      }
    },
  };
}

interface Row {
  user_id: string;
  video_id: string;
  seen: string;
  completed_at: Date | null;
}

/**
 * One statement for all. A video is completed when the required share of its length was seen and every part that must be; a quarter of
 * a second at either end of a part is forgiven, which is how exactly players know where they are. Once completed it stays so.
 * The key locks keep the people and videos there until the commit; who is gone or erased already is left out.
 */
async function write(tx: Transaction, batch: readonly Unwritten[]): Promise<Written[]> {
  const input = JSON.stringify(
    batch.map(({ userId, videoId, seen, positionMs }) => ({
      user_id: userId,
      video_id: videoId,
      seen: toMultirange(seen),
      position_ms: positionMs,
    })),
  );
  const rows = await tx.$queryRaw<Row[]>`
    WITH input AS (
      SELECT * FROM jsonb_to_recordset(${input}::jsonb)
        AS row (user_id uuid, video_id uuid, seen int4multirange, position_ms int)
    ), target AS MATERIALIZED (
      SELECT input.*, video.duration_ms, video.required_percent, video.must_see
      FROM input JOIN videos video ON video.id = input.video_id JOIN users person ON person.id = input.user_id AND person.erased_at IS NULL
      ORDER BY input.user_id, input.video_id
      FOR KEY SHARE OF video, person
    ), whole AS (
      SELECT target.*, target.seen + coalesce(known.seen, '{}') AS all_seen
      FROM target LEFT JOIN watch_progress known USING (user_id, video_id)
    ), measured AS (
      SELECT whole.*, (SELECT coalesce(sum(upper(part) - lower(part)), 0)::int FROM unnest(all_seen) part) AS seen_ms
      FROM whole
    )
    INSERT INTO watch_progress (user_id, video_id, seen, seen_ms, position_ms, completed_at, updated_at)
    SELECT user_id, video_id, all_seen, seen_ms, position_ms,
           CASE WHEN seen_ms::bigint * 100 >= duration_ms::bigint * required_percent AND NOT EXISTS (
             SELECT FROM jsonb_array_elements(must_see) part,
               LATERAL (SELECT (part ->> 0)::numeric * 1000 AS begins, least((part ->> 1)::numeric * 1000, duration_ms) AS ends) edge,
               LATERAL (SELECT least(250, greatest(ends - begins, 0) / 4) AS forgiven) slack
             WHERE NOT all_seen @> int4range((begins + forgiven)::int, greatest(ends - forgiven, begins + forgiven)::int)
           ) THEN clock_timestamp() END,
           clock_timestamp()
    FROM measured
    ORDER BY user_id, video_id
    ON CONFLICT (user_id, video_id) DO UPDATE
      SET seen = watch_progress.seen + excluded.seen, seen_ms = excluded.seen_ms, position_ms = excluded.position_ms,
          completed_at = coalesce(watch_progress.completed_at, excluded.completed_at), updated_at = excluded.updated_at
    RETURNING user_id, video_id, translate(seen::text, '{[)}', '') AS seen, completed_at`;
  const written = new Map(rows.map((row) => [`${row.user_id}:${row.video_id}`, row]));
  return batch.map(({ userId, videoId, version }) => {
    const row = written.get(`${userId}:${videoId}`);
    return { userId, videoId, version, watched: row ? toWatched(row) : null };
  });
}

const toWatched = ({ seen, completed_at }: Row) => ({
  seen: fromLine(seen),
  completedAt: completed_at?.toISOString() ?? null,
});

const toMultirange = (intervals: readonly Interval[]): string =>
  `{${intervals.map(([from, to]) => `[${from},${to})`).join(",")}}`;
