import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createListJobs } from "../../src/queues/listJobs.ts";
import { createQueueActs, type QueueActs } from "../../src/queues/queueActs.ts";
import { type App, anApp, eventually, otherQueue, testQueue } from "../queues/support.ts";
import { createTestDatabase, type TestDatabase, testRedis } from "../support/testDatabase.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const declarations = [testQueue, otherQueue];
const queue = testQueue.name;

let app: App;
let acts: QueueActs;
let ran: string[];
beforeEach(async () => {
  const { url, prefix } = testRedis();
  app = anApp({ databaseUrl: database.url, redisUrl: url, prefix, lostAfterMs: 200 });
  acts = createQueueActs({ ...app, declarations });
  ran = [];
  await app.db.outboxJob.deleteMany();
  await eventually(() => app.redis.status === "ready");
});
afterEach(() => app.close());

const work = (isBroken: () => boolean = () => false) =>
  app.work({
    note: async ({ text }) => void ran.push(text),
    once: async ({ text }) => {
      ran.push(text);
      if (isBroken()) throw new Error(`cannot do ${text}`);
    },
  });

/** Jobs that are in Redis. */
async function someJobs(
  count: number,
  { name = "note" as "note" | "once", runAt = new Date(0) } = {},
): Promise<string[]> {
  const rows = Array.from({ length: count }, (_, at) =>
    app.outbox.row(testQueue, name, { text: String(at) }, { runAt }),
  );
  await app.db.outboxJob.createMany({ data: rows });
  app.outbox.handOver();
  await eventually(async () => (await app.db.outboxJob.count({ where: { publishedAt: null } })) === 0);
  return rows.map(({ id }) => id);
}

/** Waits until the relay has looked for lost jobs, which it shows by bringing one back. */
async function untilRelayHasLooked() {
  const [probe] = await someJobs(1, { runAt: new Date(Date.now() + 300) });
  await app.queues.use(queue, (open) => open.remove(probe!));
  await eventually(async () => (await app.stateOf(probe!)) !== "unknown");
}

type Name = keyof QueueActs;
const preview = (name: Name, input: object) => acts[name].preview(acts[name].input.parse(input) as never);
async function perform(name: Name, input: object): Promise<string[]> {
  const wish = acts[name].input.parse(input) as never;
  return acts[name].execute(wish, await acts[name].preview(wish));
}

describe("draining a queue", () => {
  it("gives up what waits for a worker, and the relay brings none of it back", async () => {
    app.outbox.startRelay();
    const [later] = await someJobs(1, { runAt: new Date(Date.now() + 3_600_000) });
    const waiting = await someJobs(30);
    expect((await preview("drainQueue", { queue })).sort()).toEqual(waiting);
    expect(await app.queues.use(queue, (open) => open.getWaitingCount())).toBe(30);
    expect((await perform("drainQueue", { queue })).sort()).toEqual(waiting);
    expect(await perform("drainQueue", { queue })).toEqual([]);
    await untilRelayHasLooked();
    for (const id of waiting) expect(await app.stateOf(id)).toBe("unknown");
    expect(await app.stateOf(later!)).toBe("delayed");
    const failedReason = "An administrator gave the job up.";
    expect(await app.getJobStatus(queue, waiting[0]!)).toMatchObject({ state: "FAILED", failedReason });
  });

  it("leaves every job either done once or given up while workers go on", async () => {
    const ids = await someJobs(1_200);
    app.outbox.startRelay();
    work();
    await eventually(() => ran.length > 50);
    await perform("drainQueue", { queue });
    await eventually(async () => (await app.db.outboxJob.count({ where: { finishedAt: null } })) === 0);
    const rows = await app.db.outboxJob.findMany({ select: { payload: true, discardedAt: true } });
    const texts = (isDiscarded: boolean) =>
      rows
        .filter((row) => (row.discardedAt !== null) === isDiscarded)
        .map((row) => (row.payload as { text: string }).text);
    expect([...ran].sort()).toEqual(texts(false).sort());
    expect(texts(true).length).toBeGreaterThan(0);
    expect(rows).toHaveLength(ids.length);
  });

  it("can be undone: given-up jobs are handed over again by their ids, and run once", async () => {
    app.outbox.startRelay();
    const ids = await someJobs(3);
    await perform("drainQueue", { queue });
    expect(await preview("reenqueueFromOutbox", { queue })).toEqual([]);
    expect((await perform("reenqueueFromOutbox", { ids })).sort()).toEqual(ids);
    work();
    await eventually(async () => (await app.db.outboxJob.count({ where: { finishedAt: null } })) === 0);
    expect(await perform("reenqueueFromOutbox", { ids })).toEqual([]);
    expect([...ran].sort()).toEqual(["0", "1", "2"]);
  });
});

