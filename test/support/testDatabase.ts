import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";

export interface TestDatabase {
  url: string;
  /** Removes it, also while somebody is still connected. Safe to call twice. */
  drop(): Promise<void>;
}

/** An empty, migrated database of its own on the test server; costs about 50 ms. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  // PostgreSQL refuses to copy a template while somebody, such as a copy begun by another test file, is connected to it.
  for (const deadline = Date.now() + 30_000; ; await pause(25)) {
    try {
      await runAsAdmin(`CREATE DATABASE ${name} TEMPLATE lectern_template STRATEGY file_copy`);
      break;
    } catch (error) {
      if ((error as { code?: string }).code !== "55006" || Date.now() > deadline) throw error;
    }
  }
  const url = new URL(fromSetup("TEST_POSTGRES_URL"));
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => runAsAdmin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

/** The shared test server, and a key prefix that no other test has. */
export function testRedis(): { url: string; prefix: string } {
  return { url: fromSetup("TEST_REDIS_URL"), prefix: `test-${randomUUID()}` };
}

async function runAsAdmin(statement: string): Promise<void> {
  const client = new pg.Client(fromSetup("TEST_POSTGRES_URL"));
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function fromSetup(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this with npm test, whose set-up starts the servers.`);
  return value;
}
