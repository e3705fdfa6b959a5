import type { Db } from "../../prisma/client.ts";
import { Exact } from "../domain/decimal.ts";
import { notFound } from "../domain/errors.ts";
import { questionType } from "../domain/questionTypes.ts";
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
import { storedRubric } from "./answerMarks.ts";
import type { SavedAnswer } from "./attempt.service.ts";
import { type Attempt, attemptFields, toAttempt } from "./attemptFields.ts";
import { batched } from "./batched.ts";
import { type Connection, connectionOf, type PageArgs } from "./connection.ts";
import { decimalText } from "./decimal.ts";
import { gradeOf, readToGrade } from "./grades.ts";
import { requireId } from "./ids.ts";
import type { PaperEntry, Papers } from "./papers.ts";
import type { ResultRules, RulesOfResults } from "./resultRules.ts";
import type { ScoreParts, ScorePartsOf } from "./scoreParts.ts";
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

/** What one answer came to. */
interface Mark {
  response: unknown;
  /** Before its question's treatment; null while a person has to grade it. */
  earned: string | null;
  feedback: string | null;
  rubric: RubricMark[];
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
  /** Of an attempt in progress: what its answers would come to now, by version; nothing of it is stored. */
  marksNow: ReadonlyMap<string, Mark> | null;
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
function verdictOn({ status, score, maxScore }: Attempt, { passMarkPercent, gradeScale }: PassRules) {
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
  scoreParts,
  staffViewed,
}: {
  db: Db;
  access: Access;
  papers: Papers;
  rulesOf: RulesOfResults;
  scoreParts: ScorePartsOf;
  staffViewed: StaffViews;
}) {
  const answersOf = batched(async (attemptIds: readonly string[]) => {
    const rows = await db.answer.findMany({ where: { attemptId: { in: [...attemptIds] } } });
    const byAttempt = new Map(attemptIds.map((id) => [id, [] as typeof rows]));
    for (const row of rows) byAttempt.get(row.attemptId)!.push(row);
    return attemptIds.map((id) => byAttempt.get(id)!);
  });

  async function entriesOf(attemptId: string): Promise<PaperEntry[]> {
    const paper = await papers.stored(attemptId);
    if (!paper) throw notFound("attempt");
    return [...(await papers.entries(paper)).values()];
  }

  const isStaff = async (viewer: Viewer, { courseId }: ResultRules) =>
    (await access.standingIn(viewer, courseId)) === "STAFF";

  async function reviewIn(actor: Actor, attempt: Pick<Attempt, "userId" | "status">, rules: ResultRules) {
    if (await isStaff(actor, rules)) return STAFF_REVIEW;
    if (attempt.userId !== actor.userId) return { ...STAFF_REVIEW, visible: [] };
    const { availableAt, ...review } = reviewOf({ ...rules, status: attempt.status });
    return { ...review, availableAt: availableAt?.toISOString() ?? null };
  }

  async function marksStored(attemptId: string): Promise<ReadonlyMap<string, Mark>> {
    const answers = await answersOf(attemptId);
    return new Map(
      answers.map(({ questionVersionId, response, points, feedback, rubric }) => [
        questionVersionId,
        { response, earned: points && decimalText(points), feedback, rubric: storedRubric(rubric) },
      ]),
    );
  }

  /** Grades what is saved of an attempt in progress, and keeps nothing of it. */
  async function gradeNow(attempt: Attempt) {
    const [entries, [toGrade]] = await Promise.all([entriesOf(attempt.id), readToGrade(db, [attempt.id])]);
    if (!toGrade) throw notFound("attempt");
    const responses = new Map(toGrade.answers.map(({ versionId, response }) => [versionId, response]));
    const { questions, score, maxScore } = gradeOf(entries, toGrade);
    const marks = questions.map(({ versionId, earned, feedback }): [string, Mark] => [
      versionId,
      { response: responses.get(versionId) ?? null, earned: earned?.toFixed() ?? null, feedback, rubric: [] },
    ]);
    return { score: score.toFixed(), maxScore: maxScore.toFixed(), marks: new Map(marks) };
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

    /** What an attempt that the actor has been given is worth; null while there are no points, or none of it may be seen. */
    async of(actor: Actor, attempt: Attempt): Promise<AttemptResult | null> {
      const isRunning = attempt.status === "IN_PROGRESS";
      if (isRunning ? attempt.userId !== actor.userId : attempt.score === null) return null;
      const rules = await rulesOf(attempt.examId);
      if (isRunning && rules.matrix.during.length === 0) return null;
      const { visible } = await reviewIn(actor, attempt, rules);
      if (visible.length === 0) return null;
      const now = isRunning ? await gradeNow(attempt) : null;
      const score = now?.score ?? attempt.score!;
      const maxScore = now?.maxScore ?? attempt.maxScore;
      const showsMark = visible.includes("MARK");
      return {
        attemptId: attempt.id,
        userId: attempt.userId,
        maxScore,
        score: showsMark ? score : null,
        percent: showsMark ? percentOf({ score, maxScore }) : null,
        ...(showsMark ? verdictOn(attempt, rules) : { passed: null, grade: null }),
        complete: attempt.status === "GRADED",
        gradedAt: attempt.gradedAt,
        visible,
        marksNow: now?.marks ?? null,
      };
    },

    /** Every question of a result that the actor has been given, as far as they may see it. That staff look is in the log before they do. */
    async questions(actor: Actor, { attemptId, userId, visible, marksNow }: AttemptResult): Promise<QuestionResult[]> {
      if (userId !== actor.userId) await staffViewed(actor, attemptId);
      const paper = await papers.stored(attemptId);
      if (!paper) throw notFound("attempt");
      const [entries, places, marks] = await Promise.all([
        papers.entries(paper),
        scoreParts.placesOf(paper.examId),
        marksNow ?? marksStored(attemptId),
      ]);
      const shown = <Value>(part: ReviewPart, value: Value) => (visible.includes(part) ? value : null);
      const showsLevels = visible.includes("FEEDBACK") && visible.includes("MARK"); // levels have points
      return [...entries.values()].map(({ item, question }, index): QuestionResult => {
        const { response, earned, feedback, rubric } = marks.get(item.versionId) ?? UNANSWERED;
        const { treatment, gradingVersion, gradingDefinition, gradingFeedback } = places.get(question.id)!;
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
              isAnswered: response !== null,
              points: treatment === "FULL_MARKS" ? item.points : earned,
              maxPoints: treatment === "DROPPED" ? 0 : item.points,
            }),
          ),
          points: shown("MARK", points && decimalText(points)),
          feedback: shown("FEEDBACK", feedback),
          rubric: showsLevels ? rubric : [],
          generalFeedback: shown("FEEDBACK", gradingVersion === null ? question.feedback : gradingFeedback),
          key: visible.includes("KEY")
            ? solution(gradingVersion === null ? question.definition : gradingDefinition)
            : null,
        };
      });
    },

    /** What the score of a result the caller has been given is made of; null where that may not be seen, or is not settled. */
    async parts({ attemptId, visible }: Pick<AttemptResult, "attemptId" | "visible">): Promise<ScoreParts | null> {
      return visible.includes("MARK") ? scoreParts.of(attemptId) : null;
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
