import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from "@jest/globals";
import getPort from "get-port";
import { Redis } from "ioredis";
import { type PrivateRedis, startPrivateRedis } from "../../dev/privateRedis.ts";
import { createDb } from "../../prisma/client.ts";
import { allQueues } from "../../src/queues/allQueues.ts";
import { deadLetterQueue } from "../../src/queues/deadLetters.ts";
import { systemQueue } from "../../src/queues/system.queue.ts";
import { createRedis } from "../../src/redis/redis.ts";
import { createStartGuards, problemOfServer } from "../../src/startGuards.ts";
import { eventually } from "../support/eventually.ts";
import { aKeptLog } from "../support/logLines.ts";
import { type Program, runProgram } from "../support/processes.ts";
import { somePeople } from "../support/school.ts";
import { startTestApp, type TestApp, testEnvironment } from "../support/testApp.ts";

/** Generous: programs start here, and the machine may be busy. */
jest.setTimeout(180_000);

let folder: string;
let evicting: PrivateRedis;
let app: TestApp;
const running: Program[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), "lectern-guards-"));
  evicting = await startPrivateRedis({ folder });
  await letEvict();
  app = await startTestApp({ worker: true, env: { CACHE_REDIS_URL: evicting.url } });
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((program) => program.kill()));
});
afterAll(async () => {
  await app.close();
  await evicting.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function letEvict(): Promise<void> {
  await onServer(evicting.url, (redis) => redis.config("SET", "maxmemory-policy", "allkeys-lru"));
}

async function onServer<Result>(url: string, ask: (redis: Redis) => Promise<Result>): Promise<Result> {
  const redis = new Redis(url);
  try {
    return await ask(redis);
  } finally {
    redis.disconnect();
  }
}

async function start(name: "server" | "worker", changes: Record<string, string>): Promise<Program> {
  const { DATABASE_URL } = app.config;
  const program = await runProgram(name, folder, {
    ...testEnvironment(DATABASE_URL, { url: evicting.url, prefix: "lectern" }),
    PORT: String(await getPort()),
    LOG_LEVEL: "info",
    ...changes,
  });
  running.push(program);
  return program;
}

/** A database of that name on the test server, or of none. */
const databaseNamed = (name: string): string => {
  const url = new URL(app.config.DATABASE_URL);
  url.pathname = `/${name}`;
  return url.href;
};

function guardsWith(changes: Partial<Parameters<typeof createStartGuards>[0]>) {
  return createStartGuards({ ...app.container, cacheHasOwnServer: true, log: aKeptLog().log, ...changes });
}

describe("a program whose servers are not as it needs them", () => {
  it("is not started, and names all that is wrong with its remedy", async () => {
    const DATABASE_URL = databaseNamed("postgres"); // every server has it, and nobody migrates it
    const names = ["server", "worker"] as const;
    const programs = await Promise.all(names.map((name) => start(name, { DATABASE_URL })));
    for (const [at, program] of programs.entries()) {
      expect(await program.exited).toBe("exit code 1");
      const lines = program.output().trim().split("\n");
      expect(lines[0]).toBe(`The ${names[at]} is not started:`);
      expect(lines[1]).toMatch(/REDIS_URL may throw jobs away .*allkeys-lru.*set "maxmemory-policy noeviction"/);
      expect(lines[2]).toMatch(/^ {2}The database lacks migrations \(\d+_init, .*\): run "npm run migrate"/);
      expect(lines).toHaveLength(3); // no stack trace, and nothing that looks as if it worked
    }
  });

  it("takes a database that nobody has made for one without migrations", async () => {
    const db = createDb({ url: databaseNamed("nobody_made_it"), poolMax: 1 });
    const problems = await guardsWith({ db }).problems();
    await db.$disconnect();
    expect(problems).toEqual([expect.stringContaining('run "npm run migrate"')]);
  });

  it.each([
    ["redis_version:5.0.14", "is Redis 5.0.14, which is too old: install Redis 6.2 or Valkey 7.2, or newer."],
    ["redis_version:6.0.16", "is Redis 6.0.16, which is too old: install Redis 6.2 or Valkey 7.2, or newer."],
    ["redis_version:6.2.0", null],
    ["redis_version:10.1.0", null],
    ["redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1", null],
  ])("knows which servers are too old (%s)", (version, problem) => {
    const info = `# Server\r\n${version}\r\n# Memory\r\nmaxmemory_policy:noeviction\r\n`;
    expect(problemOfServer(info, { variable: "REDIS_URL", mayEvict: false })).toBe(
      problem && `The server of REDIS_URL ${problem}`,
    );
  });
});

describe("the clocks of the machine and of PostgreSQL", () => {
  const shifted = (ms: number) => () => new Date(Date.now() + ms);

  it.each([
    [5_000, "The clock of this machine is 5.0 s ahead of PostgreSQL's"],
    [-90_000, "The clock of this machine is 90.0 s behind PostgreSQL's"],
  ])("must not be %d ms apart", async (ms, sentence) => {
    const problems = await guardsWith({ clock: shifted(ms) }).problems();
    expect(problems).toEqual([expect.stringContaining(sentence)]);
    expect(problems[0]).toContain("timedatectl set-ntp true");
  });

  it.each([0, 900, -900])("may be %d ms apart", async (ms) => {
    expect(await guardsWith({ clock: shifted(ms) }).problems()).toEqual([]);
  });

  it("are not taken for different where only the answer is slow", async () => {
    let readings = 0;
    const slow = () => new Date(Date.now() + 4_000 * (readings++ % 2)); // four seconds pass until the answer is there
    expect(await guardsWith({ clock: slow }).problems()).toEqual([]);
  });
});

describe("a server that is started while Redis is away", () => {
  it("answers all the same, says what it could not check, and checks it when Redis is back", async () => {
    await evicting.stop();
    const server = await start("server", {});
    await eventually("it answers", () => server.health("healthz").catch(() => null), 60_000);
    const { status, body } = await server.health("readyz");
    expect({ status, problems: body.problems }).toEqual({ status: 503, problems: ["redis: does not answer"] });
    expect(server.output()).toContain("not all could be checked before the start");

    await evicting.start();
    await letEvict(); // the first check may come before, and would find nothing to say
    await eventually("it has checked", () => server.output().includes("all that is checked at a start"), 60_000);
    expect(server.isRunning).toBe(true);
  });

  it("says what it finds then, and goes on", async () => {
    const { log, text } = aKeptLog();
    await evicting.stop();
    const queueRedis = createRedis(evicting.url, { role: "queue", log });
    const guards = guardsWith({ queueRedis, log, askAgainMs: 20 });
    expect(await guards.problems()).toEqual([]);
    await evicting.start();
    await letEvict();
    guards.askLater();
    await eventually("it is said", () => text().includes("the next start will be refused"), 60_000);
    expect(text()).toContain("maxmemory-policy allkeys-lru");
    guards.stop();
    queueRedis.disconnect();
  });
});

describe("cache and queues", () => {
  it("have connections of their own, and may have servers of their own of which the cache's may evict", async () => {
    const { queueRedis, cacheRedis } = app.container;
    const namesOn = async (url: string) => (await onServer(url, (redis) => redis.client("LIST"))) as string;
    expect(await guardsWith({}).problems()).toEqual([]);
    expect([await queueRedis.client("GETNAME"), await cacheRedis.client("GETNAME")]).toEqual([
      "lectern-queue",
      "lectern-cache",
    ]);
    const onCacheServer = await namesOn(evicting.url);
    expect(onCacheServer).toContain("name=lectern-cache");
    expect(onCacheServer).toContain("name=lectern-subscriber");
    expect(onCacheServer).not.toMatch(/name=lectern-(queue|worker)/);
  });

  it("share no key, and jobs are done while the cache's server is away", async () => {
    const { queueRedis, cacheRedis, outbox, db } = app.container;
    const { REDIS_PREFIX: prefix } = app.config;
    const [person] = await somePeople(app.container, 1);
    expect((await app.ask("{ me { id } }", {}, person!.token)).data.me.id).toBe(person!.id);
    const [queueKeys, cacheKeys] = await Promise.all(
      [queueRedis, cacheRedis].map((redis) => redis.keys(`${prefix}:*`)),
    );
    const queueNames = [...allQueues.map(({ name }) => name), deadLetterQueue];
    // What jobs took and which processes live belongs to the queues too.
    const ofQueues = new RegExp(`^${prefix}:((${queueNames.join("|")}|job-times|process):|job-last-runs$|processes$)`);
    expect(cacheKeys!.some((key) => key.includes(`user:${person!.id}:profile`))).toBe(true);
    expect(cacheKeys!.filter((key) => ofQueues.test(key))).toEqual([]);
    expect(queueKeys!.filter((key) => cacheKeys!.includes(key) || key.includes(person!.id))).toEqual([]);

    await evicting.stop();
    const id = await db.$transaction((tx) => outbox.add(tx, systemQueue, "pruneOutbox", {}));
    outbox.handOver();
    await eventually(
      "the job is done",
      async () => (await db.outboxJob.findUniqueOrThrow({ where: { id } })).finishedAt,
      60_000,
    );
    expect((await app.ask("{ me { id } }", {}, person!.token)).data.me.id).toBe(person!.id);
  });
});
