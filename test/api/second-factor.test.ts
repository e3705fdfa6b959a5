import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { generate } from "otplib";
import { uuidv7 } from "uuidv7";
import type { UserRole } from "../../src/generated/prisma/enums.ts";
import { aKeptLog } from "../support/logLines.ts";
import { anExam, aSchool } from "../support/school.ts";
import { firstOf } from "../support/subscriber.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";
import { nothingsId } from "../support/world.ts";

const password = "correct horse battery staple";
const STEP_MS = 30_000;
/** The school's time goes on only when a test says so. It is in the past, so that jobs are due. */
let now = Date.now() - 3_600_000;
const ambient = { clock: () => new Date(now), newId: uuidv7 };
/** No code of before is still good. */
const later = () => (now += 10 * STEP_MS);

const kept = aKeptLog();
let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({
    ambient,
    env: { SECOND_FACTOR_ROLES: "INSTRUCTOR,ADMIN", ACCESS_TOKEN_SECONDS: "86400" },
  });
});
afterAll(() => app.close());
beforeEach(() => void later());

const LOGIN = `mutation ($email: String!, $password: String!, $code: String) {
  login(email: $email, password: $password, code: $code) {
    accessToken refreshToken secondFactorSetupRequired user { id secondFactorAt }
  }
}`;
const SET_UP = "mutation ($password: String!) { setUpSecondFactor(password: $password) { secret otpauthUrl } }";
const CONFIRM = "mutation ($code: String!) { confirmSecondFactor(code: $code) }";
const RENEW = "mutation ($password: String!, $code: String!) { renewRecoveryCodes(password: $password, code: $code) }";
const REMOVE = "mutation ($password: String!, $code: String!) { removeSecondFactor(password: $password, code: $code) }";
const REFRESH =
  "mutation ($token: String!) { refreshSession(refreshToken: $token) { accessToken secondFactorSetupRequired } }";
const ME = "{ me { secondFactorAt } }";
const COURSES = "{ courses { totalCount } }";

interface LoggedIn {
  id: string;
  email: string;
  token: string;
  refreshToken: string;
}
interface Protected extends LoggedIn {
  secret: string;
  recoveryCodes: string[];
}

async function somebody(role: UserRole = "STUDENT"): Promise<LoggedIn> {
  const email = `${uuidv7()}@school.example`;
  const { id } = await app.container.services.accounts.open({ email, password, name: "Somebody", role });
  const { accessToken, refreshToken } = (await app.ask(LOGIN, { email, password })).data.login;
  return { id, email, token: accessToken, refreshToken };
}

const setUp = async ({ token }: LoggedIn): Promise<string> =>
  (await app.ask(SET_UP, { password }, token)).data.setUpSecondFactor.secret;

/** Somebody whose second factor is on; of the app's codes all those from now on are still good. */
async function somebodyProtected(role?: UserRole): Promise<Protected> {
  const person = await somebody(role);
  const secret = await setUp(person);
  const { data } = await app.ask(CONFIRM, { code: await codeOf(secret) }, person.token);
  later();
  return { ...person, secret, recoveryCodes: data.confirmSecondFactor };
}

/** What the app shows, or showed or will show some steps from now. */
const codeOf = (secret: string, { steps = 0 } = {}): Promise<string> =>
  generate({ secret, epoch: Math.floor((now + steps * STEP_MS) / 1000) });

const logIn = ({ email }: LoggedIn, code?: string) => app.refusal(LOGIN, { email, password, code });

const auditOf = (userId: string) =>
  app.container.db.auditEntry.findMany({
    where: { entityId: userId },
    orderBy: { id: "asc" },
    select: { action: true, actorId: true, before: true, after: true },
  });
const mailsTo = async (userId: string) =>
  (
    await app.container.db.outboxJob.findMany({ where: { queue: "email", ownerId: userId }, orderBy: { id: "asc" } })
  ).map(({ payload }) => payload);

