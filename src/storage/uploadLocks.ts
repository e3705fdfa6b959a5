import { setTimeout as sleep } from "node:timers/promises";
import type { Locker } from "@tus/server";
import pg from "pg";
import type { Logger } from "../utils/logger.ts";

/** The first half of our advisory locks' numbers; the second is made of the upload's key. */
const LOCK_CLASS = 0x6c656374;
const CHANNEL = "lectern_upload_wanted";
const LOOK_EVERY_MS = 50;
const WAIT_MS = 15_000;

export interface UploadLocks extends Locker {
  /** Asks everybody who holds a lock here to let it go. Safe to repeat. */
  askAll(): void;
  close(): Promise<void>;
}

interface Holder {
  /** Asks for the lock. */
  ask: () => unknown;
  /** The connection whose session has it. */
  client: pg.Client | null;
}

/**
 * Lets only one request at a time work on an upload, over all servers: whoever comes later asks the one before to stop, because
 * a client that comes again has given up its earlier connection. The locks are PostgreSQL's, of one connection that each server
 * opens with its first upload: they go with the process, however it dies, and there is no lease to wait for.
 */
export function createUploadLocks({ databaseUrl, log }: { databaseUrl: string; log: Logger }): UploadLocks {
  const holders = new Map<string, Holder>();
  let connection: { client: pg.Client; opened: Promise<unknown> } | undefined;

  const askAll = () => holders.forEach(({ ask }) => void ask());

  function newClient(): pg.Client {
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: "lectern-uploads",
      connectionTimeoutMillis: 5_000,
      query_timeout: 5_000,
      keepAlive: true,
    });
    client.on("error", (err) => log.warn({ err }, "the locks of uploads were lost; the uploads go on after a pause"));
    client.on("end", () => {
      if (connection?.client === client) connection = undefined;
      askAll(); // another server may have these locks now
    });
    client.on("notification", ({ payload }) => void holders.get(payload ?? "")?.ask());
    return client;
  }

  async function open(client: pg.Client): Promise<void> {
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
    } catch (error) {
      if (connection?.client === client) connection = undefined; // the next request tries again
      throw error;
    }
  }

  async function connected(): Promise<pg.Client> {
    if (!connection) {
      const client = newClient();
      connection = { client, opened: open(client) };
    }
    const { client, opened } = connection;
    await opened;
    return client;
  }

  /** @returns whether it is ours now; else whoever has it, in another process, is asked to let go */
  async function tryToTake(key: string, holder: Holder): Promise<boolean> {
    const client = await connected();
    const taking = "SELECT pg_try_advisory_lock($1, hashtext($2)) AS taken";
    const { rows } = await client.query<{ taken: boolean }>(taking, [LOCK_CLASS, key]);
    if (!rows[0]!.taken) await client.query("SELECT pg_notify($1, $2)", [CHANNEL, key]);
    else holder.client = client;
    return rows[0]!.taken;
  }

  /** One try: in this process first, because a session may take its own lock twice. */
  async function take(key: string, ask: () => unknown): Promise<boolean> {
    const before = holders.get(key);
    if (before) {
      void before.ask();
      return false;
    }
    const holder: Holder = { ask, client: null };
    holders.set(key, holder);
    try {
      return await tryToTake(key, holder);
    } finally {
      if (!holder.client) holders.delete(key);
    }
  }

  return {
    newLock: (key) => ({
      async lock(signal, ask) {
        for (const until = performance.now() + WAIT_MS; !(await take(key, ask)); await sleep(LOOK_EVERY_MS)) {
          if (signal.aborted) throw refusal(400, "The request was ended.");
          if (performance.now() > until) throw refusal(423, "Another request works on this upload. Try again.");
        }
      },

      async unlock() {
        const client = holders.get(key)?.client;
        holders.delete(key);
        try {
          await client?.query("SELECT pg_advisory_unlock($1, hashtext($2))", [LOCK_CLASS, key]);
        } catch (err) {
          log.warn({ err }, "the lock of an upload goes with its connection");
          await client?.end();
        }
      },
    }),

    askAll,

    async close() {
      askAll();
      const closing = connection;
      if (!closing) return;
      await closing.opened.catch(() => {}); // whoever waits for it is told; then there is nothing to close
      await closing.client.end();
    },
  };
}

/** What tus answers with. */
const refusal = (status_code: number, body: string) => ({ status_code, body: `${body}\n` });
