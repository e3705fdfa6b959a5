import type { FastifyReply, FastifyRequest } from "fastify";
import { DomainError, forbidden } from "../domain/errors.ts";
import type { IsOwnSite } from "../middlewares/ownSite.ts";
import {
  ACCESS_COOKIE,
  COOKIE_ATTRIBUTES,
  REFRESH_COOKIE,
  type ReadCookie,
  type SessionCookie,
} from "../middlewares/sessionCookies.ts";
import type { SessionTokens } from "../services/session.service.ts";

/** What the client is told of a session's tokens: in cookie mode not the tokens themselves. */
export type ShownTokens = Omit<SessionTokens, "accessToken" | "refreshToken"> & {
  accessToken: string | null;
  refreshToken: string | null;
};

/** A session that is kept in the cookies of the browser that asks. */
export interface SessionCookies {
  /** The refresh token among them; empty when there is none. */
  refreshToken: string;
  /** Puts the tokens into cookies instead of the answer. A session that turns out to be over takes its cookies away. */
  keep(tokens: Promise<SessionTokens>): Promise<ShownTokens>;
  /** Takes the cookies away, if any were sent. */
  clear(): void;
}

/** Null where cookies can be neither believed nor set. */
export type CookiesOf = (request: FastifyRequest, reply: FastifyReply) => SessionCookies | null;

/** @throws FORBIDDEN */
export function requireCookies({ cookies }: { cookies: () => SessionCookies | null }): SessionCookies {
  const found = cookies();
  if (!found) throw forbidden("Cookies are for the pages of the server's own site, over HTTP at /graphql.");
  return found;
}

export function createCookiesOf({
  isOwnSite,
  readCookie,
  clock,
}: {
  isOwnSite: IsOwnSite;
  readCookie: ReadCookie;
  clock: () => Date;
}): CookiesOf {
  return (request, reply) => {
    if (!isOwnSite(request.headers)) return null;

    function set(name: SessionCookie, token: string, expiresAt: string): void {
      const maxAge = Math.round((Date.parse(expiresAt) - clock().getTime()) / 1000);
      reply.setCookie(name, token, { ...COOKIE_ATTRIBUTES, maxAge });
    }

    function clear(): void {
      for (const name of [ACCESS_COOKIE, REFRESH_COOKIE] as const)
        if (readCookie(request.headers, name) !== undefined) reply.clearCookie(name, COOKIE_ATTRIBUTES);
    }

    return {
      refreshToken: readCookie(request.headers, REFRESH_COOKIE) ?? "",
      async keep(begun) {
        try {
          const tokens = await begun;
          set(ACCESS_COOKIE, tokens.accessToken, tokens.accessTokenExpiresAt);
          set(REFRESH_COOKIE, tokens.refreshToken, tokens.refreshTokenExpiresAt);
          return { ...tokens, accessToken: null, refreshToken: null };
        } catch (error) {
          if (error instanceof DomainError && error.reason === "SESSION_OVER") clear();
          throw error;
        }
      },
      clear,
    };
  };
}
