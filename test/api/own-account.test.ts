import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { holdRows } from "../support/heldRows.ts";
import { aLinkFor } from "../support/links.ts";
import { anExam, aSchool, somePeople } from "../support/school.ts";
import { type GraphqlAnswer, startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const RESET = `mutation ($token: String!, $new: String!) { resetPassword(token: $token, newPassword: $new) { id } }`;
const CHANGE = `mutation ($current: String!, $new: String!) {
  changePassword(currentPassword: $current, newPassword: $new) { refreshToken user { id } }
}`;
const ACCEPT = `mutation ($token: String!, $password: String!, $name: String) {
  acceptInvitation(token: $token, password: $password, name: $name) { id name }
}`;
const UPDATE = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { id name locale } }";
const LOGIN = `mutation ($email: String!, $password: String!) {
  login(email: $email, password: $password) { accessToken refreshToken }
}`;
const REFRESH = "mutation ($token: String!) { refreshSession(refreshToken: $token) { refreshToken } }";
const ME = "{ me { id name locale emailVerifiedAt } }";
const password = "correct horse battery staple";
const newPassword = "a new good password";

let people = 0;
/** An account as its owner has registered it: not verified. */
async function anAccount() {
  const email = `person-${people++}@school.example`;
  const { accounts } = app.container.services;
  const { user } = await accounts.register({ email, password, name: "Person" }, "test");
  return { email, id: user.id };
}
/** An account that somebody else has made, and invited its owner to. */
async function anInvited() {
  const { email, id } = await anAccount();
  await app.container.db.user.update({ where: { id }, data: { passwordHash: null } });
  return { email, id };
}
const login = async (email: string, secret = password) =>
  (await app.ask(LOGIN, { email, password: secret })).data.login as { accessToken: string; refreshToken: string };
const loginRefusal = (email: string, secret: string) => app.refusal(LOGIN, { email, password: secret });
const rowOf = (id: string) => app.container.db.user.findUniqueOrThrow({ where: { id } });
const isHit = ({ headers }: GraphqlAnswer) => headers.get("x-lectern-cache") === "hit";
const outcomes = (answers: GraphqlAnswer[]) =>
  answers.map(({ errors }) => errors?.[0]?.extensions.reason ?? "OK").sort();
const mailsTo = async (userId: string) => {
  const jobs = await app.container.db.outboxJob.findMany({ where: { queue: "email", ownerId: userId } });
  return jobs.map(({ payload }) => payload).filter((payload) => "userId" in (payload as object));
};
const problems = ({ errors }: GraphqlAnswer) =>
  (errors![0]!.extensions.fields as { path: string }[]).map((f) => f.path);

