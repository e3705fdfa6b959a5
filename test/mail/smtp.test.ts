import { afterAll, afterEach, describe, expect, it } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { aKeptLog } from "../support/logLines.ts";
import { type MailApp, startMailApp } from "../support/mailApp.ts";
import { aCertificate, type MailServer, startMailServer } from "../support/mailServer.ts";
import { openSite } from "../support/processes.ts";
import { somePeople } from "../support/school.ts";

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const { close } of opened.splice(0)) await close();
});
async function aMailApp(options: Parameters<typeof startMailApp>[0] = {}): Promise<MailApp> {
  const app = await startMailApp(options);
  opened.push(app);
  return app;
}
const deadLettersOf = async (app: MailApp) => (await app.container.deadLetters.list({ first: 10 })).entries;
const buried = (app: MailApp, jobId: string) =>
  eventually("the job is on the dead-letter list", async () =>
    (await deadLettersOf(app)).find((entry) => entry.jobId === jobId),
  );

const untilTriedOnce = (app: MailApp, jobId: string) =>
  eventually("a try has failed", async () => {
    const status = await app.statusOf(jobId);
    return status.failedReason && status;
  });

const certificate = aCertificate();
afterAll(() => certificate.remove());

describe("a mail that somebody wrote", () => {
  it("arrives as it was written, in text and HTML, with a Message-ID that is its job's", async () => {
    const app = await aMailApp();
    const jobId = await app.send({
      subject: "Prüfung: 10 Uhr → Aula",
      html: "<p>Bring a <b>pen</b>.</p>",
      text: "Bring a pen.",
    });
    expect(await app.untilIs(jobId, "COMPLETED")).toEqual({
      id: jobId,
      state: "COMPLETED",
      progress: 100,
      attempts: 1,
      failedReason: null,
    });
    const [mail, ...more] = app.server.mails;
    expect(more).toEqual([]);
    expect(mail).toMatchObject({
      messageId: `<${jobId}@school.example>`,
      from: { name: "Lectern", address: "lectern@school.example" },
      to: [{ address: "ada@school.example" }],
      recipients: ["ada@school.example"],
      subject: "Prüfung: 10 Uhr → Aula",
    });
    expect(mail!.text?.trim()).toBe("Bring a pen.");
    expect(mail!.html?.trim()).toBe("<p>Bring a <b>pen</b>.</p>");
  });

  it("gets the part that is missing from the other one", async () => {
    const app = await aMailApp();
    await app.untilIs(await app.send({ html: "<p>Only <b>HTML</b></p>", text: null }), "COMPLETED");
    await app.untilIs(await app.send({ html: "  ", text: "only <text>" }), "COMPLETED");
    const [ofHtml, ofText] = app.server.mails;
    expect(ofHtml!.text?.trim()).toBe("Only HTML");
    expect(ofText!.html).toContain("only &lt;text&gt;");
  });

  it("goes over a few connections when there are many, each once", async () => {
    const app = await aMailApp();
    const wanted = Array.from({ length: 200 }, (_, number) => `student${number}@school.example`);
    await Promise.all(
      wanted.map((to) => app.container.services.mails.sendQueued(app.admin.actor, { to, subject: "Hi", text: "Hi" })),
    );
    await eventually("all mails are there", () => app.server.mails.length >= 200, 30_000);
    expect(app.server.mails.map(({ recipients }) => recipients[0]).sort()).toEqual(wanted.sort());
    expect(app.server.connections).toBeLessThanOrEqual(5);
  });

  it("waits its turn when a second may not see more", async () => {
    const app = await aMailApp({ env: { MAIL_PER_SECOND: "2" } });
    for (let number = 0; number < 5; number += 1) await app.send({ to: `student${number}@school.example` });
    await eventually("all mails are there", () => app.server.mails.length === 5);
    const times = app.server.tries.map(({ at }) => at);
    expect(times[4]! - times[2]!).toBeGreaterThan(500); // the third and the fifth are in different seconds
    expect(app.server.connections).toBeLessThanOrEqual(2);
  });
});

describe("a mail server that says no for now", () => {
  it("is asked again after two and four seconds", async () => {
    const app = await aMailApp({
      mailServer: {
        onRecipient: () => (app.server.tries.length < 3 ? { code: 451, text: "greylisted, come back" } : undefined),
      },
    });
    const jobId = await app.send();
    expect(await untilTriedOnce(app, jobId)).toMatchObject({
      state: "DELAYED",
      attempts: 1,
      failedReason: "The mail server asks to try again later (451).",
    });
    expect(await app.untilIs(jobId, "COMPLETED")).toMatchObject({ attempts: 3, failedReason: null });
    const [first, second, third] = app.server.tries.map(({ at }) => at);
    expect(second! - first!).toBeGreaterThanOrEqual(2_000);
    expect(third! - second!).toBeGreaterThanOrEqual(4_000);
    expect(app.server.mails).toHaveLength(1);
  });

  it("may be away: the mail is sent when it is there", async () => {
    const gone = await startMailServer();
    await gone.close();
    const app = await aMailApp({ smtpUrl: () => gone.url });
    const jobId = await app.send();
    expect(await untilTriedOnce(app, jobId)).toMatchObject({ failedReason: "The mail server cannot be reached." });
    const back = await startMailServer({ port: gone.port });
    opened.unshift(back);
    await app.untilIs(jobId, "COMPLETED");
    expect(back.mails).toHaveLength(1);
  });
});

