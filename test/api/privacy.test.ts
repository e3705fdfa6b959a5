import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { uuidv7 } from "uuidv7";
import { createPersonalData, NOT_EXPORTED } from "../../src/services/personalData.ts";
import { eventually } from "../support/eventually.ts";
import { aLivedInAccount, aPersonWhoLogsIn, CANARIES, type LivedIn, password, SECRETS } from "../support/livedIn.ts";
import { type MailApp, startMailApp } from "../support/mailApp.ts";
import { anExam, aSchool, type Person, somePeople } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";
import { nothingsId } from "../support/world.ts";

/** With a worker and a mail server, as in life. */
let app: MailApp;
/** Without a worker: what was asked for stays as it is. */
let quiet: TestApp;
let lived: LivedIn;
beforeAll(async () => {
  app = await startMailApp(); // one after the other: what one loads keeps the other from its connections
  quiet = await startTestApp();
  lived = await aLivedInAccount(app);
});
afterAll(() => Promise.all([app.close(), quiet.close()]));

const EXPORT = "mutation { exportMyData { queued jobId } }";
const DELETE = `mutation ($password: String!) {
  deleteMyAccount(password: $password) { user { id deletionDueAt } queued jobId deletionDueAt }
}`;
const CANCEL = "mutation { cancelAccountDeletion { id deletionDueAt } }";
const ME = "{ me { id deletionDueAt } }";
const LOGIN =
  "mutation ($email: String!, $password: String!) { login(email: $email, password: $password) { accessToken } }";

const mailTo = (to: string, what: RegExp) =>
  eventually(`${to} has a mail with ${what}`, () =>
    app.server.mails.find((mail) => mail.recipients.includes(to) && what.test(mail.text ?? "")),
  );

// biome-ignore lint/suspicious/noExplicitAny: a file of many shapes
type File = any;
const opened = async ({ container }: TestApp, exportId: string): Promise<{ text: string; file: File } | null> => {
  const found = await container.services.privacy.openExport(exportId);
  const text = found && gunzipSync(found.body).toString();
  return text ? { text, file: JSON.parse(text) } : null;
};
/** The file of a person, made here and now. */
async function fileOf(one: TestApp, person: Person): Promise<{ text: string; file: File }> {
  const { services, db } = one.container;
  const { jobId } = await services.privacy.exportMyData(person.actor);
  const { id } = await db.dataExport.findFirstOrThrow({ where: { jobId } });
  await services.privacy.exportData(id);
  return (await opened(one, id))!;
}

