import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { generate } from "otplib";
import { uuidv7 } from "uuidv7";
import { Reads } from "../../../src/services/actor.ts";
import { IDLE_MINUTES } from "../../../src/services/monitorSessions.ts";
import { anAccount, LOGIN, password } from "../../support/accounts.ts";
import { eventually } from "../../support/eventually.ts";
import { startTestApp, type TestApp } from "../../support/testApp.ts";
import { aVisitor, startMonitor } from "./monitorSite.ts";

const READER = "looks.only@school.example";
const ACT = "/acts/pauseQueue";
const PAUSE = { queue: "system", reason: "a test" };

describe("the monitor's pages", () => {
  let app: TestApp;
  let monitor: Awaited<ReturnType<typeof startMonitor>>;
  let minutesLater = 0;
  beforeAll(async () => {
    app = await startTestApp({
      // A tenth of every limit: one wrong log-in is all there is.
      env: { MONITOR_READERS: `somebody@school.example, ${READER.toUpperCase()}`, RATE_LIMIT_FACTOR: "0.1" },
      ambient: { clock: () => new Date(Date.now() + minutesLater * 60_000), newId: uuidv7 },
    });
    monitor = await startMonitor(app);
  });
  afterEach(async () => {
    minutesLater = 0;
    await app.container.db.user.deleteMany({ where: { email: READER } });
  });
  afterAll(async () => {
    await monitor?.close();
    await app?.close();
  });

  const anAdmin = () => anAccount(app, { role: "ADMIN" });
  /** Somebody whose address is among the readers. */
  async function aReader(change: { emailVerifiedAt?: null } = {}) {
    const { id } = await anAccount(app, { role: "INSTRUCTOR" });
    await app.container.db.user.update({ where: { id }, data: { email: READER, ...change } });
    return { id, email: READER };
  }
  async function inside({ email }: { email: string }) {
    const visitor = aVisitor(monitor.url);
    const { status, headers } = await visitor.logIn(email);
    expect([status, headers.get("location")]).toEqual([303, "/"]);
    return visitor;
  }
  const isPaused = () => app.container.queues.use(PAUSE.queue, (queue) => queue.isPaused());

  it("show a stranger nothing but the log-in", async () => {
    const stranger = aVisitor(monitor.url);
    for (const path of ["/", "/queues/exam", "/dead-letters", "/acts", ACT, "/board/", "/board/queue/exam"]) {
      const { status, headers } = await stranger.open(path);
      expect([path, status, headers.get("location")]).toEqual([path, 303, "/login"]);
    }
    const asked = await stranger.send("/board/api/queues", { headers: { accept: "application/json" } });
    expect(asked.status).toBe(401);
    expect(asked.text).not.toContain("exam");
    expect((await stranger.submit(ACT, PAUSE)).status).toBe(401);
    expect((await stranger.open("/login")).text).toContain("Password");
    expect((await stranger.open("/healthz")).status).toBe(200);
    await eventually("it is ready", async () => (await stranger.open("/readyz")).status === 200, 60_000);
  });

  it("open to an administrator, and close with the log-out", async () => {
    const visitor = await inside(await anAdmin());
    expect((await visitor.open("/")).text).toContain("Overview");
    expect((await visitor.open("/queues/exam")).text).toContain("Pause queue…");
    const kept = visitor.cookie;
    expect((await visitor.submit("/logout", {})).headers.get("location")).toBe("/login");
    visitor.cookie = kept;
    expect((await visitor.open("/")).status).toBe(303);
  });

  it("let a reader look everywhere and act nowhere", async () => {
    const reader = await inside(await aReader());
    for (const path of ["/", "/queues/exam", "/dead-letters", "/board/"]) {
      const { status, text } = await reader.open(path);
      expect([path, status]).toEqual([path, 200]);
      expect(text).not.toMatch(/href="\/acts|Pause/);
    }
    expect((await reader.open("/acts")).status).toBe(403);
    expect((await reader.open(ACT)).status).toBe(403);
    expect((await reader.submit(ACT, { ...PAUSE, confirmed: "1" })).status).toBe(403);
    expect(await isPaused()).toBe(false);
  });

  it("refuse everybody else, also who has only claimed a reader's address", async () => {
    const others = [await anAccount(app), await anAccount(app, { role: "INSTRUCTOR" })];
    for (const { email } of [...others, await aReader({ emailVerifiedAt: null })]) {
      const visitor = aVisitor(monitor.url);
      const { status, text } = await visitor.logIn(email);
      expect([status, visitor.cookie]).toEqual([403, ""]);
      expect(text).toContain("may not look");
      const open = { user: { email }, revokedAt: null };
      expect(await app.container.db.session.count({ where: open })).toBe(0);
    }
  });

  it("count wrong log-ins together with those of the API", async () => {
    const { email } = await anAdmin();
    const visitor = aVisitor(monitor.url);
    expect((await visitor.logIn(email, { password: "not the password" })).status).toBe(401);
    const { status, text } = await visitor.logIn(email);
    expect(status).toBe(429);
    expect(text).toContain("Try again in");
    expect(await app.refusal(LOGIN, { email, password })).toBe("RATE_LIMITED");
  });

  it("ask for the second factor of who has one", async () => {
    const person = await anAdmin();
    const actor = { userId: person.id, role: "ADMIN", sessionId: uuidv7(), secondFactorMissing: false } as const;
    const { secondFactor } = app.container.services;
    const inRequest = { ...actor, requestId: "test", ip: null, userAgent: null, reads: new Reads() };
    const { secret } = await secondFactor.setUp(inRequest, password);
    const [recoveryCode] = await secondFactor.confirm(inRequest, await generate({ secret }));
    const visitor = aVisitor(monitor.url);
    const asked = await visitor.logIn(person.email);
    expect(asked.status).toBe(401);
    expect(asked.text).toContain("Send a code");
    expect((await visitor.logIn(person.email, { code: recoveryCode! })).status).toBe(303);
  });

  it("close at once when the account is disabled, loses its role, or ends its sessions", async () => {
    const { db } = app.container;
    const ends: ((id: string) => Promise<unknown>)[] = [
      (id) => db.user.update({ where: { id }, data: { disabledAt: new Date() } }),
      (id) => db.user.update({ where: { id }, data: { role: "STUDENT" } }),
      (id) => db.session.updateMany({ where: { userId: id }, data: { revokedAt: new Date() } }),
    ];
    for (const end of ends) {
      const person = await anAdmin();
      const visitor = await inside(person);
      await end(person.id);
      expect((await visitor.open("/")).headers.get("location")).toBe("/login");
    }
  });

  it("close when nobody was there for half an hour, however long they refreshed themselves", async () => {
    const visitor = await inside(await anAdmin());
    minutesLater = IDLE_MINUTES - 1;
    await visitor.open("/");
    minutesLater += IDLE_MINUTES - 1;
    expect((await visitor.send("/", { headers: { "sec-fetch-mode": "cors" } })).status).toBe(200);
    minutesLater += 2;
    expect((await visitor.open("/")).headers.get("location")).toBe("/login");
  });

  it("believe no cookie that was changed", async () => {
    const visitor = await inside(await anAdmin());
    const [name, ticket] = visitor.cookie.split("=") as [string, string];
    const [session, time, signature] = ticket.split(".") as [string, string, string];
    for (const changed of [
      `${session}.${Number(time) + 60}.${signature}`,
      `${uuidv7()}.${time}.${signature}`,
      session,
    ]) {
      visitor.cookie = `${name}=${changed}`;
      expect((await visitor.open("/")).headers.get("location")).toBe("/login");
    }
  });

  it("take forms of their own session and host only", async () => {
    const visitor = await inside(await anAdmin());
    const other = await inside(await anAdmin());
    const foreign = /name="token" value="([^"]+)"/.exec((await other.open("/")).text)![1]!;
    const wish = { ...PAUSE, confirmed: "1" };
    const refused = [
      await visitor.submit(ACT, { ...wish, token: "" }),
      await visitor.submit(ACT, { ...wish, token: foreign }),
      await visitor.submit(ACT, wish, { origin: "https://evil.example" }),
      await visitor.submit(ACT, wish, { origin: "null" }),
      await visitor.submit(ACT, wish, { "sec-fetch-site": "cross-site" }),
      await visitor.submit("/login", {}, { origin: "https://evil.example" }),
    ];
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403));
    expect(await isPaused()).toBe(false);
  });

  it("cannot be framed, kept, or made to load anything from elsewhere; the cookie is for no script and no other site", async () => {
    const visitor = aVisitor(monitor.url);
    const { headers } = await visitor.logIn((await anAdmin()).email);
    expect(headers.get("set-cookie")).toMatch(/^__Host-[^;]+; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
    for (const path of ["/", "/board/", "/login", "/no-such-page"]) {
      const { headers: given, text } = await visitor.open(path);
      expect(given.get("x-frame-options")).toBe("DENY");
      expect(given.get("cache-control")).toBe("no-store");
      expect(given.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(given.get("content-security-policy")).not.toMatch(/https?:|\*/);
      expect(text).not.toMatch(/(href|src)="(https?:)?\/\//);
    }
  });

  it("open also when Redis is away, to say so", async () => {
    const visitor = await inside(await anAdmin());
    const { queueRedis } = app.container;
    queueRedis.disconnect();
    await eventually("the connection is closed", () => queueRedis.status === "end", 60_000);
    const { status, text } = await visitor.open("/");
    expect(status).toBe(200);
    expect(text).toContain("Redis is away");
    expect((await visitor.open("/dead-letters")).status).toBe(503);
    expect((await visitor.open("/board/")).status).toBe(503);
    await queueRedis.connect();
  });
});
