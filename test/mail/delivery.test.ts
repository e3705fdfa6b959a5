import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { emailQueue, type TemplatedMail } from "../../src/queues/email.queue.ts";
import { eventually } from "../support/eventually.ts";
import { type MailApp, ownerOf, startMailApp } from "../support/mailApp.ts";
import type { ReceivedMail } from "../support/mailServer.ts";
import { type Person, somePeople } from "../support/school.ts";
import { nothingsId } from "../support/world.ts";

let app: MailApp;
let onMail: (mail: ReceivedMail) => Promise<void>;
beforeAll(async () => {
  app = await startMailApp({
    mailServer: {
      async onMail(mail) {
        await onMail(mail);
        return undefined;
      },
    },
  });
});
afterAll(() => app.close());
beforeEach(() => {
  onMail = async () => {};
  app.server.mails.length = 0;
});

const written = { to: "ada@school.example", subject: "Exam day", text: "Come at nine." };
const aJob = (jobId = nothingsId()) => ({ jobId, signal: new AbortController().signal });

describe("the record of a delivery", () => {
  it("is written before the mail is sent, and marked when the mail server has it", async () => {
    const { db, services } = app.container;
    const job = aJob();
    const seen: unknown[] = [];
    onMail = async () => void seen.push(await db.emailDelivery.findUnique({ where: { jobId: job.jobId } }));
    await services.mails.sendWritten(written, job);
    expect(seen).toMatchObject([{ messageId: `<${job.jobId}@school.example>`, sentAt: null }]);
    const after = await db.emailDelivery.findUnique({ where: { jobId: job.jobId } });
    expect(after?.sentAt).toBeInstanceOf(Date);
  });

  it("stops a second mail when the job runs again", async () => {
    const { services } = app.container;
    const job = aJob();
    await services.mails.sendWritten(written, job);
    await services.mails.sendWritten(written, job);
    expect(app.server.mails).toHaveLength(1);
  });

  it("does not let a second run spoil the link that was sent", async () => {
    const { db, services } = app.container;
    const user = await db.user.create({
      data: { id: nothingsId(), email: "link@school.example", name: "Link", passwordHash: "none" },
    });
    const job = aJob();
    const asked: TemplatedMail = { template: "verification", email: user.email };
    await services.mails.sendTemplated(asked, job);
    await services.mails.sendTemplated(asked, job);
    const token = /token=([\w-]+)/.exec(app.server.mails[0]!.text!)![1]!;
    expect(await ownerOf(app, token, "VERIFY_EMAIL")).toBe(user.id);
  });

  it("is marked later, without a second mail, when the database is away just after the mail was sent", async () => {
    const { db } = app.container;
    onMail = async () => void (await db.$executeRaw`ALTER TABLE email_deliveries RENAME TO away`);
    const jobId = await app.send();
    await app.untilIs(jobId, "DELAYED");
    await db.$executeRaw`ALTER TABLE away RENAME TO email_deliveries`;
    await app.untilIs(jobId, "COMPLETED");
    expect(app.server.mails).toHaveLength(1);
    expect(await db.emailDelivery.findUnique({ where: { jobId } })).toMatchObject({ sentAt: expect.any(Date) });
  });

  it("is removed after thirty days, and not before", async () => {
    const { db, services } = app.container;
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
    await db.emailDelivery.deleteMany();
    const rows = [29, 31].map((days) => ({ jobId: nothingsId(), messageId: `${days}`, startedAt: daysAgo(days) }));
    await db.emailDelivery.createMany({ data: rows });
    expect(await services.mails.removeOldDeliveries()).toBe(1);
    expect(await services.mails.removeOldDeliveries()).toBe(0);
    expect(await db.emailDelivery.findMany()).toMatchObject([{ messageId: "29" }]);
  });
});

describe("a worker that stops", () => {
  it("does not send what still waits for its turn", async () => {
    const { services } = app.container;
    const stopping = new AbortController();
    onMail = async () => stopping.abort();
    const job = { ...aJob(), signal: stopping.signal };
    stopping.abort();
    await expect(services.mails.sendWritten(written, job)).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    expect(app.server.mails).toEqual([]);
  });
});

describe("a mail that is asked for in a transaction", () => {
  const ask = async (person: Person, fail: boolean) => {
    const { db, outbox } = app.container;
    const asked = { template: "passwordChanged", userId: person.id } as const;
    return db.$transaction(async (tx) => {
      const jobId = await outbox.add(tx, emailQueue, "sendTemplate", asked, { ownerId: person.id });
      if (fail) throw new Error("rolled back");
      return jobId;
    });
  };

  it("is sent when that commits, and its owner sees how it stands", async () => {
    const [person, other] = await somePeople(app.container, 2);
    const jobId = await ask(person!, false);
    app.container.outbox.handOver();
    await app.untilIs(jobId, "COMPLETED");
    expect(app.server.mails).toMatchObject([{ recipients: [person!.email], subject: "Your password was changed" }]);
    const status = "query ($id: ID!) { getEmailJobStatus(jobId: $id) { state } }";
    const { data } = await app.ask(status, { id: jobId }, person!.token);
    expect(data.getEmailJobStatus).toEqual({ state: "COMPLETED" });
    expect(await app.refusal(status, { id: jobId }, other!.token)).toBe("NOT_FOUND");
  });

  it("is not sent when that is rolled back", async () => {
    const [person] = await somePeople(app.container, 1);
    await expect(ask(person!, true)).rejects.toThrow("rolled back");
    const later = await app.send();
    await app.untilIs(later, "COMPLETED");
    expect(app.server.mails).toHaveLength(1);
  });

  it("says that no answer by a machine is wanted", async () => {
    const [person] = await somePeople(app.container, 1);
    await ask(person!, false);
    app.container.outbox.handOver();
    await eventually("the mail is there", () => app.server.mails.length === 1);
    const header = app.server.mails[0]!.headers.find(({ key }) => key === "auto-submitted");
    expect(header?.value).toBe("auto-generated");
  });
});