describe("a link for a new password", () => {
  it("sets it, verifies the address, ends every session and tells the owner", async () => {
    const { email, id } = await anAccount();
    const sessions = [await login(email), await login(email)];
    const { data } = await app.ask(RESET, {
      token: await aLinkFor(app.container, id, "RESET_PASSWORD"),
      new: newPassword,
    });
    expect(data.resetPassword).toEqual({ id });
    expect(await loginRefusal(email, password)).toBe("WRONG_CREDENTIALS");
    for (const { refreshToken } of sessions)
      expect(await app.refusal(REFRESH, { token: refreshToken })).toBe("SESSION_OVER");
    expect((await rowOf(id)).emailVerifiedAt).not.toBeNull();
    expect(await mailsTo(id)).toEqual([{ template: "passwordChanged", userId: id }]);
    expect((await app.ask(REFRESH, { token: (await login(email, newPassword)).refreshToken })).errors).toBeUndefined();
  });

  it("is worthless once it or another one of the same person was used, and leaves other people's alone", async () => {
    const [one, other] = [await anAccount(), await anAccount()];
    const [first, second] = [
      await aLinkFor(app.container, one.id, "RESET_PASSWORD"),
      await aLinkFor(app.container, one.id, "RESET_PASSWORD"),
    ];
    const others = await aLinkFor(app.container, other.id, "RESET_PASSWORD");
    await app.ask(RESET, { token: first, new: newPassword });
    for (const token of [first, second])
      expect(await app.refusal(RESET, { token, new: "a stranger's password" })).toBe("TOKEN_NOT_GOOD");
    expect(await loginRefusal(one.email, newPassword)).toBeUndefined();
    expect((await app.ask(RESET, { token: others, new: newPassword })).errors).toBeUndefined();
  });

  it("sets one password when several links of a person are used at once", async () => {
    const { email, id } = await anAccount();
    const links = await Promise.all(Array.from({ length: 3 }, () => aLinkFor(app.container, id, "RESET_PASSWORD")));
    const tries = [...links, ...links].map((token, at) => ({ token, new: `password number ${at}` }));
    const answers = await Promise.all(tries.map((variables) => app.ask(RESET, variables)));
    expect(outcomes(answers)).toEqual(["OK", ...Array(5).fill("TOKEN_NOT_GOOD")]);
    const used = tries[answers.findIndex(({ errors }) => !errors)]!;
    expect(await loginRefusal(email, used.new)).toBeUndefined();
    expect(await mailsTo(id)).toHaveLength(1);
  });

  it("is still good after a password that is none", async () => {
    const { email, id } = await anAccount();
    const token = await aLinkFor(app.container, id, "RESET_PASSWORD");
    for (const bad of ["short", "Password123", email.toUpperCase()]) {
      const answer = await app.ask(RESET, { token, new: bad });
      expect(answer.errors![0]!.extensions).toMatchObject({ code: "BAD_USER_INPUT" });
      expect(problems(answer)).toEqual(["newPassword"]);
    }
    expect(await loginRefusal(email, password)).toBeUndefined();
    expect((await app.ask(RESET, { token, new: newPassword })).errors).toBeUndefined();
  });

  it("does nothing for an account that is being disabled while it is used", async () => {
    const { email, id } = await anAccount();
    const token = await aLinkFor(app.container, id, "RESET_PASSWORD");
    const disabling = "UPDATE users SET disabled_at = now() WHERE id = $1::uuid";
    const held = await holdRows(app.config.DATABASE_URL, disabling, [id]);
    const refusal = app.refusal(RESET, { token, new: newPassword });
    await eventually("the reset waits for the person's row", async () => (await held.waiting()) > 0);
    await held.letGo();
    expect(await refusal).toBe("TOKEN_NOT_GOOD");
    await app.container.db.user.update({ where: { id }, data: { disabledAt: null } });
    expect(await loginRefusal(email, password)).toBeUndefined();
  });

  it("is not one that is too old, that verifies an address, or whose person was disabled since", async () => {
    const { email, id } = await anAccount();
    const { db } = app.container;
    const old = await aLinkFor(app.container, id, "RESET_PASSWORD");
    await db.oneTimeToken.updateMany({ where: { userId: id }, data: { expiresAt: new Date(Date.now() - 1) } });
    const other = await aLinkFor(app.container, id, "VERIFY_EMAIL");
    for (const token of [old, other, "", "nonsense"])
      expect(await app.refusal(RESET, { token, new: newPassword })).toBe("TOKEN_NOT_GOOD");
    const token = await aLinkFor(app.container, id, "RESET_PASSWORD");
    await db.user.update({ where: { id }, data: { disabledAt: new Date() } });
    expect(await app.refusal(RESET, { token, new: newPassword })).toBe("TOKEN_NOT_GOOD");
    await db.user.update({ where: { id }, data: { disabledAt: null } });
    expect(await loginRefusal(email, password)).toBeUndefined();
  });
});

