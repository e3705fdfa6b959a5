import type { Transaction } from "../../prisma/client.ts";
import { Prisma } from "../generated/prisma/client.ts";
import type { AttemptEventKind } from "../generated/prisma/enums.ts";
import type { Actor } from "./actor.ts";

export type { AttemptEventKind };

/** A student as the log tells of them: who, in which log-in, and from where. */
export type LoggedStudent = Pick<Actor, "userId"> & Partial<Pick<Actor, "sessionId" | "ip" | "userAgent">>;

/**
 * The part of a statement that logs what became of attempts, so that the log and what it tells of are committed together.
 * @param attempts where the statement has their ids, in a column `id`
 * @param by the student; null for the server
 */
export const logged = (
  kind: AttemptEventKind,
  by: LoggedStudent | null,
  attempts: Prisma.Sql,
  detail: Prisma.Sql = Prisma.sql`NULL`,
): Prisma.Sql => Prisma.sql`
  INSERT INTO attempt_events (attempt_id, kind, actor_id, session_id, address, user_agent, detail)
  SELECT id, ${kind}::"AttemptEventKind", ${by?.userId ?? null}::uuid, ${by?.sessionId ?? null}::uuid,
         ${by?.ip ?? null}, ${by?.userAgent ?? null}, ${detail}::jsonb
  FROM ${attempts}`;

/** Logs what staff did to attempts, in the transaction that does it: who, and never from where. One statement for any number. */
export async function logStaffAct(
  tx: Transaction,
  { userId }: Pick<Actor, "userId">,
  kind: AttemptEventKind,
  attemptIds: readonly string[],
  detail?: Record<string, unknown>,
): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO attempt_events (attempt_id, kind, actor_id, detail)
    SELECT id, ${kind}::"AttemptEventKind", ${userId}::uuid, ${detail ? JSON.stringify(detail) : null}::jsonb
    FROM unnest(${attemptIds}::uuid[]) AS changed (id)`;
}
