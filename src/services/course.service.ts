import { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import { conflict, forbidden, notFound, unprocessable } from "../domain/errors.ts";
import { normalAddress } from "../domain/person.ts";
import type { Course as CourseRow, Enrollment as EnrollmentRow, User as UserRow } from "../generated/prisma/client.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Access } from "./access.ts";
import { toUser, type User } from "./account.service.ts";
import type { Actor, CourseRole } from "./actor.ts";
import { batched } from "./batched.ts";
import { type Connection, connectionOf, type PageArgs } from "./connection.ts";
import { isUniqueViolation } from "./constraints.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";

export interface Course {
  __typename: "Course";
  id: string;
  slug: string;
  title: string;
  createdAt: string;
}

export interface Enrollment {
  courseId: string;
  user: User;
  role: CourseRole;
  extraTimePercent: number;
}

export interface EnrollStudentsPayload {
  course: Course;
  enrolled: Enrollment[];
  unknownEmails: string[];
}

const newCourse = z.object({
  title: z.string().trim().min(1, "is empty").max(200, "has at most 200 characters"),
  slug: z
    .string()
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "has lower-case letters, digits and single hyphens only")
    .max(100, "has at most 100 characters")
    .nullish(),
});
const enrolling = z.object({
  courseId: z.string(),
  students: z
    .array(
      z.object({
        email: z.string().transform(normalAddress),
        extraTimePercent: z.number().int().min(0, "is below 0").max(400, "is above 400"),
        role: z.enum(["STUDENT", "INSTRUCTOR"]),
      }),
    )
    .min(1, "is empty")
    .max(5_000, "has at most 5000 people"),
});

const toCourse = ({ id, slug, title, createdAt }: CourseRow): Course => ({
  __typename: "Course",
  id,
  slug,
  title,
  createdAt: createdAt.toISOString(),
});

const toEnrollment = ({ courseId, role, extraTimePercent, user }: EnrollmentRow & { user: UserRow }): Enrollment => ({
  courseId,
  user: toUser(user),
  role,
  extraTimePercent,
});

const slugOf = (title: string): string =>
  title
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 80);

export type CourseService = ReturnType<typeof createCourseService>;

