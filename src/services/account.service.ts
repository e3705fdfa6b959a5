import { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import { conflict, unauthenticated } from "../domain/errors.ts";
import {
  emailAddress,
  isOwnAddress,
  newPassword,
  OWN_ADDRESS_MESSAGE,
  personLocale,
  personName,
} from "../domain/person.ts";
import type { User as UserRow } from "../generated/prisma/client.ts";
import { emailQueue } from "../queues/email.queue.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Actor, UserRole } from "./actor.ts";
import { isUniqueViolation } from "./constraints.ts";
import { parseInput } from "./input.ts";
import { hashSecret } from "./passwords.ts";

/** A person as others may see them: never the password's hash. */
export interface User {
  __typename: "User";
  id: string;
  email: string;
  name: string;
  role: UserRole;
  createdAt: string;
  locale: string;
  emailVerifiedAt: string | null;
  disabledAt: string | null;
  secondFactorAt: string | null;
  lastLoginAt: string | null;
  deletionDueAt: string | null;
  /** Told to that very person, who came without a token and has only now shown who they are. */
  isViewer?: true;
}

/** A job that was asked for, as the API tells of it. */
export interface JobQueued {
  queued: true;
  jobId: string;
}

export interface Registration extends JobQueued {
  user: User;
}

export const accountGone = () => unauthenticated("This account is gone.");

const registration = z
  .object({
    email: emailAddress,
    password: newPassword,
    name: personName,
    locale: personLocale.nullish().transform((locale) => locale ?? "en"),
  })
  .refine(({ email, password }) => !isOwnAddress(password, email), {
    path: ["password"],
    message: OWN_ADDRESS_MESSAGE,
  });
const profile = z.object({ name: personName.nullish(), locale: personLocale.nullish() });

export const toUser = (row: UserRow): User => ({
  __typename: "User",
  id: row.id,
  email: row.email,
  name: row.name,
  role: row.role,
  createdAt: row.createdAt.toISOString(),
  locale: row.locale,
  emailVerifiedAt: row.emailVerifiedAt?.toISOString() ?? null,
  disabledAt: row.disabledAt?.toISOString() ?? null,
  secondFactorAt: row.totpConfirmedAt?.toISOString() ?? null,
  lastLoginAt: row.lastLoginAt?.toISOString() ?? null,
  deletionDueAt: row.deletionDueAt?.toISOString() ?? null,
});

export type AccountService = ReturnType<typeof createAccountService>;

export function createAccountService({
  db,
  cache,
  outbox,
  clock,
  newId,
}: {
  db: Db;
  cache: Cache;
  outbox: Outbox;
  clock: () => Date;
  newId: () => string;
}) {
  return {
    /**
     * Opens an account with the role STUDENT and asks for the mail that verifies its address. Where somebody opened one before
     * and never verified it, nobody knows whose password is whose: it is removed, and the mail lets the owner of the address set one. For an
     * address that is verified, or invited, nothing happens but a mail to its owner. Answer, work and statements are the same. @throws BAD_USER_INPUT
     */
    async register(input: unknown, requestId: string): Promise<Registration> {
      const { email, password, name, locale } = parseInput(registration, input);
      const passwordHash = await hashSecret(password);
      const id = newId();
      const createdAt = clock();
      const job = outbox.row(emailQueue, "sendTemplate", { template: "registration", email }, { requestId });
      const [account] = await db.$queryRaw<{ id: string | null }[]>`
        WITH account AS (
          INSERT INTO users (id, email, name, locale, password_hash, created_at)
          VALUES (${id}::uuid, ${email}, ${name}, ${locale}, ${passwordHash}, ${createdAt}::timestamptz)
          ON CONFLICT (email) DO UPDATE
          SET name = split_part(excluded.email, '@', 1), password_hash = NULL
          WHERE users.email_verified_at IS NULL AND users.password_hash IS NOT NULL AND users.disabled_at IS NULL
          RETURNING id
        ), ended AS (
          UPDATE sessions SET revoked_at = now() FROM account WHERE user_id = account.id AND revoked_at IS NULL
        ), used AS (
          UPDATE one_time_tokens SET used_at = now() FROM account WHERE user_id = account.id AND used_at IS NULL
        )
        INSERT INTO outbox_jobs (id, queue, name, payload, owner_id, request_id, traceparent, run_at)
        VALUES (${job.id}::uuid, ${job.queue}, ${job.name}, ${JSON.stringify(job.payload)}::jsonb,
                (SELECT id FROM account), ${job.requestId}, ${job.traceparent}, ${job.runAt}::timestamptz)
        RETURNING owner_id AS id`;
      outbox.handOver();
      // For whatever address, so that the time it takes does not tell either.
      await cache.drop(CACHE_KEYS.USER_PROFILE(account?.id ?? id));
      const user: User = {
        __typename: "User",
        id: account?.id ?? id,
        email,
        name,
        role: "STUDENT",
        createdAt: createdAt.toISOString(),
        locale,
        emailVerifiedAt: null,
        disabledAt: null,
        secondFactorAt: null,
        lastLoginAt: null,
        deletionDueAt: null,
      };
      return { user, queued: true, jobId: job.id };
    },

    /**
     * Opens an account whose address is known to be right, without a mail: for programs that set a school up.
     * @throws BAD_USER_INPUT, CONFLICT (EMAIL_TAKEN)
     */
    async open({ role, ...input }: { email: string; password: string; name: string; role: UserRole }): Promise<User> {
      const { password, ...person } = parseInput(registration, input);
      const passwordHash = await hashSecret(password);
      try {
        const data = { id: newId(), ...person, role, passwordHash, emailVerifiedAt: clock() };
        return toUser(await db.user.create({ data }));
      } catch (error) {
        if (isUniqueViolation(error, "users_email_key"))
          throw conflict("This address has an account already.", "EMAIL_TAKEN");
        throw error;
      }
    },

    /** Changes what is given of the actor's own profile. @throws BAD_USER_INPUT, UNAUTHENTICATED when the account is closed */
    async updateProfile(actor: Actor, input: unknown): Promise<User> {
      const { name, locale } = parseInput(profile, input);
      const [row] = await db.user.updateManyAndReturn({
        where: { id: actor.userId, disabledAt: null },
        data: { name: name ?? undefined, locale: locale ?? undefined },
      });
      if (!row) throw accountGone();
      await cache.drop(CACHE_KEYS.USER_PROFILE(actor.userId));
      return toUser(row);
    },

    /** The viewer's own profile, through the cache. @throws UNAUTHENTICATED when the account is gone */
    async me(actor: Pick<Actor, "userId"> & Partial<Pick<Actor, "reads">>): Promise<User> {
      const user = await cache.getOrSetCache(
        CACHE_KEYS.USER_PROFILE(actor.userId),
        async () => {
          const row = await db.user.findUnique({ where: { id: actor.userId, erasedAt: null } });
          return row && toUser(row);
        },
        { reads: actor.reads },
      );
      if (!user) throw accountGone();
      return user;
    },

    /** Several people by id, in the order asked; for loaders. */
    async usersById(ids: readonly string[]): Promise<(User | null)[]> {
      const rows = await db.user.findMany({ where: { id: { in: [...ids] } } });
      const byId = new Map(rows.map((row) => [row.id, toUser(row)]));
      return ids.map((id) => byId.get(id) ?? null);
    },
  };
}