describe("setting up a second factor", () => {
  it("takes the password and gives a secret that counts only once it is confirmed", async () => {
    const person = await somebody();
    expect(await app.refusal(SET_UP, { password: "not this one" }, person.token)).toBe("WRONG_CREDENTIALS");
    const { data } = await app.ask(SET_UP, { password }, person.token);
    const { secret, otpauthUrl } = data.setUpSecondFactor;
    expect(new URL(otpauthUrl).searchParams.get("secret")).toBe(secret);
    expect(decodeURIComponent(otpauthUrl)).toContain(person.email);
    expect(await logIn(person)).toBeUndefined();
  });

  it("is confirmed by a first code, which gives ten recovery codes, a line in the audit log and a mail", async () => {
    const person = await somebody();
    expect((await app.ask(ME, {}, person.token)).data.me.secondFactorAt).toBeNull();
    const secret = await setUp(person);
    expect(await app.refusal(CONFIRM, { code: "12345" }, person.token)).toBe("WRONG_CODE");
    expect(await app.refusal(CONFIRM, { code: await codeOf(secret, { steps: 4 }) }, person.token)).toBe("WRONG_CODE");
    const code = await codeOf(secret);
    const { data } = await app.ask(CONFIRM, { code }, person.token);
    expect(await logIn(person, code)).toBe("WRONG_CODE");
    expect(new Set(data.confirmSecondFactor).size).toBe(10);
    for (const given of data.confirmSecondFactor) expect(given).toMatch(/^[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}$/);
    expect((await app.ask(ME, {}, person.token)).data.me.secondFactorAt).toBe(new Date(now).toISOString());
    expect(await auditOf(person.id)).toEqual([
      {
        action: "user.secondFactor.on",
        actorId: person.id,
        before: { secondFactor: false },
        after: { secondFactor: true },
      },
    ]);
    expect(await mailsTo(person.id)).toEqual([{ template: "secondFactorChanged", userId: person.id, change: "ON" }]);
  });

  it("begins anew with another secret as often as one likes, until it is on", async () => {
    const person = await somebody();
    expect(await app.refusal(CONFIRM, { code: "123456" }, person.token)).toBe("NO_SECOND_FACTOR");
    const [lost, secret] = [await setUp(person), await setUp(person)];
    expect(await app.refusal(CONFIRM, { code: await codeOf(lost) }, person.token)).toBe("WRONG_CODE");
    const code = await codeOf(secret);
    expect((await app.ask(CONFIRM, { code }, person.token)).errors).toBeUndefined();
    expect(await app.refusal(CONFIRM, { code }, person.token)).toBe("SECOND_FACTOR_ON");
    expect(await app.refusal(SET_UP, { password }, person.token)).toBe("SECOND_FACTOR_ON");
  });

  it("gives recovery codes once when two tabs confirm at the same moment", async () => {
    const person = await somebody();
    const code = await codeOf(await setUp(person));
    const answers = await Promise.all([1, 2, 3].map(() => app.refusal(CONFIRM, { code }, person.token)));
    expect(answers.filter((refusal) => refusal === undefined)).toHaveLength(1);
    expect(answers.filter((refusal) => refusal === "SECOND_FACTOR_ON")).toHaveLength(2);
    expect(await app.container.db.recoveryCode.count({ where: { userId: person.id } })).toBe(10);
    expect(await auditOf(person.id)).toHaveLength(1);
  });

  it("leaves neither the secret nor a recovery code readable in the database", async () => {
    const { id, secret, recoveryCodes } = await somebodyProtected();
    const row = await app.container.db.user.findUniqueOrThrow({ where: { id }, include: { recoveryCodes: true } });
    const stored = JSON.stringify(row).toLowerCase();
    for (const told of [secret, ...recoveryCodes, ...recoveryCodes.map((code) => code.replaceAll("-", ""))])
      expect(stored).not.toContain(told.toLowerCase());
  });

  it("is of no use in the row of somebody else", async () => {
    const [one, other] = [await somebodyProtected(), await somebodyProtected()];
    const { totpSecret } = await app.container.db.user.findUniqueOrThrow({ where: { id: one.id } });
    await app.container.db.user.update({ where: { id: other.id }, data: { totpSecret } });
    const { hash } = await app.container.db.recoveryCode.findFirstOrThrow({ where: { userId: one.id } });
    await app.container.db.recoveryCode.create({ data: { userId: other.id, hash } });
    expect(await logIn(other, await codeOf(one.secret))).toBe("WRONG_CODE");
    for (const code of one.recoveryCodes) expect(await logIn(other, code)).toBe("WRONG_CODE");
  });

  it("is not set up by somebody whose address is not verified: it may be another's", async () => {
    const { id, token } = await somebody();
    await app.container.db.user.update({ where: { id }, data: { emailVerifiedAt: null } });
    expect(await app.refusal(SET_UP, { password }, token)).toBe("EMAIL_NOT_VERIFIED");
  });

  it.each(["setUpSecondFactor", "renewRecoveryCodes", "removeSecondFactor"])(
    "is not possible by %s for an account that was disabled meanwhile",
    async (field) => {
      const person = field === "setUpSecondFactor" ? await somebody() : await somebodyProtected();
      await app.container.db.user.update({ where: { id: person.id }, data: { disabledAt: new Date() } });
      const operation = { setUpSecondFactor: SET_UP, renewRecoveryCodes: RENEW, removeSecondFactor: REMOVE }[field]!;
      expect(await app.refusal(operation, { password, code: "123456" }, person.token)).toBe("WRONG_CREDENTIALS");
    },
  );

  it("is not confirmed for an account that was disabled meanwhile", async () => {
    const person = await somebody();
    const code = await codeOf(await setUp(person));
    await app.container.db.user.update({ where: { id: person.id }, data: { disabledAt: new Date() } });
    expect(await app.refusal(CONFIRM, { code }, person.token)).toBe("UNAUTHENTICATED");
    expect(await auditOf(person.id)).toEqual([]);
  });
});

