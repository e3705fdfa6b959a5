import type { Db } from "../../prisma/client.ts";

export type WatchRetention = ReturnType<typeof createWatchRetention>;

/** Works out how many people saw each hundredth of a video. */
export function createWatchRetention({ db }: { db: Db }) {
  /** Who saw the middle of a hundredth saw it. */
  const compute = (videoId: string) => db.$executeRaw`
    INSERT INTO video_retention (video_id, viewers, counts, computed_at)
    SELECT video.id, seen.viewers, seen.counts, statement_timestamp()
    FROM videos video, LATERAL (
      SELECT (SELECT count(*)::int FROM watch_progress WHERE video_id = video.id AND seen_ms > 0) AS viewers,
             array_agg(people ORDER BY bucket) AS counts
      FROM (
        SELECT bucket, count(progress.user_id)::int AS people
        FROM generate_series(0, 99) bucket
        LEFT JOIN watch_progress progress ON progress.video_id = video.id
          AND progress.seen @> ((bucket + 0.5) * video.duration_ms / 100)::int
        GROUP BY bucket
      ) hundredth
    ) seen
    WHERE video.id = ${videoId}::uuid
    ON CONFLICT (video_id) DO UPDATE
      SET viewers = excluded.viewers, counts = excluded.counts, computed_at = excluded.computed_at`;

  return {
    /**
     * For every video of which somebody saw more since the last time; a minute before it counts as since, for those whose write was not
     * committed then. @returns how many videos that were
     */
    async computeChanged(): Promise<number> {
      const changed = await db.$queryRaw<{ id: string }[]>`
        SELECT video.id FROM videos video LEFT JOIN video_retention retention ON retention.video_id = video.id
        WHERE video.duration_ms IS NOT NULL AND EXISTS (
          SELECT FROM watch_progress progress WHERE progress.video_id = video.id
            AND (retention.computed_at IS NULL OR progress.updated_at > retention.computed_at - interval '1 minute')
        )
        ORDER BY video.id`;
      for (const { id } of changed) await compute(id);
      return changed.length;
    },
  };
}
