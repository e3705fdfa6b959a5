import type { Db, Transaction } from "../../prisma/client.ts";
import { forbidden, notFound } from "../domain/errors.ts";
import type { ExamAccommodation as AccommodationRow, Prisma } from "../generated/prisma/client.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { type Connection, connectionOf, type PageArgs } from "./connection.ts";
import { requireGroup } from "./courseGroup.service.ts";
import { accommodated, newAccommodation, personAccommodation } from "./examInput.ts";
import { lockExam } from "./examLock.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import { lockUsers } from "./lockUsers.ts";

/** What an exam gives one person or one group: exactly one of the two ids is set. */
export interface ExamAccommodation {
  examId: string;
  userId: string | null;
  groupId: string | null;
  extraTimePercent: number;
  extraMinutes: number;
  extraAttempts: number;
  opensAt: Date | null;
  closesAt: Date | null;
}

/** What one person gets in every exam. */
export interface PersonAccommodation {
  userId: string;
  extraTimePercent: number;
  extraMinutes: number;
}

/** Whose it is; the exam is locked for its staff. */
interface Subject {
  courseId: string;
  examId: string;
  userId: string | null;
  groupId: string | null;
  where: Prisma.ExamAccommodationWhereUniqueInput;
}

const grants = { extraTimePercent: true, extraMinutes: true } as const;

export type AccommodationService = ReturnType<typeof createAccommodationService>;

/** What single people and groups get beyond the rules: in one exam, or (people) in all. */
export function createAccommodationService({ db, access, newId }: { db: Db; access: Access; newId: () => string }) {
  /** Changes what one student or one group gets in an exam, and writes down how. */
  async function change<Row extends AccommodationRow | null>(
    actor: Actor,
    action: "setExamAccommodation" | "removeExamAccommodation",
    given: { examId: string; userId?: string | null; groupId?: string | null },
    act: (tx: Transaction, subject: Subject) => Promise<Row>,
  ): Promise<Row> {
    const examId = requireId(given.examId, "exam");
    const userId = given.userId ? requireId(given.userId, "person") : null;
    const groupId = given.groupId ? requireId(given.groupId, "group") : null;
    const where = userId ? { examId_userId: { examId, userId } } : { examId_groupId: { examId, groupId: groupId! } };
    return db.$transaction(async (tx) => {
      const { courseId } = await lockExam(tx, access, actor, examId);
      const before = await tx.examAccommodation.findUnique({ where });
      const after = await act(tx, { courseId, examId, userId, groupId, where });
      if (before || after)
        await audit(tx, actor, newId, {
          action,
          entityType: "Exam",
          entityId: examId,
          before: before && JSON.parse(JSON.stringify(before)),
          after: after && JSON.parse(JSON.stringify(after)),
        });
      return after;
    });
  }

  return {
    /**
     * Sets what one student or one group gets beyond the rules; it counts from the next start on. Safe to repeat.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT
     */
    async set(actor: Actor, input: unknown): Promise<ExamAccommodation> {
      const { examId, userId, groupId, ...given } = parseInput(newAccommodation, input);
      return change(actor, "setExamAccommodation", { examId, userId, groupId }, async (tx, subject) => {
        await requireInCourse(tx, subject);
        const { where, examId, userId, groupId } = subject;
        const set = { opensAt: null, closesAt: null, ...given };
        return tx.examAccommodation.upsert({
          where,
          create: { id: newId(), examId, userId, groupId, ...set },
          update: set,
        });
      });
    },

    /** Takes back what one student or one group was given. Safe to repeat. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async remove(actor: Actor, input: unknown): Promise<true> {
      const subject = parseInput(accommodated, input, { path: "" });
      await change(actor, "removeExamAccommodation", subject, async (tx, { examId, userId, groupId }) => {
        await tx.examAccommodation.deleteMany({ where: { examId, userId, groupId } });
        return null;
      });
      return true;
    },

    /** What single students and groups get in an exam, newest first. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async list(actor: Actor, examIdGiven: string, page: PageArgs): Promise<Connection<ExamAccommodation>> {
      const examId = requireId(examIdGiven, "exam");
      const exam = await db.exam.findUnique({ where: { id: examId }, select: { courseId: true } });
      if (!exam) throw notFound("exam");
      await access.requireStaff(db, actor, exam.courseId, "exam");
      return connectionOf(page, {
        find: ({ where, ...rest }) => db.examAccommodation.findMany({ where: { examId, ...where }, ...rest }),
        count: () => db.examAccommodation.count({ where: { examId } }),
        id: ({ id }) => id,
        toNode: (row) => row,
      });
    },

    /** @throws FORBIDDEN, NOT_FOUND */
    async ofPerson(actor: Actor, userIdGiven: string): Promise<PersonAccommodation> {
      requireAdmin(actor);
      const userId = requireId(userIdGiven, "user");
      const row = await db.user.findUnique({ where: { id: userId, erasedAt: null }, select: grants });
      if (!row) throw notFound("user");
      return { userId, ...row };
    },

    /**
     * Sets what a person gets in every exam; it counts from their next start on. Safe to repeat.
     * @throws FORBIDDEN, NOT_FOUND, BAD_USER_INPUT
     */
    async setForPerson(actor: Actor, input: unknown): Promise<PersonAccommodation> {
      requireAdmin(actor);
      const { userId: userIdGiven, ...given } = parseInput(personAccommodation, input);
      const userId = requireId(userIdGiven, "user");
      return db.$transaction(async (tx) => {
        const locked = await lockUsers(tx, [actor.userId, userId]);
        const own = locked.get(actor.userId); // a token outlives the role it tells of
        if (own?.role !== "ADMIN" || own.disabledAt) throw forbidden("You are no administrator any more.");
        const person = locked.get(userId);
        if (!person || person.erasedAt) throw notFound("user");
        const before = { extraTimePercent: person.extraTimePercent, extraMinutes: person.extraMinutes };
        await audit(tx, actor, newId, {
          action: "setPersonAccommodation",
          entityType: "User",
          entityId: userId,
          before,
          after: given,
        });
        return { userId, ...(await tx.user.update({ where: { id: userId }, data: given, select: grants })) };
      });
    },
  };
}

/** @throws NOT_FOUND */
async function requireInCourse(tx: Transaction, { courseId, userId, groupId }: Subject): Promise<void> {
  if (userId && (await tx.enrollment.count({ where: { courseId, userId } })) === 0)
    throw notFound("person in this course");
  if (groupId) await requireGroup(tx, courseId, groupId);
}

function requireAdmin({ role }: Pick<Actor, "role">): void {
  if (role !== "ADMIN") throw forbidden("This is for administrators only.");
}
