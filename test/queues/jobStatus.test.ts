import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { type PrivateRedis, startPrivateRedis } from "../../dev/privateRedis.ts";
import { unprocessable } from "../../src/domain/errors.ts";
import { createTestDatabase, type TestDatabase, testRedis } from "../support/testDatabase.ts";
import { type App, anApp, aUser, eventually } from "./support.ts";

let database: TestDatabase;
let folder: string;
let ownRedis: PrivateRedis;
beforeAll(async () => {
  database = await createTestDatabase();
  folder = mkdtempSync(path.join(os.tmpdir(), "lectern-status-"));
  ownRedis = await startPrivateRedis({ folder });
});
afterAll(async () => {
  await ownRedis.stop();
  rmSync(folder, { recursive: true, force: true });
  await database.drop();
});

let app: App;
const start = async (redisUrl: string, prefix: string) => {
  app = anApp({ databaseUrl: database.url, redisUrl, prefix });
  await app.db.outboxJob.deleteMany();
  await eventually(() => app.redis.status === "ready");
};
beforeEach(() => {
  const { url, prefix } = testRedis();
  return start(url, prefix);
});
afterEach(() => app.close());

const later = () => new Date(Date.now() + 3_600_000);
const status = (id: string) => app.getJobStatus("test", id);
const handOver = async (id: string) => {
  app.outbox.handOver();
  await eventually(async () => (await app.stateOf(id)) !== "unknown");
};
const reaches = (id: string, state: string) => eventually(async () => (await status(id))?.state === state);

describe("the status of a job", () => {
  it("is WAITING or DELAYED before it is handed over", async () => {
    const runAt = later();
    const ownerId = aUser();
    const soon = await app.add("soon", { ownerId });
    const delayed = await app.add("delayed", { runAt });
    expect(await status(soon)).toMatchObject({
      id: soon,
      queue: "test",
      name: "note",
      state: "WAITING",
      progress: 0,
      attempts: 0,
      failedReason: null,
      finishedAt: null,
      ownerId,
    });
    expect(await status(delayed)).toMatchObject({ state: "DELAYED", runAt });
  });

  it("is WAITING or DELAYED in the queue", async () => {
    const soon = await app.add("soon");
    const delayed = await app.add("delayed", { runAt: later() });
    await handOver(delayed);
    await handOver(soon);
    expect((await status(soon))?.state).toBe("WAITING");
    expect((await status(delayed))?.state).toBe("DELAYED");
  });

  it("is ACTIVE with its progress, then COMPLETED, also when the queue has forgotten it", async () => {
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    app.work({
      note: async (_payload, job) => {
        await job.progress(40);
        await held;
      },
    });
    const id = await app.add("x");
    await handOver(id);
    await eventually(async () => (await status(id))?.progress === 40);
    expect((await status(id))?.state).toBe("ACTIVE");
    letGo();
    await reaches(id, "COMPLETED");
    expect(await status(id)).toMatchObject({ progress: 100, attempts: 1, failedReason: null });
    expect((await status(id))?.finishedAt).toBeInstanceOf(Date);
    await eventually(async () => (await app.db.outboxJob.findUniqueOrThrow({ where: { id } })).finishedAt);
    await app.queues.use("test", (queue) => queue.remove(id));
    expect(await status(id)).toMatchObject({ state: "COMPLETED", progress: 100 });
  });

  it("is FAILED with the sentence of a refusal", async () => {
    app.work({
      note: async () => {
        throw unprocessable("EXAM_ARCHIVED", "The exam is archived.");
      },
    });
    const id = await app.add("x");
    await handOver(id);
    await reaches(id, "FAILED");
    expect(await status(id)).toMatchObject({ failedReason: "The exam is archived.", attempts: 1 });
  });

  it("is FAILED without the internal text of a fault", async () => {
    app.work({
      once: async () => {
        throw new Error("relation users does not exist at 10.0.0.5");
      },
    });
    const id = await app.add("x", { name: "once" });
    await handOver(id);
    await reaches(id, "FAILED");
    expect((await status(id))?.failedReason).toBe("The job failed because of an internal error.");
  });

  it("is null for a job of another queue, an unknown one, and what is no id", async () => {
    const id = await app.add("x");
    expect(await app.getJobStatus("other", id)).toBeNull();
    expect(await status(aUser())).toBeNull();
    expect(await status("repeat:tick:1")).toBeNull();
  });
});

describe("the status while Redis is down", () => {
  it("is what the outbox knows", async () => {
    await app.close();
    await start(ownRedis.url, "status");
    const done = await app.add("done");
    const workers = app.work({});
    await handOver(done);
    await eventually(async () => (await app.db.outboxJob.findUniqueOrThrow({ where: { id: done } })).finishedAt);
    await workers.close(1_000);
    const waiting = await app.add("waiting");
    const delayed = await app.add("delayed", { runAt: later() });
    await handOver(delayed);
    await ownRedis.stop();
    await eventually(() => app.redis.status !== "ready");

    expect((await status(done))?.state).toBe("COMPLETED");
    expect((await status(waiting))?.state).toBe("WAITING");
    expect((await status(delayed))?.state).toBe("DELAYED");
  });
});
