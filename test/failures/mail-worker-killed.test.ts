import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { type HeldRows, holdRows } from "../support/heldRows.ts";
import { type MailServer, startMailServer } from "../support/mailServer.ts";
import { openSite, type Site } from "../support/processes.ts";
import { somePeople } from "../support/school.ts";

/** Generous: several servers start here, and the machine may be busy. */
jest.setTimeout(180_000);

let site: Site;
let server: MailServer;
let held: HeldRows | undefined;
beforeAll(async () => {
  server = await startMailServer({
    async onMail() {
      // The server is about to say "250": whoever then wants to note it has to wait.
      held ??= await holdRows(site.databaseUrl, "SELECT 1 FROM email_deliveries FOR UPDATE", []);
      return undefined;
    },
  });
  site = await openSite({ env: { SMTP_URL: server.url } });
});
afterAll(async () => {
  await site.close();
  await server.close();
});

describe("kill -9 of the worker between the server's yes and the note of it", () => {
  it("sends the mail again, recognisable by its Message-ID, and then never more", async () => {
    const { db, services, queues } = site.container;
    const [admin] = await somePeople(site.container, 1, "ADMIN");
    const worker = await site.start("worker");
    const { jobId } = await services.mails.sendQueued(admin!.actor, {
      to: "ada@school.example",
      subject: "Hi",
      text: "Hi",
    });
    await eventually(
      "the worker wants to note that the mail is sent",
      async () => (await held?.waiting()) === 1,
      60_000,
    );
    await worker.kill();
    await held!.endWaiting(); // PostgreSQL would finish the statement of the dead; this is a death a moment earlier
    await held!.letGo();
    expect(await db.emailDelivery.findUnique({ where: { jobId } })).toMatchObject({ sentAt: null });

    await site.start("worker", worker);
    await eventually(
      "it is noted",
      async () => (await db.emailDelivery.findUnique({ where: { jobId } }))?.sentAt,
      90_000,
    );
    await eventually("the job is done", () =>
      queues.use("email", async (queue) => (await queue.getJobState(jobId)) === "completed"),
    );
    expect(server.mails.map(({ messageId }) => messageId)).toEqual(Array(2).fill(`<${jobId}@school.example>`));

    const again = { jobId, signal: new AbortController().signal };
    await services.mails.sendWritten({ to: "ada@school.example", subject: "Hi", text: "Hi" }, again);
    expect(server.mails).toHaveLength(2);
  });
});
