import pg from "pg";

/** Rows that the test keeps locked, so that whoever writes to them gets stuck in the middle of it. */
export interface HeldRows {
  /** How many sessions wait for these rows now. */
  waiting(): Promise<number>;
  /** Safe to repeat. */
  letGo(): Promise<void>;
}

/** Locks what the statement selects with `FOR UPDATE`, until it is let go or the database ends. */
export async function holdRows(databaseUrl: string, statement: string, values: unknown[]): Promise<HeldRows> {
  const client = new pg.Client(databaseUrl);
  client.on("error", () => {}); // the database was stopped: then nothing is held any more
  await client.connect();
  await client.query("BEGIN");
  await client.query(`${statement} FOR UPDATE`, values);
  return {
    async waiting() {
      // Who waits behind another waiter waits for these rows too.
      const { rows } = await client.query<{ count: number }>(`
        SELECT count(*)::int FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`);
      return rows[0]!.count;
    },
    letGo: () => client.end(),
  };
}

/** The answers of some attempts: whoever grades one of these gets stuck between its first write and its commit. */
export const holdAnswers = (databaseUrl: string, attemptIds: readonly string[]): Promise<HeldRows> =>
  holdRows(databaseUrl, "SELECT 1 FROM answers WHERE attempt_id = ANY($1::uuid[])", [attemptIds]);
