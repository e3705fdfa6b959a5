import type { IncomingHttpHeaders } from "node:http";

/** Whether a request may come with the viewer's cookies: it is from one of our own pages, or from no page at all. */
export type IsOwnSite = (headers: IncomingHttpHeaders) => boolean;

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/** Whether the page is one that this very server gave out, over a connection that nobody on the way can write into. */
export function isFromHost(origin: string, host: string | undefined): boolean {
  if (!URL.canParse(origin)) return false; // such as "null", of a page in a sandbox
  const page = new URL(origin);
  return page.host === host && (page.protocol === "https:" || LOOPBACK.test(page.hostname));
}

/** Browsers name the page's origin with every request that could change something, and when they open a WebSocket. */
export function createIsOwnSite({
  publicUrl,
  corsOrigins,
}: {
  publicUrl: string;
  corsOrigins: readonly string[];
}): IsOwnSite {
  const known = new Set([new URL(publicUrl).origin, ...corsOrigins]);
  return ({ origin, host, "sec-fetch-site": from }) =>
    from !== "cross-site" && (origin === undefined || known.has(origin) || isFromHost(origin, host));
}
