import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { uuidv7 } from "uuidv7";
import { workersOf } from "../../src/monitor/alerts/alertRule.ts";
import type { QueueFigures } from "../../src/monitor/snapshot.ts";
import { examQueue } from "../../src/queues/exam.queue.ts";
import { userQueue } from "../../src/queues/user.queue.ts";
import { eventually } from "../support/eventually.ts";
import { type HeldRows, holdRows } from "../support/heldRows.ts";
import { type MailServer, startMailServer } from "../support/mailServer.ts";
import { openSite, type Program, type Site } from "../support/processes.ts";
import { type Person, somePeople } from "../support/school.ts";
import { aWatch, findIncident, remedyOf, snapshotOf } from "./support.ts";

/** Generous: workers start here, and the machine may be busy. */
jest.setTimeout(180_000);

let site: Site;
let mails: MailServer;
let admin: Person;
let first: Program;
let second: Program;
/** What keeps the first worker busy with a mail, for as long as the machine needs to start the second. */
let held: HeldRows | undefined;

beforeAll(async () => {
  mails = await startMailServer({
    async onMail({ subject }) {
      if (subject === "slow") await new Promise((resolve) => setTimeout(resolve, 6_000));
      // To note that it is sent, the worker then has to wait.
      if (subject === "held")
        held ??= await holdRows(site.databaseUrl, "SELECT 1 FROM email_deliveries FOR UPDATE", []);
      return undefined;
    },
  });
  site = await openSite({ env: { SMTP_URL: mails.url, MAIL_PER_SECOND: "1000" } });
  [admin] = (await somePeople(site.container, 1, "ADMIN")) as [Person];
  first = await site.start("worker");
});
afterAll(async () => {
  await site.close();
  await mails.close();
});

const send = (subject: string) =>
  site.container.services.mails.sendQueued(admin.actor, { to: "ada@school.example", subject, text: "Hello." });
const sendMany = (count: number, subject: string) => Promise.all(Array.from({ length: count }, () => send(subject)));
/** Jobs whose payload no handler understands. */
const poison = async (queue: typeof examQueue | typeof userQueue, name: string, count: number) => {
  const row = {
    queue: queue.name,
    name,
    ownerId: null,
    requestId: null,
    runAt: new Date(),
    payload: { nonsense: true },
  };
  const data = Array.from({ length: count }, () => ({ ...row, id: uuidv7() }));
  await site.container.db.outboxJob.createMany({ data });
};
const examQueueOf = <Result>(work: Parameters<typeof site.container.queues.use<Result>>[1]) =>
  site.container.queues.use(examQueue.name, work);

it("a quiet hour of ordinary traffic gives no alarm", async () => {
  await eventually("the worker has put its schedules", async () => {
    const { schedules } = await snapshotOf(site);
    return !("away" in schedules) && schedules.every(({ isLate }) => !isLate);
  });
  const watch = aWatch(site);
  for (let seconds = 0; seconds <= 3_600; seconds += 10) {
    if (seconds % 400 === 0) await send("ordinary");
    expect(await watch.look()).toEqual([]);
  }
  await eventually("the mails are there", () => mails.mails.length === 10);
});

