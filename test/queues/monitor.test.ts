import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import getPort from "get-port";
import { uuidv7 } from "uuidv7";
import { createDb, type Db } from "../../prisma/client.ts";
import { exitCodeOf, problemsOf } from "../../src/monitor/problems.ts";
import { render, renderLine } from "../../src/monitor/render.ts";
import type { QueueFigures, Snapshot } from "../../src/monitor/snapshot.ts";
import { examQueue } from "../../src/queues/exam.queue.ts";
import { openQueues } from "../../src/queues/openQueues.ts";
import { createOutbox } from "../../src/queues/outbox.ts";
import { createRedis, type Redis } from "../../src/redis/redis.ts";
import { createLogger } from "../../src/utils/logger.ts";
import { createTestDatabase, type TestDatabase, testRedis } from "../support/testDatabase.ts";
import { eventually } from "./support.ts";

const exam: QueueFigures = {
  name: "exam",
  waiting: 12,
  active: 3,
  delayed: 480,
  failed: 1,
  dead: 0,
  completed: 1234,
  completedPerMinute: 20.4,
  failedPerMinute: 0,
  stalledPerMinute: 0,
  wait: { p50: 12, p95: 140, p99: 900 },
  run: { p50: 31, p95: 44, p99: 1_800 },
  oldestWaitingSeconds: 4,
  workers: 2,
  isPaused: false,
};
const idle: QueueFigures = {
  ...exam,
  name: "system",
  waiting: 0,
  active: 0,
  delayed: 0,
  failed: 0,
  completed: 0,
  oldestWaitingSeconds: null,
};
const healthy: Snapshot = {
  takenAt: "2026-11-20T09:00:00.000Z",
  queues: [exam, idle],
  outbox: { waiting: 0, oldestSeconds: null },
  redis: {
    version: "7.0.15",
    usedMemoryBytes: 3_145_728,
    maxMemoryBytes: null,
    maxMemoryPolicy: "noeviction",
    appendOnly: "on",
    evictedKeys: 0,
  },
  processes: [],
  cache: { hitRate: null },
  schedules: [],
};

describe("the table", () => {
  it("shows each queue, the outbox and Redis", () => {
    expect(render(healthy, 120)).toBe(
      [
        "Lectern  2026-11-20 09:00:00 UTC",
        "",
        "queue   waiting  active  dead  oldest  workers  delayed  failed  completed",
        "exam         12       3     0     4 s        2      480       1       1234",
        "system        0       0     0       -        2        0       0          0",
        "",
        "outbox   empty",
        "redis    7.0.15, 3.0 MB of no limit, noeviction, append-only file on",
      ].join("\n"),
    );
  });

  it("is never wider than the window and keeps the columns that matter most", () => {
    for (const width of [30, 40, 60, 80]) {
      for (const line of render(healthy, width).split("\n")) expect(line.length).toBeLessThanOrEqual(width);
    }
    expect(render(healthy, 30)).toContain("queue   waiting  active  dead");
  });

  it("says what is away instead of zeros", () => {
    const away = { away: "connect ECONNREFUSED" };
    const text = render({ ...healthy, queues: away, redis: away, outbox: away }, 120);
    expect(text).toContain("queues   unknown: Redis is away");
    expect(text).toContain("outbox   unknown: PostgreSQL is away");
    expect(text).toContain("! Redis is away: connect ECONNREFUSED");
    expect(text).not.toMatch(/\b0\b/);
  });

  it("is one line for a stream of logs", () => {
    const figures = [exam, { ...idle, workers: 0 }];
    expect(renderLine({ ...healthy, queues: figures, outbox: { waiting: 5, oldestSeconds: 7 } })).toBe(
      "exam 12 waiting, 3 active, 480 delayed · system no workers · outbox 5 waiting, the oldest for 7 s · redis 3.0 MB",
    );
  });
});

