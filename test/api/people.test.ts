import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { uuidv7 } from "uuidv7";
import type { Actor, UserRole } from "../../src/services/actor.ts";
import { anExam, aSchool, type Person, somePeople } from "../support/school.ts";
import { statementsOf } from "../support/statements.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";
import { nothingsId } from "../support/world.ts";

let app: TestApp;
let admin: Person;
beforeAll(async () => {
  app = await startTestApp();
  [admin] = (await somePeople(app.container, 1, "ADMIN")) as [Person];
});
afterAll(() => app.close());

const password = "correct horse battery staple";
const LOGIN = `mutation ($email: String!, $password: String!) {
  login(email: $email, password: $password) { accessToken refreshToken user { role } }
}`;
const REFRESH = "mutation ($token: String!) { refreshSession(refreshToken: $token) { accessToken } }";
const ME = "{ me { role disabledAt secondFactorAt } }";
const USERS = `query ($filter: UserFilter, $first: Int, $after: String) {
  users(filter: $filter, first: $first, after: $after) { nodes { id email } totalCount pageInfo { hasNextPage endCursor } }
}`;
const USER = "query ($id: ID!) { user(id: $id) { email locale emailVerifiedAt disabledAt secondFactorAt } }";
const SET_ROLE = "mutation ($id: ID!, $role: UserRole!) { updateUserRole(id: $id, role: $role) { id role } }";
const DISABLE = "mutation ($id: ID!) { disableUser(id: $id) { id disabledAt } }";
const ENABLE = "mutation ($id: ID!) { enableUser(id: $id) { id disabledAt } }";
const RESET = "mutation ($id: ID!) { resetSecondFactor(userId: $id) { id secondFactorAt } }";
const AUDIT = `query ($filter: AuditFilter, $first: Int, $after: String) {
  auditLog(filter: $filter, first: $first, after: $after) {
    nodes { id at actor { id name } action entityType entityId before after } totalCount pageInfo { hasNextPage endCursor }
  }
}`;

