import type { Db, Transaction } from "../../prisma/client.ts";
import { DomainError, notFound, unprocessable } from "../domain/errors.ts";
import { sanitise } from "../domain/richText/sanitise.ts";
import type { Lesson as LessonRow } from "../generated/prisma/client.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { batched } from "./batched.ts";
import type { Course, CourseService } from "./course.service.ts";
import {
  type CourseContents,
  type CourseSection,
  type Lesson,
  lockContents,
  nextLessonPosition,
  shownTo,
  toLesson,
} from "./courseContents.ts";
import { databaseTime } from "./databaseTime.ts";
import type { Exam, ExamService } from "./exam.service.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import { changedLesson, newLesson, newOrder, requireOfKind, requireOnce } from "./lessonInput.ts";
import type { VideoAccess } from "./videoAccess.ts";

export type LessonService = ReturnType<typeof createLessonService>;

type LessonWithText = Lesson & { text: string | null };

/** The lessons of a course: what each shows, who sees it, and their order. */
export function createLessonService({
  db,
  cache,
  access,
  courseContents,
  videoAccess,
  courses,
  exams,
  newId,
}: {
  db: Db;
  cache: Cache;
  access: Access;
  courseContents: CourseContents;
  videoAccess: VideoAccess;
  courses: Pick<CourseService, "get">;
  exams: Pick<ExamService, "get">;
  newId: () => string;
}) {
  const load = batched(async (ids: readonly string[]) => {
    const rows = await db.lesson.findMany({ where: { id: { in: [...ids] } } });
    const byId = new Map(rows.map((row) => [row.id, { ...toLesson(row), text: row.text }]));
    return ids.map((id) => byId.get(id) ?? null);
  });

  /** A lesson by id, whoever asks; through the cache. */
  async function find(actor: Actor, id: string): Promise<LessonWithText | null> {
    return cache.getOrSetCache(CACHE_KEYS.LESSON(id), () => load(id), { reads: actor.reads });
  }

  /** Drops what shows the lessons, and the videos that may be shown or hidden with them. */
  async function dropAll(courseId: string, lessonIds: string[], videoIds: (string | null)[] = []): Promise<void> {
    await cache.drop(CACHE_KEYS.COURSE_CONTENTS(courseId), ...lessonIds.map(CACHE_KEYS.LESSON));
    await videoAccess.drop(...videoIds.filter((id) => id !== null));
  }

  /** What a lesson is to show, as columns. @throws NOT_FOUND for a video or an exam that is not of the course */
  async function columnsOf(
    tx: Transaction,
    courseId: string,
    given: { text?: string | null; videoId?: string | null; examId?: string | null },
  ): Promise<Partial<Pick<LessonRow, "text" | "videoId" | "examId">>> {
    if (given.videoId) {
      const id = requireId(given.videoId, "video");
      // Held so that it is not removed before the lesson refers to it.
      const [video] = await tx.$queryRaw<unknown[]>`
        SELECT id FROM videos WHERE id = ${id}::uuid AND course_id = ${courseId}::uuid FOR KEY SHARE`;
      if (!video) throw notFound("video in this course");
      return { videoId: id };
    }
    if (given.examId) {
      const id = requireId(given.examId, "exam");
      const exam = await tx.exam.findFirst({ where: { id, courseId }, select: { id: true } });
      if (!exam) throw notFound("exam in this course");
      return { examId: id };
    }
    return given.text == null ? {} : { text: sanitise(given.text, "MARKDOWN").text };
  }

  /** Locks the contents of the lesson's course for its staff. @throws NOT_FOUND, FORBIDDEN */
  async function lockLesson(tx: Transaction, actor: Actor, lessonId: string): Promise<LessonRow> {
    const id = requireId(lessonId, "lesson");
    const place = await tx.lesson.findUnique({ where: { id }, select: { courseId: true } });
    if (!place) throw notFound("lesson");
    await lockContents(tx, access, actor, place.courseId);
    const lesson = await tx.lesson.findUnique({ where: { id } });
    if (!lesson) throw notFound("lesson"); // removed meanwhile
    return lesson;
  }

  return {
    /** The sections of a course with what the actor may see of their lessons, in order. @throws NOT_FOUND */
    async contents(actor: Actor, courseId: string): Promise<CourseSection[]> {
      const standing = await access.standingIn(actor, courseId);
      if (!standing) throw notFound("course");
      return shownTo(standing, await courseContents.of(courseId, actor));
    },

    /** @throws NOT_FOUND for a lesson the actor may not know of */
    async get(actor: Actor, lessonId: string): Promise<Lesson> {
      const lesson = await find(actor, requireId(lessonId, "lesson"));
      const standing = lesson && (await access.standingIn(actor, lesson.courseId));
      if (!lesson || !standing || (standing === "STUDENT" && lesson.publishedAt === null)) throw notFound("lesson");
      return lesson;
    },

    /** The text of a lesson that the actor was shown; null for one of another kind. */
    async text(actor: Actor, { id, kind }: Lesson): Promise<string | null> {
      return kind === "TEXT" ? ((await find(actor, id))?.text ?? null) : null;
    },

    /** The exam of a lesson that the actor was shown; null where the actor may not see it, as a draft. */
    async exam(actor: Actor, { examId }: Lesson): Promise<Exam | null> {
      if (examId === null) return null;
      try {
        return await exams.get(actor, examId);
      } catch (error) {
        if (error instanceof DomainError && error.code === "NOT_FOUND") return null;
        throw error;
      }
    },

    /** Adds a draft at the end of a section. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (COURSE_FULL) */
    async create(actor: Actor, input: unknown): Promise<Lesson> {
      const { sectionId: sectionIdGiven, title, kind, ...shown } = parseInput(newLesson, input);
      requireOfKind(kind, shown, { isNew: true });
      const sectionId = requireId(sectionIdGiven, "section");
      const row = await db.$transaction(async (tx) => {
        const place = await tx.courseSection.findUnique({ where: { id: sectionId }, select: { courseId: true } });
        if (!place) throw notFound("section");
        const { courseId } = place;
        await lockContents(tx, access, actor, courseId);
        if ((await tx.courseSection.count({ where: { id: sectionId } })) === 0) throw notFound("section");
        const position = await nextLessonPosition(tx, courseId, sectionId);
        const columns = await columnsOf(tx, courseId, shown);
        return tx.lesson.create({ data: { id: newId(), courseId, sectionId, position, kind, title, ...columns } });
      });
      await dropAll(row.courseId, [row.id]);
      return toLesson(row);
    },

    /** Changes what is given. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async update(actor: Actor, lessonId: string, input: unknown): Promise<Lesson> {
      const { title, published, ...shown } = parseInput(changedLesson, input);
      const { before, after } = await db.$transaction(async (tx) => {
        const before = await lockLesson(tx, actor, lessonId);
        requireOfKind(before.kind, shown, { isNew: false });
        const columns = await columnsOf(tx, before.courseId, shown);
        const publishedAt = published ? (before.publishedAt ?? (await databaseTime(tx))) : null;
        const after = await tx.lesson.update({
          where: { id: before.id },
          data: { title, ...columns, ...(published !== undefined && { publishedAt }) },
        });
        if ((before.publishedAt === null) !== (after.publishedAt === null))
          await audit(tx, actor, newId, {
            action: after.publishedAt ? "publishLesson" : "unpublishLesson",
            entityType: "Lesson",
            entityId: after.id,
          });
        return { before, after };
      });
      await dropAll(after.courseId, [after.id], [before.videoId, after.videoId]);
      return toLesson(after);
    },

    /**
     * Removes a lesson; what it shows stays. False when there is none that the actor may know of: safe to repeat.
     * @throws FORBIDDEN
     */
    async remove(actor: Actor, lessonId: string): Promise<boolean> {
      let removed: LessonRow;
      try {
        removed = await db.$transaction(async (tx) => {
          const lesson = await lockLesson(tx, actor, lessonId);
          await tx.lesson.delete({ where: { id: lesson.id } });
          await audit(tx, actor, newId, {
            action: "deleteLesson",
            entityType: "Lesson",
            entityId: lesson.id,
            before: { courseId: lesson.courseId, kind: lesson.kind, title: lesson.title },
          });
          return lesson;
        });
      } catch (error) {
        if (error instanceof DomainError && error.code === "NOT_FOUND") return false;
        throw error;
      }
      await dropAll(removed.courseId, [removed.id], [removed.videoId]);
      return true;
    },

    /**
     * Puts lessons in the order given, also from one section into another. Two who do it at once are served one after the other, and
     * no lesson is lost or twice. Safe to repeat.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (ORDER_INCOMPLETE)
     */
    async reorder(actor: Actor, courseIdGiven: string, orderGiven: unknown): Promise<Course> {
      const courseId = requireId(courseIdGiven, "course");
      const places = parseInput(newOrder, orderGiven, { path: "order" }).flatMap(({ sectionId, lessonIds }) => ({
        sectionId: requireId(sectionId, "section"),
        lessonIds: lessonIds.map((id) => requireId(id, "lesson")),
      }));
      const sectionIds = places.map(({ sectionId }) => sectionId);
      const lessonIds = places.flatMap((place) => place.lessonIds);
      requireOnce(sectionIds, "order");
      requireOnce(lessonIds, "order");
      await db.$transaction(async (tx) => {
        await lockContents(tx, access, actor, courseId);
        await requireWholeSections(tx, courseId, sectionIds, lessonIds);
        const rows = places.flatMap((place) =>
          place.lessonIds.map((id, position) => ({ id, position, sectionId: place.sectionId })),
        );
        await tx.$executeRaw`
          UPDATE lessons SET section_id = place.section_id, position = place.position
          FROM unnest(${rows.map(({ id }) => id)}::uuid[], ${rows.map((row) => row.sectionId)}::uuid[],
                      ${rows.map(({ position }) => position)}::int[]) AS place(id, section_id, position)
          WHERE lessons.id = place.id`;
      });
      await dropAll(courseId, lessonIds);
      return courses.get(actor, courseId);
    },
  };
}

/** @throws NOT_FOUND for what is not of the course, UNPROCESSABLE (ORDER_INCOMPLETE) when a lesson of the sections is left out */
async function requireWholeSections(
  tx: Transaction,
  courseId: string,
  sectionIds: readonly string[],
  lessonIds: readonly string[],
): Promise<void> {
  const sections = await tx.courseSection.count({ where: { courseId, id: { in: [...sectionIds] } } });
  if (sections < sectionIds.length) throw notFound("section in this course");
  const lessons = await tx.lesson.findMany({ where: { courseId }, select: { id: true, title: true, sectionId: true } });
  const known = new Set(lessons.map(({ id }) => id));
  if (lessonIds.some((id) => !known.has(id))) throw notFound("lesson in this course");
  const named = new Set(lessonIds);
  const missing = lessons.filter(({ id, sectionId }) => sectionIds.includes(sectionId) && !named.has(id));
  if (missing.length > 0)
    throw unprocessable(
      "ORDER_INCOMPLETE",
      `Name every lesson of these sections; missing: ${missing.map(({ title }) => `"${title}"`).join(", ")}.`,
    );
}
