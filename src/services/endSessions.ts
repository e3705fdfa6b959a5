import type { Db, Transaction } from "../../prisma/client.ts";

/**
 * Ends the sessions of a person, or of several: no refresh from now on, and the access tokens that are out run down by themselves.
 * In a transaction it comes after the write to the person's row: a log-in that is under way waits for that row, and finds it
 * changed, or is committed and ended here. Safe to repeat. @returns how many
 */
export async function endSessions(
  tx: Db | Transaction,
  who: string | string[],
  now: Date,
  { exceptId }: { exceptId?: string } = {},
): Promise<number> {
  const { count } = await tx.session.updateMany({
    where: {
      userId: typeof who === "string" ? who : { in: who },
      revokedAt: null,
      expiresAt: { gt: now },
      ...(exceptId && { id: { not: exceptId } }),
    },
    data: { revokedAt: now },
  });
  return count;
}

/** Ends one session. Safe to repeat. @returns whether it had not ended before */
export async function endSession(tx: Db | Transaction, sessionId: string, now: Date): Promise<boolean> {
  const { count } = await tx.session.updateMany({
    where: { id: sessionId, revokedAt: null },
    data: { revokedAt: now },
  });
  return count > 0;
}
