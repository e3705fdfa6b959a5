import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import type { Prisma } from "../src/generated/prisma/client.ts";
import { PrismaClient } from "../src/generated/prisma/client.ts";
import type { Logger } from "../src/utils/logger.ts";

export type Db = PrismaClient;
export type Transaction = Prisma.TransactionClient;

/** How the connections of one or more pools are used. */
export interface PoolFigures {
  max: number;
  open: number;
  busy: number;
  /** Queries that wait for a connection. */
  waiting: number;
}

/** A client for those who need no more. Connects on first use. */
export const createDb = (options: { url: string; poolMax: number }): Db => createDbAndPool(options).db;

/**
 * The one place that makes a Prisma client, with the pool it uses, which `$disconnect` ends.
 * Connects on first use; every session is UTC, which the adapter relies on.
 */
export function createDbAndPool({ url, poolMax }: { url: string; poolMax: number }): { db: Db; pool: pg.Pool } {
  const statementNames = new Map<string, string>();
  const pool = new pg.Pool({
    connectionString: url,
    max: poolMax,
    connectionTimeoutMillis: 5_000,
    options: "-c timezone=UTC",
    application_name: "lectern",
  });
  const adapter = new PrismaPg(pool, {
    disposeExternalPool: true,
    // Prepared statements nearly halve the cost of a query. Our statements are few; should a program make up ever new ones,
    // those beyond the bound stay unnamed (an empty name is PostgreSQL's unnamed statement) and no server fills up.
    statementNameGenerator: ({ sql }) => {
      const known = statementNames.get(sql);
      if (known !== undefined || statementNames.size >= 500) return known ?? "";
      const name = `lectern_${statementNames.size}`;
      statementNames.set(sql, name);
      return name;
    },
  });
  const db = new PrismaClient({ adapter, transactionOptions: { maxWait: 5_000, timeout: 15_000 } });
  return { db, pool };
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

/** The figures of the pools, added up. */
export function poolFigures(pools: readonly pg.Pool[]): PoolFigures {
  const sum = (figure: (pool: pg.Pool) => number) => pools.reduce((total, pool) => total + figure(pool), 0);
  return {
    max: sum((pool) => pool.options.max),
    open: sum((pool) => pool.totalCount),
    busy: sum((pool) => pool.totalCount - pool.idleCount),
    waiting: sum((pool) => pool.waitingCount),
  };
}

/** Those who wait for a connection of the pool, and how many have got one since this was called. */
export function waitingLine(pool: pg.Pool): { waiting: () => number; served: () => number } {
  let served = 0;
  pool.on("acquire", () => {
    served += 1;
  });
  return { waiting: () => pool.waitingCount, served: () => served };
}
