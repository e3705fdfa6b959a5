import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { unavailable, unprocessable } from "../../src/domain/errors.ts";
import type { JobContext } from "../../src/queues/jobContext.ts";
import { readRecent } from "../../src/queues/jobHistory.ts";
import type { JobEvent } from "../../src/workers/startWorker.ts";
import { createTestDatabase, type TestDatabase, testRedis } from "../support/testDatabase.ts";
import { type App, anApp, aUser, eventually, testQueue } from "./support.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

let app: App;
let place: { databaseUrl: string; redisUrl: string; prefix: string };
beforeEach(async () => {
  const { url, prefix } = testRedis();
  place = { databaseUrl: database.url, redisUrl: url, prefix };
  app = anApp(place);
  await app.db.outboxJob.deleteMany();
  await eventually(() => app.redis.status === "ready");
  app.outbox.startRelay();
});
afterEach(() => app.close());

const jobOf = async (id: string) => (await app.queues.use("test", (queue) => queue.getJob(id)))!;
const isIn = (id: string, state: string) => eventually(async () => (await app.stateOf(id)) === state);
const never = () => new Promise<void>(() => {});

describe("a job", () => {
  it("is done once, with its payload, and noted as finished", async () => {
    const seen: string[] = [];
    app.work({ note: async ({ text }) => void seen.push(text) });
    const id = await app.add("hello");
    await eventually(async () => (await app.db.outboxJob.findUniqueOrThrow({ where: { id } })).finishedAt);
    expect(seen).toEqual(["hello"]);
    await isIn(id, "completed");
  });

  it("is tried again when it fails, as often as declared", async () => {
    const attempts: number[] = [];
    app.work({
      quick: async () => {
        attempts.push(attempts.length + 1);
        throw new Error("broken");
      },
    });
    await isIn(await app.add("x", { name: "quick" }), "failed");
    expect(attempts).toEqual([1, 2]);
  });

  it("waits two seconds before its second try when nothing else is declared", async () => {
    app.work({
      note: async () => {
        throw new Error("broken");
      },
    });
    const id = await app.add("x");
    await isIn(id, "delayed");
    const job = await jobOf(id);
    expect(job.attemptsMade).toBe(1);
    expect(job.delay).toBe(2_000);
  });

  it("is not tried again when a rule refuses it", async () => {
    let runs = 0;
    app.work({
      note: async () => {
        runs += 1;
        throw unprocessable("ATTEMPT_CLOSED", "The attempt is closed.");
      },
    });
    const id = await app.add("x");
    await isIn(id, "failed");
    expect((await jobOf(id)).failedReason).toBe("The attempt is closed.");
    expect(runs).toBe(1);
  });

  it("is tried again when a service it needs is away", async () => {
    let runs = 0;
    app.work({
      quick: async () => {
        runs += 1;
        if (runs === 1) throw unavailable("The database is away.", 1);
      },
    });
    await isIn(await app.add("x", { name: "quick" }), "completed");
    expect(runs).toBe(2);
  });

  it("with a payload that is not as declared is not run and not tried again", async () => {
    let runs = 0;
    app.work({ note: async () => void runs++ });
    const row = { ...app.outbox.row(testQueue, "note", { text: "x" }), payload: { text: 5 } };
    await app.db.outboxJob.create({ data: row });
    await isIn(row.id, "failed");
    const job = await jobOf(row.id);
    expect(job.attemptsMade).toBe(1);
    expect(job.failedReason).toContain("The payload is not as declared");
    expect(runs).toBe(0);
  });

  it("that only a newer version knows is left to be tried again", async () => {
    app.work({});
    const row = { ...app.outbox.row(testQueue, "note", { text: "x" }), name: "ofTomorrow" };
    await app.db.outboxJob.create({ data: row });
    await isIn(row.id, "delayed");
  });

  it("that takes longer than it may is told so and has failed", async () => {
    let context: JobContext | undefined;
    app.work({
      limited: async (_payload, job) => {
        context = job;
        await never();
      },
    });
    const id = await app.add("x", { name: "limited" });
    await isIn(id, "failed");
    expect((await jobOf(id)).failedReason).toBe("The job took longer than 100 ms.");
    expect(context?.signal.aborted).toBe(true);
  });

  it("tells whoever watches what happens to it", async () => {
    const events: JobEvent[] = [];
    let runs = 0;
    app.work(
      {
        quick: async (_payload, job) => {
          await job.progress(33.3);
          runs += 1;
          if (runs === 1) throw new Error("broken");
        },
      },
      { onJobEvent: (event) => void events.push(event) },
    );
    const ownerId = aUser();
    const id = await app.add("x", { name: "quick", ownerId });
    await eventually(() => events.some((event) => event.state === "COMPLETED"));
    expect(events.filter((event) => event.jobId === id).map(({ state, progress }) => [state, progress])).toEqual([
      ["ACTIVE", 0],
      ["ACTIVE", 33],
      ["DELAYED", 33],
      ["ACTIVE", 33],
      ["COMPLETED", 100],
    ]);
    expect(events.find((event) => event.jobId === id)).toMatchObject({ queue: "test", name: "quick", ownerId });
  });
});

