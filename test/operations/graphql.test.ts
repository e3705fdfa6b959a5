import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { emailQueue } from "../../src/queues/email.queue.ts";
import { eventually } from "../support/eventually.ts";
import { type Person, somePeople } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let admin: Person;
beforeAll(async () => {
  app = await startTestApp();
  [admin] = (await somePeople(app.container, 1, "ADMIN")) as [Person];
});
afterAll(() => app.close());

async function told(operation: string, variables: Record<string, unknown> = {}) {
  const { data, errors } = await app.ask(operation, variables, admin.token);
  if (errors) throw new Error(JSON.stringify(errors));
  return data.result;
}

/** Mails that wait in Redis, because no worker is there. */
async function waitingMails(count: number): Promise<string[]> {
  const { db, outbox } = app.container;
  const mail = { to: "ada@school.example", subject: "Exam day", text: "Come at nine." };
  const rows = Array.from({ length: count }, () => outbox.row(emailQueue, "sendEmail", mail));
  await db.outboxJob.createMany({ data: rows });
  outbox.handOver();
  await eventually(
    "the mails are handed over",
    async () => !(await db.outboxJob.count({ where: { publishedAt: null } })),
  );
  return rows.map(({ id }) => id);
}

const COUNTS = "{ result: queues { name waiting isPaused } }";
const mailQueue = async () => (await told(COUNTS)).find(({ name }: { name: string }) => name === "email");
const AUDIT = `query ($filter: AuditFilter) {
  result: auditLog(filter: $filter) { nodes { id action actor { id } entityType entityId before after } }
}`;
const lines = async (filter: object) => (await told(AUDIT, { filter })).nodes;

describe("an administrator at the queues", () => {
  it("looks, tries without consequences, acts, finds it written down, and undoes it", async () => {
    const ids = await waitingMails(3);
    const JOBS = `{ result: queueJobs(queue: "email", state: WAITING, first: 2) {
      totalCount jobs { id name state payload attempts maxAttempts isScheduled error }
    } }`;
    expect(await told(JOBS)).toEqual({
      totalCount: 3,
      jobs: ids.slice(0, 2).map((id) => ({
        id,
        name: "sendEmail",
        state: "WAITING",
        payload: { to: "[redacted]", subject: "[redacted]", text: "[redacted]" },
        attempts: 0,
        maxAttempts: 4,
        isScheduled: false,
        error: null,
      })),
    });

    const dryRun = await told('mutation { result: drainQueue(queue: "email") { act dryRun count ids auditId } }');
    expect(dryRun).toEqual({ act: "drainQueue", dryRun: true, count: 3, ids, auditId: null });
    expect(await mailQueue()).toMatchObject({ waiting: 3 });
    expect(await lines({ action: "queue.drain" })).toEqual([]);

    const DRAIN = 'mutation { result: drainQueue(queue: "email", dryRun: false) { dryRun count ids auditId } }';
    const drained = await told(DRAIN);
    expect(drained).toMatchObject({ dryRun: false, count: 3, ids });
    expect(await mailQueue()).toMatchObject({ waiting: 0 });
    expect(await lines({ action: "queue.drain" })).toEqual([
      {
        id: drained.auditId,
        action: "queue.drain",
        actor: { id: admin.id },
        entityType: "Job",
        entityId: drained.auditId,
        before: { queue: "email", found: 3 },
        after: { count: 3, ids },
      },
    ]);
    expect(await told(DRAIN)).toEqual({ dryRun: false, count: 0, ids: [], auditId: null });

    const JOB = 'query ($id: ID!) { result: queueJob(queue: "email", id: $id) { state } }';
    expect(await told(JOB, { id: ids[1] })).toEqual({ state: "DISCARDED" });
    const AGAIN = `mutation ($ids: [ID!]) { result: reenqueueFromOutbox(filter: { ids: $ids }, dryRun: false) { count auditId } }`;
    expect(await told(AGAIN, { ids: [ids[1]] })).toMatchObject({ count: 1 });
    await eventually("the mail waits again", async () => (await told(JOB, { id: ids[1] })).state === "WAITING");
    expect(await lines({ entityId: ids[1] })).toMatchObject([{ action: "outbox.reenqueue", entityType: "Job" }]);
  });

  it("pauses a queue with a reason that names nobody", async () => {
    const PAUSE = `mutation ($reason: String!, $dryRun: Boolean!) {
      result: pauseQueue(queue: "exam", reason: $reason, dryRun: $dryRun) { count ids }
    }`;
    const reason = "ada@school.example asked for it";
    expect(await told(PAUSE, { reason, dryRun: true })).toEqual({ count: 1, ids: ["exam"] });
    expect(await lines({ action: "queue.pause" })).toEqual([]);
    await told(PAUSE, { reason, dryRun: false });
    expect(await told(PAUSE, { reason, dryRun: false })).toMatchObject({ count: 0 });
    expect(await lines({ action: "queue.pause" })).toMatchObject([
      { entityType: "Queue", before: { queue: "exam", reason: "[redacted] asked for it" }, after: { ids: ["exam"] } },
    ]);
    await told('mutation { result: resumeQueue(queue: "exam", dryRun: false) { count } }');
  });

  it("sees dead letters without what is private, and settles those that a filter names", async () => {
    const { queues, deadLetters } = app.container;
    const [id] = await waitingMails(1);
    const job = (await queues.use("email", (queue) => queue.getJob(id!)))!;
    await deadLetters.add("email", Object.assign(job, { failedReason: "550 <ada@school.example> is unknown" }));
    const LIST = "query ($filter: DeadLetterFilter) { result: deadLetters(filter: $filter) { id error payload } }";
    const letter = { id: `email-${id}`, error: "550 <[redacted]> is unknown" };
    expect(await told(LIST, { filter: { error: "550" } })).toMatchObject([letter]);
    expect(await told(LIST, { filter: { error: "551" } })).toEqual([]);
    expect(await told("query ($id: ID!) { result: deadLetter(id: $id) { id error } }", letter)).toEqual(letter);
    const DISCARD = `mutation ($filter: DeadLetterFilter!) { result: discardDeadLetters(filter: $filter, dryRun: false) { count } }`;
    expect(await app.refusal(DISCARD, { filter: {} }, admin.token)).toBe("BAD_USER_INPUT");
    expect(await told(DISCARD, { filter: { queue: "email", error: "550 <ada@" } })).toEqual({ count: 1 });
    expect(await lines({ action: "deadLetters.discard" })).toMatchObject([
      { entityId: id, before: { queue: "email", error: "550 <ada@", found: 1 } },
    ]);
  });

  it("is one no more as soon as the account is not, whatever the token says", async () => {
    const [former] = await somePeople(app.container, 1, "ADMIN");
    expect(await app.refusal(COUNTS, {}, former!.token)).toBeUndefined();
    await app.container.db.user.update({ where: { id: former!.id }, data: { role: "INSTRUCTOR" } });
    expect(await app.refusal(COUNTS, {}, former!.token)).toBe("FORBIDDEN");
  });
});
