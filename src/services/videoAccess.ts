import type { Db, Transaction } from "../../prisma/client.ts";
import { notFound } from "../domain/errors.ts";
import type { Video as VideoRow } from "../generated/prisma/client.ts";
import type { VideoStatus } from "../generated/prisma/enums.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Access, Standing, Viewer } from "./access.ts";
import type { Actor } from "./actor.ts";
import { batched } from "./batched.ts";
import { requireId } from "./ids.ts";

/** A video as it is cached: plain data, frozen and shared. Instants are ISO strings. */
export interface VideoRecord {
  id: string;
  courseId: string;
  title: string;
  description: string;
  status: VideoStatus;
  /** The newest processing; what it made lies under its number. */
  run: number;
  jobIds: readonly string[];
  error: string | null;
  durationMs: number | null;
  width: number | null;
  height: number | null;
  hasAudio: boolean | null;
  requiredPercent: number;
  /** In seconds, from and to. */
  mustSee: readonly (readonly [number, number])[];
  createdAt: string;
  readyAt: string | null;
  /** Whether a published lesson shows it. */
  isShown: boolean;
}

/** A video together with what its viewer is in its course. */
export interface SeenVideo {
  video: VideoRecord;
  standing: Standing;
}

type RowWithLessons = VideoRow & { _count: { lessons: number } };

/** What a video is read with, so that `toVideoRecord` knows whether a published lesson shows it. */
export const withPublishedLessons = {
  _count: { select: { lessons: { where: { publishedAt: { not: null } } } } },
};

export const toVideoRecord = (row: RowWithLessons): VideoRecord => ({
  id: row.id,
  courseId: row.courseId,
  title: row.title,
  description: row.description,
  status: row.status,
  run: row.run,
  jobIds: row.jobIds,
  error: row.error,
  durationMs: row.durationMs,
  width: row.width,
  height: row.height,
  hasAudio: row.hasAudio,
  requiredPercent: row.requiredPercent,
  mustSee: row.mustSee as [number, number][],
  createdAt: row.createdAt.toISOString(),
  readyAt: row.readyAt?.toISOString() ?? null,
  isShown: row._count.lessons > 0,
});

export type VideoAccess = ReturnType<typeof createVideoAccess>;

/** Who may see which video. Reads ask the cache, writes ask PostgreSQL inside their own transaction. */
export function createVideoAccess({ db, cache, access }: { db: Db; cache: Cache; access: Access }) {
  const load = batched(async (ids: readonly string[]) => {
    const rows = await db.video.findMany({ where: { id: { in: [...ids] } }, include: withPublishedLessons });
    const byId = new Map(rows.map((row) => [row.id, toVideoRecord(row)]));
    return ids.map((id) => byId.get(id) ?? null);
  });

  /**
   * The video if the viewer may see it now, else null: staff of its course see it always, students of the course once it is
   * READY and a published lesson shows it. From memory while nothing changes; every write and every withdrawal drops it.
   */
  async function find(viewer: Viewer, videoId: string): Promise<SeenVideo | null> {
    const video = await cache.getOrSetCache(CACHE_KEYS.VIDEO(videoId), () => load(videoId), { reads: viewer.reads });
    const standing = video && (await access.standingIn(viewer, video.courseId));
    if (!video || !standing) return null;
    return standing === "STAFF" || (video.status === "READY" && video.isShown) ? { video, standing } : null;
  }

  return {
    find,

    /** As `find`. @throws NOT_FOUND for what the viewer may not know of */
    async forViewer(viewer: Viewer, videoId: string): Promise<SeenVideo> {
      const seen = await find(viewer, requireId(videoId, "video"));
      if (!seen) throw notFound("video");
      return seen;
    },

    /**
     * Locks a video for its staff until the transaction ends. Rows that refer to it can still be written meanwhile, unless it is
     * locked to be removed.
     * @throws NOT_FOUND, FORBIDDEN
     */
    async lock(
      tx: Transaction,
      actor: Pick<Actor, "userId" | "role">,
      videoId: string,
      { toRemove = false } = {},
    ): Promise<VideoRow> {
      const id = requireId(videoId, "video");
      if (toRemove) await tx.$queryRaw`SELECT id FROM videos WHERE id = ${id}::uuid FOR UPDATE`;
      else await tx.$queryRaw`SELECT id FROM videos WHERE id = ${id}::uuid FOR NO KEY UPDATE`;
      const video = await tx.video.findUnique({ where: { id } });
      if (!video) throw notFound("video");
      await access.requireStaff(tx, actor, video.courseId, "video");
      return video;
    },

    /** To be called after the commit of every write to a video, or to what shows it. */
    async drop(...videoIds: string[]): Promise<void> {
      await cache.drop(...videoIds.map(CACHE_KEYS.VIDEO));
    },
  };
}
