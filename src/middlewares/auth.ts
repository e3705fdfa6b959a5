import type { Claims, Tokens } from "../services/tokens.ts";

/** The viewer scope of somebody without a token, as the edge cache names it. */
export const PUBLIC_SCOPE = "public";

export type Authenticate = (authorization: string | undefined) => Claims | null | Promise<Claims | null>;

/**
 * Tells who sends an `Authorization: Bearer …` header, from the token alone. A token seen before is answered without waiting.
 * Null for a visitor and for a token that is not good: what then needs a log-in refuses with UNAUTHENTICATED.
 */
export const createAuthenticate =
  (tokens: Tokens): Authenticate =>
  (authorization) => {
    if (!authorization?.startsWith("Bearer ")) return null;
    const token = authorization.slice("Bearer ".length);
    return tokens.known(token) ?? tokens.verify(token);
  };