describe("changing one's password", () => {
  it("asks for the old one, ends all sessions, begins a new one and tells the owner", async () => {
    const { email, id } = await anAccount();
    const [here, there] = [await login(email), await login(email)];
    const open = await aLinkFor(app.container, id, "RESET_PASSWORD");
    const change = (current: string) => app.ask(CHANGE, { current, new: newPassword }, here.accessToken);
    expect(outcomes([await change("not this one")])).toEqual(["WRONG_CREDENTIALS"]);
    expect(await mailsTo(id)).toEqual([]);

    const { refreshToken, user } = (await change(password)).data.changePassword;
    expect(user).toEqual({ id });
    expect(await loginRefusal(email, password)).toBe("WRONG_CREDENTIALS");
    expect(await loginRefusal(email, newPassword)).toBeUndefined();
    expect((await app.ask(REFRESH, { token: refreshToken })).errors).toBeUndefined();
    for (const old of [here, there])
      expect(await app.refusal(REFRESH, { token: old.refreshToken })).toBe("SESSION_OVER");
    expect(await app.refusal(RESET, { token: open, new: "yet another password" })).toBe("TOKEN_NOT_GOOD");
    expect(await mailsTo(id)).toEqual([{ template: "passwordChanged", userId: id }]);
  });

  it("is done once when two windows do it at the same moment", async () => {
    const { email, id } = await anAccount();
    const { accessToken } = await login(email);
    const news = ["password number one", "password number two"];
    const answers = await Promise.all(
      news.map((text) => app.ask(CHANGE, { current: password, new: text }, accessToken)),
    );
    expect(outcomes(answers)).toEqual(["OK", "WRONG_CREDENTIALS"]);
    expect(await loginRefusal(email, news[answers.findIndex(({ errors }) => !errors)]!)).toBeUndefined();
    expect(await mailsTo(id)).toHaveLength(1);
  });

  it.each([
    ["a short one", "short"],
    ["one that everybody would guess", "Password123"],
    ["one that is too long", "x".repeat(201)],
    ["one's own address", ""],
  ])("refuses %s", async (_what, bad) => {
    const { email } = await anAccount();
    const { accessToken } = await login(email);
    const change = await app.ask(CHANGE, { current: password, new: bad || email }, accessToken);
    expect(problems(change)).toEqual(["newPassword"]);
    expect(await loginRefusal(email, password)).toBeUndefined();
  });

  it("is not for a disabled account, nor for one that has no password yet", async () => {
    const { email, id } = await anAccount();
    const { accessToken } = await login(email);
    for (const data of [{ disabledAt: new Date() }, { disabledAt: null, passwordHash: null }]) {
      await app.container.db.user.update({ where: { id }, data });
      const refusal = await app.refusal(CHANGE, { current: password, new: newPassword }, accessToken);
      expect(refusal).toBe("WRONG_CREDENTIALS");
    }
    expect((await rowOf(id)).passwordHash).toBeNull();
  });
});

describe("an invitation", () => {
  it("is accepted with a password and a name of one's own, and verifies the address", async () => {
    const { email, id } = await anInvited();
    const token = await aLinkFor(app.container, id, "INVITE");
    expect(await loginRefusal(email, password)).toBe("WRONG_CREDENTIALS");
    const { data } = await app.ask(ACCEPT, { token, password, name: " Ada " });
    expect(data.acceptInvitation).toEqual({ id, name: "Ada" });
    expect((await rowOf(id)).emailVerifiedAt).not.toBeNull();
    expect(await loginRefusal(email, password)).toBeUndefined();
  });

  it("keeps the name that staff gave when none is given", async () => {
    const { id } = await anInvited();
    const { data } = await app.ask(ACCEPT, { token: await aLinkFor(app.container, id, "INVITE"), password });
    expect(data.acceptInvitation).toEqual({ id, name: "Person" });
  });

  it("is accepted once when it is sent twice at the same moment, by the same link or by two", async () => {
    const { email, id } = await anInvited();
    const links = [await aLinkFor(app.container, id, "INVITE"), await aLinkFor(app.container, id, "INVITE")];
    const tries = [...links, ...links].map((token, at) => ({ token, password: `password number ${at}` }));
    const answers = await Promise.all(tries.map((variables) => app.ask(ACCEPT, variables)));
    expect(outcomes(answers)).toEqual(["OK", ...Array(3).fill("TOKEN_NOT_GOOD")]);
    const used = tries[answers.findIndex(({ errors }) => !errors)]!;
    expect(await loginRefusal(email, used.password)).toBeUndefined();
  });

  it("opens no account that has a password already", async () => {
    const { email, id } = await anAccount();
    const token = await aLinkFor(app.container, id, "INVITE");
    expect(await app.refusal(ACCEPT, { token, password: newPassword })).toBe("TOKEN_NOT_GOOD");
    expect(await loginRefusal(email, password)).toBeUndefined();
  });

  it("names what is wrong, and can be accepted afterwards", async () => {
    const { email, id } = await anInvited();
    const token = await aLinkFor(app.container, id, "INVITE");
    expect(problems(await app.ask(ACCEPT, { token, password: "short", name: "\u202e" }))).toEqual(["password", "name"]);
    expect(problems(await app.ask(ACCEPT, { token, password: email }))).toEqual(["password"]);
    expect((await app.ask(ACCEPT, { token, password })).errors).toBeUndefined();
  });
});

