import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { anAccount } from "../../support/accounts.ts";
import { startTestApp, type TestApp } from "../../support/testApp.ts";
import { aDeadMail } from "./deadLetter.ts";
import { aVisitor, startMonitor } from "./monitorSite.ts";

const SECRET = "whoever.it.is@private.example";

describe("an act on the monitor's pages", () => {
  let app: TestApp;
  let monitor: Awaited<ReturnType<typeof startMonitor>>;
  let admin: { id: string; email: string };
  let visitor: ReturnType<typeof aVisitor>;
  beforeAll(async () => {
    app = await startTestApp();
    monitor = await startMonitor(app);
    admin = await anAccount(app, { role: "ADMIN" });
    visitor = aVisitor(monitor.url);
    await visitor.logIn(admin.email);
  });
  afterAll(async () => {
    await monitor?.close();
    await app?.close();
  });

  const isPaused = (name: string) => app.container.queues.use(name, (queue) => queue.isPaused());
  const written = () => app.container.db.auditEntry.findMany({ where: { actorId: admin.id }, orderBy: { id: "asc" } });

  it("is offered for everything in the table of acts", async () => {
    const { text } = await visitor.open("/acts");
    for (const name of Object.keys(app.container.services.operations.acts)) {
      expect(text).toContain(`href="/acts/${name}"`);
      expect((await visitor.open(`/acts/${name}`)).text).toContain("Preview");
    }
    expect((await visitor.open("/acts/noSuchAct")).status).toBe(404);
  });

  it("shows first what it would do, and is done and written down when that is confirmed", async () => {
    const wish = { queue: "video", reason: "the new encoder" };
    const preview = await visitor.submit("/acts/pauseQueue", wish);
    expect(preview.text).toContain("Nothing is done yet");
    expect([await isPaused("video"), await written()]).toEqual([false, []]);

    const done = await visitor.submit("/acts/pauseQueue", { ...wish, confirmed: "1" });
    expect(done.text).toContain("Done to 1");
    expect(await isPaused("video")).toBe(true);
    const [entry, ...others] = await written();
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ action: "queue.pause", before: { ...wish, via: "monitor" }, after: { count: 1 } });
    expect(done.text).toContain(entry!.id);
    expect((await visitor.open("/queues/video")).text).toContain("paused");

    const again = await visitor.submit("/acts/pauseQueue", wish);
    expect(again.text).toContain("There is nothing to do");
  });

  it("says what is wrong with what was asked for", async () => {
    const nothing = await visitor.submit("/acts/pauseQueue", { queue: "exam", reason: " " });
    expect(nothing.status).toBe(400);
    expect(nothing.text).toContain("reason");
    const everything = await visitor.submit("/acts/discardDeadLetters", {});
    expect(everything.status).toBe(400);
    expect(everything.text).toContain("at least one condition");
    const stranger = { queue: "exam", jobId: "01900000-0000-7000-8000-000000000000" };
    expect((await visitor.submit("/acts/retryJob", stranger)).status).toBe(404);
  });

  it("finds dead letters, shows them without what is private, and asks again when they are others than were previewed", async () => {
    const one = await aDeadMail(app.container, {
      redisUrl: app.config.REDIS_URL,
      to: SECRET,
      error: `550 no mailbox ${SECRET}`,
    });
    await aDeadMail(app.container, { redisUrl: app.config.REDIS_URL, to: SECRET, error: `550 no mailbox ${SECRET}` });
    const list = await visitor.open("/dead-letters?queue=email&error=no%20mailbox");
    expect(list.text).toContain("2 jobs of this kind");
    const link = /href="(\/acts\/discardDeadLetters\?[^"]+)"/.exec(list.text)![1]!.replaceAll("&amp;", "&");
    expect((await visitor.open(link)).text).toContain("no mailbox");
    const shown = await visitor.open(`/dead-letters/${one.id}`);
    const onBoard = await visitor.open(`/board/api/queues/email/${one.jobId}`);
    const page = await visitor.open(`/jobs/email/${one.jobId}`);
    for (const { status, text } of [list, shown, onBoard, page]) {
      expect(status).toBe(200);
      expect(text).toContain("550 no mailbox");
      expect(text).not.toContain(SECRET);
    }
    expect(page.text).toContain("/acts/retryJob");

    const wish = { queue: "email", error: "no mailbox" };
    expect((await visitor.submit("/acts/discardDeadLetters", wish)).text).toContain("done to <b>2</b>");
    await aDeadMail(app.container, { redisUrl: app.config.REDIS_URL, to: SECRET, error: "550 no mailbox either" });
    const changed = await visitor.submit("/acts/discardDeadLetters", { ...wish, confirmed: "2" });
    expect(changed.text).toContain("Something has changed");
    expect((await app.container.deadLetters.list({ first: 10 })).totalCount).toBe(3);
    const done = await visitor.submit("/acts/discardDeadLetters", { ...wish, confirmed: "3" });
    expect(done.text).toContain("Done to 3");
    expect((await app.container.deadLetters.list({ first: 10 })).totalCount).toBe(0);
  });

  it("cannot be done past the audit log, on the board", async () => {
    const asked = await visitor.send("/board/api/queues/exam/pause", {
      method: "PUT",
      headers: { origin: monitor.url, "content-type": "application/json" },
      body: "{}",
    });
    expect(asked.status).toBe(403);
    expect(await isPaused("exam")).toBe(false);
  });
});
