import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { WebSocket } from "ws";
import { createIsOwnSite } from "../../src/middlewares/ownSite.ts";
import { anAccount, askWith, LOGIN, LOGOUT, logIn, ME, password, REFRESH } from "../support/accounts.ts";
import { anExam, aSchool } from "../support/school.ts";
import { type GraphqlAnswer, startTestApp, type TestApp } from "../support/testApp.ts";

const FRONT_END = "https://school.example";
const FOREIGN = "https://evil.example";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ env: { CORS_ORIGINS: `${FRONT_END}, https://other.example` } });
});
afterAll(() => app.close());

const ACCESS = "__Host-lectern-access";
const REFRESH_TOKEN = "__Host-lectern-refresh";
const OVER = "SESSION_OVER";

/** What a browser keeps of an answer, by name: the value, or nothing for a cookie that is taken away. */
function kept({ headers }: { headers: Headers }): Record<string, string> {
  const cookies = headers.getSetCookie().map((line) => /^([^=]+)=([^;]*)(.*)$/.exec(line)!);
  return Object.fromEntries(cookies.map(([, name, value, rest]) => [name, /max-age=0/i.test(rest!) ? "" : value!]));
}
const cookieOf = (cookies: Record<string, string>) =>
  Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join("; ");
const refusalOf = ({ errors }: GraphqlAnswer) => errors && (errors[0]!.extensions.reason ?? errors[0]!.extensions.code);

async function aBrowser() {
  const { id, email } = await anAccount(app);
  const answer = await app.ask(LOGIN, { email, password, mode: "COOKIE" });
  const cookies = kept(answer);
  const ask = (query: string, variables: object = {}, headers: Record<string, string> = {}) =>
    askWith(app, { cookie: cookieOf(cookies), ...headers }, query, { ...variables });
  return { id, email, answer, cookies, ask };
}
const isOver = async (refreshToken: string) => (await app.refusal(REFRESH, { token: refreshToken })) === OVER;

