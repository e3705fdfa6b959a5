import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { holdAnswers } from "../support/heldRows.ts";
import { openSite, type Site } from "../support/processes.ts";
import { anExam, aSchool } from "../support/school.ts";

/** Generous: several servers start here, and the machine may be busy. */
jest.setTimeout(180_000);

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.close());

describe("kill -9 of the worker in the middle of grading", () => {
  it("grades every attempt once in effect", async () => {
    const { container, databaseUrl } = site;
    const { db, services, queues } = container;
    const school = await aSchool(container, { students: 150 });
    const { examId, questionIds } = await anExam(container, school);
    const expected = new Map<string, string>();
    await Promise.all(
      school.students.map(async ({ actor }, number) => {
        const { id } = await services.attempts.start(actor, examId);
        const right = number % 4;
        const answers = questionIds.map((questionId, place) => ({
          questionId,
          response: { choice: place < right ? "b" : "a" },
          revision: 1,
        }));
        await services.answers.save(actor, id, answers);
        await services.attempts.submit(actor, id);
        expected.set(id, String(right));
      }),
    );
    const graded = () =>
      db.attempt.findMany({ where: { examId, status: "GRADED" }, select: { id: true, gradedAt: true } });

    // The first hundred are done; then every third attempt holds the worker fast, which dies with all its hands in half-written grades.
    const held = await holdAnswers(
      databaseUrl,
      [...expected.keys()].filter((_id, at) => at >= 100 && at % 3 === 2),
    );
    const worker = await site.start("worker");
    const active = () => queues.use("exam", (queue) => queue.getActiveCount());
    let done = 0;
    await eventually("all hands of the worker are in the middle of a grade", async () => {
      const doneBefore = done;
      done = (await graded()).length;
      return (await held.waiting()) > 0 && (await active()) === 8 && done === doneBefore;
    });
    const before = await graded();
    expect(before.length).toBeGreaterThan(8);
    await worker.kill();
    await held.endWaiting(); // PostgreSQL would finish the statements of the dead; this is a death a moment earlier
    await held.letGo();
    expect(await active()).toBe(8);

    await site.start("worker", worker);
    await eventually("every attempt is graded", async () => (await graded()).length === expected.size, 60_000);
    const attempts = await db.attempt.findMany({ where: { examId }, include: { answers: true } });
    const scores = new Map(attempts.map(({ id, score }) => [id, score?.toString()]));
    expect(scores).toEqual(expected);
    for (const { id, answers } of attempts)
      expect(answers.filter(({ points }) => points?.toString() === "1")).toHaveLength(Number(expected.get(id)));
    const after = new Map((await graded()).map(({ id, gradedAt }) => [id, gradedAt]));
    for (const { id, gradedAt } of before) expect(after.get(id)).toEqual(gradedAt);

    const jobs = await db.outboxJob.findMany({ where: { name: "gradeAttempt" } });
    expect(jobs).toHaveLength(expected.size);
    const counts = () => queues.use("exam", (queue) => queue.getJobCounts("active", "wait", "failed"));
    await eventually("the dead worker's jobs are done", async () => (await counts()).active === 0, 60_000);
    expect(await counts()).toEqual({ active: 0, wait: 0, failed: 0 });
    expect((await container.deadLetters.list({ first: 1 })).totalCount).toBe(0);
  });
});
