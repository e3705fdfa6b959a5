import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { anExam, aSchool, type Person, type School, somePeople } from "../support/school.ts";
import { statementsOf } from "../support/statements.ts";
import { subscribeTo } from "../support/subscriber.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

const MINUTE = 60_000;
const TIMES = "id startedAt deadlineAt status submittedBy timeLimit { minutes deadlineAt parts { kind minutes } }";
const START = `mutation ($id: ID!) { startAttempt(examId: $id) { ${TIMES} } }`;
const READ = `query ($id: ID!) { attempt(id: $id) { ${TIMES} answers { response } } }`;
const CHANGED = `subscription ($id: ID!) { attemptChanged(attemptId: $id) { ${TIMES} } }`;
const EXTEND = "mutation ($input: ExtendExamInput!) { extendExam(input: $input) { examId userIds } }";
const STOP = `mutation ($examId: ID!, $userIds: [ID!], $reason: String!) {
  stopExam(examId: $examId, userIds: $userIds, reason: $reason) { userIds }
}`;
const SET = `mutation ($input: PersonAccommodationInput!) {
  setPersonAccommodation(input: $input) { userId extraTimePercent extraMinutes }
}`;

let app: TestApp;
let admin: Person;
beforeAll(async () => {
  app = await startTestApp({ worker: true });
  [admin] = (await somePeople(app.container, 1, "ADMIN")) as [Person];
});
afterAll(() => app.close());

async function asked(operation: string, variables: object, { token }: Person) {
  const { data, errors } = await app.ask(operation, { ...variables }, token);
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
const start = async (examId: string, person: Person) => (await asked(START, { id: examId }, person)).startAttempt;
const read = async (id: string, person: Person) => (await asked(READ, { id }, person)).attempt;
const extend = async (school: School, input: object) =>
  (await asked(EXTEND, { input: { reason: "A fire alarm.", ...input } }, school.teacher)).extendExam;
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * MINUTE).toISOString();
const closes = (id: string, closesAt: string) => app.container.db.exam.update({ where: { id }, data: { closesAt } });
const movedBy = (before: { deadlineAt: string }, after: { deadlineAt: string }) =>
  (Date.parse(after.deadlineAt) - Date.parse(before.deadlineAt)) / MINUTE;
const auditOf = (action: string, entityId: string) =>
  app.container.db.auditEntry.findMany({ where: { action, entityId } });