describe("a log-in with cookies", () => {
  it("puts the tokens where no script can read them, and not into the answer", async () => {
    const { answer, cookies, id } = await aBrowser();
    expect(answer.data.login).toMatchObject({ accessToken: null, refreshToken: null, user: { id } });
    const lines = answer.headers.getSetCookie();
    expect(lines).toHaveLength(2);
    for (const [line, name, life] of [
      [lines[0]!, ACCESS, 900],
      [lines[1]!, REFRESH_TOKEN, 30 * 86_400],
    ] as const) {
      const [pair, ...attributes] = line.split("; ");
      expect(pair).toBe(`${name}=${cookies[name]}`);
      const maxAge = Number(attributes.find((text) => text.startsWith("Max-Age="))?.slice("Max-Age=".length));
      expect(Math.abs(maxAge - life)).toBeLessThanOrEqual(5);
      expect(attributes.filter((text) => !text.startsWith("Max-Age=")).sort()).toEqual([
        "HttpOnly",
        "Path=/",
        "SameSite=Strict",
        "Secure",
      ]);
    }
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  it("makes its owner the viewer, among other cookies too", async () => {
    const { id, ask, cookies } = await aBrowser();
    expect((await ask(ME)).data.me.id).toBe(id);
    const among = `theme=dark; ${ACCESS}=${cookies[ACCESS]}; x="y"`;
    expect((await ask(ME, {}, { cookie: among })).data.me.id).toBe(id);
    for (const cookie of ["", ";", `${ACCESS}=`, `${ACCESS}=forged`, `${REFRESH_TOKEN}=${cookies[ACCESS]}`])
      expect((await ask(ME, {}, { cookie })).data.me).toBeNull();
  });

  it("shares stored answers with nobody but the same viewer", async () => {
    const [one, two] = [await aBrowser(), await aBrowser()];
    await one.ask(ME);
    const again = await one.ask(ME);
    expect(again.headers.get("x-lectern-cache")).toBe("hit");
    expect(again.data.me.id).toBe(one.id);
    expect((await two.ask(ME)).data.me.id).toBe(two.id);
    expect((await app.ask(ME)).data.me).toBeNull();
    expect((await app.ask(ME, {}, one.cookies[ACCESS])).headers.get("x-lectern-cache")).toBe("hit");
  });

  it("does not count where a request says otherwise who asks", async () => {
    const { ask } = await aBrowser();
    const { accessToken, user } = await logIn(app, (await anAccount(app)).email);
    expect((await ask(ME, {}, { authorization: `Bearer ${accessToken}` })).data.me.id).toBe(user.id);
    for (const authorization of ["Bearer forged", "Basic eDp5", ""])
      expect((await ask(ME, {}, { authorization })).data.me).toBeNull();
  });

  it("goes on with a refresh that names no token, and keeps the new ones in cookies", async () => {
    const { id, cookies, ask } = await aBrowser();
    const answer = await ask(REFRESH);
    expect(answer.data.refreshSession).toMatchObject({ accessToken: null, refreshToken: null, user: { id } });
    const next = kept(answer);
    expect(Object.keys(next)).toEqual([ACCESS, REFRESH_TOKEN]);
    expect(next[REFRESH_TOKEN]).not.toBe(cookies[REFRESH_TOKEN]);
    expect((await askWith(app, { cookie: cookieOf(next) }, ME)).data.me.id).toBe(id);
    expect(await isOver(next[REFRESH_TOKEN]!)).toBe(false);
  });

  it("goes on after a new password with the cookies of a new session", async () => {
    const { id, cookies, ask } = await aBrowser();
    const CHANGE = `mutation ($from: String!) {
      changePassword(currentPassword: $from, newPassword: "quite another long one", mode: COOKIE) { accessToken refreshToken }
    }`;
    const answer = await ask(CHANGE, { from: password });
    expect(answer.data.changePassword).toEqual({ accessToken: null, refreshToken: null });
    const next = kept(answer);
    expect((await askWith(app, { cookie: cookieOf(next) }, ME)).data.me.id).toBe(id);
    expect(await isOver(cookies[REFRESH_TOKEN]!)).toBe(true);
    expect(await isOver(next[REFRESH_TOKEN]!)).toBe(false);
  });

  it("leaves the cookies alone in a refresh or log-out that names its token", async () => {
    const { ask, cookies } = await aBrowser();
    const { refreshToken } = await logIn(app, (await anAccount(app)).email);
    const answer = await ask(REFRESH, { token: refreshToken });
    expect(answer.data.refreshSession.refreshToken).toEqual(expect.any(String));
    const out = await ask(LOGOUT, { token: answer.data.refreshSession.refreshToken });
    expect([...answer.headers.getSetCookie(), ...out.headers.getSetCookie()]).toEqual([]);
    expect(await isOver(cookies[REFRESH_TOKEN]!)).toBe(false);
  });

  it("ends with the log-out, which takes the cookies away", async () => {
    const { ask, cookies } = await aBrowser();
    const answer = await ask(LOGOUT);
    expect(answer.data.logout).toBe(true);
    expect(kept(answer)).toEqual({ [ACCESS]: "", [REFRESH_TOKEN]: "" });
    for (const line of answer.headers.getSetCookie()) expect(line).toMatch(/Path=\/.*Secure/);
    expect(await isOver(cookies[REFRESH_TOKEN]!)).toBe(true);
  });

  it("ends with a refresh that finds the session over, which takes the cookies away", async () => {
    const { ask, cookies } = await aBrowser();
    await app.ask(LOGOUT, { token: cookies[REFRESH_TOKEN] });
    const answer = await ask(REFRESH);
    expect(refusalOf(answer)).toBe(OVER);
    expect(kept(answer)).toEqual({ [ACCESS]: "", [REFRESH_TOKEN]: "" });
  });

  it("sets no cookie where there was none, or the password is wrong", async () => {
    const { email } = await anAccount(app);
    const wrong = await app.ask(LOGIN, { email, password: "not this one", mode: "COOKIE" });
    const nothing = await app.ask(REFRESH);
    const out = await app.ask(LOGOUT);
    expect([refusalOf(wrong), refusalOf(nothing), out.data.logout]).toEqual(["WRONG_CREDENTIALS", OVER, true]);
    for (const { headers } of [wrong, nothing, out]) expect(headers.getSetCookie()).toEqual([]);
  });
});

describe("a page of another site", () => {
  const foreign: [string, Record<string, string>][] = [
    ["names another origin", { origin: FOREIGN }],
    ["hides its origin", { origin: "null" }],
    ["is on another port of the same host", { origin: "http://127.0.0.1:1" }],
    ["has the front end's name in its own", { origin: `${FRONT_END}.evil.example` }],
    ["is called cross-site by the browser", { "sec-fetch-site": "cross-site" }],
    ["is called cross-site, whatever its origin", { origin: FRONT_END, "sec-fetch-site": "cross-site" }],
  ];

  it.each(foreign)("that %s is a visitor and can do nothing with the cookies", async (_how, headers) => {
    const { ask, cookies, email } = await aBrowser();
    expect((await ask(ME, {}, headers)).data.me).toBeNull();
    expect(refusalOf(await ask(REFRESH, {}, headers))).toBe("FORBIDDEN");
    expect((await ask(LOGOUT, {}, headers)).headers.getSetCookie()).toEqual([]);
    expect(await isOver(cookies[REFRESH_TOKEN]!)).toBe(false);
    const begun = () => app.container.db.session.count({ where: { user: { email } } });
    const before = await begun();
    const login = await ask(LOGIN, { email, password, mode: "COOKIE" }, headers);
    expect([refusalOf(login), login.headers.getSetCookie()]).toEqual(["FORBIDDEN", []]);
    expect(await begun()).toBe(before);
  });

  it("cannot send what needs no leave of the browser", async () => {
    const { cookies } = await aBrowser();
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]) {
      const headers = { "content-type": type, cookie: cookieOf(cookies) };
      const body = JSON.stringify({ query: "mutation { logout }" });
      for (const path of ["/graphql", "/graphql/stream"])
        expect((await fetch(app.url + path, { method: "POST", headers, body })).ok).toBe(false);
    }
    const query = new URLSearchParams({ query: ME });
    const plainGet = await fetch(`${app.url}/graphql?${query}`, { headers: { cookie: cookieOf(cookies) } });
    expect(plainGet.status).toBe(400);
    expect(await isOver(cookies[REFRESH_TOKEN]!)).toBe(false);
  });

  it.each([
    ["the server's own", () => app.url, {}],
    ["the front end's", () => FRONT_END, {}],
    ["the server's public one", () => new URL(app.config.PUBLIC_URL).origin, {}],
    ["one of the same site", () => FRONT_END, { "sec-fetch-site": "same-site" }],
  ])("is none whose origin is %s", async (_which, origin, headers) => {
    const { id, ask } = await aBrowser();
    expect((await ask(ME, {}, { ...headers, origin: origin() })).data.me.id).toBe(id);
    expect(kept(await ask(REFRESH, {}, { ...headers, origin: origin() }))).toHaveProperty(REFRESH_TOKEN);
  });

  it.each([
    ["https://lectern.example", "lectern.example", true],
    ["https://lectern.example:8443", "lectern.example:8443", true],
    ["https://lectern.example:8443", "lectern.example", false],
    ["http://lectern.example", "lectern.example", false],
    ["http://localhost:4000", "localhost:4000", true],
    ["http://[::1]:4000", "[::1]:4000", true],
    ["https://lectern.example", undefined, false],
    ["lectern.example", "lectern.example", false],
    ["", "lectern.example", false],
  ])("may have the origin %j at the host %j: %s, for nobody on the way can have written it", (origin, host, isOwn) => {
    const isOwnSite = createIsOwnSite({ publicUrl: "https://public.example/api", corsOrigins: [] });
    expect(isOwnSite({ origin, host })).toBe(isOwn);
  });
});

