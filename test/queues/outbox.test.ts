import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { pino } from "pino";
import { type PrivateRedis, startPrivateRedis } from "../../dev/privateRedis.ts";
import { removeCompletedJobs } from "../../src/queues/removeCompletedJobs.ts";
import { createTestDatabase, type TestDatabase, testRedis } from "../support/testDatabase.ts";
import { type App, anApp, aUser, eventually, testQueue } from "./support.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** Each test has its own keys; rows of another test's jobs would be handed over too, so they go first. */
const apps: App[] = [];
const start = (options: Partial<Parameters<typeof anApp>[0]> = {}) => {
  const { url, prefix } = testRedis();
  const app = anApp({ databaseUrl: database.url, redisUrl: url, prefix, ...options });
  apps.push(app);
  return app;
};
let app: App;
beforeEach(async () => {
  app = start();
  await app.db.outboxJob.deleteMany();
  await eventually(() => app.redis.status === "ready");
});
afterEach(async () => {
  for (const each of apps.splice(0)) await each.close();
});

const publishedAt = async (id: string) => (await app.db.outboxJob.findUniqueOrThrow({ where: { id } })).publishedAt;
const finishedAt = async (id: string) => (await app.db.outboxJob.findUniqueOrThrow({ where: { id } })).finishedAt;
const jobCount = async (of: App) => {
  const counts = await of.queues.use("test", (queue) =>
    queue.getJobCounts("waiting", "delayed", "active", "completed"),
  );
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
};
const keysOf = (of: App) => of.redis.keys(`${of.queues.prefix}:*`);
/** What a Redis that lost its memory has left of this test. */
async function wipe(of: App) {
  await of.redis.del(...(await keysOf(of)));
}

describe("adding a job", () => {
  it("adds nothing when the transaction is rolled back", async () => {
    const rolledBack = app.db.$transaction(async (tx) => {
      await app.outbox.add(tx, testQueue, "note", { text: "never" });
      throw new Error("rolled back");
    });
    await expect(rolledBack).rejects.toThrow("rolled back");
    expect(await app.db.outboxJob.count()).toBe(0);
  });

  it("refuses a payload that is not as declared", async () => {
    // @ts-expect-error: the compiler refuses it as well
    const wrong = app.db.$transaction((tx) => app.outbox.add(tx, testQueue, "note", { text: 5 }));
    await expect(wrong).rejects.toThrow("expected string");
    expect(await app.db.outboxJob.count()).toBe(0);
  });

  it("refuses a job that is not declared", () => {
    // @ts-expect-error: the compiler refuses it as well
    expect(() => app.outbox.row(testQueue, "ofTomorrow", { text: "x" })).toThrow("declares no job ofTomorrow");
  });

  it("gives the job the id of the row, the declared tries at 2, 4 and 8 seconds, and who asked for it", async () => {
    const ownerId = aUser();
    const id = await app.db.$transaction((tx) =>
      app.outbox.add(tx, testQueue, "note", { text: "hello" }, { ownerId, requestId: "r-1" }),
    );
    app.outbox.handOver();
    const job = await eventually(() => app.queues.use("test", (queue) => queue.getJob(id)));
    expect(job?.data).toEqual({ payload: { text: "hello" }, ownerId, requestId: "r-1" });
    expect(job?.opts).toMatchObject({
      attempts: 4,
      backoff: { type: "exponential", delay: 2_000 },
      removeOnComplete: { age: 3600 },
      removeOnFail: false,
    });
  });

  it("runs a job with a time not before it", async () => {
    const ran: number[] = [];
    app.work({ note: async () => void ran.push(Date.now()) });
    const runAt = new Date(Date.now() + 700);
    const id = await app.add("later", { runAt });
    app.outbox.handOver();
    await eventually(async () => (await app.stateOf(id)) === "delayed");
    await eventually(() => ran.length === 1);
    expect(ran[0]).toBeGreaterThanOrEqual(runAt.getTime());
  });
});

