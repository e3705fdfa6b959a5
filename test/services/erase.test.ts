import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { allText } from "../support/databaseText.ts";
import { eventually } from "../support/eventually.ts";
import { holdRows } from "../support/heldRows.ts";
import { aLivedInAccount, CANARIES, type LivedIn, password, SECRETS } from "../support/livedIn.ts";
import { type MailApp, startMailApp } from "../support/mailApp.ts";
import { anExam, aSchool, choiceQuestion, essayQuestion, type Person, somePeople } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

/** Lets the time be up in which somebody could have kept the account. */
const makeDue = async (one: Pick<TestApp, "container">, userId: string) => {
  await one.container.db.user.update({ where: { id: userId }, data: { deletionDueAt: new Date(Date.now() - 1000) } });
};
const erase = (userId: string) => app.container.services.erasure.eraseAccount(userId);
const rowOf = (id: string) => app.container.db.user.findUniqueOrThrow({ where: { id } });

async function aStudentWhoIsDue(): Promise<{
  student: Person;
  teacher: Person;
  examId: string;
  questionIds: string[];
}> {
  const school = await aSchool(app.container);
  const exam = await anExam(app.container, school, { questions: [choiceQuestion(1), essayQuestion] });
  const [student] = school.students;
  await makeDue(app, student!.id);
  return { student: student!, teacher: school.teacher, ...exam };
}

describe("an erased account", () => {
  const RESULTS = `query ($id: ID!) { examResults(examId: $id) { totalCount nodes {
    attempt { id number status submittedAt submittedBy student { id name email }
      result { score maxScore percent passed gradedAt questions { position response points maxPoints feedback } } }
    score maxScore passed
  } } }`;
  let lived: LivedIn;
  // biome-ignore lint/suspicious/noExplicitAny: an answer of any shape
  let before: any;
  // biome-ignore lint/suspicious/noExplicitAny: an answer of any shape
  let after: any;
  const results = async () => {
    const { data, errors } = await app.ask(RESULTS, { id: lived.examId }, lived.school.teacher.token);
    expect(errors).toBeUndefined();
    return data.examResults;
  };
  beforeAll(async () => {
    lived = await aLivedInAccount(app);
    await app.container.services.privacy.exportMyData(lived.person.actor);
    before = await results();
    const found = await allText(app.container);
    // All of them are found by the search that has to find none of them later.
    for (const canary of [...Object.values(CANARIES), SECRETS.totp])
      expect([canary, found.some(({ text }) => text.includes(canary))]).toEqual([canary, true]);
    await app.container.services.accounts.me(lived.person.actor);
    await makeDue(app, lived.person.id);
    await erase(lived.person.id);
    after = await results();
  });

  it("leaves nothing that its person wrote, is called or came by, in any table", async () => {
    const found = await allText(app.container);
    const personal = new RegExp(
      [...Object.values(CANARIES), SECRETS.totp, SECRETS.recoveryCode, SECRETS.hiddenFeedback]
        .map((text) => text.replace(/[.\\]/g, "\\$&"))
        .join("|"),
      "i",
    );
    expect(found.filter(({ text }) => personal.test(text))).toEqual([]);
  });

  it("is nobody's any more", async () => {
    const { id } = lived.person;
    expect(await rowOf(id)).toEqual({
      id,
      email: `erased-${id}@lectern.invalid`,
      name: "Deleted person",
      role: "STUDENT",
      locale: "en",
      passwordHash: null,
      emailVerifiedAt: null,
      disabledAt: expect.any(Date),
      lastLoginAt: null,
      totpSecret: null,
      totpConfirmedAt: null,
      totpLastStep: null,
      extraTimePercent: 0,
      extraMinutes: 0,
      deletionDueAt: null,
      erasedAt: expect.any(Date),
      createdAt: expect.any(Date),
    });
    const { db, services } = app.container;
    const where = { userId: id };
    expect(await db.session.count({ where })).toBe(0);
    expect(await db.oneTimeToken.count({ where })).toBe(0);
    expect(await db.recoveryCode.count({ where })).toBe(0);
    expect(await db.dataExport.count({ where })).toBe(0);
    expect(await db.resultFile.count({ where: { examId: lived.examId } })).toBe(0); // whoever had it made
    expect(await db.examAccommodation.count({ where })).toBe(0);
    expect(await db.courseGroupMember.count({ where })).toBe(0);
    expect(
      await db.attempt.count({
        where: { ...where, OR: [{ extraTimePercent: { gt: 0 } }, { extraMinutes: { gt: 0 } }] },
      }),
    ).toBe(0);
    expect(await db.enrollment.findMany({ where })).toMatchObject([{ status: "WITHDRAWN", extraTimePercent: 0 }]);
    const login = services.sessions.login({ email: CANARIES.address, password }, { ip: null, userAgent: null }, "test");
    await expect(login).rejects.toMatchObject({ reason: "WRONG_CREDENTIALS" });
    expect((await app.ask("{ me { name } }", {}, lived.person.token)).data?.me ?? null).toBeNull();
  });

  it("leaves its exam's results as they were, without the name and the words", () => {
    const [attempt] = before.nodes;
    const [choice, essay, shortText] = attempt.attempt.result.questions;
    expect([choice, essay, shortText]).toMatchObject([
      { response: { choice: "b" }, points: "1" },
      { response: { text: CANARIES.essay }, points: "3.5", feedback: CANARIES.feedback },
      { response: { text: CANARIES.shortText }, points: "2", feedback: "Right." },
    ]);
    const student = {
      ...attempt.attempt.student,
      name: "Deleted person",
      email: `erased-${lived.person.id}@lectern.invalid`,
    };
    const withoutWords = [essay, shortText].map((question) => ({ ...question, response: null, feedback: null }));
    const questions = [choice, ...withoutWords];
    const result = { ...attempt.attempt.result, questions };
    expect(after).toEqual({ ...before, nodes: [{ ...attempt, attempt: { ...attempt.attempt, student, result } }] });
  });

  it("keeps its points when staff correct one of them later", async () => {
    const { school, attemptId, questionIds } = lived;
    const correction = { attemptId, questionId: questionIds[1], points: "4", reason: "Added up again." };
    const corrected = await app.container.services.marking.gradeAnswer(school.teacher.actor, correction);
    expect(corrected).toMatchObject({ status: "GRADED", score: "7" }); // the short text still has its two
  });

  it("is written down with its id alone, by nobody", async () => {
    const entries = await app.container.db.auditEntry.findMany({ where: { action: "user.erase" } });
    expect(entries).toMatchObject([
      { actorId: null, entityType: "User", entityId: lived.person.id, before: null, after: null },
    ]);
  });

  it("stays as it is when the job runs again", async () => {
    const once = await allText(app.container);
    await erase(lived.person.id);
    expect(await allText(app.container)).toEqual(once);
  });
});