describe("a browser's leave for other origins", () => {
  const preflight = (path: string, origin: string) =>
    fetch(app.url + path, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
    });

  it.each(["/graphql", "/graphql/stream"])("is given for %s to the configured ones, with cookies", async (path) => {
    const { headers } = await preflight(path, FRONT_END);
    expect(headers.get("access-control-allow-origin")).toBe(FRONT_END);
    expect(headers.get("access-control-allow-credentials")).toBe("true");
    expect((await preflight(path, FOREIGN)).headers.get("access-control-allow-origin")).toBeNull();
  });

  it("comes with the answer too, from the cache and as a stream", async () => {
    const { ask, cookies } = await aBrowser();
    const answers = [await ask(ME, {}, { origin: FRONT_END }), await ask(ME, {}, { origin: FRONT_END })];
    const query = new URLSearchParams({ query: ME });
    const headers = { origin: FRONT_END, cookie: cookieOf(cookies), accept: "text/event-stream" };
    const stream = await fetch(`${app.url}/graphql/stream?${query}`, { headers });
    expect(answers[1]!.headers.get("x-lectern-cache")).toBe("hit");
    for (const { headers } of [...answers, stream]) {
      expect(headers.get("access-control-allow-origin")).toBe(FRONT_END);
      expect(headers.get("access-control-allow-credentials")).toBe("true");
    }
    expect(await stream.text()).toContain('"me":{');
  });
});

