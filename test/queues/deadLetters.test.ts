import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { countDeadLetters } from "../../src/queues/deadLetters.ts";
import { createTestDatabase, type TestDatabase, testRedis } from "../support/testDatabase.ts";
import { type App, anApp, aUser, eventually } from "./support.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

let app: App;
let isBroken: boolean;
let runs: string[];
beforeEach(async () => {
  const { url, prefix } = testRedis();
  app = anApp({ databaseUrl: database.url, redisUrl: url, prefix, lostAfterMs: 200 });
  await app.db.outboxJob.deleteMany();
  await eventually(() => app.redis.status === "ready");
  app.outbox.startRelay();
  isBroken = true;
  runs = [];
});
afterEach(() => app.close());

const startWorker = () =>
  app.work({
    once: async ({ text }) => {
      runs.push(text);
      if (isBroken) throw new Error(`cannot do ${text}`);
    },
  });

const listed = async () => (await app.deadLetters.list({ first: 100 })).entries;
const aDeadJob = async (text: string, ownerId?: string) => {
  const id = await app.add(text, { name: "once", ownerId });
  const entry = await eventually(async () => (await listed()).find((one) => one.jobId === id));
  return { id, entry: entry! };
};

describe("the dead-letter list", () => {
  it("gets a job after its last try, with its payload, error and owner", async () => {
    startWorker();
    const ownerId = aUser();
    const { id, entry } = await aDeadJob("a", ownerId);
    expect(entry).toMatchObject({
      id: `test-${id}`,
      queue: "test",
      jobId: id,
      name: "once",
      payload: { text: "a" },
      error: "cannot do a",
      attempts: 1,
      ownerId,
    });
    expect(entry.failedAt).toBeInstanceOf(Date);
    expect(await countDeadLetters(app.queues)).toEqual(new Map([["test", 1]]));
  });

  it("is read page by page, the latest failure first", async () => {
    startWorker();
    const jobIds: string[] = [];
    for (const text of ["a", "b", "c"]) jobIds.push((await aDeadJob(text)).id);
    const first = await app.deadLetters.list({ queue: "test", first: 2 });
    expect(first.entries.map((entry) => entry.jobId)).toEqual([jobIds[2], jobIds[1]]);
    expect(first).toMatchObject({ hasNextPage: true, totalCount: 3 });
    const second = await app.deadLetters.list({ queue: "test", first: 2, after: first.entries[1] });
    expect(second.entries.map((entry) => entry.jobId)).toEqual([jobIds[0]]);
    expect(second.hasNextPage).toBe(false);
    expect((await app.deadLetters.list({ queue: "other", first: 2 })).totalCount).toBe(0);
  });

  it("gets the failed jobs that a dying worker did not put there, however many", async () => {
    startWorker();
    const jobIds: string[] = [];
    for (const text of ["a", "b", "c", "d"]) jobIds.push((await aDeadJob(text)).id);
    expect(await countDeadLetters(app.queues)).toEqual(new Map([["test", 4]]));
    for (const { id } of await listed()) await app.queues.use("dead", (queue) => queue.remove(id));
    expect(await listed()).toEqual([]);
    expect(await app.deadLetters.collect()).toBe(4);
    expect(await app.deadLetters.collect()).toBe(0);
    expect((await listed()).map((one) => one.jobId).sort()).toEqual(jobIds.sort());
  });

  it("gets it when the next worker starts", async () => {
    const workers = startWorker();
    const { id, entry } = await aDeadJob("a");
    await workers.close(1_000);
    await app.queues.use("dead", (queue) => queue.remove(entry.id));
    startWorker();
    await eventually(async () => (await listed()).some((one) => one.jobId === id));
  });
});

describe("retrying", () => {
  it("runs the job under its old id and takes it off the list", async () => {
    startWorker();
    const { id, entry } = await aDeadJob("a");
    isBroken = false;
    expect(await app.deadLetters.retry(entry.id)).toBe(true);
    await eventually(async () => (await app.stateOf(id)) === "completed");
    expect(runs).toEqual(["a", "a"]);
    expect(await listed()).toEqual([]);
    expect(await app.deadLetters.retry(entry.id)).toBe(false);
  });

  it("runs the job once when two people ask for it at the same moment", async () => {
    startWorker();
    const { id, entry } = await aDeadJob("a");
    isBroken = false;
    await Promise.all([app.deadLetters.retry(entry.id), app.deadLetters.retry(entry.id)]);
    await eventually(async () => (await app.stateOf(id)) === "completed");
    expect(runs).toEqual(["a", "a"]);
  });

  it("puts a job that fails again back on the list", async () => {
    startWorker();
    const { entry } = await aDeadJob("a");
    await app.deadLetters.retry(entry.id);
    await eventually(async () => runs.length === 2 && (await listed()).length === 1);
  });

  it("runs a job that Redis no longer has", async () => {
    startWorker();
    const { id, entry } = await aDeadJob("a");
    await app.queues.use("test", (queue) => queue.remove(id));
    await app.db.outboxJob.deleteMany({ where: { id } });
    isBroken = false;
    expect(await app.deadLetters.retry(entry.id)).toBe(true);
    await eventually(async () => (await app.stateOf(id)) === "completed");
    expect(runs).toEqual(["a", "a"]);
  });
});

describe("discarding", () => {
  it("removes the job for good: the relay does not bring it back", async () => {
    startWorker();
    const { id, entry } = await aDeadJob("a");
    expect(await app.deadLetters.discard(entry.id)).toBe(true);
    expect(await app.deadLetters.discard(entry.id)).toBe(false);
    expect(await listed()).toEqual([]);
    const probe = await app.add("b", { name: "once" }); // lost and found, so the relay has looked since
    await eventually(async () => (await app.stateOf(probe)) === "failed");
    await app.queues.use("test", (queue) => queue.remove(probe));
    await eventually(() => runs.filter((text) => text === "b").length === 2);
    expect(await app.stateOf(id)).toBe("unknown");
    expect(runs.filter((text) => text === "a")).toHaveLength(1);
    expect(await app.getJobStatus("test", id)).toMatchObject({
      state: "FAILED",
      failedReason: "An administrator gave the job up.",
    });
  });
});