/** What an administrator is told; a refusal fails the test. */
async function told(operation: string, variables: object = {}, { token }: Pick<Person, "token"> = admin) {
  const { data, errors } = await app.ask(operation, { ...variables }, token);
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

interface LoggedIn {
  id: string;
  email: string;
  token: string;
  refreshToken: string;
}
async function somebodyLoggedIn(role: UserRole = "STUDENT"): Promise<LoggedIn> {
  const email = `${uuidv7()}@school.example`;
  const { id } = await app.container.services.accounts.open({ email, password, name: "Somebody", role });
  const { accessToken, refreshToken } = (await app.ask(LOGIN, { email, password })).data.login;
  return { id, email, token: accessToken, refreshToken };
}
const logIn = ({ email }: { email: string }) => app.refusal(LOGIN, { email, password });
const refresh = ({ refreshToken }: LoggedIn) => app.refusal(REFRESH, { token: refreshToken });

const auditOf = async (entityId: string) => (await told(AUDIT, { filter: { entityId } })).auditLog.nodes;

/** People whose addresses and names nobody else in these tests has. */
async function aClass(names: readonly string[]) {
  const word = uuidv7().replaceAll("-", "");
  const rows = names.map((name, index) => ({ id: uuidv7(), name, email: `${word}.${index}@school.example` }));
  await app.container.db.user.createMany({ data: rows });
  return { word, ids: rows.map(({ id }) => id) };
}
const found = async (filter: object): Promise<string[]> =>
  (await told(USERS, { filter, first: 200 })).users.nodes.map(({ id }: { id: string }) => id);

describe("an administrator looking for people", () => {
  it("finds them by a part of the name or of the address, whatever the case", async () => {
    const mark = uuidv7().slice(-8);
    const { word, ids } = await aClass([`Zoë ${mark} Ångström`, `ÉMILE ${mark}`]);
    expect(await found({ search: `zoË ${mark.toUpperCase()} å` })).toEqual([ids[0]]);
    expect(await found({ search: `  émile ${mark} ` })).toEqual([ids[1]]);
    expect(await found({ search: `e\u0301mile ${mark}` })).toEqual([ids[1]]);
    expect(await found({ search: `${word.toUpperCase()}.1@SCHOOL` })).toEqual([ids[1]]);
    expect(await found({ search: word })).toEqual([ids[1], ids[0]]);
    expect(await found({ search: nothingsId() })).toEqual([]);
  });

  it("may search for the signs of patterns", async () => {
    const mark = uuidv7().slice(-8);
    const { ids } = await aClass([`${mark} 100%_\\ sure`, `${mark} 100 sure`]);
    for (const search of [`${mark} 100%`, "%_\\", "\\"]) expect(await found({ search })).toEqual([ids[0]]);
    for (const search of [`${mark}%sure`, `${mark}_100`]) expect(await found({ search })).toEqual([]);
  });

  it("narrows them down by role, by disabled accounts and by verified addresses", async () => {
    const { word, ids } = await aClass(["plain", "teacher", "disabled", "verified", "disabled and verified"]);
    const set = (index: number, data: object) => app.container.db.user.update({ where: { id: ids[index] }, data });
    await set(1, { role: "INSTRUCTOR" });
    await set(2, { disabledAt: new Date() });
    await set(3, { emailVerifiedAt: new Date() });
    await set(4, { disabledAt: new Date(), emailVerifiedAt: new Date() });
    const indexes = async (filter: object) => (await found({ search: word, ...filter })).map((id) => ids.indexOf(id));
    expect(await indexes({ role: "INSTRUCTOR" })).toEqual([1]);
    expect(await indexes({ role: "ADMIN" })).toEqual([]);
    expect(await indexes({ disabled: true })).toEqual([4, 2]);
    expect(await indexes({ disabled: false })).toEqual([3, 1, 0]);
    expect(await indexes({ emailVerified: true, disabled: false })).toEqual([3]);
    expect(await indexes({ role: null, disabled: null, emailVerified: null })).toEqual([4, 3, 2, 1, 0]);
  });

  it("goes through them page by page, newest first", async () => {
    const { word, ids } = await aClass(["a", "b", "c", "d", "e"]);
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const { users } = await told(USERS, { filter: { search: word }, first: 2, after });
      expect(users.totalCount).toBe(5);
      seen.push(...users.nodes.map(({ id }: { id: string }) => id));
      after = users.pageInfo.hasNextPage ? users.pageInfo.endCursor : null;
    } while (after);
    expect(seen).toEqual(ids.toReversed());
  });

  it("sees everything about a person, and nobody who was erased", async () => {
    const { word, ids } = await aClass(["here", "gone"]);
    const data = { emailVerifiedAt: new Date("2026-01-02T03:04:05Z"), locale: "de" };
    await app.container.db.user.update({ where: { id: ids[0] }, data });
    await app.container.db.user.update({ where: { id: ids[1] }, data: { erasedAt: new Date() } });
    const { user } = await told(USER, { id: ids[0]!.toUpperCase() });
    expect(user).toEqual({
      email: `${word}.0@school.example`,
      locale: "de",
      emailVerifiedAt: "2026-01-02T03:04:05.000Z",
      disabledAt: null,
      secondFactorAt: null,
    });
    expect(await found({ search: word })).toEqual([ids[0]]);
    for (const id of [ids[1], nothingsId(), "nobody", ""])
      expect(await app.refusal(USER, { id }, admin.token)).toBe("NOT_FOUND");
  });

  it("is told which part of the filter is wrong", async () => {
    const wrong = async (operation: string, filter: object) =>
      (await app.ask(operation, { filter }, admin.token)).errors![0]!.extensions.fields;
    expect(await wrong(USERS, { search: "x".repeat(201) })).toMatchObject([{ path: "filter.search" }]);
    expect(await wrong(USERS, { search: "a\0b" })).toMatchObject([{ path: "filter.search" }]);
    expect(await wrong(AUDIT, { actorId: "x", entityId: "y" })).toMatchObject([
      { path: "filter.actorId" },
      { path: "filter.entityId" },
    ]);
  });

  it("costs one statement for a page of fifty, and one for the audit log with everybody in it", async () => {
    const admins = await somePeople(app.container, 50, "ADMIN");
    const { ids } = await aClass(Array.from({ length: 50 }, (_, index) => `student ${index}`));
    const { people } = app.container.services;
    for (const [index, { actor }] of admins.entries()) await people.disable(actor, ids[index]!);
    const users = await statementsOf(app, () => told("{ users(first: 50) { nodes { id name role locale } } }"));
    expect(users).toHaveLength(1);
    const LOG = "{ auditLog(first: 50) { nodes { action actor { id name } } } }";
    let log: { actor: { id: string } }[] = [];
    const statements = await statementsOf(app, async () => {
      log = (await told(LOG)).auditLog.nodes;
    });
    expect(new Set(log.map(({ actor }) => actor.id)).size).toBe(50);
    expect(statements).toHaveLength(2);
  });
});

