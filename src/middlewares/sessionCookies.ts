import type { IncomingHttpHeaders } from "node:http";
import type { IsOwnSite } from "./ownSite.ts";

/** Browsers take a `__Host-` cookie only over TLS (or from their own machine), for one host, and let no other host set it. */
export const ACCESS_COOKIE = "__Host-lectern-access";
export const REFRESH_COOKIE = "__Host-lectern-refresh";

/** No script reads them, and no other site's page sends them along. */
export const COOKIE_ATTRIBUTES = { path: "/", httpOnly: true, secure: true, sameSite: "strict" } as const;

export type SessionCookie = typeof ACCESS_COOKIE | typeof REFRESH_COOKIE;

/** A token from the request's cookies. They count only where nothing else says who asks, and never for a page of another site. */
export type ReadCookie = (headers: IncomingHttpHeaders, name: SessionCookie) => string | undefined;

export const createReadCookie =
  ({
    isOwnSite,
    parse,
  }: {
    isOwnSite: IsOwnSite;
    parse: (header: string) => Record<string, string | undefined>;
  }): ReadCookie =>
  (headers, name) =>
    headers.cookie !== undefined && headers.authorization === undefined && isOwnSite(headers)
      ? parse(headers.cookie)[name]
      : undefined;
