import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { ConfigError, readConfig } from "../../src/config.ts";
import { allQueues } from "../../src/queues/allQueues.ts";
import { systemQueue } from "../../src/queues/system.queue.ts";
import { userQueue } from "../../src/queues/user.queue.ts";
import { eventually } from "../support/eventually.ts";
import { openSite, type Site } from "../support/processes.ts";
import { testEnvironment } from "../support/testApp.ts";
import { testRedis } from "../support/testDatabase.ts";

jest.setTimeout(180_000);

const queuesOf = (value: string) =>
  readConfig({ ...testEnvironment("postgresql://nowhere/lectern", testRedis()), WORKER_QUEUES: value }).WORKER_QUEUES;

describe("WORKER_QUEUES", () => {
  it("names some queues, or stands for all of them when it is empty", () => {
    expect(queuesOf("exam, email")).toEqual(["exam", "email"]);
    expect(queuesOf("")).toEqual(allQueues.map(({ name }) => name));
  });

  it("stops the start when it names a queue that there is not, and says which there are", () => {
    expect(() => queuesOf("exam,grading")).toThrow(ConfigError);
    expect(() => queuesOf("exam,grading")).toThrow(/WORKER_QUEUES: must be some of exam, user, email/);
  });
});

describe("a worker for one queue", () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  });
  afterAll(() => site.close());

  it("hands over the jobs of all queues, does those of its own, and leaves the others to their workers", async () => {
    const { db, queues } = site.container;
    // Nobody hands them over here: that is the workers' to do.
    const ask = (queue: typeof systemQueue | typeof userQueue, name: string) =>
      db.$transaction((tx) => site.container.outbox.add(tx, queue, name as never, {} as never));
    const stateOf = (queue: string, id: string) => queues.use(queue, (open) => open.getJobState(id));
    const schedulesOf = (queue: string) => queues.use(queue, (open) => open.getJobSchedulersCount());
    const prune = await ask(systemQueue, "pruneOutbox");
    const expire = await ask(userQueue, "removeExpired");

    await site.start("worker", undefined, { WORKER_QUEUES: "user" });
    await eventually("its own job is done", async () => (await stateOf("user", expire)) === "completed", 60_000);
    expect(await stateOf("system", prune)).toBe("waiting");
    await eventually("its own schedule is put", async () => (await schedulesOf("user")) === 1, 60_000);
    expect(await schedulesOf("system")).toBe(0);

    await site.start("worker", undefined, { WORKER_QUEUES: "system,exam" });
    await eventually(
      "the other has done its job",
      async () => (await stateOf("system", prune)) === "completed",
      60_000,
    );
    await eventually("and put its schedules", async () => (await schedulesOf("system")) === 3, 60_000);
  });
});