describe("a log-in with a second factor", () => {
  it("asks for a code after the password, and takes each code once", async () => {
    const person = await somebodyProtected();
    const code = await codeOf(person.secret);
    expect(await logIn(person)).toBe("SECOND_FACTOR_REQUIRED");
    expect(await logIn(person, "")).toBe("SECOND_FACTOR_REQUIRED");
    for (const wrong of ["000000", "x", "😀".repeat(10), "1".repeat(100_000)])
      expect(await logIn(person, wrong)).toBe("WRONG_CODE");
    const { data } = await app.ask(LOGIN, { email: person.email, password, code });
    expect(data.login).toMatchObject({ secondFactorSetupRequired: false, user: { id: person.id } });
    expect(await logIn(person, code)).toBe("WRONG_CODE");
  });

  it("does not use the code up when the password is wrong", async () => {
    const person = await somebodyProtected();
    const code = await codeOf(person.secret);
    const { email } = person;
    expect(await app.refusal(LOGIN, { email, password: "not this one", code })).toBe("WRONG_CREDENTIALS");
    expect(await logIn(person, code)).toBeUndefined();
  });

  it("lets one in when a code is sent by several at the same moment", async () => {
    const person = await somebodyProtected();
    const code = await codeOf(person.secret);
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => logIn(person, code)));
    expect(answers.filter((refusal) => refusal === undefined)).toHaveLength(1);
    expect(answers.filter((refusal) => refusal === "WRONG_CODE")).toHaveLength(4);
  });

  it("bears a clock that is half a minute off, but no code from before the last one", async () => {
    const person = await somebodyProtected();
    const [before, current, next] = await Promise.all([-1, 0, 1].map((steps) => codeOf(person.secret, { steps })));
    expect(await logIn(person, await codeOf(person.secret, { steps: -2 }))).toBe("WRONG_CODE");
    expect(await logIn(person, await codeOf(person.secret, { steps: 2 }))).toBe("WRONG_CODE");
    expect(await logIn(person, before)).toBeUndefined();
    expect(await logIn(person, next)).toBeUndefined();
    expect(await logIn(person, current)).toBe("WRONG_CODE");
  });

  it("takes a code however it is spaced", async () => {
    const person = await somebodyProtected();
    const [first, second] = [await codeOf(person.secret), await codeOf(person.secret, { steps: 1 })];
    expect(await logIn(person, ` ${first.slice(0, 3)} ${first.slice(3)}\t`)).toBeUndefined();
    expect(await logIn(person, `${second.slice(0, 3)}\u2013${second.slice(3)}`)).toBeUndefined();
  });

  it("takes each recovery code once in place of a code, however it is typed", async () => {
    const person = await somebodyProtected();
    const stranger = await somebodyProtected();
    const [first, second, third] = person.recoveryCodes as [string, string, string];
    expect(await logIn(stranger, first)).toBe("WRONG_CODE");
    expect(await logIn(person, first)).toBeUndefined();
    expect(await logIn(person, first)).toBe("WRONG_CODE");
    expect(await logIn(person, ` ${second.toUpperCase().replaceAll("-", " ")} `)).toBeUndefined();
    expect(await logIn(person, third.replaceAll("-", "").replaceAll("1", "I").replaceAll("0", "o"))).toBeUndefined();
    const left = await app.container.db.recoveryCode.count({ where: { userId: person.id, usedAt: null } });
    expect(left).toBe(7);
  });

  it("lets one in when a recovery code is sent by several at the same moment", async () => {
    const person = await somebodyProtected();
    const answers = await Promise.all([1, 2, 3, 4].map(() => logIn(person, person.recoveryCodes[0])));
    expect(answers.filter((refusal) => refusal === undefined)).toHaveLength(1);
  });

  it("stays shut, and the log says why, when the key of the secrets was exchanged", async () => {
    const person = await somebodyProtected();
    const config = { ...app.config, SECRETS_KEY: randomBytes(32).toString("base64") };
    const other = await startTestApp({ ambient, beside: { config }, log: kept.log });
    const login = { email: person.email, password };
    expect(await other.refusal(LOGIN, { ...login, code: await codeOf(person.secret) })).toBe("WRONG_CODE");
    expect(await other.refusal(LOGIN, { ...login, code: person.recoveryCodes[0] })).toBe("WRONG_CODE");
    await other.close();
    expect(kept.lines).toContainEqual(expect.objectContaining({ userId: person.id, level: 50 }));
    expect(kept.text()).not.toContain(person.secret);
  });
});