describe("giving somebody another role", () => {
  it("ends their sessions, counts at the next log-in and is written down", async () => {
    const person = await somebodyLoggedIn();
    expect((await told(ME, {}, person)).me.role).toBe("STUDENT");
    expect((await told(SET_ROLE, { id: person.id, role: "INSTRUCTOR" })).updateUserRole.role).toBe("INSTRUCTOR");
    expect(await refresh(person)).toBe("SESSION_OVER");
    expect((await told(ME, {}, person)).me.role).toBe("INSTRUCTOR");
    const again = await app.ask(LOGIN, { email: person.email, password });
    expect(again.data.login.user.role).toBe("INSTRUCTOR");
    expect(await auditOf(person.id)).toEqual([
      {
        id: expect.any(String),
        at: expect.any(String),
        actor: { id: admin.id, name: expect.any(String) },
        action: "user.updateRole",
        entityType: "User",
        entityId: person.id,
        before: { role: "STUDENT" },
        after: { role: "INSTRUCTOR" },
      },
    ]);
  });

  it("changes nothing where they have it already", async () => {
    const person = await somebodyLoggedIn();
    expect((await told(SET_ROLE, { id: person.id, role: "STUDENT" })).updateUserRole.role).toBe("STUDENT");
    expect(await refresh(person)).toBeUndefined();
    expect(await auditOf(person.id)).toEqual([]);
  });

  it("is given to nobody who registered an address without verifying it, but to people who were invited", async () => {
    const person = await somebodyLoggedIn();
    await app.container.db.user.update({ where: { id: person.id }, data: { emailVerifiedAt: null } });
    expect(await app.refusal(SET_ROLE, { id: person.id, role: "ADMIN" }, admin.token)).toBe("EMAIL_NOT_VERIFIED");
    await app.container.db.user.update({ where: { id: person.id }, data: { passwordHash: null } });
    expect((await told(SET_ROLE, { id: person.id, role: "ADMIN" })).updateUserRole.role).toBe("ADMIN");
  });

  it("is one story in the log when several do it at the same moment", async () => {
    const person = await somebodyLoggedIn();
    const admins = await somePeople(app.container, 4, "ADMIN");
    const roles: UserRole[] = ["INSTRUCTOR", "ADMIN", "INSTRUCTOR", "ADMIN"];
    await Promise.all(admins.map((one, index) => told(SET_ROLE, { id: person.id, role: roles[index] }, one)));
    const steps: { before: { role: UserRole }; after: { role: UserRole } }[] = (await auditOf(person.id)).toReversed();
    const { role } = await app.container.db.user.findUniqueOrThrow({ where: { id: person.id } });
    expect(steps.map(({ before }) => before.role)).toEqual([
      "STUDENT",
      ...steps.slice(0, -1).map(({ after }) => after.role),
    ]);
    expect(steps.at(-1)!.after.role).toBe(role);
    for (const { before, after } of steps) expect(after.role).not.toBe(before.role);
  });
});