describe("handing over", () => {
  it("takes everything that was committed, in the order it was made", async () => {
    const rows = Array.from({ length: 1_200 }, (_, at) => app.outbox.row(testQueue, "note", { text: String(at) }));
    await app.db.outboxJob.createMany({ data: rows });
    app.outbox.handOver();
    await eventually(async () => (await app.db.outboxJob.count({ where: { publishedAt: null } })) === 0);
    const jobs = await app.queues.use("test", (queue) => queue.getJobs(["waiting"], 0, -1, true));
    expect(jobs.map((job) => job.data.payload.text)).toEqual(rows.map((_, at) => String(at)));
  });

  it("gives each row to one of two relays", async () => {
    const second = start({ prefix: app.queues.prefix });
    await eventually(() => second.redis.status === "ready");
    const rows = Array.from({ length: 300 }, (_, at) => app.outbox.row(testQueue, "note", { text: String(at) }));
    for (let from = 0; from < rows.length; from += 10) {
      await app.db.outboxJob.createMany({ data: rows.slice(from, from + 10) });
      app.outbox.handOver();
      second.outbox.handOver();
    }
    app.outbox.startRelay();
    await eventually(async () => (await app.db.outboxJob.count({ where: { publishedAt: null } })) === 0);
    const duplicated = (await app.redis.xrange(`${app.queues.prefix}:test:events`, "-", "+")).filter(([, fields]) =>
      fields?.includes("duplicated"),
    );
    expect(duplicated).toEqual([]);
    expect(await jobCount(app)).toBe(300);
  });

  it("makes one job of a row whose hand-over was not committed", async () => {
    const id = await app.add("twice");
    app.outbox.handOver();
    await eventually(() => publishedAt(id));
    // What a crash between the addition to BullMQ and the commit leaves: the job is there, the row says it is not.
    await app.db.outboxJob.update({ where: { id }, data: { publishedAt: null } });
    app.outbox.handOver();
    await eventually(() => publishedAt(id));
    expect(await jobCount(app)).toBe(1);
  });

  it("leaves the rows of a queue this version does not know", async () => {
    const known = await app.add("known");
    const row = { ...app.outbox.row(testQueue, "note", { text: "new" }), queue: "of-tomorrow" };
    await app.db.outboxJob.create({ data: row });
    app.outbox.handOver();
    await eventually(() => publishedAt(known));
    expect(await publishedAt(row.id)).toBeNull();
  });
});

