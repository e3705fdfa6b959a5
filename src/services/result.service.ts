import type { Db } from "../../prisma/client.ts";
import { Exact } from "../domain/decimal.ts";
import { notFound } from "../domain/errors.ts";
import { isAnswered, questionType } from "../domain/questionTypes.ts";
import {
  type Correctness,
  correctnessOf,
  type GradeBand,
  gradeFor,
  type HiddenReason,
  isPassed,
  percentOf,
  phaseOf,
  REVIEW_PARTS,
  type Release,
  type ReviewPart,
  reviewOf,
} from "../domain/results.ts";
import type { RubricMark } from "../domain/rubric.ts";
import { counted, type Treatment } from "../domain/scores.ts";
import type { Access, Viewer } from "./access.ts";
import type { Actor } from "./actor.ts";
import type { SavedAnswer } from "./attempt.service.ts";
import { type Attempt, attemptFields, toAttempt } from "./attemptFields.ts";
import { type Connection, connectionOf, type PageArgs } from "./connection.ts";
import { decimalText } from "./decimal.ts";
import type { GradedPaper, GradedPaperOf, Mark } from "./gradedPapers.ts";
import { gradeOf, readToGrade } from "./grades.ts";
import { requireId } from "./ids.ts";
import type { Papers } from "./papers.ts";
import type { ResultRules, RulesOfResults } from "./resultRules.ts";
import { type ScoreParts, scorePartsOf } from "./scoreParts.ts";
import type { StaffViews } from "./staffViews.ts";

/** What of a result the viewer may see now, and why not more. */
export interface Review {
  visible: readonly ReviewPart[];
  reason: HiddenReason | null;
  availableAt: string | null;
}

export interface QuestionResult {
  questionId: string;
  position: number;
  response: unknown;
  correctness: Correctness | null;
  points: string | null;
  maxPoints: string;
  treatment: Treatment;
  feedback: string | null;
  rubric: RubricMark[];
  generalFeedback: string | null;
  key: unknown;
}

export interface AttemptResult {
  attemptId: string;
  /** Whose attempt it is. */
  userId: string;
  score: string | null;
  maxScore: string;
  percent: string | null;
  passed: boolean | null;
  grade: string | null;
  complete: boolean;
  gradedAt: string | null;
  visible: readonly ReviewPart[];
  /** What its parts are made of; null where they were not asked for with it. */
  paper: GradedPaper | null;
}

/** A row of an exam's results; the student is looked up by `attempt.userId`. */
export interface ExamResult {
  attempt: Attempt;
  score: string | null;
  maxScore: string;
  passed: boolean | null;
  grade: string | null;
}

interface PassRules {
  passMarkPercent: string | null;
  gradeScale: readonly GradeBand[];
}

/** Staff see everything, always. */
export const STAFF_REVIEW: Review = { visible: REVIEW_PARTS, reason: null, availableAt: null };

/** Nothing while a part is not graded, because either may change. */
function verdictOn(
  { status, score, maxScore }: Pick<Attempt, "status" | "score" | "maxScore">,
  { passMarkPercent, gradeScale }: PassRules,
) {
  if (status !== "GRADED" || score === null) return { passed: null, grade: null };
  return { passed: isPassed({ score, maxScore, passMarkPercent }), grade: gradeFor({ score, maxScore }, gradeScale) };
}

export type ResultService = ReturnType<typeof createResultService>;

