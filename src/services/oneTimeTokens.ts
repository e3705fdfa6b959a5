import { randomBytes } from "node:crypto";
import type { Db, Transaction } from "../../prisma/client.ts";
import { unprocessable } from "../domain/errors.ts";
import type { User as UserRow } from "../generated/prisma/client.ts";
import type { OneTimePurpose } from "../generated/prisma/enums.ts";
import { hashToken } from "./tokens.ts";

/** How long the link in a mail is good for, in hours. */
export const ONE_TIME_HOURS: Record<OneTimePurpose, number> = { VERIFY_EMAIL: 72, RESET_PASSWORD: 1, INVITE: 14 * 24 };

export const tokenNotGood = () =>
  unprocessable("TOKEN_NOT_GOOD", "This link is not good any more: it was used, or it is too old. Ask for a new one.");

export type OneTimeTokens = ReturnType<typeof createOneTimeTokens>;

/** The random tokens in the links of mails. Only their hashes are stored. */
export function createOneTimeTokens({ db, clock, newId }: { db: Db; clock: () => Date; newId: () => string }) {
  const good = (token: string, purpose: OneTimePurpose) => ({
    hash: hashToken(token),
    purpose,
    usedAt: null,
    expiresAt: { gt: clock() },
  });

  return {
    /** A new token for the mail of this job; a try before made one that is no longer good. @returns the token, told nowhere else */
    async issue(userId: string, purpose: OneTimePurpose, jobId: string): Promise<string> {
      const token = randomBytes(32).toString("base64url");
      const hash = hashToken(token);
      const expiresAt = new Date(clock().getTime() + ONE_TIME_HOURS[purpose] * 3_600_000);
      await db.oneTimeToken.upsert({
        where: { jobId },
        create: { id: newId(), userId, purpose, hash, jobId, expiresAt },
        update: { hash, expiresAt },
      });
      return token;
    },

    /** Whose token it is, as long as it is good; it still is afterwards. @throws UNPROCESSABLE (TOKEN_NOT_GOOD) */
    async holder(token: string, purpose: OneTimePurpose): Promise<UserRow> {
      const found = await db.oneTimeToken.findFirst({ where: good(token, purpose), select: { user: true } });
      if (!found || found.user.disabledAt) throw tokenNotGood();
      return found.user;
    },

    /** Uses a token up, in the transaction of what it allows; of two who try at once, one does. @throws UNPROCESSABLE (TOKEN_NOT_GOOD) */
    async consume(tx: Transaction, token: string, purpose: OneTimePurpose): Promise<void> {
      const { count } = await tx.oneTimeToken.updateMany({ where: good(token, purpose), data: { usedAt: clock() } });
      if (count === 0) throw tokenNotGood();
    },

    /** Makes a person's other links for this purpose worthless. Safe to repeat. */
    async consumeAll(tx: Transaction, userId: string, purpose: OneTimePurpose): Promise<void> {
      await tx.oneTimeToken.updateMany({ where: { userId, purpose, usedAt: null }, data: { usedAt: clock() } });
    },

    /** Removes tokens that expired. Safe to repeat. @returns how many */
    async removeExpired(): Promise<number> {
      const { count } = await db.oneTimeToken.deleteMany({ where: { expiresAt: { lt: clock() } } });
      return count;
    },
  };
}