describe("a profile", () => {
  /** Asks until the answer is served without being worked out. */
  const warm = (token: string) => eventually("the answer is stored", async () => isHit(await app.ask(ME, {}, token)));

  it("changes only what is given", async () => {
    const [person] = await somePeople(app.container, 1);
    const update = async (input: object) => (await app.ask(UPDATE, { input }, person!.token)).data.updateProfile;
    const { name } = await rowOf(person!.id);
    expect(await update({ locale: "de" })).toEqual({ id: person!.id, name, locale: "de" });
    expect(await update({ name: " Ada ", locale: null })).toEqual({ id: person!.id, name: "Ada", locale: "de" });
    expect(await update({})).toEqual({ id: person!.id, name: "Ada", locale: "de" });
  });

  it("is shown anew at once after every change of it", async () => {
    const { email, id } = await anAccount();
    const { accessToken } = await login(email);
    const me = async () => (await app.ask(ME, {}, accessToken)).data.me;
    const link = (purpose: "VERIFY_EMAIL" | "RESET_PASSWORD") => aLinkFor(app.container, id, purpose);

    await warm(accessToken);
    await app.ask(UPDATE, { input: { name: "Ada", locale: "de" } }, accessToken);
    expect(await me()).toEqual({ id, name: "Ada", locale: "de", emailVerifiedAt: null });

    await warm(accessToken);
    await app.ask("mutation ($token: String!) { verifyEmail(token: $token) { id } }", {
      token: await link("VERIFY_EMAIL"),
    });
    expect((await me()).emailVerifiedAt).not.toBeNull();

    await app.container.db.user.update({ where: { id }, data: { emailVerifiedAt: null } });
    await app.container.cache.dropPattern("*");
    await warm(accessToken);
    await app.ask(RESET, { token: await link("RESET_PASSWORD"), new: newPassword });
    expect((await me()).emailVerifiedAt).not.toBeNull();
  });

  it.each([
    ["an empty name", { name: "" }, ["input.name"]],
    ["a name with a NUL", { name: "Ada\u0000" }, ["input.name"]],
    [
      "a huge name and an unknown language",
      { name: "A".repeat(7_000_000), locale: "fr" },
      ["input.name", "input.locale"],
    ],
  ])("does not take %s, and keeps what is there", async (_what, input, fields) => {
    const [person] = await somePeople(app.container, 1);
    const before = await rowOf(person!.id);
    const paths = problems(await app.ask(UPDATE, { input }, person!.token));
    expect([...new Set(paths)]).toEqual(fields);
    expect(await rowOf(person!.id)).toEqual(before);
  });

  it("of an account that was closed is changed no more, though its token is still good", async () => {
    const [person] = await somePeople(app.container, 1);
    const { db } = app.container;
    const erased = { name: "Deleted person", disabledAt: new Date(), erasedAt: new Date() };
    await db.user.update({ where: { id: person!.id }, data: erased });
    expect(await app.refusal(UPDATE, { input: { name: "Ada" } }, person!.token)).toBe("UNAUTHENTICATED");
    expect(await app.refusal(ME, {}, person!.token)).toBe("UNAUTHENTICATED");
    expect(await app.refusal(`{ node(id: "${person!.id}") { id } }`, {}, person!.token)).toBe("UNAUTHENTICATED");
    expect((await rowOf(person!.id)).name).toBe("Deleted person");
  });
});

