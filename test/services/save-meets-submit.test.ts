import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { holdAnswers, holdRows } from "../support/heldRows.ts";
import { anExam, aSchool, type Person } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

const STUDENTS = 60;
const ROUNDS = 50;

/** Generous: the machine may be busy. */
jest.setTimeout(180_000);

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

interface Race {
  attemptId: string;
  /** Newest revision that was acknowledged; 0 if none was. */
  acknowledged: number;
  /** Revisions refused because the attempt was closed. */
  refused: number[];
}

/** A student with an attempt in progress, who answers its first question. */
async function anAttempt() {
  const { services } = app.container;
  const school = await aSchool(app.container);
  const { examId, questionIds } = await anExam(app.container, school);
  const { actor } = school.students[0]!;
  const { id } = await services.attempts.start(actor, examId);
  const save = (revision: number, choice: string) =>
    services.answers.save(actor, id, [{ questionId: questionIds[0]!, response: { choice }, revision }]);
  return { actor, attemptId: id, save };
}

/** Lets some time pass that is different every time but needs no clock. */
async function aMoment(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("a save that meets the submission", () => {
  it("is graded when it came first, however long it takes", async () => {
    const { actor, attemptId, save } = await anAttempt();
    await save(1, "a");
    const held = await holdAnswers(app.config.DATABASE_URL, [attemptId]);
    const saving = save(2, "b");
    await eventually("the save has begun", async () => (await held.waiting()) === 1);
    const grading = app.container.services.attempts
      .submit(actor, attemptId)
      .then(() => app.container.services.grading.gradeAttempt(attemptId));
    await eventually("the submission or the grading waits too", async () => (await held.waiting()) === 2);
    await held.letGo();
    await saving;
    await grading;
    const { score } = await app.container.db.attempt.findUniqueOrThrow({ where: { id: attemptId } });
    expect(score?.toString()).toBe("1");
  });

  it("is refused when it came second, however long the submission takes", async () => {
    const { attemptId, save } = await anAttempt();
    const handIn = "UPDATE attempts SET status = 'SUBMITTED', submitted_at = now() WHERE id = $1";
    const held = await holdRows(app.config.DATABASE_URL, handIn, [attemptId]);
    const saving = save(1, "b").then(
      () => "acknowledged",
      ({ reason }) => reason,
    );
    await eventually("the save waits", async () => (await held.waiting()) === 1);
    await held.letGo();
    expect(await saving).toBe("ATTEMPT_CLOSED");
    expect(await app.container.db.answer.count({ where: { attemptId } })).toBe(0);
  });

  it(`is graded or refused, never acknowledged and ignored, in ${STUDENTS * ROUNDS} races`, async () => {
    const { db, services } = app.container;
    const school = await aSchool(app.container, { students: STUDENTS });
    const { examId, questionIds } = await anExam(app.container, school);
    const attempts = await Promise.all(
      school.students.map(async ({ actor }) => (await services.attempts.start(actor, examId)).id),
    );
    const [questionId] = questionIds;
    let graded = 0;
    let refused = 0;

    /** Four saves, right and wrong by turns, and a submission among them, after which the attempt is graded at once. */
    async function race({ actor }: Person, attemptId: string): Promise<Race> {
      const result: Race = { attemptId, acknowledged: 0, refused: [] };
      const saving = [1, 2, 3, 4].map(async (revision) => {
        await aMoment(Math.floor(Math.random() * 12));
        const answer = { questionId: questionId!, response: { choice: revision % 2 ? "b" : "a" }, revision };
        try {
          await services.answers.save(actor, attemptId, [answer]);
          result.acknowledged = Math.max(result.acknowledged, revision);
        } catch (error) {
          expect(error).toMatchObject({ reason: "ATTEMPT_CLOSED" });
          result.refused.push(revision);
        }
      });
      await aMoment(Math.floor(Math.random() * 12));
      await services.attempts.submit(actor, attemptId);
      await services.grading.gradeAttempt(attemptId);
      await Promise.all(saving);
      return result;
    }

    for (let round = 0; round < ROUNDS; round += 1) {
      const races = await Promise.all(school.students.map((student, at) => race(student, attempts[at]!)));
      const rows = await db.attempt.findMany({ where: { examId }, include: { answers: true } });
      const byId = new Map(rows.map((row) => [row.id, row]));
      for (const { attemptId, acknowledged, refused: closed } of races) {
        const { answers, score, submittedAt } = byId.get(attemptId)!;
        const [answer] = answers;
        const stored = answer?.revision ?? 0;
        // A revision that lost against a newer one is acknowledged too, so the newest acknowledged is what is there.
        expect({ stored, score: score?.toString() }).toEqual({
          stored: acknowledged,
          score: String(acknowledged % 2),
        });
        expect(closed).not.toContain(stored);
        if (answer) expect(answer.savedAt.getTime()).toBeLessThanOrEqual(submittedAt!.getTime());
        graded += acknowledged > 0 ? 1 : 0;
        refused += closed.length;
      }
      await db.$executeRaw`DELETE FROM answers WHERE attempt_id = ANY(${attempts}::uuid[])`;
      await db.$executeRaw`
        UPDATE attempts SET status = 'IN_PROGRESS', submitted_at = NULL, submitted_by = NULL, graded_at = NULL, score = NULL
        WHERE exam_id = ${examId}::uuid`;
    }
    // Else it was no race: both ends of it must be common.
    expect(graded).toBeGreaterThan((STUDENTS * ROUNDS) / 20);
    expect(refused).toBeGreaterThan((STUDENTS * ROUNDS) / 20);
  });
});
