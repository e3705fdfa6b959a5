import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "@jest/globals";
import { type PrivatePostgres, startPrivatePostgres } from "../../dev/privatePostgres.ts";
import { migrate } from "../../prisma/migrate.ts";
import { testRedis } from "../support/testDatabase.ts";
import { type App, anApp, eventually } from "./support.ts";

let folder: string;
let postgres: PrivatePostgres;
let app: App;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), "lectern-away-"));
  chmodSync(folder, 0o711); // as root, PostgreSQL runs as another user
  postgres = await startPrivatePostgres({ folder: path.join(folder, "postgres"), settings: { fsync: "off" } });
  await migrate(postgres.url("lectern"));
});
afterEach(() => app.close());
afterAll(async () => {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

it("a relay and a worker go on when PostgreSQL is back", async () => {
  const { url, prefix } = testRedis();
  app = anApp({ databaseUrl: postgres.url("lectern"), redisUrl: url, prefix });
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const done: string[] = [];
  app.work({
    note: async ({ text }) => {
      if (text === "running") await held;
      done.push(text);
    },
  });
  app.outbox.startRelay();
  const running = await app.add("running");
  await eventually(async () => app.redis.status === "ready" && (await app.stateOf(running)) === "active");

  await postgres.kill();
  letGo();
  await eventually(async () => (await app.stateOf(running)) === "completed"); // and cannot be noted as finished
  app.outbox.handOver();
  await postgres.start();

  const next = await eventually(() => app.add("next").catch(() => null));
  const finished = { where: { id: { in: [running, next!] }, finishedAt: { not: null } } };
  await eventually(async () => (await app.db.outboxJob.count(finished)) === 2);
  expect(done).toEqual(["running", "next"]);
});
