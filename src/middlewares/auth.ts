import type { IncomingHttpHeaders } from "node:http";
import type { Claims, Tokens } from "../services/tokens.ts";
import { ACCESS_COOKIE, type ReadCookie } from "./sessionCookies.ts";

/** The viewer scope of somebody without a token, as the edge cache names it. */
export const PUBLIC_SCOPE = "public";

const BEARER = /^bearer +/i;

/** @param authorization in place of the header's, where a browser cannot set it: with a WebSocket */
export type Authenticate = (
  headers: IncomingHttpHeaders,
  authorization?: string,
) => Claims | null | Promise<Claims | null>;

/**
 * Tells who asks, from the token alone: of `Authorization: Bearer …`, or of the cookie where there is no such header.
 * A token seen before is answered without waiting.
 * Null for a visitor and for a token that is not good: what then needs a log-in refuses with UNAUTHENTICATED.
 */
export const createAuthenticate =
  ({ tokens, readCookie }: { tokens: Tokens; readCookie: ReadCookie }): Authenticate =>
  (headers, authorization = headers.authorization) => {
    const token = authorization === undefined ? readCookie(headers, ACCESS_COOKIE) : bearerOf(authorization);
    return token === undefined ? null : (tokens.known(token) ?? tokens.verify(token));
  };

/** The name of the scheme may be written in any case. */
function bearerOf(authorization: string): string | undefined {
  const scheme = BEARER.exec(authorization);
  return scheme ? authorization.slice(scheme[0].length) : undefined;
}
