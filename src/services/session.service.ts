import type { Db } from "../../prisma/client.ts";
import { notFound, unauthenticated } from "../domain/errors.ts";
import { normalAddress } from "../domain/person.ts";
import { isStorable } from "../domain/storedText.ts";
import type { Session as SessionRow, User as UserRow } from "../generated/prisma/client.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import { toUser, type User } from "./account.service.ts";
import type { Actor } from "./actor.ts";
import type { CredentialService } from "./credential.service.ts";
import { endSession, endSessions } from "./endSessions.ts";
import { requireId } from "./ids.ts";
import { hashSecret, verifySecret } from "./passwords.ts";
import { type Client, sessionOver, type TokenRotation, type Turn } from "./tokenRotation.ts";
import type { Tokens } from "./tokens.ts";

export interface SessionTokens {
  accessToken: string;
  accessTokenExpiresAt: string;
  refreshToken: string;
  refreshTokenExpiresAt: string;
  secondFactorSetupRequired: boolean;
  user: User;
}

/** A log-in on one device, as its owner sees it. */
export interface Session {
  id: string;
  createdAt: string;
  usedAt: string;
  expiresAt: string;
  userAgent: string | null;
  ip: string | null;
  current: boolean;
}

export interface Credentials {
  email: string;
  password: string;
  /** Of the authenticator app, or a recovery code. */
  code?: string | null;
}

/** What a log-in asks of the second factor. */
interface SecondFactor {
  /** @throws UNAUTHENTICATED (SECOND_FACTOR_REQUIRED, WRONG_CODE) */
  check(user: UserRow, code: string | null | undefined, requestId: string): Promise<void>;
  isMissing(user: UserRow): boolean;
}

const MOST_LISTED = 100;

const wrongCredentials = () => unauthenticated("The address or the password is wrong.", "WRONG_CREDENTIALS");

export type SessionService = ReturnType<typeof createSessionService>;

export function createSessionService({
  db,
  cache,
  tokens,
  rotation,
  credentials,
  secondFactor,
  clock,
  newId,
}: {
  db: Db;
  cache: Cache;
  tokens: Tokens;
  rotation: TokenRotation;
  credentials: Pick<CredentialService, "changePassword">;
  secondFactor: SecondFactor;
  clock: () => Date;
  newId: () => string;
}) {
  /** Compared with when there is no password to compare with, so that the answer takes as long as when there is one. */
  const nobodysHash = hashSecret(newId());

  async function toTokens(user: UserRow, { sessionId, refreshToken, expiresAt }: Turn): Promise<SessionTokens> {
    const secondFactorMissing = secondFactor.isMissing(user);
    const viewer = { userId: user.id, role: user.role, sessionId, secondFactorMissing };
    const access = await tokens.sign(viewer);
    return {
      accessToken: access.token,
      accessTokenExpiresAt: access.expiresAt.toISOString(),
      refreshToken,
      refreshTokenExpiresAt: expiresAt.toISOString(),
      secondFactorSetupRequired: secondFactorMissing,
      user: { ...toUser(user), isViewer: true },
    };
  }

  /** Whoever has this address and password. @throws UNAUTHENTICATED (WRONG_CREDENTIALS), after the same work for every reason */
  async function personWith(email: string, password: string): Promise<UserRow> {
    const address = normalAddress(email);
    const user = isStorable(address) ? await db.user.findUnique({ where: { email: address } }) : null;
    const matches = await verifySecret(user?.passwordHash ?? (await nobodysHash), password);
    if (!user?.passwordHash || !matches || user.disabledAt) throw wrongCredentials();
    return user;
  }

  /** Begins a session for somebody who has just shown who they are. @throws UNAUTHENTICATED (WRONG_CREDENTIALS) */
  async function begin(user: UserRow, client: Client): Promise<SessionTokens> {
    const turn = await rotation.begin(user, client);
    if (!turn) throw wrongCredentials();
    await cache.drop(CACHE_KEYS.USER_PROFILE(user.id));
    return toTokens({ ...user, lastLoginAt: turn.at }, turn);
  }

  return {
    /**
     * Begins a session.
     * @throws UNAUTHENTICATED (WRONG_CREDENTIALS), alike for every reason; (SECOND_FACTOR_REQUIRED, WRONG_CODE)
     */
    async login({ email, password, code }: Credentials, client: Client, requestId: string): Promise<SessionTokens> {
      const user = await personWith(email, password);
      await secondFactor.check(user, code, requestId);
      return begin(user, client);
    },

    /**
     * Sets a new password, ends all sessions of the actor and begins a new one: what anybody else holds is worth nothing from then on.
     * @throws UNAUTHENTICATED (WRONG_CREDENTIALS), BAD_USER_INPUT
     */
    async changePassword(
      actor: Actor,
      { currentPassword, newPassword }: { currentPassword: string; newPassword: string },
      client: Client,
    ): Promise<SessionTokens> {
      return begin(await credentials.changePassword(actor, currentPassword, newPassword), client);
    },

    /**
     * Trades a refresh token for the next one. The one before gives the same successor for ten seconds; an older one means that
     * a copy is about: the session is ended and its owner told.
     * @throws UNAUTHENTICATED (SESSION_OVER)
     */
    async refresh(refreshToken: string, client: Client, requestId: string): Promise<SessionTokens> {
      const turn = await rotation.next(refreshToken, client, requestId);
      const user = await db.user.findUnique({ where: { id: turn.userId } });
      if (!user || user.disabledAt) throw sessionOver();
      return toTokens(user, turn);
    },

    /** Ends the session of a refresh token of any turn; what is none ends nothing. Safe to repeat. */
    async logout(refreshToken: string): Promise<void> {
      const sessionId = await rotation.sessionOf(refreshToken);
      if (sessionId) await endSession(db, sessionId, clock());
    },

    /** Ends the session that asks. Safe to repeat. */
    async endCurrent({ sessionId }: Actor): Promise<void> {
      await endSession(db, sessionId, clock());
    },

    /** Where the actor is logged in, the last used first: the last hundred. */
    async list(actor: Actor): Promise<Session[]> {
      const rows = await db.session.findMany({
        where: { userId: actor.userId, revokedAt: null, expiresAt: { gt: clock() } },
        orderBy: [{ usedAt: "desc" }, { id: "desc" }],
        take: MOST_LISTED,
      });
      return rows.map((row) => toSession(row, actor));
    },

    /** Ends one of the actor's sessions. Safe to repeat. @throws NOT_FOUND, also for somebody else's */
    async revoke(actor: Actor, sessionId: string): Promise<void> {
      const id = requireId(sessionId, "session");
      const own = await db.session.findFirst({ where: { id, userId: actor.userId }, select: { id: true } });
      if (!own) throw notFound("session");
      await endSession(db, id, clock());
    },

    /** Ends the actor's sessions, the one that asks too unless told otherwise. Safe to repeat. @returns how many */
    revokeAll: (actor: Actor, { exceptCurrent }: { exceptCurrent: boolean }): Promise<number> =>
      endSessions(db, actor.userId, clock(), { exceptId: exceptCurrent ? actor.sessionId : undefined }),

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

const toSession = (row: SessionRow, actor: Actor): Session => ({
  id: row.id,
  createdAt: row.createdAt.toISOString(),
  usedAt: row.usedAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
  userAgent: row.userAgent,
  ip: row.ip,
  current: row.id === actor.sessionId,
});
