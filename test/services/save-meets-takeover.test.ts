import { afterAll, beforeAll, expect, it, jest } from "@jest/globals";
import { anExam, aSchool, choiceQuestion } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

const STUDENTS = 40;
const ROUNDS = 8;

/** Generous: the machine may be busy. */
jest.setTimeout(180_000);

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

it("a save that meets a takeover is stored before it or refused, and never both or neither", async () => {
  const { services, db, newId } = app.container;
  const school = await aSchool(app.container, { students: STUDENTS });
  const { examId, questionIds } = await anExam(app.container, school, { questions: [choiceQuestion(1)] });
  const outcomes = new Set<string>();

  await Promise.all(
    school.students.map(async ({ actor }, student) => {
      const { id } = await services.attempts.start(actor, examId);
      let before = actor;
      let revision = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const after = { ...actor, sessionId: newId() };
        const mine = ++revision;
        const save = async () => {
          const answer = { questionId: questionIds[0]!, response: { choice: "a" }, revision: mine };
          try {
            return (await services.answers.save(before, id, [answer])).receipts[0]!.outcome as string;
          } catch (error) {
            return (error as { reason?: string }).reason ?? String(error);
          }
        };
        const takeOver = () => services.attempts.start(after, examId);
        const [first, second] = round % 2 === 0 ? [save, takeOver] : [takeOver, save];
        const ahead = first();
        // Once each is ahead for sure; else by so little that either may be the faster.
        if (round < 2) await ahead;
        else
          for (let turn = 0; turn < (student + round) % 6; turn++)
            await new Promise((resolve) => setImmediate(resolve));
        const behind = second();
        const [saving, takingOver] = first === save ? [ahead, behind] : [behind, ahead];
        await takingOver;
        // The takeover is committed: from here on nothing of the log-in before is stored.
        const stored = await db.answer.findFirst({ where: { attemptId: id }, select: { revision: true } });
        const outcome = String(await saving);
        outcomes.add(outcome);
        expect({ outcome, revision: stored?.revision === mine }).toEqual({ outcome, revision: outcome === "SAVED" });
        before = after;
      }
    }),
  );

  expect([...outcomes].sort()).toEqual(["ATTEMPT_TAKEN_OVER", "SAVED"]);
  const takeovers = await db.attemptEvent.count({ where: { kind: "TAKEN_OVER" } });
  expect(takeovers).toBe(STUDENTS * ROUNDS);
});
