import type { Db, Transaction } from "../../prisma/client.ts";
import { unprocessable } from "../domain/errors.ts";
import type { Lesson as LessonRow } from "../generated/prisma/client.ts";
import type { LessonKind } from "../generated/prisma/enums.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Access, Standing, Viewer } from "./access.ts";
import type { Actor } from "./actor.ts";
import { batched } from "./batched.ts";

/** A step of a course. Its text, which may be long, is read on its own. Instants are ISO strings. */
export interface Lesson {
  __typename: "Lesson";
  id: string;
  courseId: string;
  sectionId: string;
  kind: LessonKind;
  title: string;
  videoId: string | null;
  examId: string | null;
  publishedAt: string | null;
}

export interface CourseSection {
  id: string;
  title: string;
  lessons: readonly Lesson[];
}

export const MAX_SECTIONS = 100;
export const MAX_LESSONS = 500;

/** All but the text. */
export const lessonColumns = {
  id: true,
  courseId: true,
  sectionId: true,
  kind: true,
  title: true,
  videoId: true,
  examId: true,
  publishedAt: true,
} as const;

export const toLesson = (row: Pick<LessonRow, keyof typeof lessonColumns>): Lesson => ({
  __typename: "Lesson",
  id: row.id,
  courseId: row.courseId,
  sectionId: row.sectionId,
  kind: row.kind,
  title: row.title,
  videoId: row.videoId,
  examId: row.examId,
  publishedAt: row.publishedAt?.toISOString() ?? null,
});

/** Students see what is published, and no section that has nothing for them. */
export function shownTo(standing: Standing, sections: CourseSection[]): CourseSection[] {
  if (standing === "STAFF") return sections;
  return sections
    .map((section) => ({ ...section, lessons: section.lessons.filter(({ publishedAt }) => publishedAt !== null) }))
    .filter(({ lessons }) => lessons.length > 0);
}

export type CourseContents = ReturnType<typeof createCourseContents>;

/** The sections of courses with their lessons, whole and through the cache; what of it a viewer sees is the service's to say. */
export function createCourseContents({ db, cache }: { db: Db; cache: Cache }) {
  const load = batched(async (courseIds: readonly string[]): Promise<CourseSection[][]> => {
    const rows = await db.courseSection.findMany({
      where: { courseId: { in: [...courseIds] } },
      orderBy: [{ position: "asc" }, { id: "asc" }],
      include: { lessons: { orderBy: [{ position: "asc" }, { id: "asc" }], select: lessonColumns } },
    });
    const byCourse = new Map<string, CourseSection[]>(courseIds.map((courseId) => [courseId, []]));
    for (const { courseId, id, title, lessons } of rows)
      byCourse.get(courseId)?.push({ id, title, lessons: lessons.map(toLesson) });
    return courseIds.map((courseId) => byCourse.get(courseId)!);
  });

  return {
    async of(courseId: string, viewer: Viewer): Promise<CourseSection[]> {
      return cache.getOrSetCache(CACHE_KEYS.COURSE_CONTENTS(courseId), () => load(courseId), { reads: viewer.reads });
    },
  };
}

/**
 * Locks the contents of a course for its staff until the transaction ends: who puts them in order at the same time waits, and then
 * finds them as they are. Whoever only refers to the course is not held up.
 * @throws NOT_FOUND, FORBIDDEN
 */
export async function lockContents(tx: Transaction, access: Access, actor: Actor, courseId: string): Promise<void> {
  await tx.$queryRaw`SELECT id FROM courses WHERE id = ${courseId}::uuid FOR NO KEY UPDATE`;
  await access.requireStaff(tx, actor, courseId, "course");
}

/** The position after the last. @throws UNPROCESSABLE (COURSE_FULL) */
export async function nextSectionPosition(tx: Transaction, courseId: string): Promise<number> {
  const { _count, _max } = await tx.courseSection.aggregate({
    where: { courseId },
    _count: true,
    _max: { position: true },
  });
  if (_count >= MAX_SECTIONS) throw unprocessable("COURSE_FULL", `A course has at most ${MAX_SECTIONS} sections.`);
  return (_max.position ?? -1) + 1;
}

/** The position after the last of its section. @throws UNPROCESSABLE (COURSE_FULL) */
export async function nextLessonPosition(tx: Transaction, courseId: string, sectionId: string): Promise<number> {
  const lessons = await tx.lesson.count({ where: { courseId } });
  if (lessons >= MAX_LESSONS) throw unprocessable("COURSE_FULL", `A course has at most ${MAX_LESSONS} lessons.`);
  const { _max } = await tx.lesson.aggregate({ where: { sectionId }, _max: { position: true } });
  return (_max.position ?? -1) + 1;
}
