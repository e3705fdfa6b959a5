import type { Container } from "../../src/container.ts";
import { choiceQuestion, type School } from "./school.ts";

const keyOf = (fractions: Record<string, string>, said: (option: string) => string) => ({
  options: Object.entries(fractions).map(([id, fraction]) => ({
    id,
    text: `Option ${id}`,
    fraction,
    feedback: said(id),
  })),
});

/** A question whose key is wrong: it has "b" for the right answer, and takes back a point and a half. */
export const wrongKey = {
  ...choiceQuestion(1),
  points: "3",
  feedback: "b, as everybody knows.",
  definition: keyOf({ a: "-0.5", b: "1", c: "0.33331" }, (option) => `You chose ${option}.`),
};

/** What its second version says: it was "c". */
export const rightKey = {
  feedback: "c, on second thoughts.",
  definition: keyOf({ a: "-0.5", b: "-0.5", c: "1" }, (option) => `${option} it is?`),
};

/** A job of nobody. */
export const aJob = () => ({ signal: new AbortController().signal, progress: async () => {}, isLastTry: false });

export interface Correction {
  questionId: string;
  version?: number | null;
  treatment?: "NORMAL" | "FULL_MARKS" | "DROPPED" | "BONUS";
}

/** Corrections of an exam where no worker runs: the exam is graded by them, and the test says when its attempts are graded again. */
export function correcting({ services, db }: Pick<Container, "services" | "db">, { teacher: { actor } }: School) {
  const run = (id: string) => services.regradingRuns.run(id, aJob());
  return {
    run,

    async begin(examId: string, corrections: Correction[]): Promise<string> {
      const asked = { examId, corrections, dryRun: false, reason: "The key was wrong." };
      return (await services.regradings.regrade(actor, asked)).id;
    },

    beginUndo: async (id: string): Promise<string> =>
      (await services.regradings.undo(actor, id, "It was right after all.")).id,

    /** With its report, once it is applied. */
    async finish(id: string) {
      await run(id);
      return services.regradings.get(actor, id);
    },

    /** What is kept of an exam's grades, bit by bit. */
    bits: (examId: string) => db.$queryRaw<Record<string, unknown>[]>`
      SELECT attempt.id, status::text, encode(numeric_send(score), 'hex') AS score, encode(numeric_send(max_score), 'hex') AS max_score,
        answer.question_version_id, encode(numeric_send(answer.points), 'hex') AS points, answer.feedback, answer.graded_by_id
      FROM attempts attempt LEFT JOIN answers answer ON answer.attempt_id = attempt.id
      WHERE exam_id = ${examId}::uuid ORDER BY attempt.id, question_version_id`,
  };
}

/** Hands in what was answered in order, null for a question that is left out, and grades it. */
export async function handedIn(
  { services }: Pick<Container, "services">,
  { students }: School,
  { examId, questionIds }: { examId: string; questionIds: string[] },
  who: number,
  responses: (object | null)[],
): Promise<string> {
  const { actor } = students[who]!;
  const { id } = await services.attempts.start(actor, examId);
  const given = responses.flatMap((response, at) =>
    response ? [{ questionId: questionIds[at]!, response: response as never, revision: 1 }] : [],
  );
  if (given.length > 0) await services.answers.save(actor, id, given);
  await services.attempts.submit(actor, id);
  await services.grading.gradeAttempt(id);
  return id;
}
