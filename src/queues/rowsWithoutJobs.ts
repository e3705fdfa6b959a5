import type { Db } from "../../prisma/client.ts";
import type { OpenQueues } from "./openQueues.ts";

const batchSize = 500;

/** Finds rows of the outbox whose job is wanted, was handed over, and is not in Redis. */
export function createRowsWithoutJobs({ db, queues, names }: { db: Db; queues: OpenQueues; names: readonly string[] }) {
  /** Rows that were given up are found only by their ids: they are gone because somebody wanted it so. */
  return async function rowsWithoutJobs({
    queue,
    ids,
  }: {
    queue?: string;
    ids?: readonly string[];
  }): Promise<string[]> {
    const lost: string[] = [];
    let after: string | undefined;
    let rows: { id: string; queue: string }[];
    do {
      rows = await db.outboxJob.findMany({
        where: {
          id: { in: ids && [...ids], gt: after },
          queue: queue ?? { in: [...names] },
          publishedAt: { not: null },
          OR: [{ finishedAt: null }, ...(ids ? [{ discardedAt: { not: null } }] : [])],
        },
        orderBy: { id: "asc" },
        take: batchSize,
        select: { id: true, queue: true },
      });
      // The job itself is looked for: its state would be searched for in whole lists.
      const jobs = await Promise.all(rows.map((row) => queues.use(row.queue, (open) => open.getJob(row.id))));
      lost.push(...rows.filter((_row, at) => !jobs[at]).map(({ id }) => id));
      after = rows.at(-1)?.id;
    } while (rows.length === batchSize);
    return lost;
  };
}
