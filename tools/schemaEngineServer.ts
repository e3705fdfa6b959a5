// Speaks the protocol of Prisma's native schema engine for the WebAssembly one: JSON-RPC, a line each, on stdin and stdout.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import type { SchemaEngine } from "@prisma/schema-engine-wasm";
import pg from "pg";
import { openSchemaEngine, schemaEngineVersion, toPostgresUrl } from "../prisma/schemaEngine.ts";

interface Request {
  id: number;
  method: string;
  params: unknown;
}

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  strict: false, // the CLI may pass what is of no use here
  allowPositionals: true,
  options: {
    version: { type: "boolean" },
    datasource: { type: "string" },
    datamodels: { type: "string", multiple: true },
  },
});
const databaseUrl: string | undefined = JSON.parse((values.datasource as string | undefined) ?? "{}").url;

if (values.version) console.log(`schema-engine-cli ${schemaEngineVersion()}`);
else if (positionals.includes("cli")) await runCommand(positionals.at(-1));
else await serve();
process.exit();

/** `can-connect-to-database` and `create-database`: the answer is the exit code, and a log line when it is bad. */
async function runCommand(command: string | undefined): Promise<void> {
  const { url } = toPostgresUrl(databaseUrl ?? "");
  const database = decodeURIComponent(url.pathname.slice(1));
  log("INFO", { message: "Starting schema engine CLI", git_hash: schemaEngineVersion() });
  try {
    if (command === "create-database") url.pathname = "/postgres";
    const client = new pg.Client(url.href);
    await client.connect();
    if (command === "create-database") await client.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`);
    await client.end();
  } catch (error) {
    const { code = "", message } = error as { code?: string; message: string };
    const known: Record<string, string> = { "3D000": "P1003", "28P01": "P1000", "42P04": "P1009" };
    log("ERROR", { is_panic: false, error_code: known[code] ?? "P1001", message: message || String(error) });
    process.exitCode = 1;
  }
}

async function serve(): Promise<void> {
  const models = ((values.datamodels as string[] | undefined) ?? []).map((file): [string, string] => [
    file,
    readFileSync(file, "utf8"),
  ]);
  const opened = openSchemaEngine({
    url: databaseUrl ?? "",
    models: models.length > 0 ? models : undefined,
    log: (line) => process.stderr.write(line.endsWith("\n") ? line : `${line}\n`),
  });
  // One after the other: the engine keeps state between calls, and the CLI relies on their order.
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Partial<Request>;
    if (!request.method) continue; // the CLI's answer to a message of ours
    const { id, method, params } = request as Request;
    try {
      const { engine } = await opened;
      send({ id, result: (await answer(engine, method, params)) ?? {} });
    } catch (error) {
      const { code: error_code, meta, message } = error as { code?: string; meta?: unknown; message?: string };
      const data = {
        is_panic: error instanceof Error && error.constructor.name === "RuntimeError", // WebAssembly's
        message: message ?? String(error),
        error_code,
        meta,
      };
      send({ id, error: { code: 4466, message: "An error happened. Check the data field for details.", data } });
    }
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what the CLI sends is passed on to the engine as it is
type Params = any;

async function answer(engine: SchemaEngine, method: string, params: Params): Promise<unknown> {
  switch (method) {
    case "getDatabaseVersion":
      return engine.version(params ?? null);
    case "diff": {
      const { stdout, exitCode } = await engine.diff(params);
      if (stdout) send({ id: 1e9, method: "print", params: { content: stdout.replace(/\n$/, "") } });
      return { exitCode };
    }
    case "evaluateDataLoss":
    case "createMigration":
      try {
        return await call(engine, method, params);
      } catch (error) {
        if (!/shadow DB must be provided/.test(String(error))) throw error;
        // The engine learns where to make its shadow database from a full diagnosis only: let it make one, and try again.
        await engine.devDiagnostic({ migrationsList: params.migrationsList, filters: params.filters });
        return call(engine, method, params);
      }
    case "introspectSql":
      // This build recurses to the end of its stack here, and the CLI would then write nothing and report success.
      throw new Error("`prisma generate --sql` needs the native engine: set PRISMA_NATIVE_ENGINE=1.");
    default:
      return call(engine, method, params);
  }
}

function call(engine: SchemaEngine, method: string, params: Params): Promise<unknown> {
  const methods = engine as unknown as Record<string, (params: Params) => Promise<unknown>>;
  if (typeof methods[method] !== "function") throw new Error(`The schema engine has no method ${method}.`);
  return methods[method](params);
}

function send(message: object): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
}

function log(level: string, fields: object): void {
  const line = { timestamp: new Date().toISOString(), level, fields, target: "schema_engine::logger" };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}
