import type { FastifyInstance } from "fastify";
import type { Db } from "../prisma/client.ts";
import { pendingMigrations } from "../prisma/migrate.ts";
import type { Redis } from "./redis/redis.ts";

export interface Readiness {
  /** What is missing before this process can work, in words; empty when it can. */
  problems(): Promise<string[]>;
  /** From now on the process takes no new work. */
  stop(): void;
}

const ANSWER_WITHIN_MS = 2_000;

/** Asks the database, Redis and the migrations, all at once and none for long. */
export function createReadiness({ db, redis }: { db: Db; redis: Redis }): Readiness {
  let isStopping = false;
  let isMigrated = false;

  async function migrations(): Promise<void> {
    if (isMigrated) return;
    const pending = await pendingMigrations(db);
    if (pending.length > 0) throw new Error(`migrations are missing: ${pending.join(", ")}; run "npm run migrate"`);
    isMigrated = true; // no migration is ever taken back under a running process
  }

  const checks: [string, () => Promise<unknown>][] = [
    ["database", () => db.$queryRaw`SELECT 1`],
    ["redis", () => redis.ping()],
    ["migrations", migrations],
  ];

  return {
    async problems() {
      if (isStopping) return ["stopping"];
      const results = await Promise.allSettled(checks.map(([, check]) => within(ANSWER_WITHIN_MS, check())));
      return results.flatMap((result, index) =>
        result.status === "rejected" ? [`${checks[index]![0]}: ${reasonOf(result.reason)}`] : [],
      );
    },
    stop() {
      isStopping = true;
    },
  };
}

const reasonOf = (error: unknown): string =>
  error instanceof Error && error.message.startsWith("migrations") ? error.message : "does not answer";

/** @throws Error when the work takes longer; the work itself goes on. */
export function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no answer in time")), limitMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** `/healthz`: the process is alive. `/readyz`: it can work, or 503 with the reasons. */
export function healthRoutes(app: FastifyInstance, readiness: Readiness): void {
  app.get("/healthz", async () => ({ status: "ok" }));
  app.get("/readyz", async (_request, reply) => {
    const problems = await readiness.problems();
    return problems.length === 0 ? { status: "ready" } : reply.code(503).send({ status: "not ready", problems });
  });
}
