import type { Db } from "../../prisma/client.ts";
import type { Logger } from "../utils/logger.ts";
import type { Actor } from "./actor.ts";
import { isOutage } from "./outage.ts";

/** What a student does without writing anything: looking, and being turned away for where they are. */
export type VisitKind = "VIEWED" | "ADDRESS_REFUSED";

interface Visit {
  kind: VisitKind;
  attempt: string;
  actor: string;
  session: string;
  address: string | null;
  user_agent: string | null;
  /** By the process's own steady clock. */
  notedAt: number;
}

const MINUTE_MS = 60_000;
/** What comes within this time travels together; a process that is killed loses as much. */
const GATHER_MS = 10_000;
/** While the database is away no more than so many are kept. */
const MOST = 20_000;

export type AttemptVisits = ReturnType<typeof createAttemptVisits>;

/**
 * Notes visits for the attempts' log without costing them a statement: gathered here, at most one of a kind for each attempt,
 * log-in and minute, and written together. The time of each is PostgreSQL's, less the visit's age.
 */
export function createAttemptVisits({ db, log }: { db: Db; log: Logger }) {
  let waiting: Visit[] = [];
  /** The minute of the newest visit by attempt, log-in and kind. */
  const newest = new Map<string, number>();
  let gathering: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    const minute = Math.floor(performance.now() / MINUTE_MS);
    for (const [key, noted] of newest) if (noted < minute) newest.delete(key);
    if (waiting.length === 0) return;
    const visits = waiting;
    waiting = [];
    const rows = visits.map(({ notedAt, ...visit }) => ({ ...visit, age: (performance.now() - notedAt) / 1_000 }));
    try {
      await db.$executeRaw`
        INSERT INTO attempt_events (attempt_id, at, kind, actor_id, session_id, address, user_agent)
        SELECT attempts.id, clock_timestamp() - make_interval(secs => age), kind, actor, session, address, user_agent
        FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS visit (
          kind "AttemptEventKind", attempt uuid, actor uuid, session uuid, address text, user_agent text, age double precision)
        JOIN attempts ON attempts.id = visit.attempt
        JOIN users ON users.id = visit.actor AND users.erased_at IS NULL`;
    } catch (err) {
      if (!isOutage(err))
        return log.error({ err, missing: visits.length }, "visits of attempts are missing in their log");
      waiting = [...visits, ...waiting].slice(-MOST);
      log.warn({ err, waiting: waiting.length }, "visits of attempts wait for the database");
      gatherLater();
    }
  }

  function flush(): Promise<void> {
    clearTimeout(gathering);
    gathering = undefined;
    writing = writing.then(write);
    return writing;
  }

  function gatherLater(): void {
    gathering ??= setTimeout(() => void flush(), GATHER_MS).unref();
  }

  return {
    /** Never waits. */
    note(kind: VisitKind, { userId, sessionId, ip, userAgent }: Actor, attemptId: string): void {
      const now = performance.now();
      const key = `${kind} ${attemptId} ${sessionId}`;
      const minute = Math.floor(now / MINUTE_MS);
      if (newest.get(key) === minute) return;
      newest.set(key, minute);
      if (waiting.length >= MOST) return;
      waiting.push({
        kind,
        attempt: attemptId,
        actor: userId,
        session: sessionId,
        address: ip,
        user_agent: userAgent,
        notedAt: now,
      });
      gatherLater();
    },

    /** Writes what is noted; resolves when it is in the database, or the database is known to be away. */
    flush,
  };
}
