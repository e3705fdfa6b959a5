import { Decimal } from "decimal.js";
import { z } from "zod";
import type { Db, Transaction } from "../../prisma/client.ts";
import { badInput, notFound, unprocessable } from "../domain/errors.ts";
import { gradePaper, type PaperGrade } from "../domain/grading.ts";
import type { QuestionResponse } from "../domain/questionType.ts";
import { Prisma } from "../generated/prisma/client.ts";
import type { Events } from "../redis/pubsub.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { type Attempt, attemptFields, lockAttempt, toAttempt } from "./attempt.service.ts";
import { audit } from "./audit.ts";
import { decimalInput } from "./decimal.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import type { PaperEntry, Papers } from "./papers.ts";

const grade = z.object({
  attemptId: z.string(),
  questionId: z.string(),
  points: decimalInput({ min: 0, max: 10_000 }),
  feedback: z.string().max(20_000, "has at most 20,000 characters").nullish(),
});

export type GradingService = ReturnType<typeof createGradingService>;

export function createGradingService({
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
  async function entriesOf(attemptId: string): Promise<readonly PaperEntry[]> {
    const paper = await papers.stored(attemptId);
    if (!paper) throw notFound("attempt");
    return [...(await papers.entries(paper)).values()];
  }

  /** Grades what is stored and writes score and state; points given by a person stand. Call it with the attempt locked. */
  async function settle(
    tx: Transaction,
    { row: { id: attemptId }, now }: { row: { id: string }; now: Date },
    entries: readonly PaperEntry[],
  ): Promise<Attempt> {
    const answers = await tx.answer.findMany({
      where: { attemptId },
      select: { questionVersionId: true, response: true, points: true, gradedById: true },
    });
    const byHand = answers.filter(({ gradedById }) => gradedById !== null);
    const graded = gradePaper(
      entries.map(({ item, question }) => ({ ...question, points: item.points })),
      new Map(
        answers.map(({ questionVersionId, response }) => [questionVersionId, response as QuestionResponse | null]),
      ),
      new Map(byHand.map(({ questionVersionId, points }) => [questionVersionId, points!.toString()])),
    );
    const skip = new Set(byHand.map(({ questionVersionId }) => questionVersionId));
    await writePoints(
      tx,
      attemptId,
      graded.questions.filter(({ versionId }) => !skip.has(versionId)),
    );
    const [row] = await tx.attempt.updateManyAndReturn({
      where: { id: attemptId },
      data: {
        score: graded.score.toFixed(),
        status: graded.needsHuman ? "SUBMITTED" : "GRADED",
        gradedAt: graded.needsHuman ? null : now,
      },
      select: attemptFields,
    });
    return toAttempt(row!);
  }

  return {
    /**
     * Grades an attempt that was handed in. Safe to repeat: the same answers get the same points.
     * The event goes out on every delivery, because an earlier run may have died between its commit and this line.
     */
    async gradeAttempt(attemptId: string): Promise<void> {
      const entries = await entriesOf(attemptId);
      await db.$transaction(async (tx) => {
        const locked = await lockAttempt(tx, attemptId);
        if (!locked) throw notFound("attempt");
        if (locked.row.status === "IN_PROGRESS")
          throw unprocessable("ATTEMPT_IN_PROGRESS", "The attempt was not handed in yet.");
        if (locked.row.status === "SUBMITTED") await settle(tx, locked, entries);
      });
      await events.publish("attemptChanged", { attemptId });
    },

    /**
     * Gives an answer its points by hand, also instead of points the server gave, and completes the attempt when it was the last one.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (ATTEMPT_IN_PROGRESS)
     */
    async gradeAnswer(actor: Actor, input: unknown): Promise<Attempt> {
      const given = parseInput(grade, input);
      const attemptId = requireId(given.attemptId, "attempt");
      const entries = await entriesOf(attemptId);
      const attempt = await db.$transaction(async (tx) => {
        const locked = await lockAttempt(tx, attemptId);
        if (!locked) throw notFound("attempt");
        const exam = await tx.exam.findUniqueOrThrow({ where: { id: locked.row.examId }, select: { courseId: true } });
        await access.requireStaff(tx, actor, exam.courseId, "attempt");
        if (locked.row.status === "IN_PROGRESS")
          throw unprocessable("ATTEMPT_IN_PROGRESS", "The attempt was not handed in yet.");
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
          feedback: given.feedback ?? null,
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
        return settle(tx, locked, entries);
      });
      await events.publish("attemptChanged", { attemptId });
      return attempt;
    },
  };
}

/** Writes the points of all answers of an attempt in one statement; questions without an answer have no row to write to. */
async function writePoints(tx: Transaction, attemptId: string, grades: PaperGrade["questions"]): Promise<void> {
  await tx.$executeRaw`
    UPDATE answers SET points = grade.points, feedback = grade.feedback, graded_at = clock_timestamp()
    FROM unnest(${grades.map(({ versionId }) => versionId)}::uuid[], ${grades.map(({ points }) => points?.toFixed() ?? null)}::numeric[],
                ${grades.map(({ feedback }) => feedback)}::text[]) AS grade(version_id, points, feedback)
    WHERE answers.attempt_id = ${attemptId}::uuid AND answers.question_version_id = grade.version_id`;
}