describe("a person's accommodation", () => {
  it("counts in every exam, adds to the course's and the exam's, and is explained to the student", async () => {
    const school = await aSchool(app.container);
    const [student] = school.students as [Person];
    const { services } = app.container;
    expect(
      (await asked(SET, { input: { userId: student.id, extraTimePercent: 25, extraMinutes: 2 } }, admin))
        .setPersonAccommodation,
    ).toEqual({ userId: student.id, extraTimePercent: 25, extraMinutes: 2 });
    expect(await auditOf("setPersonAccommodation", student.id)).toMatchObject([
      { actorId: admin.id, before: { extraTimePercent: 0 }, after: { extraTimePercent: 25, extraMinutes: 2 } },
    ]);

    const plain = await anExam(app.container, school);
    expect((await start(plain.examId, student)).timeLimit.parts).toEqual([
      { kind: "BASE", minutes: 30 },
      { kind: "EXTRA_TIME", minutes: 7.5 },
      { kind: "EXTRA_MINUTES", minutes: 2 },
    ]);

    await services.courses.enroll(school.teacher.actor, {
      courseId: school.courseId,
      students: [{ email: student.email, extraTimePercent: 50, role: "STUDENT" }],
    });
    const special = await anExam(app.container, school, { rules: { closesAt: inMinutes(10) } });
    const grant = {
      examId: special.examId,
      userId: student.id,
      extraTimePercent: 0,
      extraMinutes: 5,
      extraAttempts: 0,
    };
    await services.accommodations.set(school.teacher.actor, grant);
    const { timeLimit } = await start(special.examId, student);
    expect(timeLimit.parts.slice(0, 3)).toEqual([
      { kind: "BASE", minutes: 30 },
      { kind: "EXTRA_TIME", minutes: 22.5 }, // a quarter and a half of the duration
      { kind: "EXTRA_MINUTES", minutes: 7 },
    ]);
    // The window was open for another 10 minutes and is 29.5 minutes wider for this student: 20 of the 59.5 are lost.
    expect(timeLimit.parts[3]).toEqual({ kind: "WINDOW", minutes: expect.closeTo(-20, 0) });
    const sum = timeLimit.parts.reduce((total: number, { minutes }: { minutes: number }) => total + minutes, 0);
    expect(sum).toBeCloseTo(timeLimit.minutes, 6);
  });

  it("keeps the results of an exam back until its person's time is over too", async () => {
    const school = await aSchool(app.container, { students: 2 });
    const [quick, slow] = school.students as [Person, Person];
    const { examId } = await anExam(app.container, school, { rules: { resultsPolicy: "AFTER_CLOSE" } });
    const attempt = await start(examId, quick);
    await closes(examId, inMinutes(-1));
    await app.container.services.attempts.submit(quick.actor, attempt.id);
    const result = async () =>
      (await asked("query ($id: ID!) { attempt(id: $id) { status result { score } } }", { id: attempt.id }, quick))
        .attempt;
    await asked(SET, { input: { userId: slow.id, extraTimePercent: 0, extraMinutes: 60 } }, admin);
    await eventually("it is graded", async () => (await result()).status === "GRADED");
    expect((await result()).result).toBeNull();
    await asked(SET, { input: { userId: slow.id } }, admin);
    expect((await result()).result).toEqual({ score: "0" });
  });
});

