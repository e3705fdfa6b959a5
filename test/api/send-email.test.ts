import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { type MailApp, startMailApp } from "../support/mailApp.ts";
import { somePeople } from "../support/school.ts";

let app: MailApp;
beforeAll(async () => {
  app = await startMailApp({
    mailServer: { onRecipient: (to) => (to.startsWith("full") ? { code: 552, text: "mailbox full" } : undefined) },
  });
});
afterAll(() => app.close());

const SEND = "mutation ($input: EmailInput!) { sendEmailQueued(input: $input) { queued jobId } }";
const STATUS = "query ($id: ID!) { getEmailJobStatus(jobId: $id) { id state progress attempts failedReason } }";
const usual = { to: "ada@school.example", subject: "Exam day", text: "Come at nine." };

describe("sendEmailQueued", () => {
  it("answers while the mail server is slow or gone, and says later how it went", async () => {
    const jobId = await app.send();
    expect(await app.untilIs(jobId, "COMPLETED")).toEqual({
      id: jobId,
      state: "COMPLETED",
      progress: 100,
      attempts: 1,
      failedReason: null,
    });
    const refused = await app.send({ to: "full@school.example" });
    expect(await app.untilIs(refused, "FAILED")).toEqual({
      id: refused,
      state: "FAILED",
      progress: 0,
      attempts: 1,
      failedReason: "The mail server refuses the address (552).",
    });
  });

  it.each([
    ["an address that is none", { to: "ada" }, "input.to"],
    ["two addresses", { to: "ada@school.example, eve@school.example" }, "input.to"],
    ["an address with a line break", { to: "ada@school.example\r\nBcc: eve@school.example" }, "input.to"],
    ["no subject", { subject: " " }, "input.subject"],
    ["a subject of two lines", { subject: "Exam\r\nBcc: eve@school.example" }, "input.subject"],
    ["a long subject", { subject: "x".repeat(201) }, "input.subject"],
    ["neither text nor HTML", { text: " ", html: "" }, "input.text"],
    ["too much text", { text: "x".repeat(200_001) }, "input.text"],
    ["too much HTML", { html: "x".repeat(200_001) }, "input.html"],
    ["a character that cannot be stored", { text: "a\u0000b" }, "input.text"],
  ])("refuses %s and names the field", async (_what, changes, path) => {
    const before = await app.container.db.outboxJob.count();
    const { errors } = await app.ask(SEND, { input: { ...usual, ...changes } }, app.admin.token);
    expect(errors).toMatchObject([
      {
        extensions: { code: "BAD_USER_INPUT", fields: expect.arrayContaining([{ path, message: expect.any(String) }]) },
      },
    ]);
    expect(await app.container.db.outboxJob.count()).toBe(before);
  });

  it("puts nothing that the writer typed into another header", async () => {
    const subject = `"<b>" =?utf-8?q?x?= ${"ü".repeat(150)}`;
    await app.send({ subject, to: "folded@school.example" });
    const mail = await eventually("the mail is there", () =>
      app.server.mails.find(({ recipients }) => recipients[0] === "folded@school.example"),
    );
    expect(mail.subject).toBe(subject);
  });

  it("is the administrators', and so is a look at somebody else's mail", async () => {
    const [teacher] = await somePeople(app.container, 1, "INSTRUCTOR");
    const [otherAdmin] = await somePeople(app.container, 1, "ADMIN");
    expect(await app.refusal(SEND, { input: usual }, teacher!.token)).toBe("FORBIDDEN");
    expect(await app.refusal(SEND, { input: usual })).toBe("UNAUTHENTICATED");
    const jobId = await app.send();
    expect(await app.refusal(STATUS, { id: jobId }, teacher!.token)).toBe("NOT_FOUND");
    expect(await app.refusal(STATUS, { id: jobId }, otherAdmin!.token)).toBeUndefined();
    expect(await app.refusal(STATUS, { id: "no-id" }, otherAdmin!.token)).toBe("NOT_FOUND");
  });

  it("is a job of its queue alone", async () => {
    const [person] = await somePeople(app.container, 1);
    const other = await app.container.db.outboxJob.create({
      data: {
        id: crypto.randomUUID(),
        queue: "user",
        name: "removeExpired",
        payload: {},
        ownerId: person!.id,
        runAt: new Date(),
      },
    });
    expect(await app.refusal(STATUS, { id: other.id }, person!.token)).toBe("NOT_FOUND");
  });
});
