import type { Db } from "../../prisma/client.ts";
import { forbidden, notFound } from "../domain/errors.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { newAccommodation, personAccommodation } from "./examInput.ts";
import { lockExam } from "./examLock.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import { lockUsers } from "./lockUsers.ts";

export interface ExamAccommodation {
  examId: string;
  userId: string;
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

const grants = { extraTimePercent: true, extraMinutes: true } as const;

export type AccommodationService = ReturnType<typeof createAccommodationService>;

/** What single people get beyond the rules: in one exam, or in all. */
export function createAccommodationService({ db, access, newId }: { db: Db; access: Access; newId: () => string }) {
  return {
    /** Sets what one student gets beyond the rules. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async set(actor: Actor, input: unknown): Promise<ExamAccommodation> {
      const given = parseInput(newAccommodation, input);
      const key = { examId: requireId(given.examId, "exam"), userId: requireId(given.userId, "person") };
      return db.$transaction(async (tx) => {
        const exam = await lockExam(tx, access, actor, key.examId);
        const enrolled = await tx.enrollment.count({ where: { courseId: exam.courseId, userId: key.userId } });
        if (enrolled === 0) throw notFound("person in this course");
        const before = await tx.examAccommodation.findUnique({ where: { examId_userId: key } });
        const { examId: _exam, userId: _user, ...grants } = given;
        const set = { opensAt: null, closesAt: null, ...grants };
        const row = await tx.examAccommodation.upsert({
          where: { examId_userId: key },
          create: { ...set, ...key },
          update: set,
        });
        await audit(tx, actor, newId, {
          action: "setExamAccommodation",
          entityType: "Exam",
          entityId: exam.id,
          before: before && JSON.parse(JSON.stringify(before)),
          after: JSON.parse(JSON.stringify(row)),
        });
        return { ...row, ...key };
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

function requireAdmin({ role }: Pick<Actor, "role">): void {
  if (role !== "ADMIN") throw forbidden("This is for administrators only.");
}