describe("handing over again from the outbox", () => {
  it("finds what Redis has lost, beside the relay and without running anything twice", async () => {
    const ids = await someJobs(20);
    const lost = ids.slice(0, 12);
    await app.queues.use(queue, (open) => Promise.all(lost.map((id) => open.remove(id))));
    expect(await preview("reenqueueFromOutbox", { queue: "other" })).toEqual([]);
    expect(await preview("reenqueueFromOutbox", { ids: ids.slice(10) })).toEqual(ids.slice(10, 12));
    expect(await preview("reenqueueFromOutbox", { queue })).toEqual(lost);
    app.outbox.startRelay();
    await perform("reenqueueFromOutbox", { queue });
    await eventually(async () => (await app.queues.use(queue, (open) => open.getWaitingCount())) === 20);
    work();
    await eventually(async () => (await app.db.outboxJob.count({ where: { finishedAt: null } })) === 0);
    expect(ran).toHaveLength(20);
  });
});

describe("dead letters in bulk", () => {
  it("are found by queue, name, text, time and id", async () => {
    work(() => true);
    const ids = await someJobs(12, { name: "once" });
    await eventually(async () => (await app.deadLetters.matching({})).length === 12);
    const found = async (filter: object) => (await preview("retryDeadLetters", filter)).length;
    const [newest] = await app.deadLetters.matching({});
    expect(await found({ queue })).toBe(12);
    expect(await found({ queue: "other" })).toBe(0);
    expect(await found({ name: "once", error: "CANNOT DO 1" })).toBe(3); // 1, 10 and 11
    expect(await found({ name: "note" })).toBe(0);
    expect(await found({ failedAfter: newest!.failedAt.toISOString() })).toBeGreaterThanOrEqual(1);
    expect(await found({ failedBefore: new Date(0) })).toBe(0);
    expect(await found({ ids: [`${queue}-${ids[4]}`, "nothing"] })).toBe(1);
    expect(() => acts.discardDeadLetters.input.parse({})).toThrow("at least one condition");
    expect(() => acts.retryDeadLetters.input.parse({ queue: "of-tomorrow" })).toThrow("Invalid option");
  });

  it("are retried once each, however many ask, and discarded for good", async () => {
    let isBroken = true;
    work(() => isBroken);
    const ids = await someJobs(120, { name: "once" });
    await eventually(async () => (await app.deadLetters.matching({})).length === 120);
    isBroken = false;
    const wish = { error: "cannot do 1" };
    const wanted = ids.filter((_id, at) => String(at).startsWith("1"));
    const both = await Promise.all([perform("retryDeadLetters", wish), perform("retryDeadLetters", wish)]);
    expect(new Set(both.flat()).size).toBe(wanted.length);
    await eventually(
      async () => (await app.db.outboxJob.count({ where: { finishedAt: null } })) === 120 - wanted.length,
    );
    expect(ran).toHaveLength(120 + wanted.length);
    expect(await perform("discardDeadLetters", { queue })).toHaveLength(120 - wanted.length);
    expect(await perform("discardDeadLetters", { queue })).toEqual([]);
    expect(await app.queues.use(queue, (open) => open.getFailedCount())).toBe(0);
    expect(await app.db.outboxJob.count({ where: { discardedAt: { not: null } } })).toBe(120 - wanted.length);
  });

  it("that were discarded are run when they are handed over again", async () => {
    let isBroken = true;
    work(() => isBroken);
    const [id] = await someJobs(1, { name: "once" });
    await eventually(async () => (await app.deadLetters.matching({})).length === 1);
    await perform("discardDeadLetters", { queue });
    isBroken = false;
    await perform("reenqueueFromOutbox", { ids: [id] });
    await eventually(async () => (await app.stateOf(id!)) === "completed");
    expect(ran).toHaveLength(2);
  });
});

