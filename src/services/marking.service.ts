import { Decimal } from "decimal.js";
import { z } from "zod";
import type { Db, Transaction } from "../../prisma/client.ts";
import { notFound, unprocessable } from "../domain/errors.ts";
import type { RubricMark } from "../domain/rubric.ts";
import { Prisma } from "../generated/prisma/client.ts";
import type { Events } from "../redis/pubsub.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import {
  type AnswerMark,
  isSameMark,
  type MarkGiven,
  markFields,
  pointsOf,
  reasonText,
  requireNewest,
  standingPoints,
  toAnswerMark,
} from "./answerMarks.ts";
import { logStaffAct } from "./attemptEvents.ts";
import { type Attempt, attemptFields, toAttempt } from "./attemptFields.ts";
import { audit } from "./audit.ts";
import { decimalText } from "./decimal.ts";
import { gradeOf, readToGrade, writeGrades } from "./grades.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import type { PaperEntry, Papers } from "./papers.ts";
import { finishClaim, requireFree, requireHeld } from "./responseClaims.ts";

const answerInput = { attemptId: z.string(), questionId: z.string(), replaces: z.string().nullish() };
const gradedAnswer = z.object({ ...answerInput, ...markFields });
const gradedResponse = z.object({ responseId: z.string(), ...markFields });
const withdrawal = z.object({ ...answerInput, reason: reasonText.min(1, "is empty") });

/** No answer is marked so often that anybody would read on. */
const MAX_HISTORY = 200;

/** What now stands for a response of the marking queue. */
export interface GradedResponse {
  responseId: string;
  points: string;
  rubric: RubricMark[];
  feedback: string | null;
}

interface Locked {
  courseId: string;
  status: Attempt["status"];
  isScored: boolean;
  isErased: boolean;
  now: Date;
}

export type MarkingService = ReturnType<typeof createMarkingService>;

