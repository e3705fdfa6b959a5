import { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import { conflict, unauthenticated } from "../domain/errors.ts";
import { isStorable } from "../domain/storedText.ts";
import type { User as UserRow } from "../generated/prisma/client.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Logger } from "../utils/logger.ts";
import type { Actor, UserRole } from "./actor.ts";
import { isUniqueViolation } from "./constraints.ts";
import { isUuid } from "./ids.ts";
import { parseInput } from "./input.ts";
import { hashSecret, verifySecret } from "./passwords.ts";
import { type AccessToken, hashToken, newRefreshToken, readRefreshToken, type Tokens } from "./tokens.ts";

/** A person as others may see them: never the password's hash. */
export interface User {
  __typename: "User";
  id: string;
  email: string;
  name: string;
  role: UserRole;
  createdAt: string;
}

export interface SessionTokens {
  accessToken: string;
  accessTokenExpiresAt: string;
  refreshToken: string;
  refreshTokenExpiresAt: string;
  user: User;
}

/** Where a log-in comes from, for the list of sessions. */
export interface Client {
  ip: string | null;
  userAgent: string | null;
}

const email = z.string().trim().toLowerCase().max(320).pipe(z.email("is not an e-mail address"));
const registration = z.object({
  email,
  password: z.string().min(10, "needs at least 10 characters").max(200, "has at most 200 characters"),
  name: z.string().trim().min(1, "is empty").max(200, "has at most 200 characters"),
});

export const toUser = ({ id, email, name, role, createdAt }: UserRow): User => ({
  __typename: "User",
  id,
  email,
  name,
  role,
  createdAt: createdAt.toISOString(),
});

const wrongCredentials = () => unauthenticated("The address or the password is wrong.", "WRONG_CREDENTIALS");
const sessionOver = () => unauthenticated("This session is over. Log in again.", "SESSION_OVER");

export type AccountService = ReturnType<typeof createAccountService>;

export function createAccountService({
  db,
  cache,
  tokens,
  refreshTokenDays,
  clock,
  newId,
  log,
}: {
  db: Db;
  cache: Cache;
  tokens: Tokens;
  refreshTokenDays: number;
  clock: () => Date;
  newId: () => string;
  log: Logger;
}) {
  /** Compared with when the address is unknown, so that the answer takes as long as for a known one. */
  const nobodysHash = hashSecret(newId());

  const refreshExpiry = () => new Date(clock().getTime() + refreshTokenDays * 86_400_000);

  const toTokens = (user: UserRow, access: AccessToken, refreshToken: string, expiresAt: Date): SessionTokens => ({
    accessToken: access.token,
    accessTokenExpiresAt: access.expiresAt.toISOString(),
    refreshToken,
    refreshTokenExpiresAt: expiresAt.toISOString(),
    user: toUser(user),
  });

  return {
    /** Opens an account with the role STUDENT. @throws BAD_USER_INPUT, CONFLICT (EMAIL_TAKEN) */
    async register(input: unknown): Promise<User> {
      const { email, password, name } = parseInput(registration, input);
      const passwordHash = await hashSecret(password);
      try {
        return toUser(await db.user.create({ data: { id: newId(), email, name, passwordHash } }));
      } catch (error) {
        if (isUniqueViolation(error, "users_email_key"))
          throw conflict("This address has an account already.", "EMAIL_TAKEN");
        throw error;
      }
    },

    /** Begins a session. @throws UNAUTHENTICATED (WRONG_CREDENTIALS), alike for every reason */
    async login(email: string, password: string, client: Client): Promise<SessionTokens> {
      const address = email.trim().toLowerCase();
      const user = isStorable(address) ? await db.user.findUnique({ where: { email: address } }) : null;
      const matches = await verifySecret(user?.passwordHash ?? (await nobodysHash), password);
      if (!user || !matches || user.disabledAt) throw wrongCredentials();
      const sessionId = newId();
      const refreshToken = newRefreshToken(sessionId, 0);
      const expiresAt = refreshExpiry();
      await db.session.create({
        data: { id: sessionId, userId: user.id, tokenHash: hashToken(refreshToken), expiresAt, ...client },
      });
      return toTokens(
        user,
        await tokens.sign({ userId: user.id, role: user.role, sessionId }),
        refreshToken,
        expiresAt,
      );
    },

    /**
     * Trades a refresh token for the next one. An old token of a session that has gone on means a copy is about: the session is ended.
     * @throws UNAUTHENTICATED (SESSION_OVER)
     */
    async refresh(refreshToken: string): Promise<SessionTokens> {
      const claimed = readRefreshToken(refreshToken);
      if (!claimed || !isUuid(claimed.sessionId)) throw sessionOver();
      const { sessionId, rotation } = claimed;
      const next = newRefreshToken(sessionId, rotation + 1);
      const expiresAt = refreshExpiry();
      const rotated = await db.session.updateManyAndReturn({
        where: { id: sessionId, tokenHash: hashToken(refreshToken), revokedAt: null, expiresAt: { gt: clock() } },
        data: { tokenHash: hashToken(next), rotation: { increment: 1 }, expiresAt },
        include: { user: true },
      });
      const user = rotated[0]?.user;
      if (!user) {
        const reused = await db.session.updateMany({
          where: { id: sessionId, rotation: { gt: rotation }, revokedAt: null },
          data: { revokedAt: clock() },
        });
        if (reused.count > 0) log.warn({ sessionId }, "session ended: an old refresh token was used again");
        throw sessionOver();
      }
      if (user.disabledAt) throw sessionOver();
      return toTokens(user, await tokens.sign({ userId: user.id, role: user.role, sessionId }), next, expiresAt);
    },

    /** Ends the session of a refresh token. Safe to repeat. */
    async logout(refreshToken: string): Promise<void> {
      await db.session.updateMany({
        where: { tokenHash: hashToken(refreshToken), revokedAt: null },
        data: { revokedAt: clock() },
      });
    },

    /** The viewer's own profile, through the cache. @throws UNAUTHENTICATED when the account is gone */
    async me(actor: Actor): Promise<User> {
      const user = await cache.getOrSetCache(
        CACHE_KEYS.USER_PROFILE(actor.userId),
        async () => {
          const row = await db.user.findUnique({ where: { id: actor.userId } });
          return row && toUser(row);
        },
        { reads: actor.reads },
      );
      if (!user) throw unauthenticated("This account is gone.");
      return user;
    },

    /** Several people by id, in the order asked; for loaders. */
    async usersById(ids: readonly string[]): Promise<(User | null)[]> {
      const rows = await db.user.findMany({ where: { id: { in: [...ids] } } });
      const byId = new Map(rows.map((row) => [row.id, toUser(row)]));
      return ids.map((id) => byId.get(id) ?? null);
    },

    /** Removes sessions that ended or expired a day ago or more. Safe to repeat. @returns how many */
    async removeExpiredSessions(): Promise<number> {
      const dayAgo = new Date(clock().getTime() - 86_400_000);
      const { count } = await db.session.deleteMany({
        where: { OR: [{ expiresAt: { lt: dayAgo } }, { revokedAt: { lt: dayAgo } }] },
      });
      return count;
    },
  };
}
