import type { Db, Transaction } from "../../prisma/client.ts";
import { notFound, unprocessable } from "../domain/errors.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import type { Course, CourseService } from "./course.service.ts";
import { lockContents, nextSectionPosition } from "./courseContents.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import { requireOnce, sectionTitle } from "./lessonInput.ts";

export type SectionService = ReturnType<typeof createSectionService>;

/** The sections of a course and their order; for its staff. */
export function createSectionService({
  db,
  cache,
  access,
  courses,
  newId,
}: {
  db: Db;
  cache: Cache;
  access: Access;
  courses: Pick<CourseService, "get">;
  newId: () => string;
}) {
  /** Runs one change of a course's contents, locked for its staff, and drops them after the commit. */
  async function change(actor: Actor, courseId: string, act: (tx: Transaction) => Promise<void>): Promise<Course> {
    await db.$transaction(async (tx) => {
      await lockContents(tx, access, actor, courseId);
      await act(tx);
    });
    await cache.drop(CACHE_KEYS.COURSE_CONTENTS(courseId));
    return courses.get(actor, courseId);
  }

  /** The same for a section that is there. */
  async function changeSection(
    actor: Actor,
    sectionId: string,
    act: (tx: Transaction, id: string) => Promise<void>,
  ): Promise<Course> {
    const id = requireId(sectionId, "section");
    const section = await db.courseSection.findUnique({ where: { id }, select: { courseId: true } });
    if (!section) throw notFound("section");
    return change(actor, section.courseId, async (tx) => {
      if ((await tx.courseSection.count({ where: { id } })) === 0) throw notFound("section"); // removed meanwhile
      await act(tx, id);
    });
  }

  return {
    /** Adds a section at the end. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (COURSE_FULL) */
    async create(actor: Actor, courseIdGiven: string, titleGiven: string): Promise<Course> {
      const courseId = requireId(courseIdGiven, "course");
      const { title } = parseInput(sectionTitle, { title: titleGiven }, { path: "" });
      return change(actor, courseId, async (tx) => {
        const position = await nextSectionPosition(tx, courseId);
        await tx.courseSection.create({ data: { id: newId(), courseId, position, title } });
      });
    },

    /** @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async rename(actor: Actor, sectionId: string, titleGiven: string): Promise<Course> {
      const data = parseInput(sectionTitle, { title: titleGiven }, { path: "" });
      return changeSection(actor, sectionId, async (tx, id) => {
        await tx.courseSection.update({ where: { id }, data });
      });
    },

    /** Removes a section without lessons. @throws NOT_FOUND, FORBIDDEN, UNPROCESSABLE (SECTION_NOT_EMPTY) */
    async remove(actor: Actor, sectionId: string): Promise<Course> {
      return changeSection(actor, sectionId, async (tx, id) => {
        const lessons = await tx.lesson.count({ where: { sectionId: id } });
        if (lessons > 0)
          throw unprocessable("SECTION_NOT_EMPTY", `The section has ${lessons} lessons. Move or remove them first.`);
        await tx.courseSection.delete({ where: { id } });
      });
    },

    /** Puts all sections in the order given. Safe to repeat. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (ORDER_INCOMPLETE) */
    async reorder(actor: Actor, courseIdGiven: string, sectionIds: readonly string[]): Promise<Course> {
      const courseId = requireId(courseIdGiven, "course");
      const ids = sectionIds.map((id) => requireId(id, "section"));
      requireOnce(ids, "sectionIds");
      return change(actor, courseId, async (tx) => {
        const sections = await tx.courseSection.findMany({ where: { courseId }, select: { id: true } });
        const known = new Set(sections.map(({ id }) => id));
        if (ids.some((id) => !known.has(id))) throw notFound("section in this course");
        if (ids.length < known.size)
          throw unprocessable("ORDER_INCOMPLETE", `Name all ${known.size} sections of the course.`);
        await tx.$executeRaw`
          UPDATE course_sections SET position = place.position - 1
          FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS place(id, position)
          WHERE course_sections.id = place.id`;
      });
    },
  };
}
