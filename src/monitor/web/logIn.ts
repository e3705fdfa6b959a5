import type { FastifyInstance } from "fastify";
import { DomainError } from "../../domain/errors.ts";
import { STATUS } from "../../middlewares/httpStatus.ts";
import type { createLogInLimit } from "../../middlewares/rateLimit.ts";
import type { MonitorSessions } from "../../services/monitorSessions.ts";
import type { Logger } from "../../utils/logger.ts";
import type { Guard } from "./guard.ts";
import { logInPage } from "./layout.ts";

/** The only pages that strangers see. */
export function logInRoutes(
  app: FastifyInstance,
  {
    sessions,
    guard,
    limit,
    log,
  }: { sessions: MonitorSessions; guard: Guard; limit: ReturnType<typeof createLogInLimit>; log: Logger },
): void {
  app.get("/login", (_request, reply) => reply.type("text/html").send(logInPage()));

  app.post<{ Body: Record<string, string | undefined> | undefined }>("/login", async (request, reply) => {
    const { email = "", password = "", code } = request.body ?? {};
    const client = { ip: request.ip, userAgent: request.headers["user-agent"]?.slice(0, 300) ?? null };
    try {
      const viewer = await limit(email, client.ip, () =>
        sessions.logIn({ email, password, code: code?.trim() || null }, client, request.id),
      );
      log.info({ userId: viewer.userId, mayAct: viewer.mayAct }, "a viewer logged in");
      guard.keep(reply, viewer);
      return reply.redirect("/", 303);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      const wait = error.retryAfter ? ` Try again in ${error.retryAfter} s.` : "";
      reply.code(STATUS[error.code]).type("text/html");
      return reply.send(logInPage({ email, problem: `${error.message}${wait}` }));
    }
  });
}
