import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { readConfig } from "../src/config.ts";
import type { Db } from "./client.ts";
import { openSchemaEngine, toPostgresUrl } from "./schemaEngine.ts";

const FOLDER = fileURLToPath(new URL("./migrations", import.meta.url));
/** PostgreSQL's code. */
const NO_SUCH_DATABASE = "3D000";

/**
 * Brings a database up to date and returns the names of the migrations that were missing; makes the database if there is none.
 * Does the same as `prisma migrate deploy`, without its command line and its downloads. Safe to repeat, and to run from
 * several processes at once: the engine holds a lock in the database.
 * @throws Error of the engine, with the statement's own message, if a migration fails.
 */
export async function migrate(databaseUrl: string, log: (line: string) => void = () => {}): Promise<string[]> {
  await createDatabaseIfMissing(databaseUrl, log);
  const { engine, close } = await openSchemaEngine({ url: databaseUrl });
  try {
    const { appliedMigrationNames } = await engine.applyMigrations({
      migrationsList: {
        baseDir: FOLDER,
        lockfile: {
          path: "migration_lock.toml",
          content: readFileSync(path.join(FOLDER, "migration_lock.toml"), "utf8"),
        },
        shadowDbInitScript: "",
        migrationDirectories: migrationNames().map((name) => ({
          path: name,
          migrationFile: { path: "migration.sql", content: { tag: "ok", value: readFileSync(sqlFile(name), "utf8") } },
        })),
      },
      filters: { externalTables: [], externalEnums: [] },
    });
    for (const name of appliedMigrationNames) log(`Migration ${name} is applied.`);
    return appliedMigrationNames;
  } finally {
    await close();
  }
}

/** The migrations this build has and the database lacks, oldest first; all of them if it has never been migrated or made. */
export async function pendingMigrations(db: Db): Promise<string[]> {
  if (!(await hasHistory(db))) return migrationNames();
  const applied = await db.$queryRaw<{ name: string }[]>`
    SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`;
  const names = new Set(applied.map(({ name }) => name));
  return migrationNames().filter((name) => !names.has(name));
}

/** The newest migration this build has. */
export const newestMigration = (): string => migrationNames().at(-1)!;

async function hasHistory(db: Db): Promise<boolean> {
  try {
    const [history] = await db.$queryRaw<[{ exists: boolean }]>`
      SELECT to_regclass('_prisma_migrations') IS NOT NULL AS exists`;
    return history.exists;
  } catch (error) {
    const { cause } =
      (error as { meta?: { driverAdapterError?: { cause?: { originalCode?: string } } } }).meta?.driverAdapterError ??
      {};
    if (cause?.originalCode === NO_SUCH_DATABASE) return false;
    throw error;
  }
}

const sqlFile = (name: string) => path.join(FOLDER, name, "migration.sql");

function migrationNames(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => existsSync(sqlFile(name)))
    .sort();
}

async function createDatabaseIfMissing(databaseUrl: string, log: (line: string) => void): Promise<void> {
  const { url } = toPostgresUrl(databaseUrl);
  const database = decodeURIComponent(url.pathname.slice(1));
  const client = new pg.Client(url.href);
  try {
    await client.connect();
  } catch (error) {
    if ((error as { code?: string }).code !== NO_SUCH_DATABASE) throw error;
    url.pathname = "/postgres";
    const admin = new pg.Client(url.href);
    await admin.connect();
    try {
      await admin.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`);
      log(`Database ${database} is made.`);
    } catch (cause) {
      const alreadyThere = ["42P04", "23505"]; // another process was faster
      if (!alreadyThere.includes((cause as { code?: string }).code ?? "")) throw cause;
    } finally {
      await admin.end();
    }
  } finally {
    await client.end();
  }
}

const isProgram = process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isProgram) {
  try {
    const { DATABASE_URL } = readConfig(process.env, ["DATABASE_URL"]);
    const applied = await migrate(DATABASE_URL, console.log);
    console.log(applied.length === 0 ? "The database is up to date." : `Applied ${applied.length} migration(s).`);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    console.error(message || `The database does not answer: ${code}.`);
    process.exitCode = 1;
  }
}
