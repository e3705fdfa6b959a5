import pg from "pg";
import { eventually } from "./eventually.ts";
import type { TestApp } from "./testApp.ts";

type Client = pg.Client & { connectionParameters: { application_name?: string } };
type Query = (this: Client, ...given: unknown[]) => unknown;
const prototype = pg.Client.prototype as unknown as { query: Query };
const query = prototype.query;

let seen: string[] = [];
// Prisma's adapter and the pool for saved answers both end here, transactions' BEGIN and COMMIT included.
prototype.query = function (...given) {
  const [first] = given as [string | { text: string }];
  if (this.connectionParameters.application_name?.startsWith("lectern"))
    seen.push((typeof first === "string" ? first : first.text).trim().replace(/\s+/g, " "));
  return query.apply(this, given);
};

/**
 * The SQL statements that this process sends because of `act`, BEGIN and COMMIT among them. What follows the answer,
 * such as handing a job over, is waited for and counted too.
 */
export async function statementsOf(app: TestApp, act: () => Promise<unknown>): Promise<string[]> {
  const watching = new pg.Client(app.config.DATABASE_URL);
  await watching.connect();
  const untilQuiet = () =>
    eventually("every job is handed over and no transaction is open", async () => {
      const { rows } = await watching.query(
        `SELECT (SELECT count(*) FROM outbox_jobs WHERE published_at IS NULL) + (SELECT count(*) FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle' AND backend_type = 'client backend') AS busy`,
      );
      return Number(rows[0].busy) === 0;
    });
  try {
    await untilQuiet();
    seen = [];
    await act();
    await untilQuiet();
    return seen;
  } finally {
    await watching.end();
  }
}
