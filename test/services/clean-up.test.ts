import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { uuidv7 } from "uuidv7";
import { createCleanUpService } from "../../src/services/cleanUp.service.ts";
import { eventually } from "../support/eventually.ts";
import { aLinkFor } from "../support/links.ts";
import { anExam, aSchool, somePeople } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const DAY = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY);
const cleanUp = () => app.container.services.cleanUp.removeExpired();

/** A student who opened an account and never verified the address. */
async function anUnverifiedAccount({
  days = 31,
  ...data
}: {
  days?: number;
  role?: "INSTRUCTOR";
  erasedAt?: Date;
} = {}) {
  const [person] = await somePeople(app.container, 1);
  const changes = { emailVerifiedAt: null, createdAt: daysAgo(days), ...data };
  await app.container.db.user.update({ where: { id: person!.id }, data: changes });
  return person!;
}
const isThere = async (id: string) => (await app.container.db.user.count({ where: { id } })) === 1;

describe("the clean-up", () => {
  it("removes what has expired, and leaves what has not", async () => {
    const { db } = app.container;
    const [person] = await somePeople(app.container, 1);
    const userId = person!.id;
    const course = await db.course.create({ data: { id: uuidv7(), slug: uuidv7(), title: "Course" } });
    const rules = { courseId: course.id, title: "Exam", durationMinutes: 30 };
    const exam = await db.exam.create({ data: { id: uuidv7(), ...rules } });
    const [past, future] = [daysAgo(2), new Date(Date.now() + DAY)];
    for (const expiresAt of [past, future]) {
      await db.session.create({ data: { id: uuidv7(), userId, tokenHash: uuidv7(), expiresAt } });
      const token = { id: uuidv7(), userId, purpose: "RESET_PASSWORD", hash: uuidv7(), expiresAt } as const;
      await db.oneTimeToken.create({ data: token });
      await db.dataExport.create({ data: { id: uuidv7(), userId, jobId: uuidv7(), readyAt: past, expiresAt } });
      const made = { actorId: userId, examId: exam.id, jobId: uuidv7(), format: "CSV", detail: "ATTEMPTS" } as const;
      await db.resultFile.create({ data: { id: uuidv7(), ...made, expiresAt } });
    }
    for (const createdAt of [daysAgo(29), daysAgo(31)]) {
      const rows = { create: [1, 2].map((line) => ({ line, outcome: "ACCEPTED" as const })) };
      await db.userImport.create({
        data: { id: uuidv7(), actorId: userId, jobId: uuidv7(), totalRows: 2, createdAt, rows },
      });
      await db.questionFile.create({
        data: { id: uuidv7(), actorId: userId, courseId: course.id, direction: "IMPORT", format: "GIFT", createdAt },
      });
    }
    const left = () =>
      Promise.all([
        db.session.findMany({ where: { userId } }),
        db.oneTimeToken.findMany({ where: { userId } }),
        db.dataExport.findMany({ where: { userId } }),
        db.resultFile.findMany({ where: { actorId: userId } }),
      ]).then((lists) => lists.map((list) => list.map(({ expiresAt }) => expiresAt)));
    expect(await cleanUp()).toMatchObject({
      sessions: 1,
      oneTimeTokens: 1,
      exports: 1,
      imports: 1,
      questionFiles: 1,
      resultFiles: 1,
    });
    expect(await left()).toEqual([[future], [future], [future], [future]]);
    expect(await db.userImport.count({ where: { actorId: userId } })).toBe(1);
    expect(await db.userImportRow.count()).toBe(2);
    expect(await cleanUp()).toMatchObject({ sessions: 0, oneTimeTokens: 0, exports: 0, imports: 0 });
    expect(await left()).toEqual([[future], [future], [future], [future]]);
  });

  it("goes on until everything is gone, however many batches that takes", async () => {
    const { db } = app.container;
    const [person] = await somePeople(app.container, 1);
    const expired = () => ({ id: uuidv7(), userId: person!.id, jobId: uuidv7(), expiresAt: daysAgo(1) });
    await db.dataExport.createMany({ data: Array.from({ length: 120 }, expired) });
    const id = uuidv7();
    const createdAt = daysAgo(31);
    await db.userImport.create({ data: { id, actorId: person!.id, jobId: uuidv7(), totalRows: 2_500, createdAt } });
    const lines = Array.from({ length: 2_500 }, (_, index) => ({
      importId: id,
      line: index + 2,
      outcome: "REFUSED" as const,
    }));
    await db.userImportRow.createMany({ data: lines });
    expect(await cleanUp()).toMatchObject({ exports: 120, imports: 1 });
    expect(await db.userImportRow.count({ where: { importId: id } })).toBe(0);
  });

  it("removes an account that was never verified and came to nothing, and frees its address", async () => {
    const account = await anUnverifiedAccount();
    const { services, db } = app.container;
    await db.session.create({
      data: { id: uuidv7(), userId: account.id, tokenHash: uuidv7(), expiresAt: new Date(Date.now() + DAY) },
    });
    await services.accounts.me(account.actor); // its profile is in the cache now
    expect(await cleanUp()).toMatchObject({ unverifiedAccounts: 1 });
    expect(await isThere(account.id)).toBe(false);
    await expect(services.accounts.me(account.actor)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    expect(await cleanUp()).toMatchObject({ unverifiedAccounts: 0 });
  });

  it("keeps an account that somebody counts on", async () => {
    const { container } = app;
    const { db } = container;
    const school = await aSchool(container);
    const { examId } = await anExam(container, school);
    const [young, staff, erased, enrolled, examined, invited, brought, didSomething, wasChanged] = await Promise.all([
      anUnverifiedAccount({ days: 29 }),
      anUnverifiedAccount({ role: "INSTRUCTOR" }),
      anUnverifiedAccount({ erasedAt: new Date() }),
      ...Array.from({ length: 6 }, () => anUnverifiedAccount()),
    ]);
    await db.enrollment.create({ data: { courseId: school.courseId, userId: enrolled!.id, status: "WITHDRAWN" } });
    const attempt = {
      examId,
      number: 1,
      seed: 1,
      paper: [],
      startedAt: new Date(),
      deadlineAt: new Date(),
      maxScore: 1,
    };
    await db.attempt.create({ data: { ...attempt, id: uuidv7(), userId: examined!.id } });
    await aLinkFor(container, invited!.id, "INVITE");
    await db.userImport.create({ data: { id: uuidv7(), actorId: brought!.id, jobId: uuidv7(), totalRows: 1 } });
    const act = { action: "user.disable", entityType: "User" };
    await db.auditEntry.create({ data: { ...act, id: uuidv7(), actorId: didSomething!.id, entityId: uuidv7() } });
    await db.auditEntry.create({ data: { ...act, id: uuidv7(), entityId: wasChanged!.id } });
    const [verified] = await somePeople(container, 1);
    await db.user.update({ where: { id: verified!.id }, data: { createdAt: daysAgo(400) } });

    await cleanUp();
    const kept = { young, staff, erased, enrolled, examined, invited, brought, didSomething, wasChanged, verified };
    for (const [why, person] of Object.entries(kept)) expect([why, await isThere(person!.id)]).toEqual([why, true]);

    await db.oneTimeToken.updateMany({ where: { userId: invited!.id }, data: { expiresAt: daysAgo(1) } });
    await cleanUp();
    expect(await isThere(invited!.id)).toBe(false);
  });

  it("waits for nobody who is just being enrolled", async () => {
    const account = await anUnverifiedAccount();
    const school = await aSchool(app.container);
    await app.container.db.$transaction(async (tx) => {
      await tx.enrollment.create({ data: { courseId: school.courseId, userId: account.id } });
      await cleanUp();
    });
    await cleanUp();
    expect(await isThere(account.id)).toBe(true);
  });

  it("asks again for an erasure that is overdue and whose job is gone", async () => {
    const [person, waiting] = await somePeople(app.container, 2);
    const { services, db, outbox } = app.container;
    const deletionDueAt = new Date(Date.now() - 3_600_000);
    await db.user.updateMany({ where: { id: { in: [person!.id, waiting!.id] } }, data: { deletionDueAt } });
    await db.outboxJob.create({
      data: {
        id: uuidv7(),
        queue: "user",
        name: "eraseAccount",
        payload: { userId: waiting!.id },
        runAt: deletionDueAt,
      },
    });
    expect(await cleanUp()).toMatchObject({ overdueErasures: 1 });
    expect(await cleanUp()).toMatchObject({ overdueErasures: 0 });
    const jobs = await db.outboxJob.findMany({ where: { name: "eraseAccount", ownerId: person!.id } });
    expect(jobs).toMatchObject([{ payload: { userId: person!.id }, finishedAt: null }]);
    await services.erasure.eraseAccount(person!.id);
    await outbox.forget(jobs[0]!.id);
    expect(await cleanUp()).toMatchObject({ overdueErasures: 0 });
  });

  it("removes the log of an attempt as a whole, so many days after the attempt was begun", async () => {
    const { db, services } = app.container;
    const school = await aSchool(app.container);
    const { examId } = await anExam(app.container, school);
    const { id: fresh } = await services.attempts.start(school.students[0]!.actor, examId);
    const begunBefore = (days: number) =>
      `${daysAgo(days)
        .getTime()
        .toString(16)
        .padStart(12, "0")
        .replace(/^(.{8})/, "$1-")}-7abc-8def-0123456789ab`;
    const [old, kept] = [begunBefore(731), begunBefore(729)];
    for (const attemptId of [old, kept])
      await db.attemptEvent.createMany({
        data: [
          { attemptId, kind: "STARTED" },
          { attemptId, kind: "MARKED" },
        ],
      });
    expect(await cleanUp()).toMatchObject({ attemptEvents: 2 });
    const left = await db.attemptEvent.groupBy({ by: ["attemptId"], where: { attemptId: { in: [old, kept, fresh] } } });
    expect(left.map(({ attemptId }) => attemptId).toSorted()).toEqual([fresh, kept].toSorted());
  });

  it("does the other parts when one fails, and tells of it at the end", async () => {
    const { services, db, cache } = app.container;
    const [person] = await somePeople(app.container, 1);
    const expired = { id: uuidv7(), userId: person!.id, jobId: uuidv7(), expiresAt: daysAgo(1) };
    await db.dataExport.create({ data: expired });
    const failing = createCleanUpService({
      db,
      cache,
      sessions: services.sessions,
      oneTimeTokens: { removeExpired: () => Promise.reject(new Error("no such luck")) },
      erasure: services.erasure,
      answerFileRemoval: services.answerFileRemoval,
      unverifiedDays: 30,
      attemptLogDays: 730,
    });
    await expect(failing.removeExpired()).rejects.toMatchObject({
      message: "oneTimeTokens could not be cleaned up",
      errors: [{ cause: { message: "no such luck" } }],
    });
    expect(await db.dataExport.count({ where: { id: expired.id } })).toBe(0);
  });

  it("runs by its schedule in a worker", async () => {
    const working = await startTestApp({ worker: true });
    try {
      const { db, queues } = working.container;
      const [person] = await somePeople(working.container, 1);
      await db.dataExport.create({
        data: { id: uuidv7(), userId: person!.id, jobId: uuidv7(), expiresAt: daysAgo(1) },
      });
      await eventually("the expired export is gone", async () => {
        const [run] = await queues.use("user", (queue) => queue.getJobs(["delayed"]));
        await run?.promote().catch(() => {}); // it has come by itself meanwhile
        return (await db.dataExport.count()) === 0;
      });
    } finally {
      await working.close();
    }
  });
});
