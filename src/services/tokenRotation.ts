import { randomUUID } from "node:crypto";
import type { Db } from "../../prisma/client.ts";
import { unauthenticated } from "../domain/errors.ts";
import type { User as UserRow } from "../generated/prisma/client.ts";
import { emailQueue } from "../queues/email.queue.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Logger } from "../utils/logger.ts";
import { endSession } from "./endSessions.ts";
import { isUuid } from "./ids.ts";
import type { ClaimedTurn, RefreshTokens, TokenFamily } from "./refreshTokens.ts";

/** Where a log-in or a refresh comes from, for the list of sessions. */
export interface Client {
  ip: string | null;
  userAgent: string | null;
}

/** The token that goes on with a session. */
export interface Turn {
  sessionId: string;
  userId: string;
  refreshToken: string;
  expiresAt: Date;
}

/** A session as it is found, judged by the database's clock: another server's may differ from ours. */
interface FoundSession extends TokenFamily {
  userId: string;
  /** The turn of the token that is good now. */
  rotation: number;
  tokenHash: string;
  expiresAt: Date;
  isAlive: boolean;
  wasJustRotated: boolean;
}

/** For so long a rotated token gives its successor again: two tabs that refresh at once are no theft. */
const GRACE_SECONDS = 10;

export const sessionOver = () => unauthenticated("This session is over. Log in again.", "SESSION_OVER");

export type TokenRotation = ReturnType<typeof createTokenRotation>;

/** How a session begins, and how its refresh tokens follow one another. */
export function createTokenRotation({
  db,
  outbox,
  refreshTokens,
  refreshTokenDays,
  clock,
  newId,
  log,
}: {
  db: Db;
  outbox: Outbox;
  refreshTokens: RefreshTokens;
  refreshTokenDays: number;
  clock: () => Date;
  newId: () => string;
  log: Logger;
}) {
  const life = `${refreshTokenDays} days`;
  const grace = `${GRACE_SECONDS} seconds`;

  /**
   * Begins a session with its first token. Null when the account was disabled, or got another password or role, since it was read.
   * One statement, which holds the person's row: whoever changes that row at this moment finds the session and ends it.
   */
  async function begin(user: UserRow, client: Client): Promise<(Turn & { at: Date }) | null> {
    const family = { id: newId(), seed: randomUUID() };
    const refreshToken = refreshTokens.tokenOf(family, 0);
    const [begun] = await db.$queryRaw<{ expiresAt: Date; at: Date }[]>`
      WITH person AS (
        UPDATE users SET last_login_at = now()
        WHERE id = ${user.id}::uuid AND disabled_at IS NULL AND password_hash = ${user.passwordHash}
          AND role = ${user.role}::"UserRole"
        RETURNING id
      )
      INSERT INTO sessions (id, user_id, seed, token_hash, expires_at, user_agent, ip)
      SELECT ${family.id}::uuid, id, ${family.seed}::uuid, ${refreshTokens.hashOf(refreshToken)}, now() + ${life}::interval,
             ${client.userAgent}, ${client.ip}
      FROM person
      RETURNING expires_at AS "expiresAt", used_at AS at`;
    return begun ? { sessionId: family.id, userId: user.id, refreshToken, ...begun } : null;
  }

  async function find({ sessionId }: ClaimedTurn): Promise<FoundSession | undefined> {
    if (!isUuid(sessionId)) return undefined;
    const [session] = await db.$queryRaw<FoundSession[]>`
      SELECT s.id, s.user_id AS "userId", s.seed, s.rotation, s.token_hash AS "tokenHash", s.expires_at AS "expiresAt",
             s.revoked_at IS NULL AND s.expires_at > now() AND u.disabled_at IS NULL AS "isAlive",
             s.used_at > now() - ${grace}::interval AS "wasJustRotated"
      FROM sessions s JOIN users u ON u.id = s.user_id
      WHERE s.id = ${sessionId}::uuid`;
    return session;
  }

  /** Makes the next token the one that is good. Null when another request was faster, or the session has just ended. */
  async function rotate(session: FoundSession, client: Client): Promise<Turn | null> {
    const { id, userId, rotation, tokenHash } = session;
    const refreshToken = refreshTokens.tokenOf(session, rotation + 1);
    const [rotated] = await db.$queryRaw<{ expiresAt: Date }[]>`
      UPDATE sessions
      SET token_hash = ${refreshTokens.hashOf(refreshToken)}, rotation = rotation + 1, used_at = now(),
          expires_at = now() + ${life}::interval, user_agent = ${client.userAgent}, ip = ${client.ip}
      WHERE id = ${id}::uuid AND token_hash = ${tokenHash} AND revoked_at IS NULL
      RETURNING expires_at AS "expiresAt"`;
    return rotated ? { sessionId: id, userId, refreshToken, ...rotated } : null;
  }

  /** Ends a session of whose tokens somebody has a copy, and tells its owner, once. */
  async function endCopied({ id, userId }: FoundSession, requestId: string): Promise<void> {
    const hasEnded = await db.$transaction(async (tx) => {
      if (!(await endSession(tx, id, clock()))) return false;
      const mail = { template: "refreshTokenReused", userId } as const;
      await outbox.add(tx, emailQueue, "sendTemplate", mail, { ownerId: userId, requestId });
      return true;
    });
    if (!hasEnded) return;
    outbox.handOver();
    log.warn({ sessionId: id, userId, requestId }, "session ended: an old refresh token was used again");
  }

  /**
   * Trades a token for its successor, which two requests at once are told alike. An older token ends the session.
   * @throws UNAUTHENTICATED (SESSION_OVER)
   */
  async function next(refreshToken: string, client: Client, requestId: string): Promise<Turn> {
    const claimed = refreshTokens.read(refreshToken);
    const session = claimed && (await find(claimed));
    if (!claimed || !session?.isAlive) throw sessionOver();
    if (refreshTokens.isCurrent(refreshToken, session)) {
      // Who was slower finds the session anew: its token is now the previous one, or the session has ended.
      return (await rotate(session, client)) ?? next(refreshToken, client, requestId);
    }
    const turnsAgo = session.rotation - claimed.rotation;
    if (turnsAgo < 1 || !refreshTokens.isGenuine(refreshToken, session, claimed)) throw sessionOver();
    if (turnsAgo === 1 && session.wasJustRotated) {
      const { id, userId, rotation, expiresAt } = session;
      return { sessionId: id, userId, refreshToken: refreshTokens.tokenOf(session, rotation), expiresAt };
    }
    await endCopied(session, requestId);
    throw sessionOver();
  }

  return {
    begin,
    next,

    /** The session that a token of any turn belongs to; null for what is no token of ours. */
    async sessionOf(refreshToken: string): Promise<string | null> {
      const claimed = refreshTokens.read(refreshToken);
      const session = claimed && (await find(claimed));
      if (!claimed || !session) return null;
      const isOurs =
        refreshTokens.isCurrent(refreshToken, session) || refreshTokens.isGenuine(refreshToken, session, claimed);
      return isOurs ? session.id : null;
    },
  };
}
