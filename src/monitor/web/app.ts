import { randomUUID } from "node:crypto";
import cookies from "@fastify/cookie";
import Fastify, { type FastifyInstance } from "fastify";
import type { Config } from "../../config.ts";
import type { Container } from "../../container.ts";
import { inWork } from "../../currentWork.ts";
import { metricsRoute } from "../../metrics/metricsRoute.ts";
import { queueMetrics } from "../../metrics/queues.ts";
import { createLogInLimit } from "../../middlewares/rateLimit.ts";
import { createTryCounters } from "../../middlewares/tryCounters.ts";
import { healthRoutes, type Readiness } from "../../readiness.ts";
import type { Logger } from "../../utils/logger.ts";
import { actRoutes } from "./actRoutes.ts";
import { boardRoutes } from "./board.ts";
import { createGuard, takeForms, viewerOf } from "./guard.ts";
import { logInRoutes } from "./logIn.ts";
import { problemPages } from "./problems.ts";
import { readingRoutes } from "./readingRoutes.ts";
import { REFRESH_SCRIPT } from "./refreshScript.ts";
import { STYLE } from "./style.ts";

const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  // With less, browsers would not say of a form which page it is from.
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-store",
};

/** The monitor's pages: a log-in, and behind it the overview, the dead letters, the acts and Bull Board. Not listening yet. */
export async function createMonitorApp({
  container,
  readiness,
  config,
  log,
}: {
  container: Pick<
    Container,
    "services" | "db" | "queues" | "deadLetters" | "queueRedis" | "cacheRedis" | "clock" | "metrics"
  >;
  readiness: Readiness;
  config: Config;
  log: Logger;
}): Promise<FastifyInstance> {
  const { monitorSessions: sessions } = container.services;
  const app = Fastify({
    trustProxy: config.TRUST_PROXY,
    forceCloseConnections: true,
    genReqId: () => randomUUID(), // found in the log, and in the jobs that follow
  });
  app.addHook("onRequest", (request, _reply, done) => inWork({ requestId: request.id }, done));
  const guard = createGuard(sessions);
  const counters = createTryCounters({ redis: container.cacheRedis, prefix: config.REDIS_PREFIX, log });
  const limit = createLogInLimit({ counters, factor: config.RATE_LIMIT_FACTOR });

  problemPages(app, log);
  takeForms(app);
  await app.register(cookies);
  app.decorateRequest("viewer", null);
  app.addHook("onRequest", async (_request, reply) => {
    reply.headers(HEADERS);
  });
  healthRoutes(app, readiness);
  queueMetrics(container);
  metricsRoute(app, { metrics: container.metrics, token: config.METRICS_TOKEN });
  app.get("/style.css", (_request, reply) => reply.type("text/css").send(STYLE));
  app.get("/refresh.js", (_request, reply) => reply.type("text/javascript").send(REFRESH_SCRIPT));
  app.addHook("onRequest", guard.requireOwnPage);
  logInRoutes(app, { sessions, guard, limit, log });

  await app.register(async (scope) => {
    scope.addHook("onRequest", guard.requireViewer);
    scope.addHook("preHandler", guard.requireFormToken);
    scope.post("/logout", async (request, reply) => {
      await sessions.logOut(viewerOf(request));
      guard.forget(reply);
      return reply.redirect("/login", 303);
    });
    readingRoutes(scope, { container, guard });
    actRoutes(scope, { operations: container.services.operations, guard });
    await scope.register((board) => boardRoutes(board, { redis: container.queueRedis, queues: container.queues, log }));
  });
  return app;
}
