import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { anAccount } from "../../support/accounts.ts";
import { startTestApp, type TestApp } from "../../support/testApp.ts";
import { aVisitor, startMonitor } from "./monitorSite.ts";

const READER = "looks.only@school.example";

describe("the monitor's pages", () => {
  let app: TestApp;
  let monitor: Awaited<ReturnType<typeof startMonitor>>;
  let now: Date;
  beforeAll(async () => {
    const { randomUUID } = await import("node:crypto");
    app = await startTestApp({
      env: { MONITOR_READERS: `Looks.Only@School.Example, ${READER.replace("only", "too")}` },
      ambient: { clock: () => now ?? new Date(), newId: () => randomUUID() },
    });
    monitor = await startMonitor(app);
  });
  afterAll(async () => {
    await monitor?.close();
    await app?.close();
  });

  const admin = () => anAccount(app, { role: "ADMIN" });
  /** Somebody whose address is among the readers. */
  async function aReader(change: object = {}): Promise<string> {
    const { id } = await anAccount(app);
    await app.container.db.user.deleteMany({ where: { email: READER } });
    await app.container.db.user.update({ where: { id }, data: { email: READER, ...change } });
    return READER;
  }
  async function inside(email: string) {
    const visitor = aVisitor(monitor.url);
    expect((await visitor.logIn(email)).status).toBe(303);
    return visitor;
  }

  it("show a stranger nothing but the log-in", async () => {
    const stranger = aVisitor(monitor.url);
    for (const path of ["/", "/dead-letters", "/acts", "/acts/pauseQueue", "/board/", "/board/queue/exam"]) {
      const { status, headers } = await stranger.open(path);
      expect([path, status, headers.get("location")]).toEqual([path, 303, "/login"]);
    }
    const asked = await stranger.send("/board/api/queues", { headers: { accept: "application/json" } });
    expect(asked.status).toBe(401);
    expect((await stranger.submit("/acts/pauseQueue", { queue: "exam" })).status).toBe(401);
    expect((await stranger.open("/login")).text).toContain("Password");
    expect((await stranger.open("/healthz")).status).toBe(200);
    expect((await stranger.open("/readyz")).status).toBe(200);
  });

  it("open to an administrator, and close with the log-out", async () => {
    const visitor = await inside((await admin()).email);
    expect((await visitor.open("/")).status).toBe(200);
    const kept = visitor.cookie;
    expect((await visitor.submit("/logout", {})).headers.get("location")).toBe("/login");
    visitor.cookie = kept;
    expect((await visitor.open("/")).status).toBe(303);
  });
});