describe("an exam that is extended", () => {
  it("moves the deadlines of all who are in it, past its close, and tells their clients", async () => {
    const school = await aSchool(app.container, { students: 3 });
    const [one, two, absent] = school.students as [Person, Person, Person];
    const { examId } = await anExam(app.container, school, { rules: { closesAt: inMinutes(20) } });
    const [before, other] = [await start(examId, one), await start(examId, two)];
    const happenings = subscribeTo(app.url, CHANGED, { id: before.id }, one.token);
    expect((await happenings.next()).value!.data.attemptChanged.deadlineAt).toBe(before.deadlineAt);

    const { userIds } = await extend(school, { examId, minutes: 15 });
    expect(new Set(userIds)).toEqual(new Set([one.id, two.id]));
    const told = (await happenings.next()).value!.data.attemptChanged;
    await happenings.return!();
    expect(movedBy(before, told)).toBe(15);
    expect(told.timeLimit.parts).toContainEqual({ kind: "CREDIT", minutes: 15 });
    expect(JSON.stringify(told)).not.toContain("fire alarm");
    expect(movedBy(other, await read(other.id, two))).toBe(15);

    expect((await extend(school, { examId, minutes: 5, userIds: [one.id, absent.id] })).userIds).toEqual([one.id]);
    const now = await read(before.id, one);
    expect(movedBy(before, now)).toBe(20);
    expect(now.timeLimit.parts).toContainEqual({ kind: "CREDIT", minutes: 20 });
    expect(movedBy(other, await read(other.id, two))).toBe(15);
    expect(movedBy({ deadlineAt: inMinutes(0) }, await start(examId, absent))).toBeLessThanOrEqual(20);
    expect(await auditOf("extendExam", examId)).toMatchObject([
      { actorId: school.teacher.id, after: { minutes: 15, reason: "A fire alarm." } },
      { after: { minutes: 5, userIds: [one.id] } },
    ]);
  });

  it("is obeyed by the delayed job of an attempt, which takes answers until the new deadline", async () => {
    const school = await aSchool(app.container);
    const [student] = school.students as [Person];
    const { examId, questionIds } = await anExam(app.container, school);
    await closes(examId, new Date(Date.now() + 3_000).toISOString());
    const attempt = await start(examId, student);
    await extend(school, { examId, minutes: 10 });
    const jobs = () =>
      app.container.db.outboxJob.findMany({
        where: { name: "expireAttempt", payload: { path: ["attemptId"], equals: attempt.id } },
        orderBy: { runAt: "asc" },
      });
    const [first, second] = await eventually("the job came at the old time and asked for itself again", async () => {
      const found = await jobs();
      return found.length === 2 && found[0]!.finishedAt ? found : null;
    });
    const graceMs = 1_000;
    expect(first!.runAt.getTime()).toBe(Date.parse(attempt.deadlineAt) + graceMs);
    expect(second!.runAt.getTime()).toBe(Date.parse(attempt.deadlineAt) + 10 * MINUTE + graceMs);

    await app.container.services.answers.save(student.actor, attempt.id, [
      { questionId: questionIds[0]!, response: { choice: "b" }, revision: 1 },
    ]);
    expect(await read(attempt.id, student)).toMatchObject({ status: "IN_PROGRESS", answers: [{}] });
    await app.container.db.$executeRaw`
      UPDATE attempts SET deadline_at = clock_timestamp() - interval '2 seconds' WHERE id = ${attempt.id}::uuid`;
    await app.container.services.attempts.expire(attempt.id);
    expect(await read(attempt.id, student)).toMatchObject({
      status: expect.not.stringMatching("IN_PROGRESS"),
      submittedBy: "DEADLINE",
    });
  });

  it("keeps its results back until the last of those who were given time is done", async () => {
    const school = await aSchool(app.container, { students: 2 });
    const [done, late] = school.students as [Person, Person];
    const { examId } = await anExam(app.container, school, { rules: { resultsPolicy: "AFTER_CLOSE" } });
    const [first, last] = [await start(examId, done), await start(examId, late)];
    await closes(examId, inMinutes(-1));
    await extend(school, { examId, minutes: 10, userIds: [late.id] });
    await app.container.services.attempts.submit(done.actor, first.id);
    const result = async () =>
      (await asked("query ($id: ID!) { attempt(id: $id) { status result { score } } }", { id: first.id }, done))
        .attempt;
    await eventually("it is graded", async () => (await result()).status === "GRADED");
    expect((await result()).result).toBeNull();
    await app.container.services.attempts.submit(late.actor, last.id);
    expect((await result()).result).toEqual({ score: "0" });
  });

  it("is one statement over all attempts", async () => {
    const school = await aSchool(app.container, { students: 20 });
    const { examId } = await anExam(app.container, school);
    for (const { actor } of school.students) await app.container.services.attempts.start(actor, examId);
    const statements = await statementsOf(app, async () =>
      expect((await extend(school, { examId, minutes: 1 })).userIds).toHaveLength(20),
    );
    expect(statements.filter((text) => text.includes("UPDATE attempts"))).toHaveLength(1);
  });

  it.each([
    ["no minutes", { minutes: 0 }],
    ["no reason", { minutes: 5, reason: " " }],
    ["nobody", { minutes: 5, userIds: [] }],
  ])("is refused with %s", async (_what, wrong) => {
    const school = await aSchool(app.container);
    const { examId } = await anExam(app.container, school);
    const input = { examId, reason: "A fire alarm.", ...wrong };
    expect(await app.refusal(EXTEND, { input }, school.teacher.token)).toBe("BAD_USER_INPUT");
  });
});

