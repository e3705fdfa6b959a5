import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import pg from "pg";
import { createDb, type Db } from "../../prisma/client.ts";
import { migrate, pendingMigrations } from "../../prisma/migrate.ts";

const NAMES = readdirSync("prisma/migrations").filter((name) => !name.endsWith(".toml"));

let url: string;
let db: Db;

beforeEach(() => {
  const place = new URL(process.env.TEST_POSTGRES_URL ?? "");
  place.pathname = `/migrations_${randomUUID().replaceAll("-", "")}`;
  url = place.href;
  db = createDb({ url, poolMax: 1 });
});
afterEach(async () => {
  await db.$disconnect();
  const admin = new pg.Client(process.env.TEST_POSTGRES_URL);
  await admin.connect();
  await admin.query(`DROP DATABASE IF EXISTS ${new URL(url).pathname.slice(1)} WITH (FORCE)`);
  await admin.end();
});

/** The Prisma command line, on this test's database; `output` is what it says on both streams. */
async function prisma(...args: string[]): Promise<{ code: number; output: string }> {
  const env = { ...process.env, NODE_OPTIONS: "", DATABASE_URL: url };
  const run = promisify(execFile)(process.execPath, ["node_modules/prisma/build/index.js", ...args], { env });
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    ({ code, stdout, stderr }) => ({ code, output: stdout + stderr }),
  );
}

describe("the migration runner", () => {
  it("does work that the Prisma command line accepts: nothing pending, no difference to the schema", async () => {
    expect(await migrate(url)).toEqual(NAMES);
    expect(await prisma("migrate", "deploy")).toMatchObject({
      code: 0,
      output: expect.stringMatching(/No pending migrations/),
    });
    expect(await prisma("migrate", "status")).toMatchObject({ code: 0, output: expect.stringMatching(/up to date/) });
    const drift = ["migrate", "diff", "--from-config-datasource", "--to-schema", "prisma/schema.prisma", "--exit-code"];
    expect(await prisma(...drift)).toMatchObject({ code: 0 });
  });

  it("accepts the work of the Prisma command line", async () => {
    expect(await prisma("migrate", "deploy")).toMatchObject({ code: 0 });
    expect(await pendingMigrations(db)).toEqual([]);
    expect(await migrate(url)).toEqual([]);
  });

  it("applies every migration once when several processes start at the same time", async () => {
    const applied = await Promise.all([migrate(url), migrate(url), migrate(url)]);
    expect(applied.flat()).toEqual(NAMES);
  });

  it("tells what is missing: all before the first run, and a migration that failed or was taken back", async () => {
    await migrate(url);
    expect(await pendingMigrations(db)).toEqual([]);
    await db.$executeRaw`UPDATE _prisma_migrations SET rolled_back_at = now()`;
    expect(await pendingMigrations(db)).toEqual(NAMES);
    await db.$executeRaw`UPDATE _prisma_migrations SET rolled_back_at = NULL, finished_at = NULL`;
    expect(await pendingMigrations(db)).toEqual(NAMES);
    await db.$executeRaw`DROP TABLE _prisma_migrations`;
    expect(await pendingMigrations(db)).toEqual(NAMES);
  });

  it("is a program that reads DATABASE_URL and says what it did", async () => {
    const run = (databaseUrl: string) =>
      promisify(execFile)(process.execPath, ["--import", "tsx", "prisma/migrate.ts"], {
        env: { ...process.env, NODE_OPTIONS: "", DATABASE_URL: databaseUrl },
      });
    expect((await run(url)).stdout).toContain(`Applied ${NAMES.length} migration(s).`);
    expect((await run(url)).stdout).toContain("The database is up to date.");
    await expect(run("")).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("DATABASE_URL: is missing"),
    });
  });
});
