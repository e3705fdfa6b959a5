import { uuidv7 } from "uuidv7";
import type { Container } from "../../src/container.ts";
import type { QuestionResponse } from "../../src/domain/questionType.ts";
import { type Person, somePeople } from "./school.ts";

export interface GradedAnswer {
  versionId: string;
  /** Of a test that reads it; else the paper names the version in its place. */
  questionId?: string;
  points: number;
  response: QuestionResponse | null;
}

/**
 * Graded attempts of people of their own, or of those who are given, written straight into the database: what takes hundreds of students
 * minutes to do.
 */
export async function gradedAttempts(
  container: Container,
  { examId, maxScore, number = 1, by }: { examId: string; maxScore: number; number?: number; by?: readonly Person[] },
  papers: readonly (readonly GradedAnswer[])[],
): Promise<readonly Person[]> {
  const people = by ?? (await somePeople(container, papers.length));
  const now = new Date();
  const attempts = papers.map((answers, at) => ({
    id: uuidv7(),
    examId,
    userId: people[at]!.id,
    number,
    status: "GRADED" as const,
    seed: at,
    paper: answers.map(({ versionId, questionId = versionId }) => ({ versionId, questionId, points: "1" })),
    startedAt: now,
    deadlineAt: now,
    submittedAt: now,
    submittedBy: "STUDENT" as const,
    gradedAt: now,
    score: answers.reduce((sum, { points }) => sum + points, 0),
    maxScore,
  }));
  const answers = papers.flatMap((each, at) =>
    each.map(({ versionId, points, response }) => ({
      attemptId: attempts[at]!.id,
      questionVersionId: versionId,
      response: response ?? undefined,
      revision: 1,
      savedAt: now,
      points,
    })),
  );
  for (let from = 0; from < attempts.length; from += 500)
    await container.db.attempt.createMany({ data: attempts.slice(from, from + 500) });
  for (let from = 0; from < answers.length; from += 2_000)
    await container.db.answer.createMany({ data: answers.slice(from, from + 2_000) });
  return people;
}
