import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { anExam, aSchool, choiceQuestion, type Person } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

/** A student with an attempt in progress and one right answer saved, out of two questions. */
async function anAttemptInProgress(): Promise<{ student: Person; attemptId: string; examId: string }> {
  const { services } = app.container;
  const school = await aSchool(app.container);
  const [student] = school.students;
  const { examId, questionIds } = await anExam(app.container, school, { questions: [1, 2].map(choiceQuestion) });
  const { id } = await services.attempts.start(student!.actor, examId);
  await services.answers.save(student!.actor, id, [
    { questionId: questionIds[0]!, response: { choice: "b" }, revision: 1 },
  ]);
  return { student: student!, attemptId: id, examId };
}

const rowOf = (id: string) => app.container.db.attempt.findUniqueOrThrow({ where: { id } });

/** The names of the jobs that were asked for, the first asked for first. */
const jobsFor = async (attemptId: string) =>
  (
    await app.container.db.outboxJob.findMany({
      where: { payload: { path: ["attemptId"], equals: attemptId } },
      orderBy: { id: "asc" },
    })
  ).map(({ name }) => name);

/** Moves the deadline by PostgreSQL's clock; the grace is one second here. */
const moveDeadline = (attemptId: string, seconds: number) =>
  app.container.db.$executeRaw`
    UPDATE attempts SET deadline_at = clock_timestamp() + make_interval(secs => ${seconds}) WHERE id = ${attemptId}::uuid`;

describe("attempts.start", () => {
  it.each([2, 20])("makes one attempt of %i simultaneous starts", async (starts) => {
    const school = await aSchool(app.container);
    const { examId } = await anExam(app.container, school, { rules: { attemptsAllowed: 5 } });
    const [student] = school.students;
    const given = await Promise.all(
      Array.from({ length: starts }, () => app.container.services.attempts.start(student!.actor, examId)),
    );
    expect(new Set(given.map(({ id }) => id)).size).toBe(1);
    expect(await app.container.db.attempt.count({ where: { userId: student!.id } })).toBe(1);
    expect(await jobsFor(given[0]!.id)).toEqual(["expireAttempt"]);
  });
});

describe("attempts.submit", () => {
  it("hands in once when two tabs hand in at the same moment", async () => {
    const { student, attemptId } = await anAttemptInProgress();
    const { attempts } = app.container.services;
    const [one, two] = await Promise.all([
      attempts.submit(student.actor, attemptId),
      attempts.submit(student.actor, attemptId),
    ]);
    expect(two.submittedAt).toEqual(one.submittedAt);
    expect(await jobsFor(attemptId)).toEqual(["expireAttempt", "gradeAttempt"]);
  });

  it("hands in once when the student and the deadline do it at the same moment", async () => {
    const { student, attemptId } = await anAttemptInProgress();
    await moveDeadline(attemptId, -5);
    const { attempts } = app.container.services;
    await Promise.all([attempts.submit(student.actor, attemptId), attempts.expire(attemptId)]);
    expect(await rowOf(attemptId)).toMatchObject({ status: "SUBMITTED", submittedBy: "DEADLINE" });
    expect(await jobsFor(attemptId)).toEqual(["expireAttempt", "gradeAttempt"]);
  });
});

describe("attempts.expire", () => {
  it("hands in what was saved, once, however often it is delivered", async () => {
    const { attemptId } = await anAttemptInProgress();
    await moveDeadline(attemptId, -5);
    const { attempts, grading } = app.container.services;
    await Promise.all([attempts.expire(attemptId), attempts.expire(attemptId)]);
    const handedIn = await rowOf(attemptId);
    expect(handedIn).toMatchObject({ status: "SUBMITTED", submittedBy: "DEADLINE" });
    await grading.gradeAttempt(attemptId);
    const graded = await rowOf(attemptId);
    expect(graded).toMatchObject({ status: "GRADED", submittedAt: handedIn.submittedAt });
    expect(graded.score?.toString()).toBe("1");
    await attempts.expire(attemptId);
    await grading.gradeAttempt(attemptId);
    expect(await rowOf(attemptId)).toEqual(graded);
    expect(await jobsFor(attemptId)).toEqual(["expireAttempt", "gradeAttempt"]);
  });

  it("leaves what the student handed in as it is", async () => {
    const { student, attemptId } = await anAttemptInProgress();
    await app.container.services.attempts.submit(student.actor, attemptId);
    const handedIn = await rowOf(attemptId);
    await moveDeadline(attemptId, -5);
    await app.container.services.attempts.expire(attemptId);
    expect(await rowOf(attemptId)).toMatchObject({ submittedBy: "STUDENT", submittedAt: handedIn.submittedAt });
  });

  it("waits for the grace, in which a save in flight is still taken", async () => {
    const { attemptId } = await anAttemptInProgress();
    await moveDeadline(attemptId, -0.2);
    await app.container.services.attempts.expire(attemptId);
    expect(await rowOf(attemptId)).toMatchObject({ status: "IN_PROGRESS" });
  });

  it("asks again for the new time when the deadline was moved", async () => {
    const { attemptId } = await anAttemptInProgress();
    await moveDeadline(attemptId, 600);
    await app.container.services.attempts.expire(attemptId);
    const { status, deadlineAt } = await rowOf(attemptId);
    expect(status).toBe("IN_PROGRESS");
    expect(await jobsFor(attemptId)).toEqual(["expireAttempt", "expireAttempt"]);
    const again = await app.container.db.outboxJob.findFirst({
      where: { payload: { path: ["attemptId"], equals: attemptId } },
      orderBy: { id: "desc" },
    });
    expect(again!.runAt.getTime()).toBe(deadlineAt.getTime() + 1_000);
  });
});

describe("attempts.sweep", () => {
  it("hands in attempts whose deadline job was lost", async () => {
    const { attemptId } = await anAttemptInProgress();
    await moveDeadline(attemptId, -60);
    expect(await app.container.services.attempts.sweep()).toBeGreaterThan(0);
    expect(await rowOf(attemptId)).toMatchObject({ status: "SUBMITTED", submittedBy: "DEADLINE" });
  });

  it("leaves attempts alone that are in time, or whose own job has only just come", async () => {
    const [inTime, justOver] = [await anAttemptInProgress(), await anAttemptInProgress()];
    await moveDeadline(justOver.attemptId, -5);
    await app.container.services.attempts.sweep();
    for (const { attemptId } of [inTime, justOver])
      expect(await rowOf(attemptId)).toMatchObject({ status: "IN_PROGRESS" });
  });

  it("asks for a grade that nobody was asked for", async () => {
    const { student, attemptId } = await anAttemptInProgress();
    await app.container.services.attempts.submit(student.actor, attemptId);
    await app.container.db.$executeRaw`DELETE FROM outbox_jobs WHERE name = 'gradeAttempt'`;
    await app.container.db.$executeRaw`
      UPDATE attempts SET submitted_at = submitted_at - interval '1 hour' WHERE id = ${attemptId}::uuid`;
    await app.container.services.attempts.sweep();
    await app.container.services.attempts.sweep();
    expect(await jobsFor(attemptId)).toEqual(["expireAttempt", "gradeAttempt"]);
    // Somebody gave the job up: the grade is owed all the same.
    const givenUp = { finishedAt: new Date(), discardedAt: new Date() };
    await app.container.db.outboxJob.updateMany({ where: { name: "gradeAttempt" }, data: givenUp });
    await app.container.services.attempts.sweep();
    expect(await jobsFor(attemptId)).toEqual(["expireAttempt", "gradeAttempt", "gradeAttempt"]);
  });
});
