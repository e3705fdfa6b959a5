import type { Db } from "../../prisma/client.ts";
import { bestAttempt } from "../domain/finalResult.ts";
import type { AttemptChoice } from "./examAnalysis.ts";

interface GradedAttempt {
  id: string;
  userId: string;
  score: string;
  maxScore: string;
  gradedAt: Date;
}

const PICKED = {
  FIRST: (attempts) => attempts.slice(0, 1),
  LAST: (attempts) => attempts.slice(-1),
  BEST: (attempts) => [bestAttempt(attempts)!],
  ALL: (attempts) => attempts,
} satisfies Record<AttemptChoice, (ofOneStudent: readonly GradedAttempt[]) => readonly GradedAttempt[]>;

/** The graded attempts at an exam that are taken, student by student, and when the newest of all was graded. */
export async function analysedAttempts(
  db: Db,
  examId: string,
  choice: AttemptChoice,
): Promise<{ ids: string[]; gradedUntil: Date | null }> {
  const graded = await db.$queryRaw<GradedAttempt[]>`
    SELECT id, user_id AS "userId", score::text, max_score::text AS "maxScore", graded_at AS "gradedAt" FROM attempts
    WHERE exam_id = ${examId}::uuid AND status = 'GRADED' ORDER BY user_id, number`;
  const students = new Map<string, GradedAttempt[]>();
  let gradedUntil: Date | null = null;
  for (const attempt of graded) {
    const attempts = students.get(attempt.userId);
    if (attempts) attempts.push(attempt);
    else students.set(attempt.userId, [attempt]);
    if (gradedUntil === null || attempt.gradedAt > gradedUntil) gradedUntil = attempt.gradedAt;
  }
  return { ids: [...students.values()].flatMap(PICKED[choice]).map(({ id }) => id), gradedUntil };
}