describe("one job", () => {
  it("is retried when it failed, on the list of dead letters or not", async () => {
    let isBroken = true;
    work(() => isBroken);
    const [id] = await someJobs(1, { name: "once" });
    await eventually(async () => (await app.deadLetters.matching({})).length === 1);
    isBroken = false;
    expect(await perform("retryJob", { queue, jobId: id })).toEqual([id]);
    await eventually(async () => (await app.stateOf(id!)) === "completed");
    expect(await app.deadLetters.matching({})).toEqual([]);
    await expect(preview("retryJob", { queue, jobId: id })).rejects.toMatchObject({ reason: "JOB_NOT_FAILED" });
  });

  it("is promoted when it waits for its time", async () => {
    const [id] = await someJobs(1, { runAt: new Date(Date.now() + 3_600_000) });
    work();
    expect(await perform("promoteJob", { queue, jobId: id })).toEqual([id]);
    await eventually(() => ran.length === 1);
    const row = await app.db.outboxJob.findUniqueOrThrow({ where: { id } });
    expect(row.runAt.getTime()).toBeLessThanOrEqual(Date.now() + 1_000);
    await eventually(async () => (await app.stateOf(id!)) === "completed");
    await expect(preview("promoteJob", { queue, jobId: id })).rejects.toMatchObject({ reason: "JOB_NOT_DELAYED" });
  });

  it("is removed unless it runs, also when only the outbox has it", async () => {
    let isHeld = true;
    app.work({
      note: async () => {
        while (isHeld) await new Promise((resolve) => setTimeout(resolve, 10));
      },
    });
    const [running] = await someJobs(1);
    await eventually(async () => (await app.stateOf(running!)) === "active");
    await expect(preview("removeJob", { queue, jobId: running })).rejects.toMatchObject({ reason: "JOB_ACTIVE" });
    const wish = acts.removeJob.input.parse({ queue, jobId: running });
    expect(await acts.removeJob.execute(wish, [running!])).toEqual([]); // begun after it was looked at
    isHeld = false;
    await eventually(async () => (await app.getJobStatus(queue, running!))?.state === "COMPLETED");
    const id = await app.add("only in the outbox");
    const listing = createListJobs({ ...app, declarations });
    expect(await listing.showJob(queue, id)).toMatchObject({ state: "OUTBOX", payload: { text: "[redacted]" } });
    expect(await perform("removeJob", { queue, jobId: id })).toEqual([id]);
    expect(await listing.showJob(queue, id)).toMatchObject({ state: "DISCARDED" });
    await expect(preview("removeJob", { queue, jobId: id })).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(() => acts.removeJob.input.parse({ queue, jobId: "repeat:tick:1" })).toThrow("left to it");
  });
});

describe("pausing a queue", () => {
  it("keeps its jobs until it is resumed", async () => {
    expect(await perform("pauseQueue", { queue, reason: "the mail server moves" })).toEqual([queue]);
    expect(await preview("pauseQueue", { queue, reason: "again" })).toEqual([]);
    work();
    const [id] = await someJobs(1);
    expect(await app.stateOf(id!)).toBe("waiting");
    expect(await perform("resumeQueue", { queue })).toEqual([queue]);
    await eventually(() => ran.length === 1);
    expect(await preview("resumeQueue", { queue })).toEqual([]);
  });
});
