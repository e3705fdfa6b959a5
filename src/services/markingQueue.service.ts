import { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import { notFound } from "../domain/errors.ts";
import { questionType } from "../domain/questionTypes.ts";
import type { Rubric } from "../domain/rubric.ts";
import { waitsForPeople } from "../domain/scores.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import type { AnswerFileDownloads, FileToMark } from "./answerFileDownloads.service.ts";
import type { ExamQuestion, ExamQuestions } from "./examQuestions.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import { lockUsers } from "./lockUsers.ts";
import type { Question } from "./question.service.ts";
import { claimFree, heldResponses, isWaiting, release } from "./responseClaims.ts";
import type { StaffViews } from "./staffViews.ts";

/** How far the marking of one question has come. */
export interface MarkingQueueEntry {
  question: Question;
  maxPoints: string;
  waiting: number;
  claimed: number;
  done: number;
  /** When the oldest of those that are not marked was handed in. */
  oldest: Date | null;
}

/** A response as its marker sees it: no field leads to who gave it. */
export interface ClaimedResponse {
  id: string;
  question: Question;
  maxPoints: string;
  response: unknown;
  /** In the order of the response. */
  files: FileToMark[];
  guidance: string | null;
  rubric: Rubric;
  claimedUntil: Date;
}

const claiming = z.object({
  examId: z.string(),
  questionId: z.string(),
  count: z.int().min(1, "must be at least 1").max(20, "must be at most 20"),
});

export type MarkingQueueService = ReturnType<typeof createMarkingQueueService>;

/** Which responses wait for a person, and who has which of them. */
export function createMarkingQueueService({
  db,
  access,
  examQuestions,
  answerFileDownloads,
  staffViewed,
}: {
  db: Db;
  access: Access;
  examQuestions: ExamQuestions;
  answerFileDownloads: Pick<AnswerFileDownloads, "toMark">;
  staffViewed: StaffViews;
}) {
  /** The questions of an exam that people mark. @throws NOT_FOUND, FORBIDDEN */
  async function questionsFor(actor: Actor, examId: string): Promise<ExamQuestion[]> {
    const exam = await db.exam.findUnique({ where: { id: examId }, select: { courseId: true } });
    if (!exam) throw notFound("exam");
    await access.requireStaff(db, actor, exam.courseId, "exam");
    const sections = await examQuestions.sections(examId, actor.reads);
    return sections
      .flatMap(({ questions }) => questions)
      .filter(({ question, treatment }) => questionType(question.type).isMarkedByHand && waitsForPeople(treatment));
  }

  return {
    /** How far the marking of an exam has come, by question, in the order of the exam. @throws NOT_FOUND, FORBIDDEN */
    async list(actor: Actor, examIdGiven: string): Promise<MarkingQueueEntry[]> {
      const examId = requireId(examIdGiven, "exam");
      const questions = await questionsFor(actor, examId);
      const versionIds = questions.map(({ question }) => question.versionId);
      const rows = await db.$queryRaw<(Omit<MarkingQueueEntry, "question" | "maxPoints"> & { versionId: string })[]>`
        SELECT answer.question_version_id AS "versionId",
          count(*) FILTER (WHERE ${isWaiting} AND NOT claim.is_held)::int AS waiting,
          count(*) FILTER (WHERE ${isWaiting} AND claim.is_held)::int AS claimed,
          count(*) FILTER (WHERE answer.graded_by_id IS NOT NULL)::int AS done,
          min(attempt.submitted_at) FILTER (WHERE ${isWaiting}) AS oldest
        FROM answers answer
        JOIN attempts attempt ON attempt.id = answer.attempt_id
        LEFT JOIN response_claims held
          ON held.attempt_id = answer.attempt_id AND held.question_version_id = answer.question_version_id
        CROSS JOIN LATERAL (
          SELECT held.claimed_by_id IS NOT NULL AND held.claimed_until > statement_timestamp() AS is_held) claim
        WHERE answer.question_version_id = ANY (${versionIds}::uuid[]) AND attempt.exam_id = ${examId}::uuid
          AND ((answer.points IS NULL AND answer.graded_at IS NOT NULL) OR answer.graded_by_id IS NOT NULL)
        GROUP BY answer.question_version_id`;
      const byVersion = new Map(rows.map(({ versionId, ...counts }) => [versionId, counts]));
      const none = { waiting: 0, claimed: 0, done: 0, oldest: null };
      return questions.map(({ question, points }) => ({
        ...(byVersion.get(question.versionId) ?? none),
        question,
        maxPoints: points,
      }));
    },

    /**
     * Gives a marker responses to mark: first those he has already, whose claims are extended, then others that nobody has.
     * Empty where nothing waits. That they look is in the attempts' logs before they do. Safe to repeat.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT
     */
    async claim(actor: Actor, input: unknown): Promise<ClaimedResponse[]> {
      const { examId: examIdGiven, questionId, count } = parseInput(claiming, input, { path: "" });
      const examId = requireId(examIdGiven, "exam");
      const place = (await questionsFor(actor, examId)).find(({ question }) => question.id === questionId);
      if (!place) throw notFound("question in this exam that people mark");
      const { question, points: maxPoints } = place;
      const asked = { examId, versionId: question.versionId };
      const held = await db.$transaction(async (tx) => {
        await lockUsers(tx, [actor.userId]); // of two tabs that ask at once the second gets what the first has claimed
        const before = await heldResponses(tx, actor.userId, asked);
        if (before.length >= count) return before.slice(0, count);
        await claimFree(tx, actor.userId, asked, count - before.length);
        return heldResponses(tx, actor.userId, asked);
      });
      const { guidance = null, rubric = [] } = question.definition as { guidance?: string; rubric?: Rubric };
      const part = { questionId, anonymous: true } as const;
      await Promise.all(held.map(({ attemptId }) => staffViewed(actor, attemptId, part)));
      const files = await answerFileDownloads.toMark(
        actor,
        held.flatMap(({ response }) => fileIds(response)),
      );
      return held.map(({ attemptId: _whose, ...given }) => {
        const ofResponse = fileIds(given.response).flatMap((id) => files.get(id) ?? []);
        return { ...given, files: ofResponse, question, maxPoints, guidance, rubric };
      });
    },

    /** Lets go of a response that the actor has, so that others may mark it at once. Safe to repeat. @throws NOT_FOUND */
    async release(actor: Actor, responseIdGiven: string): Promise<string> {
      const responseId = requireId(responseIdGiven, "response");
      const claim = await db.responseClaim.findUnique({
        where: { id: responseId },
        select: { answer: { select: { attempt: { select: { exam: { select: { courseId: true } } } } } } },
      });
      if (!claim) throw notFound("response");
      await access.requireStaff(db, actor, claim.answer.attempt.exam.courseId, "response");
      await release(db, actor.userId, responseId);
      return responseId;
    },
  };
}

const fileIds = (response: unknown) => (response as { files?: string[] }).files ?? [];
