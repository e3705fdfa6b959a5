import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { type PrivatePostgres, startPrivatePostgres } from "../../dev/privatePostgres.ts";
import { type PrivateRedis, startPrivateRedis } from "../../dev/privateRedis.ts";
import { migrate } from "../../prisma/migrate.ts";

export interface TestServices {
  folder: string;
  postgres?: PrivatePostgres;
  redis?: PrivateRedis;
}

declare global {
  var testServices: TestServices | undefined;
}

/** Starts one PostgreSQL with a migrated template database and one Redis for all test files, and tells these where they are. */
export async function startTestServices(): Promise<void> {
  const services: TestServices = { folder: mkdtempSync(path.join(os.tmpdir(), "lectern-test-")) };
  globalThis.testServices = services; // before anything starts: the tear-down then finds what did
  const starting = start(services);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // Jest itself would leave without tearing down.
    process.once(signal, () => starting.finally(stopTestServices).finally(() => process.exit(1)));
  }
  try {
    await starting;
  } catch (error) {
    await stopTestServices(); // jest does not tear down after a set-up that failed
    throw error;
  }
}

async function start(services: TestServices): Promise<void> {
  const { folder } = services;
  chmodSync(folder, 0o711); // as root, PostgreSQL runs as another user
  services.redis = await startPrivateRedis({ folder: path.join(folder, "redis"), say: console.log });
  services.postgres = await startPrivatePostgres({
    folder: path.join(folder, "postgres"),
    settings: { fsync: "off" }, // survives a killed server all the same, only not a lost machine
  });
  await migrate(services.postgres.url("lectern_template"));
  process.env.TEST_POSTGRES_URL = services.postgres.url("postgres");
  process.env.TEST_REDIS_URL = services.redis.url;
}

/** Stops both servers and removes their folder. Safe to call twice. */
export async function stopTestServices(): Promise<void> {
  const services = globalThis.testServices;
  globalThis.testServices = undefined;
  if (!services) return;
  await Promise.all([services.redis?.stop(), services.postgres?.stop()]);
  rmSync(services.folder, { recursive: true, force: true });
}
