import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { gradeOf, readToGrade, writeGrades } from "../../src/services/grades.ts";
import { eventually } from "../support/eventually.ts";
import { anExam, aSchool, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
beforeAll(async () => {
  app = await startTestApp(); // without a worker: the test is the one who grades
  school = await aSchool(app.container);
});
afterAll(() => app.close());

describe("a grade that is worked out while the exam is corrected", () => {
  it("is not written by what held before", async () => {
    const { db, services } = app.container;
    const { examId, questionIds } = await anExam(app.container, school);
    const { actor } = school.students[0]!;
    const { id } = await services.attempts.start(actor, examId);
    await services.attempts.submit(actor, id);
    const toGrade = (await readToGrade(db, [id]))[0]!;

    const corrections = [{ questionId: questionIds[0], treatment: "FULL_MARKS" }];
    const teacher = school.teacher.actor;
    await services.regradings.regrade(teacher, { examId, corrections, dryRun: false, reason: "Unclear." });
    const old = gradeOf([], toGrade);
    expect(await writeGrades(db, [{ toGrade, grade: old }])).toEqual([null]);

    await services.grading.gradeAttempt(id);
    expect((await services.attempts.get(actor, id)).score).toBe("1");
  });

  it("is waited for by who corrects the exam", async () => {
    const { db, services } = app.container;
    const { examId, questionIds } = await anExam(app.container, school);
    const { actor } = school.students[0]!;
    const { id } = await services.attempts.start(actor, examId);
    await services.attempts.submit(actor, id);
    const order: string[] = [];
    let correcting: Promise<unknown> | undefined;
    const limits = { timeout: 60_000 };
    await db.$transaction(async (tx) => {
      const toGrade = (await readToGrade(tx, [id]))[0]!;
      expect(await writeGrades(tx, [{ toGrade, grade: gradeOf([], toGrade) }])).not.toEqual([null]);
      const corrections = [{ questionId: questionIds[0], treatment: "DROPPED" }];
      correcting = services.regradings
        .regrade(school.teacher.actor, { examId, corrections, dryRun: false, reason: "Unclear." })
        .then(() => order.push("corrected"));
      await eventually("the correction waits for a lock", async () => {
        const waiting = await db.$queryRaw<unknown[]>`
          SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
        return waiting.length > 0;
      });
      order.push("graded");
    }, limits);
    await correcting;
    expect(order).toEqual(["graded", "corrected"]);
  });
});