describe("disabling an account", () => {
  it("ends its sessions and lets nobody in until it is enabled again", async () => {
    const person = await somebodyLoggedIn();
    expect((await told(ME, {}, person)).me.disabledAt).toBeNull();
    expect((await told(DISABLE, { id: person.id })).disableUser.disabledAt).not.toBeNull();
    expect((await told(ME, {}, person)).me.disabledAt).not.toBeNull();
    expect(await refresh(person)).toBe("SESSION_OVER");
    expect(await logIn(person)).toBe("WRONG_CREDENTIALS");
    expect((await told(ENABLE, { id: person.id })).enableUser.disabledAt).toBeNull();
    expect(await refresh(person)).toBe("SESSION_OVER");
    expect(await logIn(person)).toBeUndefined();
    expect(await auditOf(person.id)).toMatchObject([
      { action: "user.enable", before: { disabled: true }, after: { disabled: false } },
      { action: "user.disable", before: { disabled: false }, after: { disabled: true } },
    ]);
  });

  it("is written down once, however often and by however many it is done", async () => {
    const { ids } = await aClass(["twice"]);
    const admins = await somePeople(app.container, 5, "ADMIN");
    await Promise.all(admins.map((one) => told(DISABLE, { id: ids[0] }, one)));
    const { disabledAt } = (await told(USER, { id: ids[0] })).user;
    expect((await told(DISABLE, { id: ids[0] })).disableUser.disabledAt).toBe(disabledAt);
    expect(await auditOf(ids[0]!)).toHaveLength(1);
    await told(ENABLE, { id: ids[0] });
    await told(ENABLE, { id: ids[0] });
    expect(await auditOf(ids[0]!)).toHaveLength(2);
  });

  it("happens as a whole or not at all", async () => {
    const person = await somebodyLoggedIn();
    const { db } = app.container;
    await db.$executeRawUnsafe(
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no log'; END $$`,
    );
    await db.$executeRawUnsafe(
      "CREATE TRIGGER refuse BEFORE INSERT ON audit_entries FOR EACH ROW EXECUTE FUNCTION refuse()",
    );
    try {
      expect(await app.refusal(DISABLE, { id: person.id }, admin.token)).toBe("INTERNAL_SERVER_ERROR");
    } finally {
      await db.$executeRawUnsafe("DROP FUNCTION refuse CASCADE");
    }
    expect((await told(USER, { id: person.id })).user.disabledAt).toBeNull();
    expect(await refresh(person)).toBeUndefined();
  });
});

describe("turning the second factor of somebody else off", () => {
  it("lets them in with the password alone, ends their sessions, and is written down and told by mail", async () => {
    const person = await somebodyLoggedIn();
    const { db } = app.container;
    const on = { totpSecret: "sealed", totpConfirmedAt: new Date(), totpLastStep: 1 };
    await db.user.update({
      where: { id: person.id },
      data: { ...on, recoveryCodes: { create: [{ hash: "one" }, { hash: "two" }] } },
    });
    await app.container.cache.dropPattern("*");
    expect(await logIn(person)).toBe("SECOND_FACTOR_REQUIRED");
    expect((await told(ME, {}, person)).me.secondFactorAt).not.toBeNull();
    expect((await told(RESET, { id: person.id })).resetSecondFactor.secondFactorAt).toBeNull();
    expect((await told(ME, {}, person)).me.secondFactorAt).toBeNull();
    expect(await refresh(person)).toBe("SESSION_OVER");
    expect(await logIn(person)).toBeUndefined();
    expect(await db.recoveryCode.count({ where: { userId: person.id } })).toBe(0);
    await told(RESET, { id: person.id });
    expect(await auditOf(person.id)).toMatchObject([
      {
        action: "user.secondFactor.reset",
        actor: { id: admin.id },
        before: { secondFactor: true },
        after: { secondFactor: false },
      },
    ]);
    const mails = await db.outboxJob.findMany({ where: { queue: "email", ownerId: person.id } });
    expect(mails).toMatchObject([{ payload: { template: "secondFactorChanged", userId: person.id, change: "RESET" } }]);
  });
});