describe("an exam that is stopped", () => {
  it("is handed in by staff with what is saved, and graded; for one, then for the rest", async () => {
    const school = await aSchool(app.container, { students: 2 });
    const [one, two] = school.students as [Person, Person];
    const { examId, questionIds } = await anExam(app.container, school);
    const [first, second] = [await start(examId, one), await start(examId, two)];
    const answer = [{ questionId: questionIds[0]!, response: { choice: "b" }, revision: 1 }];
    await app.container.services.answers.save(one.actor, first.id, answer);

    const stop = async (userIds: string[] | null) =>
      (await asked(STOP, { examId, userIds, reason: "The paper leaked." }, school.teacher)).stopExam.userIds;
    expect(await stop([one.id])).toEqual([one.id]);
    expect((await read(second.id, two)).status).toBe("IN_PROGRESS");
    await expect(app.container.services.answers.save(one.actor, first.id, answer)).rejects.toMatchObject({
      reason: "ATTEMPT_CLOSED",
    });
    expect(await stop(null)).toEqual([two.id]);
    expect(await stop(null)).toEqual([]);
    const graded = await eventually("both are graded", async () => {
      const both = [await read(first.id, one), await read(second.id, two)];
      return both.every(({ status }) => status === "GRADED") ? both : null;
    });
    expect(graded).toMatchObject([
      { submittedBy: "STAFF", answers: [{ response: { choice: "b" } }] },
      { submittedBy: "STAFF", answers: [] },
    ]);
    expect(await auditOf("stopExam", examId)).toHaveLength(3);
  });
});

describe("an exam that is paused", () => {
  const change = async (field: "pauseExam" | "resumeExam", examId: string, school: School) =>
    (
      await asked(
        `mutation ($id: ID!) { result: ${field}(examId: $id, reason: "A fire alarm.") { userIds } }`,
        { id: examId },
        school.teacher,
      )
    ).result.userIds;

  it("takes no answers, is not handed in by its deadline, and goes on as much later as it stood still", async () => {
    const school = await aSchool(app.container);
    const [student] = school.students as [Person];
    const { examId, questionIds } = await anExam(app.container, school);
    const attempt = await start(examId, student);
    const { db, services } = app.container;
    const save = (revision: number) =>
      services.answers.save(student.actor, attempt.id, [
        { questionId: questionIds[0]!, response: { choice: "b" }, revision },
      ]);
    expect(await change("pauseExam", examId, school)).toEqual([student.id]);
    expect(await change("pauseExam", examId, school)).toEqual([]);
    expect((await save(1)).receipts).toMatchObject([{ outcome: "SAVED" }]); // in flight when the clock was stopped

    // As if the pause had begun two hours ago, when half an hour was left.
    await db.$executeRaw`
      UPDATE attempts SET paused_at = paused_at - interval '2 hours', deadline_at = deadline_at - interval '2 hours',
                          started_at = started_at - interval '2 hours' WHERE id = ${attempt.id}::uuid`;
    await expect(save(2)).rejects.toMatchObject({ reason: "ATTEMPT_PAUSED" });
    await services.attempts.expire(attempt.id);
    await services.attempts.sweep();
    expect((await read(attempt.id, student)).status).toBe("IN_PROGRESS");

    expect(await change("resumeExam", examId, school)).toEqual([student.id]);
    expect(await change("resumeExam", examId, school)).toEqual([]);
    const now = await read(attempt.id, student);
    expect(movedBy(attempt, now)).toBeCloseTo(0, 0); // the 2 hours that the clock was set back
    expect(now.timeLimit.parts).toEqual([
      { kind: "BASE", minutes: 30 },
      { kind: "PAUSE", minutes: expect.closeTo(120, 0) },
    ]);
    expect((await save(2)).receipts).toMatchObject([{ outcome: "SAVED" }]);
    const jobs = await db.outboxJob.findMany({
      where: { name: "expireAttempt", payload: { path: ["attemptId"], equals: attempt.id } },
      orderBy: { runAt: "asc" },
    });
    expect(jobs.at(-1)!.runAt.getTime()).toBe(Date.parse(now.deadlineAt) + 1_000);
  });
});