/** Who may see which points, and when. */
export function createResultService({
  db,
  access,
  papers,
  rulesOf,
  gradedPaperOf,
  staffViewed,
}: {
  db: Db;
  access: Access;
  papers: Papers;
  rulesOf: RulesOfResults;
  gradedPaperOf: GradedPaperOf;
  staffViewed: StaffViews;
}) {
  const isStaff = async (viewer: Viewer, { courseId }: ResultRules) =>
    (await access.standingIn(viewer, courseId)) === "STAFF";

  async function reviewIn(actor: Actor, attempt: Pick<Attempt, "userId" | "status">, rules: ResultRules) {
    if (await isStaff(actor, rules)) return STAFF_REVIEW;
    if (attempt.userId !== actor.userId) return { ...STAFF_REVIEW, visible: [] };
    const { availableAt, ...review } = reviewOf({ ...rules, status: attempt.status });
    return { ...review, availableAt: availableAt?.toISOString() ?? null };
  }

  /** Grades what is saved of an attempt in progress, and keeps nothing of it. */
  async function gradeNow(attempt: Attempt): Promise<GradedPaper> {
    const [entries, [toGrade]] = await Promise.all([
      papers.entriesOfAttempt(attempt.id),
      readToGrade(db, [attempt.id]),
    ]);
    if (!toGrade) throw notFound("attempt");
    const { floor, corrections } = toGrade.policy;
    const responses = new Map(toGrade.answers.map(({ versionId, response }) => [versionId, response]));
    const { questions, score, maxScore } = gradeOf(entries, toGrade);
    const marks = questions.map(({ versionId, earned, feedback }): [string, Mark] => [
      versionId,
      { response: responses.get(versionId) ?? null, earned: earned?.toFixed() ?? null, feedback, rubric: [] },
    ]);
    const whole = {
      status: "IN_PROGRESS",
      score: score.toFixed(),
      maxScore: maxScore.toFixed(),
      gradedAt: null,
    } as const;
    return { ...whole, floor, corrections, marks: new Map(marks) };
  }

  /** @throws NOT_FOUND for an attempt that was removed since it was read */
  async function paperOf(attemptId: string): Promise<GradedPaper> {
    const paper = await gradedPaperOf(attemptId);
    if (!paper) throw notFound("attempt");
    return paper;
  }

  function requirePaper({ attemptId, paper }: Pick<AttemptResult, "attemptId" | "paper">): GradedPaper {
    if (!paper) throw new Error(`the parts of the result of attempt ${attemptId} were not asked for with it`);
    return paper;
  }

  /** Whether whose attempt it is may see what they answered: before the hand-in always, then where the review shows RESPONSE. */
  async function showsAnswers(
    student: Viewer,
    { examId, status }: Pick<Attempt, "examId" | "status">,
  ): Promise<boolean> {
    if (status === "IN_PROGRESS") return true;
    const rules = await rulesOf(examId);
    return rules.matrix[phaseOf(status, rules.closesAt, rules.now)].includes("RESPONSE") || isStaff(student, rules);
  }

  return {
    /** What of the result of an attempt that the actor has been given they may see now, and why not more. */
    async review(actor: Actor, attempt: Pick<Attempt, "examId" | "userId" | "status">): Promise<Review> {
      return reviewIn(actor, attempt, await rulesOf(attempt.examId));
    },

    /** Whether the results of an exam are released now. */
    async release(examId: string): Promise<Release> {
      return (await rulesOf(examId)).release;
    },

    /**
     * What an attempt that the actor has been given is worth; null while there are no points, or none of it may be seen.
     * @param withParts whether its questions or parts are asked for next: the whole is then read once more together with them, because a
     *   regrading may have come to the attempt in between
     */
    async of(actor: Actor, attempt: Attempt, { withParts }: { withParts: boolean }): Promise<AttemptResult | null> {
      const isRunning = attempt.status === "IN_PROGRESS";
      if (isRunning ? attempt.userId !== actor.userId : attempt.score === null) return null;
      const rules = await rulesOf(attempt.examId);
      if (isRunning && rules.matrix.during.length === 0) return null;
      if ((await reviewIn(actor, attempt, rules)).visible.length === 0) return null;
      const paper = isRunning ? await gradeNow(attempt) : withParts ? await paperOf(attempt.id) : null;
      const { status, score, maxScore, gradedAt } = paper ?? { ...attempt, score: attempt.score! };
      const { visible } = await reviewIn(actor, { userId: attempt.userId, status }, rules);
      if (visible.length === 0) return null;
      const showsMark = visible.includes("MARK");
      return {
        attemptId: attempt.id,
        userId: attempt.userId,
        maxScore,
        score: showsMark ? score : null,
        percent: showsMark ? percentOf({ score, maxScore }) : null,
        ...(showsMark ? verdictOn({ status, score, maxScore }, rules) : { passed: null, grade: null }),
        complete: status === "GRADED",
        gradedAt,
        visible,
        paper,
      };
    },

    /**
     * Every question of a result that the actor has been given with its parts, as far as they may see it. That staff look is in the log
     * before they do.
     */
    async questions(
      actor: Actor,
      result: Pick<AttemptResult, "attemptId" | "userId" | "visible" | "paper">,
    ): Promise<QuestionResult[]> {
      if (result.userId !== actor.userId) await staffViewed(actor, result.attemptId);
      const { attemptId, visible } = result;
      const { marks, corrections } = requirePaper(result);
      const correctionOf = new Map(corrections.map((correction) => [correction.versionId, correction]));
      const entries = await papers.entriesOfAttempt(attemptId);
      const shown = <Value>(part: ReviewPart, value: Value) => (visible.includes(part) ? value : null);
      const showsLevels = visible.includes("FEEDBACK") && visible.includes("MARK"); // levels have points
      return entries.map(({ item, question }, index) => {
        const { response, earned, feedback, rubric } = marks.get(item.versionId) ?? UNANSWERED;
        const correction = correctionOf.get(item.versionId);
        const treatment = correction?.treatment ?? "NORMAL";
        const key = correction?.definition ? correction : question;
        const { points, maxPoints } = counted(
          treatment,
          earned === null ? null : new Exact(earned),
          new Exact(item.points),
        );
        const { solution } = questionType(question.type);
        return {
          questionId: question.id,
          position: index + 1,
          maxPoints: decimalText(maxPoints),
          treatment,
          response: shown("RESPONSE", response),
          correctness: shown(
            "CORRECTNESS",
            correctnessOf({
              isAnswered: isAnswered(question.type, response),
              points: treatment === "FULL_MARKS" ? item.points : earned,
              maxPoints: treatment === "DROPPED" ? 0 : item.points,
            }),
          ),
          points: shown("MARK", points && decimalText(points)),
          feedback: shown("FEEDBACK", feedback),
          rubric: showsLevels ? rubric : [],
          generalFeedback: shown("FEEDBACK", key.feedback),
          key: visible.includes("KEY") ? solution(key.definition) : null,
        };
      });
    },

    /** What the score of a result the caller has been given with its parts is made of; null where that may not be seen. */
    async parts(result: Pick<AttemptResult, "attemptId" | "visible" | "paper">): Promise<ScoreParts | null> {
      if (!result.visible.includes("MARK")) return null;
      return scorePartsOf(await papers.entriesOfAttempt(result.attemptId), requirePaper(result));
    },

    showsAnswers,

    /**
     * The saved answers of an attempt that the actor has been given; none for its student after the hand-in where the review does not
     * show RESPONSE. What one wrote oneself waits for no release. That staff look is in the log before they do.
     */
    async answers(
      actor: Actor,
      attempt: Attempt,
      saved: { load(attemptId: string): Promise<SavedAnswer[]> },
    ): Promise<SavedAnswer[]> {
      if (attempt.userId !== actor.userId) await staffViewed(actor, attempt.id);
      else if (!(await showsAnswers(actor, attempt))) return [];
      return saved.load(attempt.id);
    },

    /** The attempts at an exam, newest first. @throws NOT_FOUND, FORBIDDEN */
    async list(
      actor: Actor,
      filter: { examId: string; status?: Attempt["status"] | null },
      page: PageArgs,
    ): Promise<Connection<ExamResult>> {
      const select = { id: true, courseId: true, passMarkPercent: true, gradeScale: true } as const;
      const exam = await db.exam.findUnique({ where: { id: requireId(filter.examId, "exam") }, select });
      if (!exam) throw notFound("exam");
      await access.requireStaff(db, actor, exam.courseId, "exam");
      const passMarkPercent = exam.passMarkPercent && decimalText(exam.passMarkPercent);
      const rules = { passMarkPercent, gradeScale: exam.gradeScale as unknown as GradeBand[] };
      const matching = { examId: exam.id, ...(filter.status && { status: filter.status }) };
      return connectionOf(page, {
        find: ({ where, ...rest }) =>
          db.attempt.findMany({ where: { ...matching, ...where }, ...rest, select: attemptFields }),
        count: () => db.attempt.count({ where: matching }),
        id: ({ id }) => id,
        toNode: (row) => {
          const attempt = toAttempt(row);
          return { attempt, score: attempt.score, maxScore: attempt.maxScore, ...verdictOn(attempt, rules) };
        },
      });
    },
  };
}

const UNANSWERED: Mark = { response: null, earned: "0", feedback: null, rubric: [] };
