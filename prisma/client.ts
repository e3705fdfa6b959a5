import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import type { Prisma } from "../src/generated/prisma/client.ts";
import { PrismaClient } from "../src/generated/prisma/client.ts";
import type { Logger } from "../src/utils/logger.ts";

export type Db = PrismaClient;
export type Transaction = Prisma.TransactionClient;

/** The one place that makes a Prisma client. Connects on first use; every session is UTC, which the adapter relies on. */
export function createDb({ url, poolMax }: { url: string; poolMax: number }): Db {
  const statementNames = new Map<string, string>();
  const adapter = new PrismaPg(
    {
      connectionString: url,
      max: poolMax,
      connectionTimeoutMillis: 5_000,
      options: "-c timezone=UTC",
      application_name: "lectern",
    },
    {
      // Prepared statements nearly halve the cost of a query. Our statements are few; should a program make up ever new ones,
      // those beyond the bound stay unnamed (an empty name is PostgreSQL's unnamed statement) and no server fills up.
      statementNameGenerator: ({ sql }) => {
        const known = statementNames.get(sql);
        if (known !== undefined || statementNames.size >= 500) return known ?? "";
        const name = `lectern_${statementNames.size}`;
        statementNames.set(sql, name);
        return name;
      },
    },
  );
  return new PrismaClient({ adapter, transactionOptions: { maxWait: 5_000, timeout: 15_000 } });
}

/** Connections for the one statement that saves answers; apart, so that no other work stands before a save. */
export function createSavePool({ url, connections, log }: { url: string; connections: number; log: Logger }): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    query_timeout: 15_000,
    options: "-c timezone=UTC",
    application_name: "lectern-saves",
  });
  // A connection that breaks while idle is replaced by the next query; without a listener it would end the process.
  pool.on("error", (err) => log.debug({ err }, "an idle database connection broke"));
  return pool;
}