describe("what an administrator may not do", () => {
  it.each([
    ["change the own role", SET_ROLE],
    ["disable the own account", DISABLE],
    ["reset the own second factor", RESET],
  ])("is to %s, so that the last one stays", async (_what, operation) => {
    const variables = { id: admin.id.toUpperCase(), role: "STUDENT" };
    expect(await app.refusal(operation, variables, admin.token)).toBe("OWN_ACCOUNT");
    expect(await auditOf(admin.id)).toEqual([]);
  });

  it.each([
    ["updateUserRole", SET_ROLE],
    ["disableUser", DISABLE],
    ["enableUser", ENABLE],
    ["resetSecondFactor", RESET],
  ])("is %s for nobody", async (_field, operation) => {
    for (const id of [nothingsId(), "nobody", ""])
      expect(await app.refusal(operation, { id, role: "ADMIN" }, admin.token)).toBe("NOT_FOUND");
  });

  it("is to bring an erased account back, or to change it", async () => {
    const { ids } = await aClass(["gone"]);
    const gone = { erasedAt: new Date(), disabledAt: new Date(), totpConfirmedAt: new Date() };
    await app.container.db.user.update({ where: { id: ids[0] }, data: gone });
    expect(await app.refusal(ENABLE, { id: ids[0] }, admin.token)).toBe("ACCOUNT_ERASED");
    for (const operation of [SET_ROLE, DISABLE, RESET])
      expect(await app.refusal(operation, { id: ids[0], role: "ADMIN" }, admin.token)).toBe("NOT_FOUND");
    expect(await auditOf(ids[0]!)).toEqual([]);
  });

  it.each([
    ["demoted", { role: "INSTRUCTOR" }],
    ["disabled", { disabledAt: new Date() }],
  ] as const)("is anything after being %s, though the token is still good", async (_how, data) => {
    const [former] = (await somePeople(app.container, 1, "ADMIN")) as [Person];
    const { ids } = await aClass(["somebody"]);
    await app.container.db.user.update({ where: { id: former.id }, data });
    for (const operation of [SET_ROLE, DISABLE, ENABLE, RESET])
      expect(await app.refusal(operation, { id: ids[0], role: "ADMIN" }, former.token)).toBe("FORBIDDEN");
    expect(await app.refusal(ENABLE, { id: former.id }, former.token)).toBe("FORBIDDEN");
    expect(await auditOf(ids[0]!)).toEqual([]);
  });

  it("is to disable each other at the same moment: one of the two stays", async () => {
    for (let round = 0; round < 5; round++) {
      const [one, other] = (await somePeople(app.container, 2, "ADMIN")) as [Person, Person];
      const answers = await Promise.all([
        app.refusal(DISABLE, { id: other.id }, one.token),
        app.refusal(DISABLE, { id: one.id }, other.token),
      ]);
      expect(answers.toSorted()).toEqual(["FORBIDDEN", undefined]);
      const left = { id: { in: [one.id, other.id] }, disabledAt: null };
      expect(await app.container.db.user.count({ where: left })).toBe(1);
    }
  });

  it.each(["STUDENT", "INSTRUCTOR"] as const)("is for no %s, whoever calls the service", async (role) => {
    const [person] = (await somePeople(app.container, 1, role)) as [Person];
    const { people } = app.container.services;
    const acts: ((actor: Actor, id: string) => Promise<unknown>)[] = [
      (actor) => people.list(actor, {}, {}),
      (actor) => people.auditLog(actor, {}, {}),
      people.get,
      (actor, id) => people.updateRole(actor, id, "ADMIN"),
      people.disable,
      people.enable,
      people.resetSecondFactor,
    ];
    for (const act of acts) await expect(act(person.actor, admin.id)).rejects.toMatchObject({ code: "FORBIDDEN" });
  });
});

