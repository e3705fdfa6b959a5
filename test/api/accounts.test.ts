import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { SignJWT, UnsecuredJWT } from "jose";
import { aKeptLog } from "../support/logLines.ts";
import { anExam, aSchool } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";
import { nothingsId } from "../support/world.ts";

const kept = aKeptLog();
let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ log: kept.log, env: { ACCESS_TOKEN_SECONDS: "2" } });
});
afterAll(() => app.close());

const REGISTER = "mutation ($input: RegisterInput!) { register(input: $input) { id email name role } }";
const LOGIN = `mutation ($email: String!, $password: String!) { login(email: $email, password: $password) {
  accessToken accessTokenExpiresAt refreshToken refreshTokenExpiresAt user { id email }
} }`;
const REFRESH =
  "mutation ($token: String!) { refreshSession(refreshToken: $token) { accessToken refreshToken user { id } } }";
const LOGOUT = "mutation ($token: String!) { logout(refreshToken: $token) }";
const ME = "{ me { id email } }";
const password = "correct horse battery staple";

let people = 0;
async function anAccount(): Promise<{ email: string; id: string }> {
  const email = `person-${people++}@school.example`;
  const { data } = await app.ask(REGISTER, { input: { email, password, name: "Person" } });
  return { email, id: data.register.id };
}
const login = async (email: string) => (await app.ask(LOGIN, { email, password })).data.login;

describe("an account", () => {
  it("is opened as a student's, whatever the spelling of the address", async () => {
    const input = { email: " Ada@School.Example ", password, name: " Ada " };
    const { data } = await app.ask(REGISTER, { input });
    expect(data.register).toMatchObject({ email: "ada@school.example", name: "Ada", role: "STUDENT" });
    expect(await app.refusal(REGISTER, { input: { ...input, email: "ADA@school.example" } })).toBe("EMAIL_TAKEN");
  });

  it("is the viewer after a log-in", async () => {
    const { email, id } = await anAccount();
    const { accessToken, user } = await login(email.toUpperCase());
    expect(user).toEqual({ id, email });
    expect((await app.ask(ME, {}, accessToken)).data.me).toEqual({ id, email });
    expect((await app.ask(ME)).data.me).toBeNull();
  });

  it("tells the same of a wrong password, an unknown address and a disabled account", async () => {
    const { email } = await anAccount();
    const disabled = await anAccount();
    await app.container.db.user.update({ where: { id: disabled.id }, data: { disabledAt: new Date() } });
    const wrong = await app.ask(LOGIN, { email, password: "not this one" });
    for (const tried of [
      { email: "nobody@school.example", password },
      { email: disabled.email, password },
    ]) {
      const { data, errors, status } = await app.ask(LOGIN, tried);
      expect({ data, errors, status }).toEqual({ data: wrong.data, errors: wrong.errors, status: wrong.status });
    }
    expect(wrong.errors).toMatchObject([{ extensions: { code: "UNAUTHENTICATED", reason: "WRONG_CREDENTIALS" } }]);
  });

  it("takes as long to refuse an unknown address as a wrong password", async () => {
    const { email } = await anAccount();
    const msFor = async (address: string) => {
      const startedAt = performance.now();
      await app.refusal(LOGIN, { email: address, password: "not this one" });
      return performance.now() - startedAt;
    };
    await msFor(email);
    const known: number[] = [];
    const unknown: number[] = [];
    for (let round = 0; round < 5; round++) {
      known.push(await msFor(email));
      unknown.push(await msFor("nobody@school.example"));
    }
    // A missing hash would make it a tenth; the fastest of each is the least disturbed.
    expect(Math.min(...unknown)).toBeGreaterThan(Math.min(...known) / 3);
  });
});

describe("a session", () => {
  it("goes on with a new token at each refresh", async () => {
    const { email, id } = await anAccount();
    let { refreshToken } = await login(email);
    const seen = new Set([refreshToken]);
    for (let turn = 0; turn < 3; turn++) {
      const { data } = await app.ask(REFRESH, { token: refreshToken });
      expect(data.refreshSession.user.id).toBe(id);
      expect((await app.ask(ME, {}, data.refreshSession.accessToken)).data.me.id).toBe(id);
      refreshToken = data.refreshSession.refreshToken;
      seen.add(refreshToken);
    }
    expect(seen.size).toBe(4);
  });

  it("is ended when an old token is used again, for the thief and for the owner", async () => {
    const { email } = await anAccount();
    const first = (await login(email)).refreshToken;
    const second = (await app.ask(REFRESH, { token: first })).data.refreshSession.refreshToken;
    expect(await app.refusal(REFRESH, { token: first })).toBe("SESSION_OVER");
    expect(await app.refusal(REFRESH, { token: second })).toBe("SESSION_OVER");
  });

  it("leaves the person's other sessions alone when it is ended", async () => {
    const { email } = await anAccount();
    const [here, there] = [await login(email), await login(email)];
    expect((await app.ask(LOGOUT, { token: here.refreshToken })).data.logout).toBe(true);
    expect((await app.ask(LOGOUT, { token: here.refreshToken })).data.logout).toBe(true);
    expect(await app.refusal(REFRESH, { token: here.refreshToken })).toBe("SESSION_OVER");
    expect((await app.ask(REFRESH, { token: there.refreshToken })).errors).toBeUndefined();
  });

  it("is over when it has not been used for long", async () => {
    const { email, id } = await anAccount();
    const { refreshToken } = await login(email);
    await app.container.db.session.updateMany({ where: { userId: id }, data: { expiresAt: new Date(Date.now() - 1) } });
    expect(await app.refusal(REFRESH, { token: refreshToken })).toBe("SESSION_OVER");
  });

  it.each(["", "x", "a.0.b", `${nothingsId()}.0.secret`, `${nothingsId()}.1e9.secret`])(
    "is not made of the invented token %j",
    async (token) => {
      expect(await app.refusal(REFRESH, { token })).toBe("SESSION_OVER");
      expect((await app.ask(LOGOUT, { token })).data.logout).toBe(true);
    },
  );

  it("keeps of its token only a hash", async () => {
    const { email, id } = await anAccount();
    const { refreshToken } = await login(email);
    const [row] = await app.container.db.session.findMany({ where: { userId: id } });
    expect(JSON.stringify(row)).not.toContain(refreshToken.split(".")[2]);
  });
});

