// Runs a command with DATABASE_URL set to an empty database of a throw-away PostgreSQL, for Prisma commands that need one:
//   npx tsx dev/withDatabase.ts npx prisma migrate diff --from-migrations prisma/migrations --to-schema prisma/schema.prisma --script
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import { startPrivatePostgres } from "./privatePostgres.ts";

const [command, ...args] = process.argv.slice(2);
if (!command) throw new Error("Say which command to run.");
const folder = mkdtempSync(path.join(os.tmpdir(), "lectern-database-"));
const postgres = await startPrivatePostgres({ folder, settings: { fsync: "off" } });
try {
  const client = new pg.Client(postgres.url("postgres"));
  await client.connect();
  await client.query("CREATE DATABASE lectern");
  await client.end();
  const env = { ...process.env, DATABASE_URL: postgres.url("lectern") };
  process.exitCode = spawnSync(command, args, { env, stdio: "inherit" }).status ?? 1;
} finally {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}