describe("eraseAccount", () => {
  it("does nothing to an account that is kept, is not due yet, or is not there", async () => {
    const [kept, later] = await somePeople(app.container, 2);
    const deletionDueAt = new Date(Date.now() + 60_000);
    await app.container.db.user.update({ where: { id: later!.id }, data: { deletionDueAt } });
    const before = await Promise.all([rowOf(kept!.id), rowOf(later!.id)]);
    for (const id of [kept!.id, later!.id, "00000000-0000-7000-8000-000000000000"]) await erase(id);
    expect(await Promise.all([rowOf(kept!.id), rowOf(later!.id)])).toEqual(before);
  });

  it("hands in and grades what the person is just writing before it erases the words", async () => {
    const { student, examId, questionIds } = await aStudentWhoIsDue();
    const { services, db } = app.container;
    const { id } = await services.attempts.start(student.actor, examId);
    await services.answers.save(student.actor, id, [
      { questionId: questionIds[0]!, response: { choice: "b" }, revision: 1 },
      { questionId: questionIds[1]!, response: { text: "unfinished" }, revision: 1 },
    ]);
    await erase(student.id);
    const attempt = await db.attempt.findUniqueOrThrow({ where: { id }, include: { answers: true } });
    expect(attempt).toMatchObject({ status: "SUBMITTED", submittedBy: "STUDENT", score: expect.anything() });
    expect(attempt.score!.toString()).toBe("1");
    expect(attempt.answers.map(({ response }) => response)).toEqual(expect.arrayContaining([{ choice: "b" }, null]));
    expect(JSON.stringify(attempt)).not.toContain("unfinished");
  });

  it("also hands in what is begun in the last moment", async () => {
    const { student, examId } = await aStudentWhoIsDue();
    const { services, db } = app.container;
    const held = await holdRows(app.config.DATABASE_URL, "SELECT 1 FROM users WHERE id = $1 FOR SHARE", [student.id]);
    const erased = erase(student.id);
    await eventually("the erasure waits for the person's row", async () => (await held.waiting()) > 0);
    const { id } = await services.attempts.start(student.actor, examId);
    await held.letGo();
    await erased;
    expect(await db.attempt.findUniqueOrThrow({ where: { id } })).toMatchObject({ status: "GRADED" });
    expect(await rowOf(student.id)).toMatchObject({ erasedAt: expect.any(Date) });
  });

  it("is all or nothing when it is cut off half-way, and is made good by the next try", async () => {
    const { student } = await aStudentWhoIsDue();
    const { db } = app.container;
    const userId = student.id;
    await db.recoveryCode.create({ data: { userId, hash: "cut off" } });
    const before = await rowOf(userId);
    const held = await holdRows(app.config.DATABASE_URL, "SELECT 1 FROM enrollments WHERE user_id = $1 FOR UPDATE", [
      userId,
    ]);
    const cutOff = erase(userId).catch((error) => error);
    await eventually("the erasure is half-way", async () => (await held.waiting()) > 0);
    await held.endWaiting();
    expect(await cutOff).toBeInstanceOf(Error);
    await held.letGo();
    expect(await rowOf(userId)).toEqual(before);
    expect(await db.recoveryCode.count({ where: { userId } })).toBe(1);
    await erase(userId);
    expect(await rowOf(userId)).toMatchObject({ name: "Deleted person" });
    expect(await db.recoveryCode.count({ where: { userId } })).toBe(0);
  });

  it("happens once when two workers have the job", async () => {
    const { student } = await aStudentWhoIsDue();
    await Promise.all([erase(student.id), erase(student.id)]);
    const entries = { action: "user.erase", entityId: student.id };
    expect(await app.container.db.auditEntry.count({ where: entries })).toBe(1);
  });
});