describe("an access token", () => {
  const asked = async (token: string) => (await app.ask("{ courses { totalCount } me { id } }", {}, token)).errors?.[0];

  it("is good for as long as it says, and not after", async () => {
    const { email } = await anAccount();
    const { accessToken, accessTokenExpiresAt } = await login(email);
    expect(await asked(accessToken)).toBeUndefined();
    await new Promise((resolve) => setTimeout(resolve, Date.parse(accessTokenExpiresAt) - Date.now() + 5));
    expect(await asked(accessToken)).toMatchObject({ extensions: { code: "UNAUTHENTICATED" } });
  });

  it("makes a visitor of somebody who forged it", async () => {
    const { id } = await anAccount();
    const claims = { role: "ADMIN", sid: nothingsId() };
    const stranger = generateKeyPairSync("ed25519").privateKey;
    const sign = (key: Parameters<SignJWT["sign"]>[0], alg: string) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg })
        .setIssuer("lectern")
        .setSubject(id)
        .setExpirationTime("1h")
        .sign(key);
    const { email } = await anAccount();
    const [head, , signature] = (await login(email)).accessToken.split(".");
    const body = Buffer.from(JSON.stringify({ ...claims, sub: id, iss: "lectern", exp: 4_000_000_000 })).toString(
      "base64url",
    );
    const forged = {
      "with another key": await sign(stranger, "EdDSA"),
      "with a shared secret": await sign(new TextEncoder().encode("secret"), "HS256"),
      "without a signature": new UnsecuredJWT(claims)
        .setIssuer("lectern")
        .setSubject(id)
        .setExpirationTime("1h")
        .encode(),
      "with the signature of another": `${head}.${body}.${signature}`,
      nonsense: "nonsense",
    };
    for (const [how, token] of Object.entries(forged)) {
      expect([how, (await asked(token))?.extensions.code]).toEqual([how, "UNAUTHENTICATED"]);
      expect((await app.ask(ME, {}, token)).data.me).toBeNull();
    }
  });
});

describe("the log", () => {
  const requestLines = (requestId: string | null) =>
    kept.lines.filter((line) => line.requestId === requestId && line.msg === "request");

  it("has one line for each request, with what an operator asks for", async () => {
    const school = await aSchool(app.container);
    const { examId } = await anExam(app.container, school);
    const { actor } = school.teacher;
    const { token } = await app.container.tokens.sign(actor);
    const SEE = "query See($id: ID!) { exam(id: $id) { title } }";
    const { headers } = await app.ask(SEE, { id: examId }, token);
    expect(requestLines(headers.get("x-request-id"))).toEqual([
      expect.objectContaining({
        operation: "See",
        userId: actor.userId,
        ms: expect.any(Number),
        cacheHits: expect.any(Number),
      }),
    ]);
    const again = await app.ask(SEE, { id: examId }, token);
    expect(requestLines(again.headers.get("x-request-id"))).toEqual([
      expect.objectContaining({ userId: actor.userId, ms: expect.any(Number), cacheHits: 1 }),
    ]);
    const refused = await app.ask(SEE, { id: nothingsId() }, token);
    expect(requestLines(refused.headers.get("x-request-id"))).toEqual([
      expect.objectContaining({ operation: "See", errorCodes: ["NOT_FOUND"] }),
    ]);
  });

  it.each([
    ["is no JSON", "{", "BAD_USER_INPUT"],
    ["does not parse", '{"query":"{"}', "GRAPHQL_PARSE_FAILED"],
    ["is not valid", '{"query":"{ nothing }"}', "GRAPHQL_VALIDATION_FAILED"],
  ])("has one line with the error code for a request that %s", async (_what, body, code) => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${app.url}/graphql`, { method: "POST", headers, body });
    expect(requestLines(response.headers.get("x-request-id"))).toMatchObject([{ errorCodes: [code] }]);
  });

  it("never tells a password, a token or an answer", async () => {
    const { email } = await anAccount();
    const { accessToken, refreshToken } = await login(email);
    await app.ask(REFRESH, { token: refreshToken });
    await app.refusal(LOGIN, { email, password: "wrong but secret" });
    const school = await aSchool(app.container);
    const { examId, questionIds } = await anExam(app.container, school);
    const student = school.students[0]!;
    const { token } = await app.container.tokens.sign(student.actor);
    const { id } = await app.container.services.attempts.start(student.actor, examId);
    const SAVE = `mutation ($id: ID!, $answers: [AnswerInput!]!) { saveAnswers(attemptId: $id, answers: $answers) { receipts { outcome } } }`;
    const answers = [{ questionId: questionIds[0], response: { text: "my secret answer" }, revision: 1 }];
    await app.ask(SAVE, { id, answers }, token);
    const secrets = [password, "wrong but secret", accessToken, refreshToken, token, "my secret answer"];
    for (const secret of secrets) expect(kept.text()).not.toContain(secret);
    expect(kept.text()).toContain(student.id);
  });
});
