import { isDeepStrictEqual } from "node:util";
import type { Db } from "../../prisma/client.ts";
import type { OutcomeFeedback } from "../domain/outcomeFeedback.ts";
import type { PaperQuestion as PaperItem } from "../domain/paper.ts";
import { isPassed } from "../domain/results.ts";
import type { Regrading as RegradingRow } from "../generated/prisma/client.ts";
import type { AttemptFields } from "./attemptFields.ts";
import { type GivenAnswer, gradeOf, type Policy, policyColumn } from "./grades.ts";
import type { PaperEntry } from "./papers.ts";
import { changesOf } from "./regradingRows.ts";

/** A scored attempt as it was read: points and scores with four places. */
export interface ScoredAttempt {
  id: string;
  userId: string;
  rowVersion: string;
  status: AttemptFields["status"];
  score: string;
  maxScore: string;
  paper: readonly PaperItem[];
  answers: (GivenAnswer & { feedback: string | null })[];
}

/** What an attempt's grade becomes. */
export interface RegradedAttempt {
  attempt: ScoredAttempt;
  score: string;
  maxScore: string;
  status: "SUBMITTED" | "GRADED";
  passedBefore: boolean | null;
  passedAfter: boolean | null;
  /** Only those that differ from what is stored. */
  marks: { versionId: string; points: string | null; feedback: string | null }[];
  /** Whether anything differs from what is stored. */
  isChanged: boolean;
}

export interface ExamPolicy extends Policy {
  passMarkPercent: string | null;
}

const PLACES = 4;

/** What the attempts of an exam are graded by after a regrading; null when the exam is at another point by now. */
export async function policyOf(db: Db, regrading: RegradingRow): Promise<ExamPolicy | null> {
  const number = regrading.policyNumber + (regrading.appliedAt ? 1 : 0);
  const [exam] = await db.$queryRaw<{ policy: Policy; passMarkPercent: string | null }[]>`
    SELECT ${policyColumn} AS policy, exam.pass_mark_percent::text AS "passMarkPercent" FROM exams exam
    WHERE exam.id = ${regrading.examId}::uuid AND exam.policy_number = ${number}`;
  if (!exam) return null;
  const changes = changesOf(regrading);
  const changed = await db.examQuestion.findMany({
    where: { examId: regrading.examId, questionId: { in: changes.map(({ questionId }) => questionId) } },
    select: { questionId: true, questionVersionId: true },
  });
  const pinned = new Map(changed.map(({ questionId, questionVersionId }) => [questionId, questionVersionId!]));
  const versions = await db.questionVersion.findMany({
    where: { id: { in: changes.flatMap(({ after }) => after.versionId ?? []) } },
    select: { id: true, definition: true, outcomeFeedback: true, feedback: true },
  });
  const versionOf = new Map(versions.map((version) => [version.id, version]));
  const corrections = new Map(exam.policy.corrections.map((correction) => [correction.versionId, correction]));
  for (const { questionId, after } of changes) {
    const versionId = pinned.get(questionId)!;
    const grading = after.versionId === null ? undefined : versionOf.get(after.versionId);
    const outcomeFeedback = (grading?.outcomeFeedback ?? null) as OutcomeFeedback | null;
    corrections.set(versionId, {
      versionId,
      treatment: after.treatment,
      definition: grading?.definition ?? null,
      outcomeFeedback,
      feedback: grading?.feedback ?? null,
    });
  }
  return { ...exam.policy, corrections: [...corrections.values()], passMarkPercent: exam.passMarkPercent };
}

/** The grade of an attempt by a policy, beside the one that is stored. */
export function regraded(
  attempt: ScoredAttempt,
  places: ReadonlyMap<string, Omit<PaperEntry, "item">>,
  policy: ExamPolicy,
): RegradedAttempt {
  const entries = attempt.paper.map((item) => ({ item, ...places.get(item.versionId)! }));
  const grade = gradeOf(entries, { policy, answers: attempt.answers });
  const [score, maxScore] = [grade.score.toFixed(PLACES), grade.maxScore.toFixed(PLACES)];
  const status = grade.needsHuman ? "SUBMITTED" : "GRADED";
  const storedOf = new Map(attempt.answers.map((answer) => [answer.versionId, answer]));
  const marks = grade.questions.flatMap(({ versionId, earned, feedback }) => {
    const stored = storedOf.get(versionId);
    const points = earned?.toFixed(PLACES) ?? null;
    if (!stored || stored.isFixed || (stored.points === points && stored.feedback === feedback)) return [];
    return [{ versionId, points, feedback }];
  });
  const before = { score: attempt.score, maxScore: attempt.maxScore, status: attempt.status };
  const after = { score, maxScore, status } as const;
  const passed = (of: typeof before) =>
    of.status === "GRADED" ? isPassed({ ...of, passMarkPercent: policy.passMarkPercent }) : null;
  return {
    attempt,
    ...after,
    passedBefore: passed(before),
    passedAfter: passed(after),
    marks,
    isChanged: marks.length > 0 || !isDeepStrictEqual(before, after),
  };
}
