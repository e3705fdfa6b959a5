import { z } from "zod";
import type { Db, Transaction } from "../../prisma/client.ts";
import { badInput } from "../domain/errors.ts";
import { emailAddress, isOwnAddress, newPassword, OWN_ADDRESS_MESSAGE, personName } from "../domain/person.ts";
import type { Prisma, User as UserRow } from "../generated/prisma/client.ts";
import type { OneTimePurpose } from "../generated/prisma/enums.ts";
import { emailQueue, type TemplatedMail } from "../queues/email.queue.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import { type JobQueued, toUser, type User } from "./account.service.ts";
import type { Actor } from "./actor.ts";
import { endSessions } from "./endSessions.ts";
import { parseInput } from "./input.ts";
import { type OneTimeTokens, tokenNotGood } from "./oneTimeTokens.ts";
import { requireOwnPassword, wrongOwnPassword } from "./ownPassword.ts";
import { hashSecret } from "./passwords.ts";

const invited = z.object({ password: newPassword, name: personName.nullish() });

function refuseOwnAddress(password: string, { email }: UserRow, path: string): void {
  if (isOwnAddress(password, email))
    throw badInput(`The password ${OWN_ADDRESS_MESSAGE}.`, [{ path, message: OWN_ADDRESS_MESSAGE }]);
}

export type CredentialService = ReturnType<typeof createCredentialService>;

/** What shows who somebody is: the address, by the links in mails, and the password. */
export function createCredentialService({
  db,
  cache,
  outbox,
  oneTimeTokens,
  clock,
}: {
  db: Db;
  cache: Cache;
  outbox: Outbox;
  oneTimeTokens: OneTimeTokens;
  clock: () => Date;
}) {
  /** Asks for a mail to an address. Whether there is anybody to write to, the job finds out: the answer takes as long for a stranger. */
  async function mailTo(mail: TemplatedMail, requestId: string): Promise<JobQueued> {
    const jobId = await outbox.add(db, emailQueue, "sendTemplate", mail, { requestId });
    outbox.handOver();
    return { queued: true, jobId };
  }

  /** What follows from a new password, in its transaction: whoever came in by the old one, or has a link for another, is out. */
  async function afterNewPassword(tx: Transaction, userId: string, requestId: string): Promise<void> {
    await oneTimeTokens.consumeAll(tx, userId, "RESET_PASSWORD");
    await endSessions(tx, userId, clock());
    const mail = { template: "passwordChanged", userId } as const;
    await outbox.add(tx, emailQueue, "sendTemplate", mail, { ownerId: userId, requestId });
  }

  /**
   * Uses the link of a mail up for a change of its holder's account. Who has the link reads the mail, so the address is verified.
   * @param only what must still be so when the change is made
   */
  async function useLink(
    { token, purpose, holder }: { token: string; purpose: OneTimePurpose; holder: UserRow },
    change: { passwordHash?: string; name?: string },
    {
      only = {},
      follow = async () => {},
    }: { only?: Prisma.UserWhereInput; follow?: (tx: Transaction) => Promise<void> } = {},
  ): Promise<User> {
    const row = await db.$transaction(async (tx) => {
      // The person's row first: who comes with another link of the same person waits here, and then finds it worthless.
      const [changed] = await tx.user.updateManyAndReturn({
        where: { id: holder.id, disabledAt: null, ...only },
        data: { emailVerifiedAt: holder.emailVerifiedAt ?? clock(), ...change },
      });
      if (!changed) throw tokenNotGood();
      await oneTimeTokens.consume(tx, token, purpose);
      await follow(tx);
      return changed;
    });
    await cache.drop(CACHE_KEYS.USER_PROFILE(holder.id));
    outbox.handOver();
    return toUser(row);
  }

  return {
    /** Shows that an address is its owner's, by the link of a mail. @throws UNPROCESSABLE (TOKEN_NOT_GOOD) */
    async verifyEmail(token: string): Promise<User> {
      const purpose = "VERIFY_EMAIL";
      return useLink({ token, purpose, holder: await oneTimeTokens.holder(token, purpose) }, {});
    },

    /** Asks for a verification mail; it is sent where there is an account that needs one. @throws BAD_USER_INPUT */
    async resendVerification(email: string, requestId: string): Promise<JobQueued> {
      const address = parseInput(emailAddress, email, { path: "email" });
      return mailTo({ template: "verification", email: address }, requestId);
    },

    /** Asks for a mail with a link for a new password; it is sent where there is an account. @throws BAD_USER_INPUT */
    async requestPasswordReset(email: string, requestId: string): Promise<JobQueued> {
      const address = parseInput(emailAddress, email, { path: "email" });
      return mailTo({ template: "passwordReset", email: address }, requestId);
    },

    /** Sets a new password by the link of a mail and ends all sessions. @throws UNPROCESSABLE (TOKEN_NOT_GOOD), BAD_USER_INPUT */
    async resetPassword(token: string, password: string, requestId: string): Promise<User> {
      const checked = parseInput(newPassword, password, { path: "newPassword" });
      const purpose = "RESET_PASSWORD";
      const holder = await oneTimeTokens.holder(token, purpose); // before the hash, which a stranger shall not have for nothing
      refuseOwnAddress(checked, holder, "newPassword");
      const passwordHash = await hashSecret(checked);
      const follow = (tx: Transaction) => afterNewPassword(tx, holder.id, requestId);
      return useLink({ token, purpose, holder }, { passwordHash }, { follow });
    },

    /**
     * Takes an account that was made by an invitation into use, once.
     * @throws UNPROCESSABLE (TOKEN_NOT_GOOD) also where there is a password already, BAD_USER_INPUT
     */
    async acceptInvitation(token: string, input: { password: string; name?: string | null }): Promise<User> {
      const { password, name } = parseInput(invited, input, { path: "" });
      const purpose = "INVITE";
      const holder = await oneTimeTokens.holder(token, purpose);
      refuseOwnAddress(password, holder, "password");
      const passwordHash = await hashSecret(password);
      const change = { passwordHash, ...(name && { name }) };
      return useLink({ token, purpose, holder }, change, { only: { passwordHash: null } });
    },

    /**
     * Sets a new password and ends all sessions. @returns the person as they are now, for the session that follows
     * @throws UNAUTHENTICATED (WRONG_CREDENTIALS), BAD_USER_INPUT
     */
    async changePassword(actor: Actor, currentPassword: string, password: string): Promise<UserRow> {
      const checked = parseInput(newPassword, password, { path: "newPassword" });
      const person = await requireOwnPassword(db, actor.userId, currentPassword);
      refuseOwnAddress(checked, person, "newPassword");
      const passwordHash = await hashSecret(checked);
      const row = await db.$transaction(async (tx) => {
        const [changed] = await tx.user.updateManyAndReturn({
          where: { id: person.id, passwordHash: person.passwordHash, disabledAt: null },
          data: { passwordHash },
        });
        if (!changed) throw wrongOwnPassword(); // it was another one by the time
        await afterNewPassword(tx, person.id, actor.requestId);
        return changed;
      });
      await cache.drop(CACHE_KEYS.USER_PROFILE(person.id));
      outbox.handOver();
      return row;
    },
  };
}