describe("mails to an erased person", () => {
  const address = "canary.refused@school.example";
  let mailing: MailApp;
  /** Lets the server take the slow mail it is being sent. */
  let accept: (() => void) | undefined;
  beforeAll(async () => {
    mailing = await startMailApp({
      mailServer: {
        onRecipient: (to) => (to === address ? { code: 550, text: "Nobody here" } : undefined),
        onMail: async ({ recipients }) => {
          if (recipients.includes("slow@school.example")) await new Promise<void>((resolve) => (accept = resolve));
        },
      },
    });
  });
  afterAll(() => mailing.close());

  /** Everything that Redis keeps for this installation, as text. */
  async function allOfRedis(): Promise<string[]> {
    const { queueRedis: redis } = mailing.container;
    const keys = await redis.keys(`${mailing.config.REDIS_PREFIX}*`);
    return Promise.all(
      keys.map(async (key) => {
        const type = await redis.type(key);
        const content = {
          string: () => redis.get(key),
          hash: () => redis.hgetall(key),
          list: () => redis.lrange(key, 0, -1),
          set: () => redis.smembers(key),
          zset: () => redis.zrange(key, "0", "-1"),
          stream: () => redis.xrange(key, "-", "+"),
        }[type];
        return `${key} ${JSON.stringify(await content?.())}`;
      }),
    );
  }

  it("are forgotten by the queues and the dead-letter list too", async () => {
    const [person] = await somePeople(mailing.container, 1);
    await mailing.container.db.user.update({ where: { id: person!.id }, data: { email: address } });
    const refused = await mailing.send({ to: address });
    await mailing.untilIs(refused, "FAILED");
    const other = await mailing.send({ to: "somebody.else@school.example" });
    await mailing.untilIs(other, "COMPLETED");
    await eventually("the dead letter is listed", () => mailing.container.deadLetters.find(`email-${refused}`));
    expect((await allOfRedis()).join()).toContain(address);

    await makeDue(mailing, person!.id);
    await mailing.container.services.erasure.eraseAccount(person!.id);
    await eventually("Redis has forgotten the mail", async () => !(await allOfRedis()).join().includes(address));
    expect(await mailing.container.deadLetters.find(`email-${refused}`)).toBeNull();
    expect((await allText(mailing.container)).filter(({ text }) => text.includes(address))).toEqual([]);
    expect((await mailing.statusOf(other)).state).toBe("COMPLETED");
  });

  it("wait with being forgotten until one that is being sent has ended", async () => {
    const { deadLetters, queues } = mailing.container;
    const slow = await mailing.send({ to: "slow@school.example" });
    await eventually("the mail is being sent", () => accept);
    await expect(deadLetters.forget("email", [slow])).rejects.toThrow("running");
    accept!();
    await mailing.untilIs(slow, "COMPLETED");
    for (const _again of [1, 2]) await deadLetters.forget("email", [slow]);
    expect(await queues.use("email", (queue) => queue.getJobState(slow))).toBe("unknown");
  });
});
