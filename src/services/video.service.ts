import type { Db } from "../../prisma/client.ts";
import { badInput, unprocessable } from "../domain/errors.ts";
import type { Prisma } from "../generated/prisma/client.ts";
import type { VideoStatus } from "../generated/prisma/enums.ts";
import type { Outbox } from "../queues/outbox.ts";
import { videoQueue } from "../queues/video.queue.ts";
import type { Events } from "../redis/pubsub.ts";
import type { Access, Standing } from "./access.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { type Connection, connectionOf, type PageArgs } from "./connection.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import { toVideoRecord, type VideoAccess, type VideoRecord, withPublishedLessons } from "./videoAccess.ts";
import { changedVideo, newVideo, type SecondsRange } from "./videoInput.ts";

/** A video as one viewer sees it. */
export interface Video {
  __typename: "Video";
  id: string;
  courseId: string;
  title: string;
  description: string;
  status: VideoStatus;
  /** The newest processing. */
  run: number;
  /** Its jobs so far; empty for students. */
  jobIds: readonly string[];
  /** For staff; null for students. */
  error: string | null;
  durationSeconds: number | null;
  width: number | null;
  height: number | null;
  requiredPercent: number;
  mustSee: SecondsRange[];
  createdAt: string;
  /** What the viewer is in the video's course. */
  standing: Standing;
}

/** What a viewer with this standing sees of a video. */
export const toVideo = (video: VideoRecord, standing: Standing): Video => ({
  __typename: "Video",
  id: video.id,
  courseId: video.courseId,
  title: video.title,
  description: video.description,
  status: video.status,
  run: video.run,
  jobIds: standing === "STAFF" ? video.jobIds : [],
  error: standing === "STAFF" ? video.error : null,
  durationSeconds: video.durationMs === null ? null : video.durationMs / 1_000,
  width: video.width,
  height: video.height,
  requiredPercent: video.requiredPercent,
  mustSee: video.mustSee.map(([from, to]) => ({ from, to })),
  createdAt: video.createdAt,
  standing,
});

export type VideoService = ReturnType<typeof createVideoService>;

/** The record of a video: its words and rules. Its file, its processing and its playback are others' business. */
export function createVideoService({
  db,
  access,
  videoAccess,
  outbox,
  events,
  newId,
}: {
  db: Db;
  access: Access;
  videoAccess: VideoAccess;
  outbox: Outbox;
  events: Events;
  newId: () => string;
}) {
  /** @throws NOT_FOUND for a video the actor may not know of */
  async function get(actor: Actor, videoId: string): Promise<Video> {
    const { video, standing } = await videoAccess.forViewer(actor, videoId);
    return toVideo(video, standing);
  }

  return {
    get,

    /** The same, null for what the actor may not know of. */
    async find(actor: Actor, videoId: string): Promise<Video | null> {
      const seen = await videoAccess.find(actor, videoId);
      return seen && toVideo(seen.video, seen.standing);
    },

    /** The videos of a course, newest first. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async list(
      actor: Actor,
      filter: { courseId: string; status?: VideoStatus | null },
      page: PageArgs,
    ): Promise<Connection<Video>> {
      const courseId = requireId(filter.courseId, "course");
      await access.requireStaff(db, actor, courseId, "course");
      const matching: Prisma.VideoWhereInput = { courseId, ...(filter.status && { status: filter.status }) };
      return connectionOf(page, {
        find: ({ where, ...rest }) =>
          db.video.findMany({ where: { AND: [matching, where] }, include: withPublishedLessons, ...rest }),
        count: () => db.video.count({ where: matching }),
        id: ({ id }) => id,
        toNode: (row) => toVideo(toVideoRecord(row), "STAFF"),
      });
    },

    /** Makes a video that waits for its file. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async create(actor: Actor, input: unknown): Promise<Video> {
      const { courseId: courseIdGiven, ...given } = parseInput(newVideo, input);
      const courseId = requireId(courseIdGiven, "course");
      const row = await db.$transaction(async (tx) => {
        await access.requireStaff(tx, actor, courseId, "course");
        return tx.video.create({ data: { ...given, id: newId(), courseId }, include: withPublishedLessons });
      });
      return toVideo(toVideoRecord(row), "STAFF");
    },

    /** Changes what is given. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async update(actor: Actor, videoId: string, input: unknown): Promise<Video> {
      const given = parseInput(changedVideo, input);
      const id = await db.$transaction(async (tx) => {
        const video = await videoAccess.lock(tx, actor, videoId);
        requireWithin(given.mustSee ?? [], video.durationMs);
        await tx.video.update({ where: { id: video.id }, data: given });
        return video.id;
      });
      await videoAccess.drop(id);
      return get(actor, id);
    },

    /**
     * Removes a video with all that is known of it; a job removes its files. True when it is gone.
     * @throws NOT_FOUND, FORBIDDEN, UNPROCESSABLE (VIDEO_IN_USE)
     */
    async remove(actor: Actor, videoId: string): Promise<boolean> {
      const { id, run } = await db.$transaction(async (tx) => {
        const video = await videoAccess.lock(tx, actor, videoId, { toRemove: true });
        const lessons = await tx.lesson.findMany({ where: { videoId: video.id }, select: { title: true }, take: 3 });
        if (lessons.length > 0)
          throw unprocessable(
            "VIDEO_IN_USE",
            `Lessons show this video: ${lessons.map(({ title }) => `"${title}"`).join(", ")}. Remove them first.`,
          );
        await tx.video.delete({ where: { id: video.id } });
        await outbox.add(tx, videoQueue, "removeVideoFiles", { videoId: video.id }, { requestId: actor.requestId });
        await audit(tx, actor, newId, {
          action: "deleteVideo",
          entityType: "Video",
          entityId: video.id,
          before: { courseId: video.courseId, title: video.title, status: video.status },
        });
        return video;
      });
      await videoAccess.drop(id);
      await events.publish("videoCancelled", { videoId: id, run }); // what is at work on it may stop
      outbox.handOver();
      return true;
    },
  };
}

/** @throws BAD_USER_INPUT for a part that is not within a video whose length is known */
function requireWithin(mustSee: readonly (readonly [number, number])[], durationMs: number | null): void {
  if (durationMs === null) return;
  const index = mustSee.findIndex(([, to]) => to * 1_000 > durationMs);
  if (index < 0) return;
  const message = `is after the video's end, ${durationMs / 1_000}`;
  throw badInput(`input.mustSee.${index}.to ${message}.`, [{ path: `input.mustSee.${index}.to`, message }]);
}