describe("the audit log", () => {
  it("shows what was done to an exam, by whom, newest first", async () => {
    const school = await aSchool(app.container);
    const { examId } = await anExam(app.container, school);
    await app.container.services.exams.archive(school.teacher.actor, examId);
    const log = await auditOf(examId);
    expect(log.map(({ action }: { action: string }) => action)).toEqual(["archiveExam", "publishExam"]);
    expect(log[0]).toMatchObject({ actor: { id: school.teacher.id }, entityType: "Exam", entityId: examId });
  });

  it("is narrowed down by who, what, on what and when, and read page by page", async () => {
    const [other] = (await somePeople(app.container, 1, "ADMIN")) as [Person];
    const { ids } = await aClass(["one", "two", "three"]);
    for (const id of ids) await told(DISABLE, { id }, other);
    await told(ENABLE, { id: ids[0] }, other);
    const log = async (filter: object, page: object = {}) =>
      (await told(AUDIT, { filter: { actorId: other.id, ...filter }, ...page })).auditLog;
    expect(await log({})).toMatchObject({ totalCount: 4 });
    expect((await log({ action: "user.disable" })).nodes.map((entry: { entityId: string }) => entry.entityId)).toEqual(
      ids.toReversed(),
    );
    expect(await log({ entityId: ids[0], entityType: "User" })).toMatchObject({ totalCount: 2 });
    expect(await log({ entityType: "Exam" })).toMatchObject({ totalCount: 0 });
    const [newest, , , oldest] = (await log({})).nodes;
    const past = (time: string) => new Date(Date.parse(time) + 1).toISOString();
    expect(await log({ from: past(newest.at) })).toMatchObject({ totalCount: 0 });
    expect(await log({ to: oldest.at })).toMatchObject({ totalCount: 0 });
    expect(await log({ from: oldest.at, to: past(newest.at) })).toMatchObject({ totalCount: 4 });
    const first = await log({}, { first: 3 });
    const rest = await log({}, { first: 3, after: first.pageInfo.endCursor });
    expect([first.nodes.length, first.pageInfo.hasNextPage]).toEqual([3, true]);
    expect(rest.nodes).toEqual([oldest]);
  });

  it("names nobody: neither addresses nor names are in it", async () => {
    const person = await somebodyLoggedIn();
    await told(SET_ROLE, { id: person.id, role: "INSTRUCTOR" });
    await told(DISABLE, { id: person.id });
    const school = await aSchool(app.container);
    const { examId } = await anExam(app.container, school);
    const student = school.students[0]!;
    const accommodation = { examId, userId: student.id, extraTimePercent: 0, extraMinutes: 5, extraAttempts: 0 };
    await app.container.services.accommodations.set(school.teacher.actor, accommodation);
    const stored = JSON.stringify(await app.container.db.auditEntry.findMany()).toLowerCase();
    expect(stored).toContain(student.id);
    for (const { email, name } of await app.container.db.user.findMany({
      where: { id: { in: [person.id, admin.id, student.id, school.teacher.id] } },
    })) {
      expect(stored).not.toContain(email);
      expect(stored).not.toContain(name.toLowerCase());
    }
  });

  it("has no actor for what the system did, and for somebody who is gone", async () => {
    const entityId = nothingsId();
    for (const actorId of [null, nothingsId()])
      await app.container.db.auditEntry.create({
        data: { id: uuidv7(), actorId, action: "test", entityType: "Test", entityId },
      });
    expect(await auditOf(entityId)).toMatchObject([{ actor: null }, { actor: null }]);
  });

  it.each([
    ["retryDeadLetter", "deadLetters.retry"],
    ["discardDeadLetter", "deadLetters.discard"],
  ])("has a line for %s, and none when there is no such job", async (field, action) => {
    const { queues, deadLetters } = app.container;
    const jobId = uuidv7();
    await queues.use("exam", (queue) => queue.add("gradeAttempt", { payload: { attemptId: nothingsId() } }, { jobId }));
    const job = (await queues.use("exam", (queue) => queue.getJob(jobId)))!;
    await deadLetters.add("exam", Object.assign(job, { failedReason: "broken" }));
    const SETTLE = `mutation ($id: ID!) { ${field}(id: $id) }`;
    await told(SETTLE, { id: `exam-${jobId}` });
    expect(await app.refusal(SETTLE, { id: `exam-${jobId}` }, admin.token)).toBe("NOT_FOUND");
    expect(await auditOf(jobId)).toMatchObject([
      {
        action,
        entityType: "Job",
        actor: { id: admin.id },
        before: { ids: [`exam-${jobId}`], found: 1 },
        after: { ids: [`exam-${jobId}`], count: 1 },
      },
    ]);
  });
});
