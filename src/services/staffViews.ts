import type { Db } from "../../prisma/client.ts";
import { Prisma } from "../generated/prisma/client.ts";
import type { Actor } from "./actor.ts";
import { batched } from "./batched.ts";

/** Which part of an attempt was looked at, where it was not the whole. */
export interface ViewedPart {
  questionId?: string;
  fileId?: string;
  /** By who marks it out of the queue, where nothing leads to the student: no line may, before it has its points. */
  anonymous?: true;
}

interface View {
  attempt: string;
  actor: string;
  address: string | null;
  detail: ViewedPart | undefined;
}

/** The lines written here, of a table `event`, as its partial index has them: students' have a log-in, and other acts of staff no address. */
export const isStaffView = Prisma.sql`event.address IS NOT NULL AND event.session_id IS NULL`;

const MINUTE_MS = 60_000;

export type StaffViews = ReturnType<typeof createStaffViews>;

/**
 * Logs that staff look at what a student answered, before they get it: whatever is shown has its line, and without a line nothing is
 * shown. At most one line for each person, address, attempt (or part of it), server and minute, and what is shown in one moment in one statement.
 */
export function createStaffViews(db: Db) {
  const write = batched(async (views: readonly View[]) => {
    await db.$executeRaw`
      INSERT INTO attempt_events (attempt_id, kind, actor_id, address, detail)
      SELECT attempts.id, 'VIEWED', actor, CASE WHEN users.erased_at IS NULL THEN address END, detail
      FROM jsonb_to_recordset(${JSON.stringify(views)}::jsonb) AS view (attempt uuid, actor uuid, address text, detail jsonb)
      JOIN attempts ON attempts.id = view.attempt
      JOIN users ON users.id = view.actor`;
    return views.map(() => undefined);
  });

  /** Those of the last minute, the oldest first. */
  const lines = new Map<string, { at: number; written: Promise<undefined> }>();

  /** Resolves when the line is in the database. */
  return async function viewed(
    { userId, ip }: Pick<Actor, "userId" | "ip">,
    attemptId: string,
    detail?: ViewedPart,
  ): Promise<void> {
    const now = performance.now();
    for (const [key, { at }] of lines) {
      if (now - at < MINUTE_MS) break;
      lines.delete(key);
    }
    const key = JSON.stringify([userId, ip, attemptId, detail]);
    let line = lines.get(key);
    if (!line) {
      line = { at: now, written: write({ attempt: attemptId, actor: userId, address: ip, detail }) };
      lines.set(key, line);
    }
    await line.written.catch((error) => {
      lines.delete(key); // the next look writes it
      throw error;
    });
  };
}
