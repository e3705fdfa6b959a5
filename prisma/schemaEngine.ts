import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { PrismaPg } from "@prisma/adapter-pg";
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlQuery,
} from "@prisma/driver-adapter-utils";
import type { SchemaEngine } from "@prisma/schema-engine-wasm";
import * as bindings from "@prisma/schema-engine-wasm/schema_engine_bg";
import pg from "pg";
import { uuidv7 } from "uuidv7";

// Prisma's schema engine as WebAssembly. The native one is downloaded by the CLI when it is first used, from a host that many
// networks do not reach; this one comes with `npm ci`. It writes the same history table, with the same checksums.

export interface OpenEngine {
  engine: SchemaEngine;
  /** Ends the engine's connections; the engine is of no use afterwards. */
  close(): Promise<void>;
}

/**
 * Opens the engine on a database. It connects at once, even for work that needs no data, such as comparing schema files.
 * `models` are the schema files, as path and text.
 */
export async function openSchemaEngine(options: {
  url: string;
  models?: [string, string][];
  log?: (line: string) => void;
}): Promise<OpenEngine> {
  const { url, models, log = () => {} } = options;
  const factory = new MigrationAdapterFactory(url);
  const { SchemaEngine: Engine } = loadBindings();
  const engine = await Engine.new({ datamodels: models }, log, bindMigrationAwareSqlAdapterFactory(factory));
  return { engine, close: () => factory.close() };
}

/** The commit the engine was built from, which the Prisma CLI compares with its own. */
export const schemaEngineVersion = (): string => loadBindings().version();

// The types of Node 20 leave the global out, which is there all the same.
declare const WebAssembly: {
  Module: new (code: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: { __wbindgen_start(): void } };
};

let loaded: typeof bindings | undefined;

// The package's own entry imports the .wasm file as bundlers do, which Node does not understand.
function loadBindings(): typeof bindings {
  if (loaded) return loaded;
  const folder = path.dirname(createRequire(import.meta.url).resolve("@prisma/schema-engine-wasm/schema_engine_bg"));
  const module = new WebAssembly.Module(readFileSync(path.join(folder, "schema_engine_bg.wasm")));
  const { exports } = new WebAssembly.Instance(module, { "./schema_engine_bg.js": withoutWaiting(bindings) });
  (bindings as unknown as { __wbg_set_wasm(exports: object): void }).__wbg_set_wasm(exports);
  exports.__wbindgen_start();
  loaded = bindings;
  return loaded;
}

/** The engine never clears the timer of its lock, which would keep a finished program alive for ten seconds. */
function withoutWaiting(imports: object): object {
  const patched = Object.entries(imports).map(([name, value]) => {
    if (!name.startsWith("__wbg_setTimeout_")) return [name, value];
    return [name, (...args: unknown[]) => (value as (...args: unknown[]) => NodeJS.Timeout)(...args).unref()];
  });
  return Object.fromEntries(patched);
}

/** The parameters that Prisma's URLs have and PostgreSQL's have not. */
const PRISMA_PARAMETERS = ["schema", "connection_limit", "pool_timeout", "connect_timeout", "pgbouncer"];

/** A URL that `pg` takes, and the schema that Prisma's URL names. */
export function toPostgresUrl(prismaUrl: string): { url: URL; schema: string | undefined } {
  const url = new URL(prismaUrl);
  const schema = url.searchParams.get("schema") ?? undefined;
  for (const name of PRISMA_PARAMETERS) url.searchParams.delete(name);
  return { url, schema };
}

class MigrationAdapterFactory extends PrismaPg {
  readonly #url: URL;
  readonly #open = new Set<SqlDriverAdapter>();

  constructor(prismaUrl: string) {
    const { url, schema } = toPostgresUrl(prismaUrl);
    super({ connectionString: url.href, max: 1, options: "-c timezone=UTC" }, { schema });
    this.#url = url;
  }

  override async connect() {
    const adapter = fitForMigrations(await super.connect());
    const dispose = adapter.dispose.bind(adapter);
    this.#open.add(adapter);
    adapter.dispose = async () => {
      if (this.#open.delete(adapter)) await dispose();
    };
    return adapter;
  }

  /** The inherited one opens the main database under the shadow's name when it was given a URL, and drops before it disconnects. */
  override async connectToShadowDb() {
    const name = `prisma_migrate_shadow_db_${uuidv7()}`;
    const admin = new pg.Client({ connectionString: this.#url.href });
    await admin.connect();
    await admin.query(`CREATE DATABASE "${name}"`);
    const shadow = new URL(this.#url);
    shadow.pathname = `/${name}`;
    const adapter = fitForMigrations(await new PrismaPg({ connectionString: shadow.href, max: 1 }).connect());
    const dispose = adapter.dispose.bind(adapter);
    adapter.dispose = async () => {
      await dispose();
      await admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
      await admin.end();
    };
    return adapter;
  }

  async close(): Promise<void> {
    for (const adapter of this.#open) await adapter.dispose();
  }
}

type PgAdapter = Awaited<ReturnType<PrismaPg["connect"]>>;
interface AdapterInside {
  performIO(query: SqlQuery): Promise<{ fields: { dataTypeID: number }[] }>;
  onError(error: unknown): never;
}

/** PostgreSQL's internal one-byte type `"char"`, of which its catalogue is full, and the nearest type the adapter knows. */
const INTERNAL_CHAR = 18;
const BLANK_PADDED_CHAR = 1042;

/** Makes an adapter, which was made for queries, do what the schema engine needs. */
function fitForMigrations(adapter: PgAdapter): PgAdapter {
  const inside = adapter as unknown as AdapterInside;
  const performIO = inside.performIO.bind(adapter);
  const queryRaw = adapter.queryRaw.bind(adapter);
  const charColumns = new WeakMap<SqlQuery, number[]>();

  inside.performIO = async (query) => {
    const result = await performIO(query);
    const columns = result.fields.flatMap((field, index) => (field.dataTypeID === INTERNAL_CHAR ? [index] : []));
    for (const index of columns) (result.fields[index] as { dataTypeID: number }).dataTypeID = BLANK_PADDED_CHAR;
    charColumns.set(query, columns);
    return result;
  };
  adapter.queryRaw = async (query) => {
    const result = await queryRaw(query);
    for (const index of charColumns.get(query) ?? []) result.columnTypes[index] = ColumnTypeEnum.Character;
    return result;
  };
  // The adapter cuts a script at every semicolon, also inside functions and texts: PostgreSQL takes it whole.
  adapter.executeScript = async (script) => {
    try {
      await adapter.underlyingDriver().query(script);
    } catch (error) {
      inside.onError(error);
    }
  };
  return adapter;
}