describe("what of a person is private", () => {
  const PRIVATE = "locale emailVerifiedAt disabledAt secondFactorAt lastLoginAt deletionDueAt";
  const hidden = Object.fromEntries(PRIVATE.split(" ").map((field) => [field, null]));
  const values = Object.fromEntries(PRIVATE.split(" ").map((field) => [field, expect.any(String)]));

  it("is shown to the person and to administrators, and to nobody else", async () => {
    const school = await aSchool(app.container);
    const [admin] = await somePeople(app.container, 1, "ADMIN");
    const { examId } = await anExam(app.container, school);
    const [student] = school.students;
    const { id: attemptId } = await app.container.services.attempts.start(student!.actor, examId);
    const now = new Date();
    const times = { lastLoginAt: now, disabledAt: now, deletionDueAt: now, totpConfirmedAt: now };
    await app.container.db.user.updateMany({ where: { id: { in: [student!.id, school.teacher.id] } }, data: times });
    await app.container.cache.dropPattern("*");

    const PEOPLE = `query ($course: ID!, $exam: ID!, $attempt: ID!) {
      course(id: $course) { enrollments { nodes { user { id ${PRIVATE} } } } }
      examResults(examId: $exam) { nodes { student { ${PRIVATE} } } }
      attempt(id: $attempt) { student { ${PRIVATE} } }
    }`;
    const variables = { course: school.courseId, exam: examId, attempt: attemptId };
    const seenBy = async (token: string) => {
      const { data, errors } = await app.ask(PEOPLE, variables, token);
      expect(errors).toBeUndefined();
      const enrolled = data.course.enrollments.nodes as { user: { id: string } }[];
      return { enrolled, others: [data.examResults.nodes[0].student, data.attempt.student] };
    };

    const teachers = await seenBy(school.teacher.token);
    expect(teachers.others).toEqual([hidden, hidden]);
    for (const { user } of teachers.enrolled)
      expect(user).toEqual({ ...(user.id === school.teacher.id ? values : hidden), id: user.id });
    const admins = await seenBy(admin!.token);
    expect(admins.others).toEqual([values, values]);
    for (const { user } of admins.enrolled) expect(user).toEqual({ ...values, id: user.id });

    const own = await app.ask(
      `query ($id: ID!) { me { ${PRIVATE} } attempt(id: $id) { student { ${PRIVATE} } } }`,
      { id: attemptId },
      student!.token,
    );
    expect(own.data).toEqual({ me: values, attempt: { student: values } });
  });

  it("is not shown to the visitor who has just registered, verified or reset, whose address it may not be", async () => {
    const { id } = await anAccount();
    const token = await aLinkFor(app.container, id, "VERIFY_EMAIL");
    const { data } = await app.ask(`mutation ($token: String!) { verifyEmail(token: $token) { ${PRIVATE} } }`, {
      token,
    });
    expect(data.verifyEmail).toEqual(hidden);
  });
});

describe("an account made by a program", () => {
  it("is verified and gets no mail, and is not made twice", async () => {
    const { accounts } = app.container.services;
    const before = await app.container.db.outboxJob.count();
    const input = { email: "Head@school.example", password, name: "Head", role: "ADMIN" } as const;
    const { id } = await accounts.open(input);
    expect(await rowOf(id)).toMatchObject({
      email: "head@school.example",
      role: "ADMIN",
      emailVerifiedAt: expect.any(Date),
    });
    await expect(accounts.open(input)).rejects.toMatchObject({ code: "CONFLICT", reason: "EMAIL_TAKEN" });
    expect(await app.container.db.outboxJob.count()).toBe(before);
    expect(await loginRefusal("head@school.example", password)).toBeUndefined();
  });
});