export function createCourseService({
  db,
  cache,
  access,
  unverifiedMayStart,
  newId,
}: {
  db: Db;
  cache: Cache;
  access: Access;
  /** Whether an address that was registered counts as its owner's without having been verified. */
  unverifiedMayStart: boolean;
  newId: () => string;
}) {
  const load = batched(async (ids: readonly string[]) => {
    const rows = await db.course.findMany({ where: { id: { in: [...ids] } } });
    const byId = new Map(rows.map((row) => [row.id, toCourse(row)]));
    return ids.map((id) => byId.get(id) ?? null);
  });

  /** A course by id, whoever asks; through the cache. */
  async function find(actor: Actor, id: string): Promise<Course | null> {
    return cache.getOrSetCache(CACHE_KEYS.COURSE(id), () => load(id), { reads: actor.reads });
  }

  /** @throws NOT_FOUND for a course the actor is not in */
  async function get(actor: Actor, courseId: string): Promise<Course> {
    const id = requireId(courseId, "course");
    const course = (await access.standingIn(actor, id)) && (await find(actor, id));
    if (!course) throw notFound("course");
    return course;
  }

  /** Who has an account: whoever registered an address without verifying it may be anybody; who was invited by it is meant. */
  const isTheirs = unverifiedMayStart ? {} : { OR: [{ emailVerifiedAt: { not: null } }, { passwordHash: null }] };

  return {
    get,

    /** What the actor is in a course; null for an ADMIN who is not enrolled. */
    async viewerRole(actor: Actor, courseId: string): Promise<CourseRole | null> {
      return (await access.enrollments(actor))[courseId] ?? null;
    },

    /** The actor's courses, newest first. */
    async list(actor: Actor, page: PageArgs): Promise<Connection<Course>> {
      const mine = await access.courseIds(actor);
      const visible = mine ? { id: { in: mine.all } } : {};
      return connectionOf(page, {
        find: ({ where, ...rest }) => db.course.findMany({ where: { AND: [visible, where] }, ...rest }),
        count: () => db.course.count({ where: visible }),
        id: ({ id }) => id,
        toNode: toCourse,
      });
    },

    /** Makes a course with the actor as its instructor. @throws FORBIDDEN, BAD_USER_INPUT, CONFLICT (SLUG_TAKEN) */
    async create(actor: Actor, input: unknown): Promise<Course> {
      if (actor.role === "STUDENT") throw forbidden("Students cannot make courses.");
      const { title, slug } = parseInput(newCourse, input);
      const id = newId();
      try {
        const row = await db.course.create({
          data: {
            id,
            title,
            slug: slug ?? (slugOf(title) || id),
            enrollments: { create: { userId: actor.userId, role: "INSTRUCTOR" } },
          },
        });
        await cache.drop(CACHE_KEYS.USER_ENROLLMENTS(actor.userId));
        return toCourse(row);
      } catch (error) {
        if (isUniqueViolation(error, "courses_slug_key"))
          throw conflict("Another course has this slug; give one of your own.", "SLUG_TAKEN");
        throw error;
      }
    },

    /**
     * Enrolls people by address, all or nobody; again for the same person updates them.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (NOT_AN_INSTRUCTOR)
     */
    async enroll(actor: Actor, input: unknown): Promise<EnrollStudentsPayload> {
      const { courseId: courseIdGiven, students } = parseInput(enrolling, input);
      const courseId = requireId(courseIdGiven, "course");
      const wanted = new Map(students.map((student) => [student.email, student]));
      const enrolled = await db.$transaction(async (tx) => {
        await access.requireStaff(tx, actor, courseId, "course");
        const users = await tx.user.findMany({
          where: { email: { in: [...wanted.keys()] }, ...isTheirs },
          select: { id: true, email: true, role: true },
        });
        const notStaff = users.filter(
          ({ email, role }) => role === "STUDENT" && wanted.get(email)?.role === "INSTRUCTOR",
        );
        if (notStaff.length > 0)
          throw unprocessable(
            "NOT_AN_INSTRUCTOR",
            `Only people with the role INSTRUCTOR can teach a course: ${notStaff.map(({ email }) => email).join(", ")}.`,
          );
        const rows = users.map(({ id, email }) => ({ userId: id, ...wanted.get(email)! }));
        await tx.$executeRaw`
          INSERT INTO enrollments (course_id, user_id, role, status, extra_time_percent)
          SELECT ${courseId}::uuid, person.id, person.role::"CourseRole", 'ACTIVE', person.extra
          FROM unnest(${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.role)}::text[],
                      ${rows.map((row) => row.extraTimePercent)}::int[]) AS person(id, role, extra)
          ORDER BY person.id
          ON CONFLICT (course_id, user_id) DO UPDATE
          SET role = excluded.role, status = 'ACTIVE', extra_time_percent = excluded.extra_time_percent`;
        return tx.enrollment.findMany({
          where: { courseId, userId: { in: rows.map((row) => row.userId) } },
          include: { user: true },
          orderBy: { user: { name: "asc" } },
        });
      });
      await cache.drop(...enrolled.map(({ userId }) => CACHE_KEYS.USER_ENROLLMENTS(userId)));
      const known = new Set(enrolled.map(({ user }) => user.email));
      const course = await find(actor, courseId);
      if (!course) throw notFound("course");
      return {
        course,
        enrolled: enrolled.map(toEnrollment),
        unknownEmails: [...wanted.keys()].filter((address) => !known.has(address)),
      };
    },

    /** Takes a person out of a course and its groups; attempts and results stay. Safe to repeat. @throws NOT_FOUND, FORBIDDEN */
    async withdraw(actor: Actor, courseIdGiven: string, userIdGiven: string): Promise<Course> {
      const courseId = requireId(courseIdGiven, "course");
      const userId = requireId(userIdGiven, "person");
      await db.$transaction(async (tx) => {
        await access.requireStaff(tx, actor, courseId, "course");
        const { count } = await tx.enrollment.updateMany({
          where: { courseId, userId },
          data: { status: "WITHDRAWN" },
        });
        if (count === 0) throw notFound("person in this course");
        await tx.courseGroupMember.deleteMany({ where: { userId, group: { courseId } } });
      });
      await cache.drop(CACHE_KEYS.USER_ENROLLMENTS(userId));
      const course = await find(actor, courseId);
      if (!course) throw notFound("course");
      return course;
    },

    /** Who is enrolled, newest account first. @throws NOT_FOUND, FORBIDDEN */
    async listEnrollments(actor: Actor, courseId: string, page: PageArgs): Promise<Connection<Enrollment>> {
      await access.requireStaff(db, actor, courseId, "course");
      const active = { courseId, status: "ACTIVE" } as const;
      return connectionOf(page, {
        find: ({ where, orderBy, take }) =>
          db.enrollment.findMany({
            where: { ...active, ...(where.id && { userId: where.id }) },
            orderBy: { userId: orderBy.id },
            take,
            include: { user: true },
          }),
        count: () => db.enrollment.count({ where: active }),
        id: ({ userId }) => userId,
        toNode: toEnrollment,
      });
    },
  };
}