describe("a mail server that says no for good", () => {
  it("is quoted in the log, and not to who asks about the job", async () => {
    const { log, text } = aKeptLog();
    const said = "5.1.1 unknown in table db7.internal";
    const app = await aMailApp({ log, mailServer: { onRecipient: () => ({ code: 550, text: said }) } });
    const jobId = await app.send();
    expect(JSON.stringify(await app.untilIs(jobId, "FAILED"))).not.toContain("db7");
    await eventually("the log has it", () => text().includes(said));
  });

  it("is not asked again about an address it refuses, and goes on with the others", async () => {
    const app = await aMailApp({
      mailServer: {
        onRecipient: (to) => (to.startsWith("nobody") ? { code: 550, text: "unknown" } : undefined),
      },
    });
    const jobId = await app.send({ to: "nobody@school.example" });
    expect(await app.untilIs(jobId, "FAILED")).toMatchObject({
      attempts: 1,
      failedReason: "The mail server refuses the address (550).",
    });
    expect(await buried(app, jobId)).toMatchObject({
      queue: "email",
      error: "The mail server refuses the address (550).",
    });
    await app.untilIs(await app.send(), "COMPLETED");
    expect(app.server.tries.map(({ to }) => to)).toEqual(["nobody@school.example", "ada@school.example"]);
  });

  it("is not asked again to take a mail that is too big for it", async () => {
    const app = await aMailApp({ mailServer: { onMail: () => ({ code: 552, text: "too big" }) } });
    const jobId = await app.send();
    expect(await app.untilIs(jobId, "FAILED")).toMatchObject({
      attempts: 1,
      failedReason: "The mail server refuses the mail (552).",
    });
  });

  it("is sent the mail again when somebody takes it from the dead letters, under the same Message-ID", async () => {
    let isFull = true;
    const app = await aMailApp({
      mailServer: { onMail: () => (isFull ? { code: 552, text: "mailbox full" } : undefined) },
    });
    const jobId = await app.send();
    const { id } = await buried(app, jobId);
    isFull = false;
    await app.ask("mutation ($id: ID!) { retryDeadLetter(id: $id) }", { id }, app.admin.token);
    await app.untilIs(jobId, "COMPLETED");
    expect(app.server.mails.map(({ messageId }) => messageId)).toEqual([`<${jobId}@school.example>`]);
  });
});

describe("a log-in at the mail server", () => {
  const login = { user: "lectern", password: "pass word/:@" };
  const withLogin =
    (password: string, host = "127.0.0.1") =>
    (server: MailServer) =>
      `smtp://lectern:${encodeURIComponent(password)}@${host}:${server.port}`;

  it("is done with the user name and password of SMTP_URL", async () => {
    const app = await aMailApp({ mailServer: { login }, smtpUrl: withLogin(login.password) });
    await app.untilIs(await app.send(), "COMPLETED");
    expect(app.server.mails).toMatchObject([{ user: "lectern", isEncrypted: false }]);
  });

  it("that is refused is our mistake, which another try does not mend", async () => {
    const app = await aMailApp({ mailServer: { login }, smtpUrl: withLogin("wrong") });
    const jobId = await app.send();
    expect(await app.untilIs(jobId, "FAILED")).toMatchObject({
      attempts: 1,
      failedReason: "The mail server does not accept our user name and password (535). Correct SMTP_URL.",
    });
    await buried(app, jobId);
    expect(app.server.tries).toEqual([]);
  });

  it("does not leave the machine unencrypted", async () => {
    // To Linux and macOS this is the machine itself, though it does not look like it.
    const app = await aMailApp({ mailServer: { login }, smtpUrl: withLogin(login.password, "0.0.0.0") });
    const jobId = await app.send();
    expect(await app.untilIs(jobId, "FAILED")).toMatchObject({
      attempts: 1,
      failedReason: expect.stringContaining("offers no encryption"),
    });
    expect(app.server.logins).toBe(0);
  });
});

describe("the certificate of a mail server", () => {
  it.each([
    ["STARTTLS", false],
    ["TLS from the start", true],
  ])("that nobody trusts is refused at once, with what to do (%s)", async (_how, fromTheStart) => {
    const app = await aMailApp({ mailServer: { tls: { ...certificate, fromTheStart } } });
    const jobId = await app.send();
    expect(await app.untilIs(jobId, "FAILED")).toMatchObject({
      attempts: 1,
      failedReason: expect.stringMatching(/certificate is not trusted.*NODE_EXTRA_CA_CERTS/),
    });
    expect(app.server.mails).toEqual([]);
    await buried(app, jobId);
  });

  it("is trusted when NODE_EXTRA_CA_CERTS names it, and the mail and the log-in go encrypted", async () => {
    const login = { user: "lectern", password: "secret" };
    const server = await startMailServer({ tls: certificate, login });
    const site = await openSite({
      env: {
        SMTP_URL: `smtp://lectern:secret@localhost:${server.port}`,
        NODE_EXTRA_CA_CERTS: certificate.certFile,
      },
    });
    opened.push(site, server);
    await site.start("worker");
    const { db, services } = site.container;
    const [admin] = await somePeople(site.container, 1, "ADMIN");
    await services.mails.sendQueued(admin!.actor, { to: "ada@school.example", subject: "Hi", text: "Hi" });
    await eventually("the mail is there", () => server.mails.length === 1, 30_000);
    expect(server.mails).toMatchObject([{ isEncrypted: true, user: "lectern" }]);
    await eventually("it is noted", () => db.emailDelivery.findFirst({ where: { sentAt: { not: null } } }));
  }, 90_000);
});