describe("a schedule", () => {
  it("starts its job by itself", async () => {
    let ticks = 0;
    app.work({ tick: async () => void ticks++ });
    await eventually(() => ticks === 1);
  });

  it("that is no longer declared is removed", async () => {
    await app.queues.use("test", (queue) => queue.upsertJobScheduler("ofYesterday", { every: 60_000 }));
    app.work({});
    await eventually(async () => {
      const schedulers = await app.queues.use("test", (queue) => queue.getJobSchedulers());
      return schedulers.length === 1 && schedulers[0]?.key === "tick";
    });
  });
});

describe("a worker that is closed", () => {
  it("finishes what is running and takes nothing new", async () => {
    const done: string[] = [];
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const workers = app.work({
      note: async ({ text }) => {
        await held;
        done.push(text);
      },
    });
    const first = await app.add("first");
    await isIn(first, "active");
    const closing = workers.close(10_000);
    expect(workers.isRunning()).toBe(false);
    const second = await app.add("second");
    await isIn(second, "waiting");
    letGo();
    await closing;
    expect(done).toEqual(["first"]);
    await isIn(first, "completed");
    expect(await app.stateOf(second)).toBe("waiting");
  });

  it("puts back what does not finish in time, and that keeps its tries", async () => {
    const workers = app.work({ once: never });
    const id = await app.add("slow", { name: "once" });
    await isIn(id, "active");
    await workers.close(2_500); // half a second to finish, the rest to put back
    await isIn(id, "waiting");
    expect((await jobOf(id)).attemptsMade).toBe(0);

    app.work({}); // the only try is still there
    await isIn(id, "completed");
  });
});

describe("a worker that is killed", () => {
  it("leaves its job to another, which does it within the lock and the check", async () => {
    const timing = { lockMs: 1_000, stalledCheckMs: 500, upkeepMs: 60_000 };
    const child = spawn(
      process.execPath,
      ["--import", "tsx", new URL("./workerProcess.ts", import.meta.url).pathname],
      {
        env: {
          ...process.env,
          NODE_OPTIONS: "",
          TEST_DATABASE_URL: place.databaseUrl,
          TEST_QUEUE_REDIS_URL: place.redisUrl,
          TEST_PREFIX: place.prefix,
          TEST_TIMING: JSON.stringify(timing),
        },
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const id = await app.add("interrupted");
    const [said] = await once(child.stdout, "data");
    expect(String(said)).toBe("taken interrupted\n");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await app.stateOf(id)).toBe("active");

    const done: string[] = [];
    app.work({ note: async ({ text }) => void done.push(text) }, { timing });
    await eventually(() => done.length > 0);
    expect(done).toEqual(["interrupted"]);
    await isIn(id, "completed");
    expect((await jobOf(id)).attemptsMade).toBe(1);

    await app.jobTimes.flush();
    const source = { redis: app.redis, prefix: place.prefix, queues: ["test"], now: new Date() };
    expect((await readRecent(source)).get("test")!.stalled).toBeGreaterThanOrEqual(1);
  });
});
