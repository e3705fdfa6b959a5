import { Decimal } from "decimal.js";
import type { Db } from "../../prisma/client.ts";
import { Exact } from "../domain/decimal.ts";
import { notFound } from "../domain/errors.ts";
import { isPassed, resultVisibility } from "../domain/results.ts";
import type { RubricMark } from "../domain/rubric.ts";
import { counted, type Treatment } from "../domain/scores.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { storedRubric } from "./answerMarks.ts";
import { type Attempt, attemptFields, toAttempt } from "./attemptFields.ts";
import { batched } from "./batched.ts";
import { type Connection, connectionOf, type PageArgs } from "./connection.ts";
import { decimalText } from "./decimal.ts";
import { closedForAllAt } from "./examClose.ts";
import { requireId } from "./ids.ts";
import type { Papers } from "./papers.ts";
import type { ScorePartsOf } from "./scoreParts.ts";

export interface QuestionResult {
  questionId: string;
  position: number;
  response: unknown;
  points: string | null;
  maxPoints: string;
  treatment: Treatment;
  feedback: string | null;
  rubric: RubricMark[];
  generalFeedback: string | null;
}

export interface AttemptResult {
  attemptId: string;
  score: string;
  maxScore: string;
  percent: string;
  passed: boolean | null;
  complete: boolean;
  gradedAt: string | null;
}

/** A row of an exam's results; the student is looked up by `attempt.userId`. */
export interface ExamResult {
  attempt: Attempt;
  score: string | null;
  maxScore: string;
  passed: boolean | null;
}

interface ExamRules {
  id: string;
  courseId: string;
  passMarkPercent: { toString(): string } | null;
  resultsPolicy: "IMMEDIATE" | "AFTER_CLOSE" | "MANUAL";
  resultsReleasedAt: Date | null;
}

/** The rules together with what they are measured against: for all attempts at an exam that are asked for in one moment. */
interface RulesNow extends ExamRules {
  /** When the exam has closed for its last student, everybody's extra time and credit included; null if it never closes. */
  closesAt: Date | null;
  now: Date;
}

const examRules = {
  id: true,
  courseId: true,
  passMarkPercent: true,
  resultsPolicy: true,
  resultsReleasedAt: true,
} as const;

const passedBy = (attempt: Attempt, exam: ExamRules): boolean | null =>
  attempt.status === "GRADED" && attempt.score !== null
    ? isPassed({
        score: attempt.score,
        maxScore: attempt.maxScore,
        passMarkPercent: exam.passMarkPercent?.toString() ?? null,
      })
    : null;

export type ResultService = ReturnType<typeof createResultService>;

