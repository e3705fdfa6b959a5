import type { Db, Transaction } from "../../prisma/client.ts";
import { Prisma } from "../generated/prisma/client.ts";
import type { OpenQueues } from "./openQueues.ts";

const batchSize = 200;
// The rows stay locked while Redis is asked, so neither may take long.
const transactionLimits = { maxWait: 5_000, timeout: 15_000 };

/** Takes jobs from Redis and marks their rows as discarded, in one transaction for each batch. */
export function createDiscardJobs({ db, queues }: { db: Db; queues: OpenQueues }) {
  /**
   * The rows are locked first, so that no relay finds a job gone whose row still says that it is wanted; should this process die
   * before the commit, the relay puts back what was removed. A job that a worker has begun is left to it.
   */
  async function discardLocked(tx: Transaction, queue: string, ids: readonly string[]): Promise<string[]> {
    const removed = await queues.use(queue, (open) => Promise.all(ids.map((id) => open.remove(id))));
    const gone = ids.filter((_id, at) => removed[at] === 1);
    await tx.$executeRaw`
      UPDATE outbox_jobs
      SET discarded_at = now(), finished_at = now(), published_at = coalesce(published_at, now())
      WHERE id = ANY(${gone}::uuid[]) AND finished_at IS NULL`;
    return gone;
  }

  /** Locks the rows and returns the ids of those that somebody else holds. */
  async function lock(tx: Transaction, ids: readonly string[], ifBusy: "skip" | "wait"): Promise<Set<string>> {
    const rows = await tx.$queryRaw<{ id: string }[]>`
      WITH held AS (
        SELECT id FROM outbox_jobs WHERE id = ANY(${ids}::uuid[])
        FOR UPDATE ${ifBusy === "skip" ? Prisma.sql`SKIP LOCKED` : Prisma.empty}
      )
      SELECT job.id FROM outbox_jobs job LEFT JOIN held USING (id)
      WHERE job.id = ANY(${ids}::uuid[]) AND held.id IS NULL`;
    return new Set(rows.map(({ id }) => id));
  }

  /**
   * Gives jobs of a queue up: they are removed from Redis, whatever their state, and their rows count as finished. What is running is
   * left. Safe to repeat. @returns those that are gone @throws QueuesUnavailable
   */
  return async function discard(queue: string, ids: readonly string[]): Promise<string[]> {
    const gone: string[] = [];
    const take = (batch: readonly string[], ifBusy: "skip" | "wait") =>
      db.$transaction(async (tx) => {
        const busy = await lock(tx, batch, ifBusy);
        const free = batch.filter((id) => !busy.has(id));
        gone.push(...(await discardLocked(tx, queue, free)));
        return [...busy];
      }, transactionLimits);

    for (let from = 0; from < ids.length; from += batchSize) {
      let rest = await take(ids.slice(from, from + batchSize), "skip");
      while (rest.length > 0) {
        // Waits for one alone: who waits for a row while holding others may wait for ever. The others are mostly free then.
        await take(rest.slice(0, 1), "wait");
        rest = await take(rest.slice(1), "skip");
      }
    }
    return gone;
  };
}
