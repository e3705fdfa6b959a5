import type { Db, Transaction } from "../../prisma/client.ts";
import { forbidden, notFound } from "../domain/errors.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Actor, CourseRole } from "./actor.ts";

/** What an actor is in a course: staff see and do everything in it. */
export type Standing = "STAFF" | "STUDENT";

/** Somebody who reads: an actor, or who a signed link says it is for. */
export type Viewer = Pick<Actor, "userId" | "role"> & Partial<Pick<Actor, "reads">>;

/** Short, because it bounds how long a withdrawal may go unseen if the process that wrote it died before it could drop the key. */
const ENROLLMENTS_SECONDS = 300;

export type Access = ReturnType<typeof createAccess>;

const standing = (actor: Viewer, role: CourseRole | undefined): Standing | null => {
  if (actor.role === "ADMIN" || role === "INSTRUCTOR") return "STAFF";
  return role === "STUDENT" ? "STUDENT" : null;
};

/** Who may see or do what in which course. Reads ask the cache, writes ask PostgreSQL inside their own transaction. */
export function createAccess({ db, cache }: { db: Db; cache: Cache }) {
  /** The actor's active enrolments: course id → role. */
  async function enrollments(actor: Viewer): Promise<Record<string, CourseRole>> {
    return cache.getOrSetCache(
      CACHE_KEYS.USER_ENROLLMENTS(actor.userId),
      async () => {
        const rows = await db.enrollment.findMany({ where: { userId: actor.userId, status: "ACTIVE" } });
        return Object.fromEntries(rows.map(({ courseId, role }) => [courseId, role]));
      },
      { reads: actor.reads, ttlSeconds: ENROLLMENTS_SECONDS },
    );
  }

  return {
    enrollments,

    /** For reading, through the cache: an enrolment that changes drops it. */
    async standingIn(actor: Viewer, courseId: string): Promise<Standing | null> {
      return standing(actor, (await enrollments(actor))[courseId]);
    },

    /** The courses the actor is in, or null for an ADMIN: all. */
    async courseIds(actor: Actor): Promise<{ all: string[]; asStaff: string[] } | null> {
      if (actor.role === "ADMIN") return null;
      const roles = Object.entries(await enrollments(actor));
      return {
        all: roles.map(([courseId]) => courseId),
        asStaff: roles.filter(([, role]) => role === "INSTRUCTOR").map(([courseId]) => courseId),
      };
    },

    /**
     * For writing and for what only staff may see, from PostgreSQL.
     * @throws NOT_FOUND for a stranger, FORBIDDEN for a student of the course
     */
    async requireStaff(
      tx: Db | Transaction,
      actor: Pick<Actor, "userId" | "role">,
      courseId: string,
      what: string,
    ): Promise<void> {
      if (actor.role === "ADMIN") return;
      const row = await tx.enrollment.findUnique({
        where: { courseId_userId: { courseId, userId: actor.userId } },
        select: { role: true, status: true },
      });
      if (row?.status !== "ACTIVE") throw notFound(what);
      if (row.role !== "INSTRUCTOR") throw forbidden("This is for the staff of the course.");
    },
  };
}
