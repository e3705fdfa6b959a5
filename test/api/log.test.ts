import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { anAccount, askWith, LOGIN, logIn, ME, password, REFRESH } from "../support/accounts.ts";
import { aKeptLog } from "../support/logLines.ts";
import { anExam, aSchool } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";
import { nothingsId } from "../support/world.ts";

const kept = aKeptLog();
let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ log: kept.log });
});
afterAll(() => app.close());

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
    const { email } = await anAccount(app);
    const { accessToken, refreshToken } = await logIn(app, email);
    await app.refusal(LOGIN, { email, password: "wrong but secret" });
    const inCookies = (await app.ask(LOGIN, { email, password, mode: "COOKIE" })).headers.getSetCookie();
    const [, access, refresh] = /=([^;]+);.*\n.*?=([^;]+);/.exec(inCookies.join("\n"))!;
    const next = (await app.ask(REFRESH, { token: refreshToken })).data.refreshSession.refreshToken;
    const last = (await app.ask(REFRESH, { token: next })).data.refreshSession.refreshToken;
    await app.ask(REFRESH, { token: refreshToken }); // an old one: the session is ended
    await askWith(app, { cookie: inCookies.map((line) => line.split(";")[0]).join("; ") }, ME);
    const school = await aSchool(app.container);
    const { examId, questionIds } = await anExam(app.container, school);
    const student = school.students[0]!;
    const { token } = await app.container.tokens.sign(student.actor);
    const { id } = await app.container.services.attempts.start(student.actor, examId);
    const SAVE = `mutation ($id: ID!, $answers: [AnswerInput!]!) { saveAnswers(attemptId: $id, answers: $answers) { receipts { outcome } } }`;
    const answers = [{ questionId: questionIds[0], response: { text: "my secret answer" }, revision: 1 }];
    await app.ask(SAVE, { id, answers }, token);
    const tokens = [accessToken, refreshToken, next, last, access!, refresh!, token];
    const secrets = [password, "wrong but secret", "my secret answer", ...tokens];
    for (const secret of secrets) expect(kept.text()).not.toContain(secret);
    expect(kept.text()).toContain(student.id);
    expect(kept.text()).toContain("session ended: an old refresh token was used again");
  });

  it("has the id of the request in every line but what the process says of itself", () => {
    const ofNobody = kept.lines.filter(({ requestId, msg }) => !requestId && !/^(the cache|redis is)/.test(msg));
    expect(ofNobody).toEqual([]);
  });
});
