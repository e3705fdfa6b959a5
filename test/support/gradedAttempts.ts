import { uuidv7 } from "uuidv7";
import type { Container } from "../../src/container.ts";
import type { QuestionResponse } from "../../src/domain/questionType.ts";
import { somePeople } from "./school.ts";

export interface GradedAnswer {
  versionId: string;
  points: number;
  response: QuestionResponse | null;
}

/** Graded attempts of people of their own, written straight into the database: what takes hundreds of students minutes to do. */
export async function gradedAttempts(
  container: Container,
  { examId, maxScore }: { examId: string; maxScore: number },
  papers: readonly (readonly GradedAnswer[])[],
): Promise<void> {
  const people = await somePeople(container, papers.length);
  const now = new Date();
  const attempts = papers.map((answers, at) => ({
    id: uuidv7(),
    examId,
    userId: people[at]!.id,
    number: 1,
    status: "GRADED" as const,
    seed: at,
    paper: answers.map(({ versionId }) => ({ versionId, questionId: versionId, points: "1" })),
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
}
