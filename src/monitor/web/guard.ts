import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { forbidden, unauthenticated } from "../../domain/errors.ts";
import { isFromHost } from "../../middlewares/ownSite.ts";
import type { UserRole } from "../../services/actor.ts";
import type { MonitorSessions, MonitorViewer } from "../../services/monitorSessions.ts";
import { sameText } from "../../services/secrets.ts";
import type { Visit } from "./layout.ts";

/** Browsers take it only over TLS or from their own machine, and let no other host set it. */
export const TICKET_COOKIE = "__Host-lectern-monitor";
/** Until the browser is closed; the ticket itself says when it is too old. */
const COOKIE_ATTRIBUTES = { path: "/", httpOnly: true, secure: true, sameSite: "strict" } as const;
/** Somebody opens a page or sends a form. What pages ask for by themselves shows nobody at the keyboard and keeps no session alive. */
const isByHand = ({ headers }: FastifyRequest): boolean => headers["sec-fetch-mode"] === "navigate";

declare module "fastify" {
  interface FastifyRequest {
    viewer: MonitorViewer | null;
  }
}

export type Guard = ReturnType<typeof createGuard>;

/** Keeps strangers out, and other sites' pages from acting with a viewer's session. */
export function createGuard(sessions: MonitorSessions) {
  const keep = (reply: FastifyReply, viewer: MonitorViewer) =>
    reply.setCookie(TICKET_COOKIE, sessions.ticketFor(viewer), COOKIE_ATTRIBUTES);

  return {
    keep,

    forget: (reply: FastifyReply) => reply.clearCookie(TICKET_COOKIE, COOKIE_ATTRIBUTES),

    /** For every request: what changes something has to come from a page of this host. @throws FORBIDDEN */
    async requireOwnPage({ method, headers }: FastifyRequest): Promise<void> {
      if (method === "GET" || method === "HEAD") return;
      const isOwn = headers["sec-fetch-site"] !== "cross-site" && isFromHost(headers.origin ?? "", headers.host);
      if (!isOwn) throw forbidden("This takes a page of the monitor itself, over TLS or on this machine (localhost).");
    },

    /** For everything behind the log-in: finds out who asks, and sends others there. @throws UNAUTHENTICATED */
    async requireViewer(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
      const viewer = await sessions.recognise(request.cookies[TICKET_COOKIE] ?? "");
      if (!viewer && request.method === "GET" && request.headers.accept?.includes("text/html"))
        return reply.redirect("/login", 303);
      if (!viewer) throw unauthenticated();
      request.viewer = viewer;
      if (isByHand(request)) keep(reply, viewer);
      return undefined;
    },

    visitOf(request: FastifyRequest): Visit {
      const viewer = viewerOf(request);
      return { viewer, formToken: sessions.formToken(viewer) };
    },

    /** For forms behind the log-in. @throws FORBIDDEN */
    async requireFormToken(request: FastifyRequest): Promise<void> {
      if (request.method === "GET" || request.method === "HEAD") return;
      const { token } = (request.body ?? {}) as { token?: string };
      if (!sameText(token ?? "", sessions.formToken(viewerOf(request))))
        throw forbidden("This form is from another session. Open the page again.");
    },
  };
}

/** Who asks, behind the log-in. @throws UNAUTHENTICATED */
export function viewerOf({ viewer }: Pick<FastifyRequest, "viewer">): MonitorViewer {
  if (!viewer) throw unauthenticated();
  return viewer;
}

/** Who acts. @throws FORBIDDEN for who may only look */
export function requireActing(request: FastifyRequest): { userId: string; role: UserRole; via: string } {
  const { mayAct, userId, role } = viewerOf(request);
  if (!mayAct) throw forbidden("You may look, but not act: that takes an administrator.");
  return { userId, role, via: "monitor" };
}

/** Reads what a form sends, as text by name. */
export function takeForms(app: FastifyInstance): void {
  app.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "string", bodyLimit: 64 * 1024 },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(body as string))),
  );
}