describe("a Redis that went away", () => {
  let folder: string;
  let redis: PrivateRedis;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), "lectern-outbox-"));
    redis = await startPrivateRedis({ folder });
  });
  afterAll(async () => {
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("gets the jobs when it is back, and the outage is said once", async () => {
    const lines: { level: number; msg: string }[] = [];
    const log = pino({ level: "debug" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const saidAt = (level: number) => lines.filter((line) => line.level === level && line.msg.startsWith("jobs wait"));
    app = start({ redisUrl: redis.url, log });
    await eventually(() => app.redis.status === "ready");
    app.outbox.startRelay();
    await redis.kill();
    await eventually(() => app.redis.status !== "ready");

    const ids = await Promise.all(Array.from({ length: 20 }, (_, at) => app.add(`${at}`)));
    for (const _ of ids) app.outbox.handOver();
    await eventually(() => saidAt(pino.levels.values.debug!).length > 0); // it has tried again
    expect(await app.db.outboxJob.count({ where: { publishedAt: null } })).toBe(20);
    await redis.start();
    await eventually(async () => (await app.db.outboxJob.count({ where: { publishedAt: null } })) === 0);

    expect(await jobCount(app)).toBe(20);
    expect(saidAt(pino.levels.values.warn!)).toHaveLength(1);
  });

  it("without a word does not keep the one who asks waiting", async () => {
    app = start({ redisUrl: redis.url, answerWithinMs: 200 });
    await eventually(() => app.redis.status === "ready");
    const id = await app.add("x");
    process.kill(redis.pid!, "SIGSTOP");
    try {
      await expect(app.stateOf(id)).rejects.toThrow("Redis did not answer within 200 ms.");
      app.outbox.handOver();
      await app.outbox.close(); // waits for the hand-over that runs
      expect(await publishedAt(id)).toBeNull();
    } finally {
      process.kill(redis.pid!, "SIGCONT");
    }
  });

  it("does not stop a worker for good: what was running and what came meanwhile is done once it is back", async () => {
    app = start({ redisUrl: redis.url });
    await eventually(() => app.redis.status === "ready");
    app.outbox.startRelay();
    const done = new Set<string>();
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    app.work({
      note: async ({ text }) => {
        if (text === "running") await held;
        done.add(text);
      },
    });
    const running = await app.add("running");
    app.outbox.handOver();
    await eventually(async () => (await app.stateOf(running)) === "active");
    await redis.kill();
    await eventually(() => app.redis.status !== "ready");
    letGo();
    await app.add("meanwhile");
    app.outbox.handOver();
    await redis.start();

    await eventually(() => done.has("running") && done.has("meanwhile"));
    await eventually(() => finishedAt(running));
  });
});

describe("a Redis that lost everything", () => {
  const lostAfterMs = 200;

  it("gets back the jobs that were waiting", async () => {
    app = start({ lostAfterMs });
    await eventually(() => app.redis.status === "ready");
    const id = await app.add("lost");
    app.outbox.handOver();
    await eventually(() => publishedAt(id));
    await wipe(app);
    app.outbox.startRelay();
    await eventually(async () => (await app.stateOf(id)) === "waiting");
  });

  it("gets back a delayed job before it is due", async () => {
    app = start({ lostAfterMs });
    await eventually(() => app.redis.status === "ready");
    const ran: number[] = [];
    app.work({ note: async () => void ran.push(Date.now()) });
    const runAt = new Date(Date.now() + 2_000);
    const id = await app.add("later", { runAt });
    app.outbox.handOver();
    await eventually(() => publishedAt(id));
    await wipe(app);
    app.outbox.startRelay();
    await eventually(async () => (await app.stateOf(id)) === "delayed");
    expect(Date.now()).toBeLessThan(runAt.getTime());
    await eventually(() => ran.length === 1);
    expect(ran[0]).toBeGreaterThanOrEqual(runAt.getTime());
  });

  it("does not get back a job that was done", async () => {
    app = start({ lostAfterMs });
    await eventually(() => app.redis.status === "ready");
    let runs = 0;
    app.work({ note: async () => void runs++ });
    const id = await app.add("done");
    app.outbox.handOver();
    await eventually(() => finishedAt(id));
    await app.queues.use("test", (queue) => queue.remove(id));
    const probe = await app.add("lost"); // comes back in the same rounds that may not bring back the other
    await app.db.outboxJob.updateMany({ data: { publishedAt: new Date(0) } });
    app.outbox.startRelay();
    await eventually(() => finishedAt(probe));
    expect(await app.stateOf(id)).toBe("unknown");
    expect(runs).toBe(2);
  });

  it("gets back the schedules", async () => {
    app.work({}, { timing: { lockMs: 20_000, stalledCheckMs: 5_000, upkeepMs: 50 } });
    const schedules = () => app.queues.use("test", (queue) => queue.getJobSchedulersCount());
    await eventually(async () => (await schedules()) === 1);
    await wipe(app);
    await eventually(async () => (await schedules()) === 1);
  });
});

describe("completed jobs", () => {
  it("are removed after an hour also when no other job completes, and younger ones are kept", async () => {
    app.work({});
    app.outbox.startRelay();
    const [old, young] = [await app.add("old"), await app.add("young")];
    await eventually(
      async () => (await app.stateOf(old)) === "completed" && (await app.stateOf(young)) === "completed",
    );
    const anHourAgo = Date.now() - 3_601_000;
    await app.redis.zadd(`${app.queues.prefix}:test:completed`, anHourAgo, old);
    await app.redis.hset(`${app.queues.prefix}:test:${old}`, "finishedOn", anHourAgo);
    expect(await removeCompletedJobs(app.queues, [testQueue])).toBe(1);
    expect(await app.stateOf(old)).toBe("unknown");
    expect(await app.stateOf(young)).toBe("completed");
  });
});

describe("finished jobs", () => {
  it("are noted although the worker that did them died before it could", async () => {
    app = start({ lostAfterMs: 100 });
    await eventually(() => app.redis.status === "ready");
    app.work({});
    const id = await app.add("done");
    app.outbox.handOver();
    await eventually(() => finishedAt(id));
    await app.db.outboxJob.update({ where: { id }, data: { finishedAt: null } });
    app.outbox.startRelay();
    await eventually(() => finishedAt(id));
  });

  it("are forgotten after seven days, and unfinished ones are not", async () => {
    const old = new Date(Date.now() - 8 * 86_400_000);
    const done = app.outbox.row(testQueue, "note", { text: "done" });
    const fresh = app.outbox.row(testQueue, "note", { text: "fresh" });
    const open = app.outbox.row(testQueue, "note", { text: "open" });
    await app.db.outboxJob.createMany({
      data: [
        { ...done, publishedAt: old, finishedAt: old },
        { ...fresh, publishedAt: old, finishedAt: new Date() },
        { ...open, publishedAt: old, createdAt: old },
      ],
    });
    expect(await app.outbox.prune()).toBe(1);
    const left = await app.db.outboxJob.findMany({ select: { id: true }, orderBy: { id: "asc" } });
    expect(left.map(({ id }) => id)).toEqual([fresh.id, open.id]);
  });
});