/** Points that people give, and their history. */
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
  /** Locks an attempt that was handed in, for the staff of its course. */
  async function lock(tx: Transaction, actor: Actor, attemptId: string, what: string): Promise<Locked> {
    const [attempt] = await tx.$queryRaw<Locked[]>`
      SELECT exam.course_id AS "courseId", attempt.status::text, attempt.score IS NOT NULL AS "isScored",
             student.erased_at IS NOT NULL AS "isErased", clock_timestamp() AS now
      FROM attempts attempt JOIN exams exam ON exam.id = attempt.exam_id JOIN users student ON student.id = attempt.user_id
      WHERE attempt.id = ${attemptId}::uuid FOR UPDATE OF attempt`;
    if (!attempt) throw notFound(what);
    await access.requireStaff(tx, actor, attempt.courseId, what);
    if (attempt.status === "IN_PROGRESS")
      throw unprocessable("ATTEMPT_IN_PROGRESS", "The attempt was not handed in yet.");
    return attempt;
  }

  const answerWithMarks = (tx: Transaction, key: { attemptId: string; questionVersionId: string }) =>
    tx.answer.findUnique({
      where: { attemptId_questionVersionId: key },
      include: { claim: true, marks: { orderBy: [{ markedAt: "desc" }, { id: "desc" }], take: 1 } },
    });

  const attemptAsItIs = async (tx: Transaction, id: string) =>
    toAttempt(await tx.attempt.findUniqueOrThrow({ where: { id }, select: attemptFields }));

  async function gradeAgain(tx: Transaction, attemptId: string, entries: readonly PaperEntry[]): Promise<Attempt> {
    const [toGrade] = await readToGrade(tx, [attemptId]);
    const [row] = toGrade ? await writeGrades(tx, [{ toGrade, grade: gradeOf(entries, toGrade) }]) : [];
    if (!row) throw new Error(`attempt ${attemptId} changed while it was locked`);
    return toAttempt(row);
  }

  /** Gives an answer its points. A repetition, after an answer of the server was lost, finds them given and changes nothing. */
  async function mark(
    actor: Actor,
    target: { attemptId: string; isEntry: (entry: PaperEntry) => boolean; responseId?: string },
    given: MarkGiven & { replaces?: string | null },
  ): Promise<{ attempt: Attempt; points: string; rubric: RubricMark[]; feedback: string | null }> {
    const { attemptId, responseId } = target;
    const entries = await papers.entriesOfAttempt(attemptId);
    const marked = await db.$transaction(async (tx) => {
      const attempt = await lock(tx, actor, attemptId, responseId ? "response" : "attempt");
      const entry = entries.find(target.isEntry);
      if (!entry) throw notFound("question in this attempt");
      const key = { attemptId, questionVersionId: entry.item.versionId };
      const answer = await answerWithMarks(tx, key);
      if (responseId) requireHeld(actor.userId, answer);
      else requireFree(actor.userId, answer, attempt.now);
      // What the key says goes with the key's points; what a person wrote stays until a person changes it.
      const written = answer?.gradedById ? answer.feedback : null;
      const feedback = given.feedback === undefined ? written : given.feedback;
      const mark = { ...pointsOf(entry, given), feedback };
      if (answer?.gradedById === actor.userId && isSameMark(answer.marks[0], mark))
        return { ...mark, attempt: await attemptAsItIs(tx, attemptId) };
      requireNewest(given.replaces, answer?.marks[0]);
      const replaced = standingPoints(attempt, answer);
      const reason = given.reason || null;
      if (replaced && !new Decimal(replaced.points).eq(mark.points) && !reason)
        throw unprocessable("REASON_REQUIRED", `The answer has ${replaced.points} points. Say why that changes.`);

      const rubric = mark.rubric.length > 0 ? (mark.rubric as unknown as Prisma.InputJsonArray) : Prisma.DbNull;
      const columns = { points: mark.points, feedback, rubric, gradedById: actor.userId, gradedAt: attempt.now };
      await tx.answer.upsert({
        where: { attemptId_questionVersionId: key },
        create: { ...key, ...columns, response: Prisma.JsonNull, revision: 0, savedAt: attempt.now },
        update: columns,
      });
      await tx.answerMark.create({
        data: {
          ...{ id: newId(), ...key, points: mark.points, feedback, rubric, reason },
          ...{ replacedPoints: replaced?.points, replacedSource: replaced?.source },
          ...{ markedById: actor.userId, markedAt: attempt.now },
        },
      });
      await audit(tx, actor, newId, {
        action: "gradeAnswer",
        entityType: "Attempt",
        entityId: attemptId,
        before: { questionId: entry.question.id, points: replaced?.points ?? null },
        after: { questionId: entry.question.id, points: mark.points },
      });
      await logStaffAct(tx, actor, "MARKED", [attemptId], { questionId: entry.question.id });
      const graded = await gradeAgain(tx, attemptId, entries);
      await finishClaim(tx, actor.userId, key);
      return { ...mark, attempt: graded };
    });
    await events.publish("attemptChanged", { attemptId });
    return marked;
  }

  return {
    /**
     * Gives an answer its points by hand, also instead of points the server or somebody else gave, and completes the attempt when it was
     * the last one. Safe to repeat.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, CONFLICT (MARK_CHANGED),
     *   UNPROCESSABLE (ATTEMPT_IN_PROGRESS, REASON_REQUIRED, RESPONSE_CLAIMED)
     */
    async gradeAnswer(actor: Actor, input: unknown): Promise<Attempt> {
      const { attemptId, questionId, ...given } = parseInput(gradedAnswer, input);
      const isEntry = ({ question }: PaperEntry) => question.id === questionId;
      return (await mark(actor, { attemptId: requireId(attemptId, "attempt"), isEntry }, given)).attempt;
    },

    /**
     * The same for a response of the marking queue that the actor has claimed, whoever's it is.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (REASON_REQUIRED, RESPONSE_CLAIMED, RESPONSE_NOT_CLAIMED, RESPONSE_MARKED)
     */
    async gradeResponse(actor: Actor, input: unknown): Promise<GradedResponse> {
      const { responseId: given, ...markGiven } = parseInput(gradedResponse, input);
      const responseId = requireId(given, "response");
      const claim = await db.responseClaim.findUnique({ where: { id: responseId } });
      if (!claim) throw notFound("response");
      const isEntry = ({ item }: PaperEntry) => item.versionId === claim.questionVersionId;
      const target = { attemptId: claim.attemptId, isEntry, responseId };
      const { points, rubric, feedback } = await mark(actor, target, markGiven);
      return { responseId, points, rubric, feedback };
    },

    /**
     * Takes back what people gave an answer: the key's points stand again, or it waits again. Safe to repeat.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, CONFLICT (MARK_CHANGED), UNPROCESSABLE (ATTEMPT_IN_PROGRESS, STUDENT_ERASED)
     */
    async withdrawMark(actor: Actor, input: unknown): Promise<Attempt> {
      const { questionId, replaces, reason, ...given } = parseInput(withdrawal, input);
      const attemptId = requireId(given.attemptId, "attempt");
      const entries = await papers.entriesOfAttempt(attemptId);
      const changed = await db.$transaction(async (tx) => {
        const attempt = await lock(tx, actor, attemptId, "attempt");
        const entry = entries.find(({ question }) => question.id === questionId);
        if (!entry) throw notFound("question in this attempt");
        const key = { attemptId, questionVersionId: entry.item.versionId };
        const answer = await answerWithMarks(tx, key);
        if (!answer?.gradedById || !answer.points) return attemptAsItIs(tx, attemptId);
        requireNewest(replaces, answer.marks[0]);
        if (attempt.isErased)
          throw unprocessable("STUDENT_ERASED", "The student's account was deleted. Points stay as they were given.");
        const points = decimalText(answer.points);
        await tx.answer.update({
          where: { attemptId_questionVersionId: key },
          data: { points: null, feedback: null, rubric: Prisma.DbNull, gradedById: null, gradedAt: null },
        });
        const replaced = { replacedPoints: points, replacedSource: "PERSON" as const };
        const by = { markedById: actor.userId, markedAt: attempt.now };
        await tx.answerMark.create({ data: { id: newId(), ...key, reason, ...replaced, ...by } });
        await audit(tx, actor, newId, {
          action: "withdrawMark",
          entityType: "Attempt",
          entityId: attemptId,
          before: { questionId, points },
          after: { questionId, points: null },
        });
        await logStaffAct(tx, actor, "MARKED", [attemptId], { questionId });
        return gradeAgain(tx, attemptId, entries);
      });
      await events.publish("attemptChanged", { attemptId });
      return changed;
    },

    /** All marks that an answer got from people, newest first. @throws NOT_FOUND, FORBIDDEN */
    async history(actor: Actor, given: { attemptId: string; questionId: string }): Promise<AnswerMark[]> {
      const attemptId = requireId(given.attemptId, "attempt");
      const attempt = await db.attempt.findUnique({
        where: { id: attemptId },
        select: { exam: { select: { courseId: true } } },
      });
      if (!attempt) throw notFound("attempt");
      await access.requireStaff(db, actor, attempt.exam.courseId, "attempt");
      const entries = await papers.entriesOfAttempt(attemptId);
      const entry = entries.find(({ question }) => question.id === given.questionId);
      if (!entry) throw notFound("question in this attempt");
      const rows = await db.answerMark.findMany({
        where: { attemptId, questionVersionId: entry.item.versionId },
        orderBy: [{ markedAt: "desc" }, { id: "desc" }],
        take: MAX_HISTORY,
      });
      return rows.map(toAnswerMark);
    },
  };
}