describe("exportMyData", () => {
  it("mails a link to a file with all that is kept about the person", async () => {
    const { person, school } = lived;
    const { data } = await app.ask(EXPORT, {}, person.token);
    expect(data.exportMyData).toEqual({ queued: true, jobId: expect.any(String) });
    const mail = await mailTo(person.email, /downloads\/exports/);
    const [, exportId] = /downloads\/exports\/([\da-f-]+)\?expires=/.exec(mail.text!)!;
    const { file } = (await opened(app, exportId!))!;

    expect(file.profile).toMatchObject({ id: person.id, name: CANARIES.name, email: CANARIES.address, locale: "de" });
    expect(Object.keys(file.about.lists)).toEqual(
      Object.keys(file).filter((key) => !["about", "profile"].includes(key)),
    );
    expect(file.sessions).toMatchObject([{ userAgent: CANARIES.userAgent, ip: CANARIES.ip }]);
    expect(file.mailedLinks).toMatchObject([{ purpose: "RESET_PASSWORD" }]);
    expect(file.recoveryCodes).toEqual([{ usedAt: expect.any(String) }]);
    expect(file.exports).toMatchObject([{ id: exportId, readyAt: null }]);
    expect(file.enrolments).toMatchObject([{ role: "STUDENT", status: "ACTIVE", extraTimePercent: 25 }]);
    expect(file.groups).toMatchObject([{ group: { name: "Late shift" } }]);
    expect(file.accommodations).toMatchObject([{ extraMinutes: 11 }]);
    expect(file.imports).toMatchObject([{ accepted: 1 }]);
    expect(file.questionFiles).toMatchObject([{ direction: "EXPORT", format: "GIFT" }]);
    expect(file.resultFiles).toMatchObject([{ exam: { title: "Midterm" }, format: "CSV", rows: 1 }]);
    expect(file.importedAs).toMatchObject([{ line: 2, outcome: "UPDATED" }, { line: 3 }]);
    expect(file.acts).toMatchObject([{ action: "publishExam" }]);
    expect(file.actsOnYou).toMatchObject([{ action: "user.disable" }]);
    const [started, ...more] = file.attemptLog;
    expect(started).toMatchObject({ exam: "Midterm", number: 1, kind: "STARTED", address: CANARIES.ip });
    expect(more.map(({ kind }: { kind: string }) => kind)).toEqual(
      expect.arrayContaining(["SAVED", "SUBMITTED", "MARKED"]),
    );
    expect(JSON.stringify(file.attemptLog)).not.toContain("actorId");
    expect(file.attempts).toMatchObject([
      {
        exam: "Midterm",
        course: `Course of ${school.teacher.email}`,
        status: "GRADED",
        result: { score: "6.5", maxScore: "8" },
        questions: [
          { question: "What is the answer to question 1?", answer: { choice: "b" }, points: "1" },
          { answer: { text: CANARIES.essay }, points: "3.5", feedback: CANARIES.feedback },
          { answer: { text: CANARIES.shortText }, points: "2" },
        ],
      },
      { exam: "Final", result: null, questions: [{ points: null }, { points: null, feedback: null }, {}] },
    ]);
  });

  it("holds no hash, no key and no result that is kept back", async () => {
    const { text } = await fileOf(app, lived.person);
    const { db } = app.container;
    const { id: userId } = lived.person;
    const user = await db.user.findUniqueOrThrow({ where: { id: userId } });
    const [session] = await db.session.findMany({ where: { userId } });
    const [link] = await db.oneTimeToken.findMany({ where: { userId } });
    const stored = [user.passwordHash!, session!.tokenHash, session!.seed, link!.hash];
    for (const secret of [...Object.values(SECRETS), ...stored]) expect(text).not.toContain(secret);
    expect(text).not.toMatch(/fraction|pattern|hash|seed/i);
  });

  it("tells nothing of anybody else", async () => {
    const { text } = await fileOf(app, lived.school.students[0]!);
    for (const canary of Object.values(CANARIES)) expect(text).not.toContain(canary);
  });

  it("has every attempt of somebody with more than a page of them", async () => {
    const school = await aSchool(quiet.container);
    const [student] = school.students;
    const { examId } = await anExam(quiet.container, school);
    const { id } = await quiet.container.services.attempts.start(student!.actor, examId);
    const { db } = quiet.container;
    const { paper, ...first } = await db.attempt.findUniqueOrThrow({ where: { id } });
    const more = Array.from({ length: 119 }, (_, index) => ({
      ...first,
      id: uuidv7(),
      number: index + 2,
      paper: paper!,
    }));
    await db.attempt.createMany({ data: more });
    const { file } = await fileOf(quiet, student!);
    expect(file.attempts.map(({ number }: File) => number)).toEqual(
      Array.from({ length: 120 }, (_, index) => index + 1),
    );
  });

  it("is under way once, however often it is asked for", async () => {
    const person = await aPersonWhoLogsIn(quiet);
    const answers = await Promise.all([1, 2, 3].map(() => quiet.ask(EXPORT, {}, person.token)));
    expect(new Set(answers.map(({ data }) => data.exportMyData.jobId)).size).toBe(1);
    expect(await quiet.container.db.dataExport.count({ where: { userId: person.id } })).toBe(1);
    const { id } = await quiet.container.db.dataExport.findFirstOrThrow({ where: { userId: person.id } });
    await quiet.container.services.privacy.exportData(id);
    const { data } = await quiet.ask(EXPORT, {}, person.token);
    expect(data.exportMyData.jobId).not.toBe(answers[0]!.data.exportMyData.jobId);
  });

  it("is made and mailed once, also when its job runs twice", async () => {
    const [person] = await somePeople(quiet.container, 1);
    const { services, db } = quiet.container;
    await services.privacy.exportMyData(person!.actor);
    const { id } = await db.dataExport.findFirstOrThrow({ where: { userId: person!.id } });
    await Promise.all([services.privacy.exportData(id), services.privacy.exportData(id)]);
    const ready = await db.dataExport.findUniqueOrThrow({ where: { id } });
    await services.privacy.exportData(id);
    expect(await db.dataExport.findUniqueOrThrow({ where: { id } })).toEqual(ready);
    expect(await db.outboxJob.count({ where: { payload: { path: ["exportId"], equals: id }, queue: "email" } })).toBe(
      1,
    );
  });

  it("opens only what is ready and has not expired", async () => {
    const [person] = await somePeople(quiet.container, 1);
    const { services, db } = quiet.container;
    await services.privacy.exportMyData(person!.actor);
    const { id } = await db.dataExport.findFirstOrThrow({ where: { userId: person!.id } });
    expect(await opened(quiet, id)).toBeNull();
    await services.privacy.exportData(id);
    expect(await opened(quiet, id)).not.toBeNull();
    expect((await services.privacy.openExport(id))!.fileName).toMatch(/^lectern-my-data-\d{4}-\d\d-\d\d\.json$/);
    await db.dataExport.update({ where: { id }, data: { expiresAt: new Date(Date.now() - 1000) } });
    expect(await opened(quiet, id)).toBeNull();
    expect(await opened(quiet, nothingsId())).toBeNull();
    expect(await opened(quiet, "../exports")).toBeNull();
  });

  /**
   * Every column that may hold somebody: a reference to users, an address, or an id without a declared reference. A new one is either
   * read into the file, or has a reason in NOT_EXPORTED, or is listed here as the id of something else.
   */
  it("knows every column of the schema that names a person", () => {
    const schema = readFileSync(new URL("../../prisma/schema.prisma", import.meta.url), "utf8");
    const models = [...schema.matchAll(/^model (\w+) \{\n([\s\S]*?)^\}/gm)] as unknown as [string, string, string][];
    expect(models.length).toBeGreaterThan(15);
    const naming = models.flatMap(([, model, body]) => {
      const references = new Map(
        [...body.matchAll(/ (\w+)\?? +@relation\((?:"\w+", )?fields: \[(\w+)\]/g)].map(([, target, field]) => [
          field!,
          target!,
        ]),
      );
      const fields = [...body.matchAll(/^ {2}(\w+) +(\w+)\S*(.*)$/gm)].map(([, name, type, rest]) => ({
        name: name!,
        type,
        rest: rest!,
      }));
      return fields
        .filter(({ name, rest }) => {
          if (references.has(name)) return references.get(name) === "User";
          return name === "email" || (rest.includes("@db.Uuid") && name !== "id");
        })
        .map(({ name }) => `${model}.${name}`);
    });
    const ofOtherThings = [
      "User.email", // the profile
      "Session.seed",
      "OneTimeToken.jobId",
      "EmailDelivery.jobId",
      "UserImport.jobId",
      "DataExport.jobId",
      "QuestionFile.jobId",
      "QuestionFile.questionIds",
      "QuestionFileEntry.questionId",
      "QuestionFileEntry.examId",
      "ResultFile.jobId",
      "ResultFile.run",
      "ResultFilePiece.run",
      "Regrading.jobId",
      "ExamAnalysis.toldQuestionIds",
      "Video.jobIds",
      ...["AnswerMark", "ResponseClaim"].flatMap((model) => [`${model}.attemptId`, `${model}.questionVersionId`]),
      "Attempt.sessionId",
      "AttemptEvent.attemptId",
      "AttemptEvent.sessionId",
    ];
    const { columns } = createPersonalData({} as never);
    expect([...columns, ...Object.keys(NOT_EXPORTED), ...ofOtherThings].sort()).toEqual(naming.sort());
  });
});

describe("deleteMyAccount", () => {
  const erasingJobs = (one: TestApp, userId: string) =>
    one.container.db.outboxJob.findMany({ where: { name: "eraseAccount", ownerId: userId }, orderBy: { id: "asc" } });
  /** Lets the time pass in which a deletion can be undone, and its job come. */
  async function letTheTimePass(userId: string): Promise<void> {
    const { db, queues } = app.container;
    await db.user.updateMany({
      where: { id: userId, deletionDueAt: { not: null } },
      data: { deletionDueAt: new Date(Date.now() - 1000) },
    });
    for (const { id } of await erasingJobs(app, userId))
      await queues.use("user", async (queue) => {
        const job = await eventually("the job is in its queue", () => queue.getJob(id));
        if (await job.isDelayed()) await job.promote();
      });
    await eventually("the job is done", async () =>
      (await erasingJobs(app, userId)).every(({ finishedAt }) => finishedAt !== null),
    );
  }

  it("sets a date, tells by mail, and lets the person log in until then", async () => {
    const person = await aPersonWhoLogsIn(app);
    expect((await app.ask(ME, {}, person.token)).data.me.deletionDueAt).toBeNull(); // and is in the cache now
    const asked = Date.now();
    const { data } = await app.ask(DELETE, { password }, person.token);
    const { deletionDueAt, jobId } = data.deleteMyAccount;
    expect(data.deleteMyAccount).toMatchObject({ queued: true, user: { id: person.id, deletionDueAt } });
    const days = (Date.parse(deletionDueAt) - asked) / 86_400_000;
    expect(days).toBeGreaterThan(13.99);
    expect(days).toBeLessThan(14.01);
    expect((await app.ask(ME, {}, person.token)).data.me.deletionDueAt).toBe(deletionDueAt);
    expect((await app.ask(LOGIN, { email: person.email, password })).errors).toBeUndefined();
    expect(await erasingJobs(app, person.id)).toMatchObject([{ id: jobId, runAt: new Date(deletionDueAt) }]);
    await mailTo(person.email, /./);
    const audited = await app.container.db.auditEntry.findMany({ where: { entityId: person.id } });
    expect(audited).toMatchObject([{ actorId: person.id, action: "user.deletion.schedule" }]);
  });

  it("keeps date and job when it is asked for again, also in the same moment", async () => {
    const person = await aPersonWhoLogsIn(quiet);
    const answers = await Promise.all([1, 2, 3].map(() => quiet.ask(DELETE, { password }, person.token)));
    expect(new Set(answers.map(({ data }) => JSON.stringify(data))).size).toBe(1);
    expect(await erasingJobs(quiet, person.id)).toHaveLength(1);
    expect(await quiet.container.db.auditEntry.count({ where: { entityId: person.id } })).toBe(1);
  });

  it("is refused without the password", async () => {
    const person = await aPersonWhoLogsIn(quiet);
    expect(await quiet.refusal(DELETE, { password: "not this one" }, person.token)).toBe("WRONG_CREDENTIALS");
    expect((await quiet.ask(ME, {}, person.token)).data.me.deletionDueAt).toBeNull();
    expect(await erasingJobs(quiet, person.id)).toEqual([]);
  });

  it("erases the account when the time is up, and frees the address", async () => {
    const person = await aPersonWhoLogsIn(app);
    await app.ask(DELETE, { password }, person.token);
    await letTheTimePass(person.id);
    expect(await app.container.db.user.findUniqueOrThrow({ where: { id: person.id } })).toMatchObject({
      name: "Deleted person",
      erasedAt: expect.any(Date),
      disabledAt: expect.any(Date),
    });
    expect(await app.refusal(LOGIN, { email: person.email, password })).toBe("WRONG_CREDENTIALS");
    // An access token outlives the account by minutes, and nothing comes back by it.
    expect(await app.refusal(CANCEL, {}, person.token)).toBe("UNAUTHENTICATED");
    expect(await app.refusal(EXPORT, {}, person.token)).toBe("UNAUTHENTICATED");
    await app.container.services.accounts.open({ email: person.email, password, name: "Again", role: "STUDENT" });
    expect((await app.ask(LOGIN, { email: person.email, password })).errors).toBeUndefined();
  });

  it("is undone by its owner, and the job finds nothing to do", async () => {
    const person = await aPersonWhoLogsIn(app);
    const first = (await app.ask(DELETE, { password }, person.token)).data.deleteMyAccount;
    expect((await app.ask(ME, {}, person.token)).data.me.deletionDueAt).toBe(first.deletionDueAt);
    for (const _again of [1, 2])
      expect((await app.ask(CANCEL, {}, person.token)).data.cancelAccountDeletion).toEqual({
        id: person.id,
        deletionDueAt: null,
      });
    expect((await app.ask(ME, {}, person.token)).data.me.deletionDueAt).toBeNull();
    await letTheTimePass(person.id);
    expect((await app.ask(LOGIN, { email: person.email, password })).errors).toBeUndefined();
    const actions = await app.container.db.auditEntry.findMany({
      where: { entityId: person.id },
      orderBy: { id: "asc" },
    });
    expect(actions.map(({ action }) => action)).toEqual(["user.deletion.schedule", "user.deletion.cancel"]);

    const second = (await app.ask(DELETE, { password }, person.token)).data.deleteMyAccount;
    expect(second.jobId).not.toBe(first.jobId);
  });

  it("comes at once where the configuration leaves no time", async () => {
    const hasty = await startTestApp({ worker: true, env: { DELETION_DAYS: "0" } });
    try {
      const person = await aPersonWhoLogsIn(hasty);
      expect((await hasty.ask(DELETE, { password }, person.token)).errors).toBeUndefined();
      await eventually("the account is erased", () =>
        hasty.container.db.user.findFirst({ where: { id: person.id, erasedAt: { not: null } } }),
      );
    } finally {
      await hasty.close();
    }
  });

  it("leaves the school an administrator who can log in", async () => {
    const { db } = quiet.container;
    const admins = await Promise.all([1, 2, 3].map(() => aPersonWhoLogsIn(quiet, { role: "ADMIN" })));
    const [disabled, one, two] = admins as [Person, Person, Person];
    const [invited] = await somePeople(quiet.container, 1, "ADMIN");
    await db.user.update({ where: { id: disabled.id }, data: { disabledAt: new Date() } });
    await db.user.update({ where: { id: invited!.id }, data: { passwordHash: null } });
    const outcomes = await Promise.all([one, two].map(({ token }) => quiet.refusal(DELETE, { password }, token)));
    expect(outcomes.sort()).toEqual(["LAST_ADMIN", undefined]);
    const leaving = await db.user.findMany({ where: { role: "ADMIN", deletionDueAt: { not: null } } });
    expect(leaving).toHaveLength(1);
  });
});
