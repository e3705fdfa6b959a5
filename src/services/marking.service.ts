import { Decimal } from "decimal.js";
import { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import { badInput, notFound, unprocessable } from "../domain/errors.ts";
import { Prisma } from "../generated/prisma/client.ts";
import type { Events } from "../redis/pubsub.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { logStaffAct } from "./attemptEvents.ts";
import { type Attempt, toAttempt } from "./attemptFields.ts";
import { audit } from "./audit.ts";
import { decimalInput } from "./decimal.ts";
import { gradeOf, readToGrade, writeGrade } from "./grades.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import type { Papers } from "./papers.ts";

const grade = z.object({
  attemptId: z.string(),
  questionId: z.string(),
  points: decimalInput({ min: 0, max: 10_000 }),
  feedback: z.string().max(20_000, "has at most 20,000 characters").nullish(),
});

export type MarkingService = ReturnType<typeof createMarkingService>;

/** Points that people give. */
export function createMarkingService({
  db,
  access,
  papers,
  events,
  newId,
}: {
  db: Db;
  access: Access;
  papers: Papers;
  events: Events;
  newId: () => string;
}) {
  return {
    /**
     * Gives an answer its points by hand, also instead of points the server gave, and completes the attempt when it was the last one.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (ATTEMPT_IN_PROGRESS)
     */
    async gradeAnswer(actor: Actor, input: unknown): Promise<Attempt> {
      const given = parseInput(grade, input);
      const attemptId = requireId(given.attemptId, "attempt");
      const entries = await papers.entriesOfAttempt(attemptId);
      const attempt = await db.$transaction(async (tx) => {
        const [locked] = await tx.$queryRaw<{ courseId: string; now: Date }[]>`
          SELECT exam.course_id AS "courseId", clock_timestamp() AS now
          FROM attempts attempt JOIN exams exam ON exam.id = attempt.exam_id
          WHERE attempt.id = ${attemptId}::uuid FOR UPDATE OF attempt`;
        if (!locked) throw notFound("attempt");
        await access.requireStaff(tx, actor, locked.courseId, "attempt");
        const entry = entries.find(({ question }) => question.id === given.questionId);
        if (!entry) throw notFound("question in this attempt");
        if (new Decimal(given.points).gt(entry.item.points))
          throw badInput(`The question has ${entry.item.points} points.`, [
            { path: "input.points", message: `must be 0 to ${entry.item.points}` },
          ]);
        const key = { attemptId, questionVersionId: entry.item.versionId };
        const before = await tx.answer.findUnique({ where: { attemptId_questionVersionId: key } });
        const marks = {
          points: given.points,
          ...(given.feedback !== undefined && { feedback: given.feedback }),
          gradedById: actor.userId,
          gradedAt: locked.now,
        };
        await tx.answer.upsert({
          where: { attemptId_questionVersionId: key },
          create: { ...key, ...marks, response: Prisma.JsonNull, revision: 0, savedAt: locked.now },
          update: marks,
        });
        await audit(tx, actor, newId, {
          action: "gradeAnswer",
          entityType: "Attempt",
          entityId: attemptId,
          before: { questionId: given.questionId, points: before?.points?.toString() ?? null },
          after: { questionId: given.questionId, points: given.points },
        });
        await logStaffAct(tx, actor, "MARKED", [attemptId], { questionId: given.questionId });
        const toGrade = await readToGrade(tx, attemptId);
        if (toGrade?.status === "IN_PROGRESS")
          throw unprocessable("ATTEMPT_IN_PROGRESS", "The attempt was not handed in yet.");
        const row = toGrade && (await writeGrade(tx, attemptId, toGrade, gradeOf(entries, toGrade)));
        if (!row) throw new Error(`attempt ${attemptId} changed while it was locked`);
        return toAttempt(row);
      });
      await events.publish("attemptChanged", { attemptId });
      return attempt;
    },
  };
}
