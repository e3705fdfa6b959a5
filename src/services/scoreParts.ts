import type { Db } from "../../prisma/client.ts";
import { Exact } from "../domain/decimal.ts";
import { counted, sumUp } from "../domain/scores.ts";
import { batched } from "./batched.ts";
import type { ExamQuestion, ExamQuestions } from "./examQuestions.ts";
import { inSections } from "./grades.ts";
import type { Papers } from "./papers.ts";

/** What one section gives to a score: its points and what its floor adds. */
export interface SectionResult {
  title: string;
  points: string;
  maxPoints: string;
  adjustment: string;
}

/** All points and adjustments together are the score. */
export interface ScoreParts {
  sections: SectionResult[];
  /** What the exam's floor adds to the sum of the sections. */
  adjustment: string;
}

interface EarnedRow {
  id: string;
  score: string | null;
  floor: string | null;
  answers: { versionId: string; points: string | null }[];
}

export type ScorePartsOf = ReturnType<typeof createScoreParts>;

/** What scores are made of. */
export function createScoreParts({
  db,
  papers,
  examQuestions,
}: {
  db: Db;
  papers: Papers;
  examQuestions: ExamQuestions;
}) {
  const earnedIn = batched(async (attemptIds: readonly string[]) => {
    const rows = await db.$queryRaw<EarnedRow[]>`
      SELECT attempt.id, attempt.score::text, exam.floor::text, (
        SELECT coalesce(json_agg(json_build_object('versionId', question_version_id, 'points', points::text)), '[]')
        FROM answers WHERE attempt_id = attempt.id) AS answers
      FROM attempts attempt JOIN exams exam ON exam.id = attempt.exam_id WHERE attempt.id = ANY (${attemptIds}::uuid[])`;
    const byId = new Map(rows.map((row) => [row.id, row]));
    return attemptIds.map((id) => byId.get(id) ?? null);
  });

  /** The questions of an exam in their places, by question id. */
  async function placesOf(examId: string): Promise<ReadonlyMap<string, ExamQuestion>> {
    const sections = await examQuestions.sections(examId);
    return new Map(sections.flatMap(({ questions }) => questions.map((place) => [place.question.id, place])));
  }

  return {
    placesOf,

    /** Of an attempt whose result the caller has been given; null while it waits for the exam's newest regrading. */
    async of(attemptId: string): Promise<ScoreParts | null> {
      const paper = await papers.stored(attemptId);
      const row = await earnedIn(attemptId);
      if (!paper || !row) return null;
      const places = await placesOf(paper.examId);
      const earned = new Map(row.answers.map(({ versionId, points }) => [versionId, points]));
      const sections = inSections([...(await papers.entries(paper)).values()]);
      const sum = sumUp(
        row.floor,
        sections.map(({ floor, entries }) => ({
          floor,
          questions: entries.map(({ item }) => {
            const points = earned.get(item.versionId);
            const known = points === null ? null : new Exact(points ?? 0);
            return counted(places.get(item.questionId)!.treatment, known, new Exact(item.points));
          }),
        })),
      );
      if (row.score === null || !sum.score.eq(row.score)) return null;
      return {
        sections: sum.sections.map(({ points, maxPoints, adjustment }, at) => ({
          title: sections[at]!.title,
          points: points.toFixed(),
          maxPoints: maxPoints.toFixed(),
          adjustment: adjustment.toFixed(),
        })),
        adjustment: sum.adjustment.toFixed(),
      };
    },
  };
}
