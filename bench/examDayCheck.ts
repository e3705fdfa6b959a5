import type pg from "pg";
import { finalChoice, QUESTIONS, type Student } from "./studentSteps.ts";

/** Compares the database with what was acknowledged and shown. @throws Error for the first answer or score that is not right */
export async function checkExamDay(
  database: pg.Client,
  students: readonly Student[],
  numbers: Map<string, number>,
): Promise<void> {
  const { rows } = await database.query<{ attempt: string; question: string; choice: string; revision: number }>(
    `SELECT answer.attempt_id AS attempt, version.question_id AS question, answer.response ->> 'choice' AS choice, answer.revision
     FROM answers answer JOIN question_versions version ON version.id = answer.question_version_id`,
  );
  const stored = new Map(rows.map(({ attempt, question, ...answer }) => [`${attempt} ${question}`, answer]));
  if (rows.length !== students.length * QUESTIONS) throw new Error(`${rows.length} answers are stored`);
  for (const { attemptId, questionIds } of students)
    for (const [place, questionId] of questionIds.entries()) {
      const answer = stored.get(`${attemptId} ${questionId}`);
      if (answer?.revision !== 2 || answer.choice !== finalChoice(numbers, questionId, place))
        throw new Error(`an acknowledged answer is not as it was sent: ${JSON.stringify(answer)}`);
    }
  const { rows: attempts } = await database.query<{ id: string; status: string; score: string }>(
    "SELECT id, status, score FROM attempts",
  );
  const scores = new Map(attempts.map(({ id, ...attempt }) => [id, attempt]));
  for (const { attemptId, score } of students) {
    const attempt = scores.get(attemptId);
    if (attempt?.status !== "GRADED" || Number(attempt.score) !== QUESTIONS / 2 || Number(score) !== QUESTIONS / 2)
      throw new Error(`a score is not right: shown ${score}, stored ${JSON.stringify(attempt)}`);
  }
}
