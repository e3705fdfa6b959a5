import type { BulkJobOptions } from "bullmq";
import type { Db, Transaction } from "../../prisma/client.ts";
import type { Span, Tracing } from "../tracing/tracing.ts";
import type { JobData, QueueDeclaration } from "./defineQueue.ts";
import { jobOptions } from "./defineQueue.ts";
import type { OpenQueues } from "./openQueues.ts";

interface TakenRow {
  id: string;
  queue: string;
  name: string;
  payload: unknown;
  ownerId: string | null;
  requestId: string | null;
  traceparent: string | null;
  createdAt: Date;
  /** By PostgreSQL's clock; not above zero when the job is due. */
  delayMs: number;
}

const batchSize = 500;
// The rows stay locked while Redis is asked, so neither may take long.
const transactionLimits = { maxWait: 5_000, timeout: 15_000 };

/** Both ways a row gets to BullMQ, each in one short transaction: if it does not commit, the same ids are added again later. */
export function createHandOver({
  db,
  queues,
  tracing,
  declarations,
  lostAfterMs,
}: {
  db: Db;
  queues: OpenQueues;
  tracing: Tracing;
  declarations: readonly QueueDeclaration[];
  lostAfterMs: number;
}) {
  const declared = new Map(declarations.map((queue) => [queue.name, queue]));
  // Rows of a queue only a newer version knows are left to that version.
  const names = [...declared.keys()];

  async function addToQueues(rows: readonly TakenRow[]): Promise<void> {
    for (const [name, declaration] of declared) {
      const handedOver = rows.filter((row) => row.queue === name).map((row) => ({ row, span: spanOf(row) }));
      if (handedOver.length === 0) continue;
      const jobs = handedOver.map(({ row, span }) => toJob(declaration, row, span));
      await queues.use(name, (queue) => queue.addBulk(jobs));
      for (const { span } of handedOver) span.end(); // not where it failed: the row waits on, and so does its span
    }
  }

  /** From the write of the row to its hand-over. */
  const spanOf = (row: TakenRow): Span =>
    tracing.begin(`outbox ${row.name}`, {
      kind: "producer",
      parent: row.traceparent,
      startedAt: row.createdAt,
      attributes: { "messaging.destination.name": row.queue, "messaging.message.id": row.id },
    });

  return {
    /** Hands over a batch of rows nobody has handed over; tells how many, and whether there may be more. */
    async handOverNew(): Promise<{ jobs: number; isFull: boolean }> {
      queues.checkConnected(); // without Redis there is no reason to lock rows
      return db.$transaction(async (tx) => {
        const rows = await takeNew(tx, names);
        await addToQueues(rows);
        return { jobs: rows.length, isFull: rows.length === batchSize };
      }, transactionLimits);
    },

    /**
     * Looks in Redis for jobs that should be there: handed over a while ago, not finished, and due or soon due. Adds those that
     * are gone and notes those that are done. Jobs due later are looked at when their time comes near, so a delayed job
     * is back before it is due. Returns how many were gone.
     */
    async handOverLost(): Promise<number> {
      let gone = 0;
      let full = true;
      while (full) {
        full = await db.$transaction(async (tx) => {
          const rows = await takeSuspects(tx, names, lostAfterMs);
          const states = await Promise.all(
            rows.map((row) => queues.use(row.queue, (queue) => queue.getJobState(row.id))),
          );
          const lost = rows.filter((_row, at) => states[at] === "unknown");
          const done = rows.filter((_row, at) => states[at] === "completed").map((row) => row.id);
          await addToQueues(lost);
          if (done.length > 0) {
            await tx.$executeRaw`UPDATE outbox_jobs SET finished_at = now() WHERE id = ANY(${done}::uuid[])`;
          }
          gone += lost.length;
          return rows.length === batchSize;
        }, transactionLimits);
      }
      return gone;
    },
  };
}

async function takeNew(tx: Transaction, queueNames: string[]): Promise<TakenRow[]> {
  const rows = await tx.$queryRaw<TakenRow[]>`
    WITH taken AS (
      SELECT id FROM outbox_jobs WHERE published_at IS NULL AND queue = ANY(${queueNames})
      ORDER BY id LIMIT ${batchSize} FOR UPDATE SKIP LOCKED
    )
    UPDATE outbox_jobs AS job SET published_at = now() FROM taken WHERE job.id = taken.id
    RETURNING job.id, queue, name, payload, owner_id AS "ownerId", request_id AS "requestId", traceparent, created_at AS "createdAt",
      ceil(extract(epoch FROM run_at - now()) * 1000)::float8 AS "delayMs"`;
  return inOrder(rows);
}

async function takeSuspects(tx: Transaction, queueNames: string[], lostAfterMs: number): Promise<TakenRow[]> {
  const rows = await tx.$queryRaw<TakenRow[]>`
    WITH taken AS (
      SELECT id FROM outbox_jobs
      WHERE finished_at IS NULL AND published_at < now() - ${lostAfterMs}::float8 * interval '1 millisecond'
        AND run_at < now() + ${2 * lostAfterMs}::float8 * interval '1 millisecond' AND queue = ANY(${queueNames})
      ORDER BY published_at LIMIT ${batchSize} FOR UPDATE SKIP LOCKED
    )
    UPDATE outbox_jobs AS job SET published_at = now() FROM taken WHERE job.id = taken.id
    RETURNING job.id, queue, name, payload, owner_id AS "ownerId", request_id AS "requestId", traceparent, created_at AS "createdAt",
      ceil(extract(epoch FROM run_at - now()) * 1000)::float8 AS "delayMs"`;
  return inOrder(rows);
}

/** UPDATE returns rows as it likes; the ids are in the order of their making. */
const inOrder = (rows: TakenRow[]) => rows.sort((a, b) => (a.id < b.id ? -1 : 1));

function toJob(
  queue: QueueDeclaration,
  row: TakenRow,
  { traceparent }: Span,
): { name: string; data: JobData; opts: BulkJobOptions } {
  const data: JobData = { payload: row.payload };
  if (row.ownerId) data.ownerId = row.ownerId;
  if (row.requestId) data.requestId = row.requestId;
  return {
    name: row.name,
    data,
    opts: {
      ...jobOptions(queue, row.name),
      jobId: row.id,
      delay: Math.max(0, row.delayMs),
      ...(traceparent && { telemetry: { metadata: JSON.stringify({ traceparent }) } }),
    },
  };
}