describe("problems", () => {
  const redis = healthy.redis as object;
  it.each([
    ["dead jobs", { queues: [{ ...exam, dead: 2 }] }, "exam: 2 dead, to be retried or discarded."],
    ["no workers", { queues: [{ ...exam, workers: 0 }] }, "exam: no workers."],
    ["a paused queue", { queues: [{ ...exam, isPaused: true }] }, "exam: paused."],
    ["a job that waits", { queues: [{ ...exam, oldestWaitingSeconds: 90 }] }, "exam: a job waits for 90 s."],
    [
      "an outbox nobody empties",
      { outbox: { waiting: 1, oldestSeconds: 61 } },
      "Jobs wait in the outbox for 61 s: no worker hands them over.",
    ],
    [
      "a policy that evicts",
      { redis: { ...redis, maxMemoryPolicy: "allkeys-lru" } },
      "Redis may throw jobs away: maxmemory-policy is allkeys-lru, not noeviction.",
    ],
    [
      "no append-only file",
      { redis: { ...redis, appendOnly: "off" } },
      "Redis forgets jobs when it restarts: appendonly is off.",
    ],
  ])("names %s", (_what, change, problem) => {
    const snapshot = { ...healthy, ...change } as Snapshot;
    expect(problemsOf(snapshot)).toEqual([problem]);
    expect(exitCodeOf(snapshot)).toBe(1);
  });

  it("are none when all is well", () => {
    expect(problemsOf(healthy)).toEqual([]);
    expect(exitCodeOf(healthy)).toBe(0);
    expect(exitCodeOf({ ...healthy, outbox: { away: "P1001" } })).toBe(2);
  });
});

describe("the program", () => {
  let database: TestDatabase;
  let db: Db;
  let redis: Redis;
  const place = testRedis;
  let env: NodeJS.ProcessEnv;
  const log = createLogger({ level: "silent", pretty: false, program: "test" });

  beforeAll(async () => {
    database = await createTestDatabase();
    const { url, prefix } = place();
    env = { PATH: process.env.PATH, DATABASE_URL: database.url, REDIS_URL: url, REDIS_PREFIX: prefix };
    db = createDb({ url: database.url, poolMax: 2 });
    redis = createRedis(url, { role: "queue", log });
    await eventually(() => redis.status === "ready");
    const queues = openQueues({ redis, prefix });
    const outbox = createOutbox({ db, queues, log, clock: () => new Date(), newId: uuidv7 });
    const attemptId = "0197a000-0000-7000-8000-000000000000";
    await db.$transaction((tx) => outbox.add(tx, examQueue, "gradeAttempt", { attemptId }));
    outbox.handOver();
    await eventually(async () => (await db.outboxJob.count({ where: { publishedAt: null } })) === 0);
    await db.$transaction((tx) => outbox.add(tx, examQueue, "gradeAttempt", { attemptId }));
    await outbox.close();
    await queues.close();
  });
  afterAll(async () => {
    redis.disconnect();
    await db.$disconnect();
    await database.drop();
  });

  const monitor = (args: string[], change: NodeJS.ProcessEnv = {}) => {
    const script = new URL("../../queueMonitor.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, ["--import", "tsx", script, ...args], {
      env: { ...env, ...change },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = { out: "", error: "" };
    child.stdout.on("data", (text) => (said.out += text));
    child.stderr.on("data", (text) => (said.error += text));
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    return { child, said, ended };
  };

  it("prints one JSON document and says by its exit code that something should be looked at", async () => {
    const { said, ended } = monitor(["--json"]);
    expect(await ended).toBe(1);
    const document = JSON.parse(said.out);
    expect(document.queues[0]).toMatchObject({ name: "exam", waiting: 1, active: 0, dead: 0, workers: 0 });
    expect(document.outbox).toMatchObject({ waiting: 1 });
    expect(document.redis).toMatchObject({ maxMemoryPolicy: "noeviction", appendOnly: "on" });
    expect(document.problems).toContain("exam: no workers.");
  });

  it("prints one table", async () => {
    const { said, ended } = monitor(["--once"]);
    expect(await ended).toBe(1);
    expect(said.out).toMatch(/^exam +1 +0 +0 /m);
    expect(said.out).toContain("outbox   1 waiting");
  });

  it("says what is away and tells it by its exit code", async () => {
    const port = await getPort();
    const { said, ended } = monitor(["--once"], { REDIS_URL: `redis://127.0.0.1:${port}` });
    expect(await ended).toBe(2);
    expect(said.out).toContain("Redis is away");
    expect(said.out).toContain("outbox   1 waiting");
  });

  it("logs a line each interval and leaves on SIGTERM", async () => {
    const { child, said, ended } = monitor(["--lines", "--interval", "0.1"]);
    await eventually(() => said.out.split("\n").filter((line) => line.includes("exam 1 waiting")).length >= 2);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  it("names a variable that is missing and an option it does not know", async () => {
    const missing = monitor(["--once"], { DATABASE_URL: "" });
    expect(await missing.ended).toBe(64);
    expect(missing.said.error).toContain("DATABASE_URL: is missing");
    expect(missing.said.error).not.toContain("JWT_PRIVATE_KEY");
    const unknown = monitor(["--forever"]);
    expect(await unknown.ended).toBe(64);
    expect(unknown.said.error).toContain("--forever");
  });
});