describe("cookies on connections that stay open", () => {
  const ATTEMPT = "subscription ($id: ID!) { attemptChanged(attemptId: $id) { status } }";

  async function aStudent() {
    const school = await aSchool(app.container);
    const { examId } = await anExam(app.container, school);
    const student = school.students[0]!;
    const { id } = await app.container.services.attempts.start(student.actor, examId);
    return { token: student.token, id };
  }

  /** The first that a WebSocket is told of an operation. */
  function overWs(headers: Record<string, string>, query: string, variables: object, authorization?: string) {
    return new Promise<string>((resolve, reject) => {
      const socket = new WebSocket(`${app.url.replace("http", "ws")}/graphql/ws`, "graphql-transport-ws", { headers });
      const send = (message: object) => socket.send(JSON.stringify(message));
      socket.on("error", reject);
      socket.on("open", () => send({ type: "connection_init", payload: authorization && { authorization } }));
      socket.on("message", (text) => {
        const message = JSON.parse(String(text));
        if (message.type === "connection_ack")
          return send({ id: "1", type: "subscribe", payload: { query, variables } });
        if (message.type !== "next" && message.type !== "error") return;
        socket.close();
        resolve(JSON.stringify(message.payload));
      });
    });
  }
  async function overSse(headers: Record<string, string>, query: string, variables: object) {
    const stream = await fetch(`${app.url}/graphql/stream`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream", ...headers },
      body: JSON.stringify({ query, variables }),
    });
    let text = "";
    for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.includes("data: ")) break;
    }
    return text;
  }

  it.each([
    ["a WebSocket", overWs],
    ["an event stream", overSse],
  ])("say over %s who asks, but not to a page of another site", async (_over, first) => {
    const { token, id } = await aStudent();
    const cookie = `${ACCESS}=${token}`;
    expect(await first({ cookie }, ATTEMPT, { id })).toContain("IN_PROGRESS");
    expect(await first({ cookie, origin: FRONT_END }, ATTEMPT, { id })).toContain("IN_PROGRESS");
    const foreign: Record<string, string>[] = [
      { origin: FOREIGN },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
    ];
    for (const headers of foreign)
      expect(await first({ cookie, ...headers }, ATTEMPT, { id })).toContain("UNAUTHENTICATED");
  });

  it("do not count over a WebSocket that is opened with a token, wherever its page is from", async () => {
    const { token, id } = await aStudent();
    const cookie = `${ACCESS}=${token}`;
    expect(await overWs({ origin: FOREIGN }, ATTEMPT, { id }, `Bearer ${token}`)).toContain("IN_PROGRESS");
    expect(await overWs({ cookie }, ATTEMPT, { id }, "Bearer forged")).toContain("UNAUTHENTICATED");
  });

  it("cannot be set there: no session is begun or changed", async () => {
    const { id, email, cookies } = await aBrowser();
    const sessions = () => app.container.db.session.findMany({ where: { userId: id } });
    const before = await sessions();
    for (const first of [overWs, overSse]) {
      const login = await first({}, LOGIN, { email, password, mode: "COOKIE" });
      const refresh = await first({ cookie: cookieOf(cookies) }, REFRESH, {});
      for (const answer of [login, refresh]) expect(answer).toContain("FORBIDDEN");
    }
    expect(await sessions()).toEqual(before);
  });
});
