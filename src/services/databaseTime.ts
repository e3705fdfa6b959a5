import type { Db, Transaction } from "../../prisma/client.ts";

/** The clock that decides: PostgreSQL's, to the millisecond, read when asked and not when the transaction began. */
export async function databaseTime(db: Db | Transaction): Promise<Date> {
  const [row] = await db.$queryRaw<{ now: Date }[]>`SELECT clock_timestamp() AS now`;
  return row!.now;
}