describe("new recovery codes", () => {
  it("take password and code, and make the old ones worthless", async () => {
    const person = await somebodyProtected();
    const code = await codeOf(person.secret);
    const renewing = (given: object) => app.refusal(RENEW, { password, code, ...given }, person.token);
    expect(await renewing({ password: "not this one" })).toBe("WRONG_CREDENTIALS");
    expect(await renewing({ code: "000000" })).toBe("WRONG_CODE");
    const { data } = await app.ask(RENEW, { password, code }, person.token);
    expect(new Set([...person.recoveryCodes, ...data.renewRecoveryCodes]).size).toBe(20);
    expect(await renewing({})).toBe("WRONG_CODE");
    expect(await logIn(person, person.recoveryCodes[0])).toBe("WRONG_CODE");
    expect(await logIn(person, data.renewRecoveryCodes[0])).toBeUndefined();
  });

  it("are not for an account without a second factor", async () => {
    const person = await somebody();
    expect(await app.refusal(RENEW, { password, code: "123456" }, person.token)).toBe("NO_SECOND_FACTOR");
    await setUp(person);
    expect(await app.refusal(RENEW, { password, code: "123456" }, person.token)).toBe("NO_SECOND_FACTOR");
  });
});

describe("turning the second factor off", () => {
  it("takes password and code, and is told by a line in the audit log and a mail", async () => {
    const person = await somebodyProtected();
    const code = await codeOf(person.secret);
    const removing = (given: object) => app.refusal(REMOVE, { password, code, ...given }, person.token);
    expect(await removing({ password: "not this one" })).toBe("WRONG_CREDENTIALS");
    expect(await removing({ code: "000000" })).toBe("WRONG_CODE");
    expect((await app.ask(ME, {}, person.token)).data.me.secondFactorAt).not.toBeNull();
    expect((await app.ask(REMOVE, { password, code }, person.token)).data.removeSecondFactor).toBe(true);
    expect((await app.ask(ME, {}, person.token)).data.me.secondFactorAt).toBeNull();
    expect(await removing({})).toBe("NO_SECOND_FACTOR");
    expect(await logIn(person)).toBeUndefined();
    expect(await app.container.db.recoveryCode.count({ where: { userId: person.id } })).toBe(0);
    expect((await auditOf(person.id)).at(-1)).toEqual({
      action: "user.secondFactor.off",
      actorId: person.id,
      before: { secondFactor: true },
      after: { secondFactor: false },
    });
    expect((await mailsTo(person.id)).at(-1)).toMatchObject({ change: "OFF" });
  });

  it("works with a recovery code when the phone is gone", async () => {
    const person = await somebodyProtected();
    const code = person.recoveryCodes[9];
    expect((await app.ask(REMOVE, { password, code }, person.token)).errors).toBeUndefined();
  });

  it("is refused to a role that must have one, and costs no code", async () => {
    const person = await somebodyProtected("INSTRUCTOR");
    const code = await codeOf(person.secret);
    const { accessToken } = (await app.ask(REFRESH, { token: person.refreshToken })).data.refreshSession;
    expect(await app.refusal(REMOVE, { password, code }, accessToken)).toBe("SECOND_FACTOR_REQUIRED_BY_POLICY");
    expect(await logIn(person, code)).toBeUndefined();
  });
});

