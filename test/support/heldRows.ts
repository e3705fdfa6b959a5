import pg from "pg";

/** Rows that the test keeps locked, so that whoever writes to them gets stuck in the middle of it. */
export interface HeldRows {
  /** How many sessions wait for a lock now. */
  waiting(): Promise<number>;
  /** Ends the sessions that wait for a lock now: what they were writing is undone. */
  endWaiting(): Promise<void>;
  /** Commits, and lets everybody through. */
  letGo(): Promise<void>;
}

/** Runs a statement that locks rows, and does not commit it until it is let go or the database ends. */
export async function holdRows(databaseUrl: string, statement: string, values: unknown[]): Promise<HeldRows> {
  const client = new pg.Client(databaseUrl);
  client.on("error", () => {}); // the database was stopped: then nothing is held any more
  await client.connect();
  await client.query("BEGIN");
  await client.query(statement, values);
  async function waitingPids(): Promise<number[]> {
    await client.query("SELECT pg_stat_clear_snapshot()"); // else a transaction sees for ever what it saw first
    const { rows } = await client.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    return rows.map(({ pid }) => pid);
  }

  return {
    waiting: async () => (await waitingPids()).length,
    async endWaiting() {
      await client.query("SELECT pg_terminate_backend(pid, 10000) FROM unnest($1::int[]) AS pid", [
        await waitingPids(),
      ]);
    },
    async letGo() {
      await client.query("COMMIT");
      await client.end();
    },
  };
}

/** The answers of some attempts: whoever saves or grades one of these gets stuck before its commit. */
export const holdAnswers = (databaseUrl: string, attemptIds: readonly string[]): Promise<HeldRows> =>
  holdRows(databaseUrl, "SELECT 1 FROM answers WHERE attempt_id = ANY($1::uuid[]) FOR UPDATE", [attemptIds]);