/** Who may see which points, and when. */
export function createResultService({
  db,
  access,
  papers,
  scoreParts,
}: {
  db: Db;
  access: Access;
  papers: Papers;
  scoreParts: ScorePartsOf;
}) {
  const rulesOf = batched(async (examIds: readonly string[]): Promise<RulesNow[]> => {
    const rows = await db.$queryRaw<RulesNow[]>`
      SELECT exam.id, exam.course_id AS "courseId", exam.pass_mark_percent AS "passMarkPercent",
             exam.results_policy::text AS "resultsPolicy", exam.results_released_at AS "resultsReleasedAt",
             CASE WHEN exam.results_policy = 'AFTER_CLOSE' THEN ${closedForAllAt} END AS "closesAt",
             clock_timestamp() AS now
      FROM exams exam WHERE exam.id = ANY (${examIds}::uuid[])`;
    const byId = new Map(rows.map((row) => [row.id, row]));
    return examIds.map((id) => byId.get(id)!); // an exam with attempts is never deleted
  });

  const answersOf = batched(async (attemptIds: readonly string[]) => {
    const rows = await db.answer.findMany({ where: { attemptId: { in: [...attemptIds] } } });
    const byAttempt = new Map(attemptIds.map((id) => [id, [] as typeof rows]));
    for (const row of rows) byAttempt.get(row.attemptId)!.push(row);
    return attemptIds.map((id) => byAttempt.get(id)!);
  });

  async function isVisible(actor: Actor, attempt: Attempt, exam: RulesNow): Promise<boolean> {
    if ((await access.standingIn(actor, exam.courseId)) === "STAFF") return true;
    if (attempt.userId !== actor.userId || attempt.status !== "GRADED") return false;
    if (exam.resultsPolicy === "IMMEDIATE") return true;
    return resultVisibility({
      policy: exam.resultsPolicy,
      status: attempt.status,
      closesAt: exam.closesAt,
      releasedAt: exam.resultsReleasedAt,
      now: exam.now,
    }).visible;
  }

  return {
    /**
     * What an attempt that the actor has been given is worth; null while nothing is graded or the exam's policy keeps it back.
     */
    async of(actor: Actor, attempt: Attempt): Promise<AttemptResult | null> {
      if (attempt.status === "IN_PROGRESS" || attempt.score === null) return null;
      const exam = await rulesOf(attempt.examId);
      if (!(await isVisible(actor, attempt, exam))) return null;
      const maxScore = new Decimal(attempt.maxScore);
      return {
        attemptId: attempt.id,
        score: attempt.score,
        maxScore: attempt.maxScore,
        percent: maxScore.isZero()
          ? "0"
          : new Decimal(attempt.score).times(100).div(maxScore).toDecimalPlaces(2).toFixed(),
        passed: passedBy(attempt, exam),
        complete: attempt.status === "GRADED",
        gradedAt: attempt.gradedAt,
      };
    },

    /** The points of every question of an attempt whose result the caller has been given. */
    async questions(attemptId: string): Promise<QuestionResult[]> {
      const paper = await papers.stored(attemptId);
      if (!paper) throw notFound("attempt");
      const entries = [...(await papers.entries(paper)).values()];
      const answers = await answersOf(attemptId);
      const places = await scoreParts.placesOf(paper.examId);
      const byVersion = new Map(answers.map((answer) => [answer.questionVersionId, answer]));
      return entries.map(({ item, question }, index) => {
        const answer = byVersion.get(item.versionId);
        const { treatment, gradingVersion, gradingFeedback } = places.get(question.id)!;
        const earned = answer ? answer.points && new Exact(answer.points.toString()) : new Exact(0);
        const { points, maxPoints } = counted(treatment, earned, new Exact(item.points));
        return {
          questionId: question.id,
          position: index + 1,
          response: answer?.response ?? null,
          points: points && decimalText(points),
          maxPoints: decimalText(maxPoints),
          treatment,
          feedback: answer?.feedback ?? null,
          rubric: storedRubric(answer?.rubric),
          generalFeedback: gradingVersion === null ? question.feedback : gradingFeedback,
        };
      });
    },

    /** The attempts at an exam, newest first. @throws NOT_FOUND, FORBIDDEN */
    async list(
      actor: Actor,
      filter: { examId: string; status?: Attempt["status"] | null },
      page: PageArgs,
    ): Promise<Connection<ExamResult>> {
      const exam = await db.exam.findUnique({ where: { id: requireId(filter.examId, "exam") }, select: examRules });
      if (!exam) throw notFound("exam");
      await access.requireStaff(db, actor, exam.courseId, "exam");
      const matching = { examId: exam.id, ...(filter.status && { status: filter.status }) };
      return connectionOf(page, {
        find: ({ where, ...rest }) =>
          db.attempt.findMany({ where: { ...matching, ...where }, ...rest, select: attemptFields }),
        count: () => db.attempt.count({ where: matching }),
        id: ({ id }) => id,
        toNode: (row) => {
          const attempt = toAttempt(row);
          return { attempt, score: attempt.score, maxScore: attempt.maxScore, passed: passedBy(attempt, exam) };
        },
      });
    },
  };
}