describe("found within the time it states, by its name and with a remedy:", () => {
  it("a worker that was killed", async () => {
    await send("held");
    await eventually("the worker is busy with a mail", async () => (await held?.waiting()) === 1);
    second = await site.start("worker");
    await eventually("both work", async () => workersOf((await snapshotOf(site)).queues as QueueFigures[]) === 2);
    const alert = await findIncident(site, {
      ...{ rule: "workerLost", subject: "workers" },
      breaks: () => first.kill(),
    });
    await held!.endWaiting();
    await held!.letGo();
    expect(alert).toMatchObject({ says: "1 of 2 workers are gone.", remedy: remedyOf("workerLost") });
  });

  it("a poison job", async () => {
    const alert = await findIncident(site, {
      ...{ rule: "deadLetters", subject: "exam" },
      breaks: () => poison(examQueue, "gradeAttempt", 1),
    });
    expect(alert).toMatchObject({ says: "exam: 1 dead, to be retried or discarded.", remedy: remedyOf("deadLetters") });
  });

  it("jobs that fail", async () => {
    const alert = await findIncident(site, {
      ...{ rule: "failureRate", subject: "user" },
      breaks: () => poison(userQueue, "exportData", 20),
    });
    expect(alert.says).toMatch(/^user: \d+ % of the tries fail, /);
    expect(alert.remedy).toBe(remedyOf("failureRate"));
  });

  it("a slow mail server", async () => {
    const alert = await findIncident(site, {
      ...{ rule: "mailsSlow", subject: "email" },
      breaks: () => sendMany(5, "slow"),
    });
    expect(alert.says).toMatch(/^email: a job takes up to \d+(\.\d)? s\.$/);
    expect(alert.remedy).toContain("mail server of SMTP_URL");
  });

  it("a paused queue that was forgotten", async () => {
    const alert = await findIncident(site, {
      ...{ rule: "queuePaused", subject: "exam" },
      breaks: () => examQueueOf((queue) => queue.pause()),
    });
    expect(alert).toMatchObject({ says: "exam: paused.", remedy: remedyOf("queuePaused") });
    expect(Date.parse(alert.firedAt!) - Date.parse(alert.since)).toBe(900_000);
    await examQueueOf((queue) => queue.resume());
  });

  it("a job whose worker went silent", async () => {
    const alert = await findIncident(site, {
      ...{ rule: "jobStalled", subject: "email" },
    }); // the first worker was killed while it sent a mail
    expect(alert.remedy).toBe(remedyOf("jobStalled"));
    const sent = () => mails.mails.filter(({ subject }) => subject === "held").length;
    await eventually("another worker has sent it again", () => sent() === 2);
  });

  it("a mail server that is down", async () => {
    const alert = await findIncident(site, {
      ...{ rule: "mailsFail", subject: "email" },
      breaks: async () => {
        await mails.close();
        await sendMany(25, "lost");
      },
    });
    expect(alert).toMatchObject({ severity: "critical" });
    expect(alert.remedy).toContain("mail server of SMTP_URL");
  });

  it("a queue without workers", async () => {
    const alert = await findIncident(site, {
      ...{ rule: "noWorker", subject: "exam" },
      breaks: () => second.kill(),
    });
    expect(alert).toMatchObject({ severity: "critical", says: "exam: no workers.", remedy: remedyOf("noWorker") });
  });

  it("an outbox nobody empties", async () => {
    const alert = await findIncident(site, {
      ...{ rule: "outboxStuck", subject: "outbox" },
      breaks: () => poison(examQueue, "gradeAttempt", 1),
      each: (seconds) =>
        site.container.db
          .$executeRaw`UPDATE outbox_jobs SET created_at = now() - ${seconds}::int * interval '1 second' WHERE published_at IS NULL`,
    });
    expect(alert).toMatchObject({ severity: "critical", remedy: remedyOf("outboxStuck") });
  });

  it("jobs that wait too long", async () => {
    const alert = await findIncident(site, {
      ...{ rule: "queueAge", subject: "exam" },
      breaks: async () => {
        site.container.outbox.handOver();
        await eventually("a job waits", () => examQueueOf((queue) => queue.getWaitingCount()));
      },
      aheadSeconds: (seconds) => seconds,
    });
    expect(alert.says).toMatch(/^exam: a job waits for \d+ s\.$/);
    expect(alert.remedy).toBe(remedyOf("queueAge"));
  });

  it("a schedule that is missed", async () => {
    const alert = await findIncident(site, {
      ...{ rule: "scheduleMissed", subject: "exam/sweepAttempts" },
      breaks: () => examQueueOf((queue) => queue.removeJobScheduler("sweepAttempts")),
    });
    expect(alert).toMatchObject({ says: "exam: sweepAttempts is late, not scheduled." });
    expect(alert.remedy).toBe(remedyOf("scheduleMissed"));
  });
});
