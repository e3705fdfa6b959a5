import { type Secrets, sameText } from "./secrets.ts";
import { hashToken } from "./tokens.ts";

/** What the refresh tokens of one session are made from. */
export interface TokenFamily {
  /** The session's. */
  id: string;
  seed: string;
}

/** The session and the turn that a refresh token names. Proves nothing. */
export interface ClaimedTurn {
  sessionId: string;
  rotation: number;
}

export type RefreshTokens = ReturnType<typeof createRefreshTokens>;

/**
 * Refresh tokens: the session, the turn, and a keyed hash of both with the family's seed. So the successor of a token is the
 * same whoever works it out, and a genuine token can be told from an invented one at any age, though no token is stored.
 */
export function createRefreshTokens(secrets: Secrets) {
  const tokenOf = ({ id, seed }: TokenFamily, rotation: number): string =>
    `${id}.${rotation}.${secrets.hash("refresh token", `${id}.${rotation}.${seed}`)}`;

  /** What the database keeps of a token. Keyed, so that another SECRETS_KEY makes all tokens worthless. */
  const hashOf = (token: string): string => secrets.hash("refresh token", `stored ${token}`);

  return {
    /** The token of one turn of a session. */
    tokenOf,
    hashOf,
    /** Whether the stored hash is this token's, or was stored by a version whose tokens were random. */
    isCurrent: (token: string, { tokenHash }: { tokenHash: string }): boolean =>
      hashOf(token) === tokenHash || hashToken(token) === tokenHash,
    /** What a token claims, or null for what is no refresh token. */
    read(token: string): ClaimedTurn | null {
      const [sessionId, rotation, secret, ...rest] = token.split(".");
      if (!sessionId || !secret || rest.length > 0 || !/^\d{1,9}$/.test(rotation ?? "")) return null;
      return { sessionId, rotation: Number(rotation) };
    },
    /** Whether the token was made here for that turn of the session. */
    isGenuine: (token: string, family: TokenFamily, { rotation }: ClaimedTurn): boolean =>
      sameText(token, tokenOf(family, rotation)),
  };
}
