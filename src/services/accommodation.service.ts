import type { Db } from "../../prisma/client.ts";
import { notFound } from "../domain/errors.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { newAccommodation } from "./examInput.ts";
import { lockExam } from "./examLock.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";

export interface ExamAccommodation {
  examId: string;
  userId: string;
  extraMinutes: number;
  extraAttempts: number;
  opensAt: Date | null;
  closesAt: Date | null;
}

export type AccommodationService = ReturnType<typeof createAccommodationService>;

/** What single students get beyond the rules of an exam. */
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
        return row;
      });
    },
  };
}