describe("a role that must have a second factor", () => {
  it("gets nothing but the way to one, and all else after a refresh", async () => {
    const teacher = await somebody("INSTRUCTOR");
    const { status, errors } = await app.ask(COURSES, {}, teacher.token);
    expect(status).toBe(200);
    expect(errors).toMatchObject([
      { extensions: { code: "FORBIDDEN", status: 403, reason: "SECOND_FACTOR_SETUP_REQUIRED" } },
    ]);
    const refreshed = async () =>
      (await app.ask(REFRESH, { token: teacher.refreshToken }, teacher.token)).data.refreshSession;
    const secret = await setUp(teacher);
    const code = await codeOf(secret);
    expect((await app.ask(CONFIRM, { code }, teacher.token)).errors).toBeUndefined();
    expect(await app.refusal(COURSES, {}, teacher.token)).toBe("SECOND_FACTOR_SETUP_REQUIRED");
    const { accessToken, secondFactorSetupRequired } = await refreshed();
    expect(secondFactorSetupRequired).toBe(false);
    expect((await app.ask(COURSES, {}, accessToken)).errors).toBeUndefined();
  });

  it("is told so by the log-in and by each refresh, and others are not", async () => {
    for (const [role, required] of [
      ["STUDENT", false],
      ["INSTRUCTOR", true],
      ["ADMIN", true],
    ] as const) {
      const { email, refreshToken } = await somebody(role);
      const { login } = (await app.ask(LOGIN, { email, password })).data;
      const { refreshSession } = (await app.ask(REFRESH, { token: refreshToken })).data;
      expect([role, login.secondFactorSetupRequired, refreshSession.secondFactorSetupRequired]).toEqual([
        role,
        required,
        required,
      ]);
    }
  });

  it.each(["ws", "sse"] as const)("gets no subscription over %s before", async (over) => {
    const teacher = await somebody("INSTRUCTOR");
    const WATCH = "subscription ($id: ID!) { attemptChanged(attemptId: $id) { status } }";
    const { errors } = await firstOf(app.url, WATCH, { id: nothingsId() }, teacher.token, over);
    expect(errors).toMatchObject([{ extensions: { code: "FORBIDDEN", reason: "SECOND_FACTOR_SETUP_REQUIRED" } }]);
  });

  it("is not served an answer that was stored for the same person before", async () => {
    const { teacher, ...school } = await aSchool(app.container);
    const { examId } = await anExam(app.container, { teacher, ...school });
    const SEE = "query ($id: ID!) { exam(id: $id) { title } }";
    const { token: limited } = await app.container.tokens.sign({ ...teacher.actor, secondFactorMissing: true });
    const see = async (token: string) => {
      const { headers, errors } = await app.ask(SEE, { id: examId }, token);
      return [headers.get("x-lectern-cache"), errors?.[0]?.extensions.reason];
    };
    expect(await see(limited)).toEqual(["miss", "SECOND_FACTOR_SETUP_REQUIRED"]);
    expect(await see(teacher.token)).toEqual(["miss", undefined]);
    expect(await see(teacher.token)).toEqual(["hit", undefined]);
    expect(await see(limited)).toEqual(["miss", "SECOND_FACTOR_SETUP_REQUIRED"]);
  });
});
