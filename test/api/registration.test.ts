import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { aLinkFor } from "../support/links.ts";
import { startMailServer } from "../support/mailServer.ts";
import { anExam, aSchool } from "../support/school.ts";
import { statementsOf } from "../support/statements.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const REGISTER = `mutation ($input: RegisterInput!) { register(input: $input) {
  user { id email name role createdAt locale emailVerifiedAt lastLoginAt } queued jobId
} }`;
const VERIFY = "mutation ($token: String!) { verifyEmail(token: $token) { id name } }";
const RESEND = "mutation ($email: String!) { resendVerification(email: $email) { queued jobId } }";
const FORGOT = "mutation ($email: String!) { requestPasswordReset(email: $email) { queued jobId } }";
const LOGIN = `mutation ($email: String!, $password: String!) {
  login(email: $email, password: $password) { accessToken refreshToken user { id name } }
}`;
const ACCEPT = `mutation ($token: String!, $password: String!, $name: String) {
  acceptInvitation(token: $token, password: $password, name: $name) { id }
}`;
const REFRESH = "mutation ($token: String!) { refreshSession(refreshToken: $token) { refreshToken } }";
const ME = "{ me { id email name locale emailVerifiedAt } }";
const START = "mutation ($id: ID!) { startAttempt(examId: $id) { id } }";
const password = "correct horse battery staple";

let people = 0;
const anAddress = () => `person-${people++}@school.example`;
const register = async (input: object) => (await app.ask(REGISTER, { input })).data.register;
async function anAccount() {
  const email = anAddress();
  const { user } = await register({ email, password, name: "Person" });
  return { email, id: user.id as string };
}
const rowOf = (email: string) => app.container.db.user.findUnique({ where: { email } });
const jobOf = (id: string) => app.container.db.outboxJob.findUniqueOrThrow({ where: { id } });
const tokenOf = async (email: string) => (await app.ask(LOGIN, { email, password })).data.login.accessToken as string;
const outcomes = (answers: { errors?: { extensions: { reason?: unknown } }[] }[]) =>
  answers.map(({ errors }) => errors?.[0]?.extensions.reason ?? "OK").sort();

describe("a registration", () => {
  it("opens a student's account, whatever the spelling of the address, and asks for the mail that verifies it", async () => {
    const input = { email: " Ada@School.Example ", password, name: " Ada Lovelace ", locale: "de" };
    const { user, queued, jobId } = await register(input);
    expect(user).toMatchObject({ email: "ada@school.example", name: "Ada Lovelace", role: "STUDENT" });
    expect(queued).toBe(true);
    const row = await rowOf("ada@school.example");
    expect(row).toMatchObject({ id: user.id, name: "Ada Lovelace", locale: "de", emailVerifiedAt: null });
    expect(row!.createdAt.toISOString()).toBe(user.createdAt);
    const { queue, name, payload, ownerId } = await jobOf(jobId);
    expect({ queue, name, payload, ownerId }).toEqual({
      queue: "email",
      name: "sendTemplate",
      payload: { template: "registration", email: "ada@school.example" },
      ownerId: user.id,
    });
  });

  it("is answered for an address that has an account as for a new one, and changes nothing", async () => {
    const { email } = await anAccount();
    await app.container.db.user.update({ where: { email }, data: { emailVerifiedAt: new Date() } });
    const before = await rowOf(email);
    const taken = { email: email.toUpperCase(), password: "another good password", name: "Stranger", locale: "de" };
    const fresh = { ...taken, email: anAddress() };
    const [toTaken, toFresh] = [await app.ask(REGISTER, { input: taken }), await app.ask(REGISTER, { input: fresh })];

    const shown = (answer: typeof toTaken) => {
      const { user, queued, jobId } = answer.data.register;
      const { id, createdAt, email: _, ...rest } = user;
      const shapes = [id, jobId, createdAt].map((text: string) => text.replace(/[0-9a-f]/g, "x"));
      return { status: answer.status, errors: answer.errors, queued, rest, shapes };
    };
    expect(shown(toTaken)).toEqual(shown(toFresh));
    expect(toTaken.data.register.user).toMatchObject({ email, name: "Stranger", role: "STUDENT" });
    expect(Math.abs(Date.now() - Date.parse(toTaken.data.register.user.createdAt))).toBeLessThan(60_000);

    expect(await rowOf(email)).toEqual(before);
    const { id } = toTaken.data.register.user;
    expect(await app.container.db.user.findUnique({ where: { id } })).toBeNull();
    const { payload, ownerId } = await jobOf(toTaken.data.register.jobId);
    expect({ payload, ownerId }).toEqual({ payload: { template: "registration", email }, ownerId: null });
  });

  it("takes the same statements for an address that has an account", async () => {
    const { email } = await anAccount();
    await app.container.db.user.update({ where: { email }, data: { emailVerifiedAt: new Date() } });
    const ask = (address: string) =>
      statementsOf(app, () => app.ask(REGISTER, { input: { email: address, password, name: "Somebody" } }));
    const [fresh, taken] = [await ask(anAddress()), await ask(email)];
    expect(taken).toEqual(fresh);
    expect(fresh.filter((text) => text.includes("INSERT INTO"))).toHaveLength(1);
  });

  it("of an address that somebody registered and never verified leaves the password to who reads its mails", async () => {
    const { email, id } = await anAccount();
    const stolen = await aLinkFor(app.container, id, "VERIFY_EMAIL");
    const theirs = (await app.ask(LOGIN, { email, password })).data.login.refreshToken;
    const owner = { email, password: "the owner's own password", name: "Owner" };
    const { jobId } = await register(owner);

    for (const tried of [password, owner.password])
      expect(await app.refusal(LOGIN, { email, password: tried })).toBe("WRONG_CREDENTIALS");
    expect(await app.refusal(REFRESH, { token: theirs })).toBe("SESSION_OVER");
    expect(await app.refusal(VERIFY, { token: stolen })).toBe("TOKEN_NOT_GOOD");
    expect(await rowOf(email)).toMatchObject({ id, name: email.split("@")[0], passwordHash: null });
    expect(await jobOf(jobId)).toMatchObject({ payload: { template: "registration", email }, ownerId: id });

    const accept = { token: await aLinkFor(app.container, id, "INVITE"), password: owner.password, name: owner.name };
    expect((await app.ask(ACCEPT, accept)).errors).toBeUndefined();
    expect((await app.ask(LOGIN, { email, password: owner.password })).errors).toBeUndefined();
    expect(await rowOf(email)).toMatchObject({ name: "Owner", emailVerifiedAt: expect.any(Date) });
  });

  it("gives one account when twenty come for one address at once, and a mail to each", async () => {
    const email = anAddress();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => app.ask(REGISTER, { input: { email, password, name: `Person ${at}` } })),
    );
    expect(answers.flatMap(({ errors }) => errors ?? [])).toEqual([]);
    const row = (await rowOf(email))!;
    const jobs = await app.container.db.outboxJob.findMany({
      where: { id: { in: answers.map(({ data }) => data.register.jobId) } },
    });
    expect(jobs).toHaveLength(20);
    expect(jobs.filter(({ ownerId }) => ownerId !== null && ownerId !== row.id)).toEqual([]);
    expect(row.passwordHash).toBeNull();
  });

  it.each<[string, object, string[]]>([
    ["an address that is none", { email: "ada@school" }, ["input.email"]],
    ["an address with a line break", { email: "ada@school.example\r\nBcc: eve@school.example" }, ["input.email"]],
    ["an address with a second @", { email: "ada@school.example@evil.example" }, ["input.email"]],
    ["an address that turns the text around", { email: "\u202eada@school.example" }, ["input.email"]],
    ["an address with a Cyrillic letter among Latin ones", { email: "\u0430da@school.example" }, ["input.email"]],
    ["a name that turns the text around", { name: "\u202eadA" }, ["input.name"]],
    ["a name with a control character", { name: "Ada\u001b[2J" }, ["input.name"]],
    ["a name of nothing", { name: " \u00a0 " }, ["input.name"]],
    ["a name of seven megabytes", { name: "A".repeat(7_000_000) }, ["input.name"]],
    ["a name, an address and a password of accents", accents(), ["input.email", "input.password", "input.name"]],
    ["a short password", { password: "too short" }, ["input.password"]],
    ["a password that everybody would guess", { password: "Password123" }, ["input.password"]],
    [
      "the address for a password",
      { email: "ada.l@school.example", password: "Ada.L@School.Example" },
      ["input.password"],
    ],
    ["a language there is no mail in", { locale: "tlh" }, ["input.locale"]],
    ["everything wrong", { email: "", name: "", password: "" }, ["input.email", "input.password", "input.name"]],
  ])("is refused with the field named for %s, and nothing is written", async (_what, wrong, fields) => {
    const { db } = app.container;
    const counts = async () => [await db.user.count(), await db.outboxJob.count()];
    const before = await counts();
    const input = { email: anAddress(), password, name: "Ada", ...wrong };
    const { errors } = await app.ask(REGISTER, { input });
    expect(errors![0]!.extensions).toMatchObject({ code: "BAD_USER_INPUT" });
    const named = errors![0]!.extensions.fields as { path: string; message: string }[];
    expect([...new Set(named.map(({ path }) => path))]).toEqual(fields);
    expect(errors![0]!.message.length).toBeLessThan(500);
    expect(await counts()).toEqual(before);
  });

  /** Text that would take minutes to normalize. */
  function accents() {
    const text = "\u0344\u0327".repeat(200_000);
    return { email: `${text}@school.example`, name: text, password: text };
  }
});

describe("somebody whose address is not verified", () => {
  it("logs in, but starts no exam until the address is verified", async () => {
    const { email, id } = await anAccount();
    const school = await aSchool(app.container);
    const { examId } = await anExam(app.container, school);
    const students = [{ email, extraTimePercent: 0, role: "STUDENT" }];
    const { courseId } = school;
    const { unknownEmails } = await app.container.services.courses.enroll(school.teacher.actor, { courseId, students });
    expect(unknownEmails).toEqual([email]); // it may be anybody
    await app.container.db.enrollment.create({ data: { courseId, userId: id } });
    const token = await tokenOf(email);
    expect((await app.ask(ME, {}, token)).data.me).toMatchObject({ id, emailVerifiedAt: null });
    expect(await app.refusal(START, { id: examId }, token)).toBe("EMAIL_NOT_VERIFIED");

    const { data } = await app.ask(VERIFY, { token: await aLinkFor(app.container, id, "VERIFY_EMAIL") });
    expect(data.verifyEmail).toEqual({ id, name: "Person" });
    expect((await app.ask(ME, {}, token)).data.me.emailVerifiedAt).toBeTruthy();
    expect((await app.ask(START, { id: examId }, token)).errors).toBeUndefined();
  });

  it("learns nothing of exams that are not theirs to start", async () => {
    const { email } = await anAccount();
    const school = await aSchool(app.container);
    const { examId } = await anExam(app.container, school);
    expect(await app.refusal(START, { id: examId }, await tokenOf(email))).toBe("NOT_FOUND");
  });

  it("starts exams where the configuration says so", async () => {
    const lenient = await startTestApp({ env: { UNVERIFIED_MAY_START: "true" } });
    try {
      const school = await aSchool(lenient.container);
      const { examId } = await anExam(lenient.container, school);
      const [student] = school.students;
      await lenient.container.db.user.update({ where: { id: student!.id }, data: { emailVerifiedAt: null } });
      expect((await lenient.ask(START, { id: examId }, student!.token)).errors).toBeUndefined();
    } finally {
      await lenient.close();
    }
  });
});

describe("a verification link", () => {
  it("is good once, also when it is opened ten times at once", async () => {
    const { id } = await anAccount();
    const token = await aLinkFor(app.container, id, "VERIFY_EMAIL");
    const answers = await Promise.all(Array.from({ length: 10 }, () => app.ask(VERIFY, { token })));
    expect(outcomes(answers)).toEqual(["OK", ...Array(9).fill("TOKEN_NOT_GOOD")]);
    expect(await app.refusal(VERIFY, { token })).toBe("TOKEN_NOT_GOOD");
  });

  it("does not move the time at which the address was verified first", async () => {
    const { id, email } = await anAccount();
    const links = [
      await aLinkFor(app.container, id, "VERIFY_EMAIL"),
      await aLinkFor(app.container, id, "VERIFY_EMAIL"),
    ];
    await app.ask(VERIFY, { token: links[0] });
    const { emailVerifiedAt } = (await rowOf(email))!;
    expect((await app.ask(VERIFY, { token: links[1] })).errors).toBeUndefined();
    expect((await rowOf(email))!.emailVerifiedAt).toEqual(emailVerifiedAt);
  });

  it("is kept as a hash alone", async () => {
    const { id } = await anAccount();
    const token = await aLinkFor(app.container, id, "VERIFY_EMAIL");
    const rows = await app.container.db.oneTimeToken.findMany({ where: { userId: id } });
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(token);
  });

  it("is not anything invented", async () => {
    for (const token of ["", "nonsense", "x".repeat(100_000), "\u0000", "' OR true; --"])
      expect(await app.refusal(VERIFY, { token })).toBe("TOKEN_NOT_GOOD");
  });

  it("is not one that is too old, was made for something else, or belongs to a disabled account", async () => {
    const { id, email } = await anAccount();
    const { db } = app.container;
    const old = await aLinkFor(app.container, id, "VERIFY_EMAIL");
    await db.oneTimeToken.updateMany({ where: { userId: id }, data: { expiresAt: new Date(Date.now() - 1) } });
    const reset = await aLinkFor(app.container, id, "RESET_PASSWORD");
    for (const token of [old, reset]) expect(await app.refusal(VERIFY, { token })).toBe("TOKEN_NOT_GOOD");
    const good = await aLinkFor(app.container, id, "VERIFY_EMAIL");
    await db.user.update({ where: { id }, data: { disabledAt: new Date() } });
    expect(await app.refusal(VERIFY, { token: good })).toBe("TOKEN_NOT_GOOD");
    expect((await rowOf(email))!.emailVerifiedAt).toBeNull();
  });
});

describe.each([
  ["a verification mail", RESEND, "verification"],
  ["a mail for a new password", FORGOT, "passwordReset"],
])("asking for %s", (_what, operation, template) => {
  it("is answered alike, with the same work, for everybody: the job finds out whether there is anybody to write to", async () => {
    const unverified = await anAccount();
    const verified = await anAccount();
    await app.container.db.user.update({ where: { id: verified.id }, data: { emailVerifiedAt: new Date() } });
    const disabled = await anAccount();
    await app.container.db.user.update({ where: { id: disabled.id }, data: { disabledAt: new Date() } });
    const seen = new Set<string>();
    for (const email of [anAddress(), unverified.email, verified.email, disabled.email]) {
      let answer!: Awaited<ReturnType<TestApp["ask"]>>;
      const statements = await statementsOf(app, async () => {
        answer = await app.ask(operation, { email: ` ${email.toUpperCase()}` });
      });
      const [asked] = Object.values(answer.data) as { queued: boolean; jobId: string }[];
      expect(asked!.queued).toBe(true);
      const { payload, ownerId } = await jobOf(asked!.jobId);
      expect({ payload, ownerId }).toEqual({ payload: { template, email }, ownerId: null });
      seen.add(JSON.stringify({ ...answer, data: null, headers: null, statements }));
    }
    expect(seen.size).toBe(1);
  });

  it("names the address that is none", async () => {
    const { errors } = await app.ask(operation, { email: "nobody" });
    expect(errors![0]!.extensions).toMatchObject({ code: "BAD_USER_INPUT", fields: [{ path: "email" }] });
  });
});

describe("the mails", () => {
  it("let a person in: from the registration over the link to an exam-day log-in and a new password", async () => {
    const mailbox = await startMailServer();
    const school = await startTestApp({ worker: true, env: { SMTP_URL: mailbox.url, MAIL_PER_SECOND: "1000" } });
    const mailNumber = (count: number) => eventually(`mail ${count} has come`, () => mailbox.mails[count - 1]);
    const tokenIn = ({ text = "" }: { text?: string }) => /\?token=([\w-]{43})/.exec(text)![1]!;
    try {
      const input = { email: "ada@school.example", password, name: "Ada" };
      await school.ask(REGISTER, { input });
      const welcome = await mailNumber(1);
      expect(welcome.recipients).toEqual(["ada@school.example"]);
      expect(welcome.text).toContain("https://school.example/verify-email?token=");
      expect((await school.ask(VERIFY, { token: tokenIn(welcome) })).data.verifyEmail.name).toBe("Ada");

      const again = await school.ask(REGISTER, { input: { ...input, password: "a stranger's password" } });
      expect(again.errors).toBeUndefined();
      const warning = await mailNumber(2);
      expect(warning.recipients).toEqual(["ada@school.example"]);
      expect(warning.text).not.toContain("token=");

      await school.ask(FORGOT, { email: "nobody@school.example" });
      await school.ask(RESEND, { email: "ada@school.example" }); // verified: nothing to send
      await school.ask(FORGOT, { email: "ada@school.example" });
      const forgotten = await mailNumber(3);
      expect(forgotten.text).toContain("https://school.example/reset-password?token=");
      const RESET = `mutation ($token: String!) { resetPassword(token: $token, newPassword: "a new good password") { id } }`;
      expect((await school.ask(RESET, { token: tokenIn(forgotten) })).errors).toBeUndefined();
      expect((await mailNumber(4)).recipients).toEqual(["ada@school.example"]);
      expect(await school.refusal(LOGIN, { email: input.email, password })).toBe("WRONG_CREDENTIALS");
      const login = await school.ask(LOGIN, { email: input.email, password: "a new good password" });
      expect(login.data.login.user.name).toBe("Ada");
      expect(mailbox.mails).toHaveLength(4);
    } finally {
      await school.close();
      await mailbox.close();
    }
  });
});
