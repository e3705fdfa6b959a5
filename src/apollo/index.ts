import { randomBytes } from "node:crypto";
import { ApolloServer, type ApolloServerPlugin } from "@apollo/server";
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from "@apollo/server/plugin/disabled";
import cookies from "@fastify/cookie";
import cors from "@fastify/cors";
import Fastify, { type FastifyError, type FastifyInstance } from "fastify";
import { GraphQLError } from "graphql";
import type { Config } from "../config.ts";
import type { Container } from "../container.ts";
import { DomainError } from "../domain/errors.ts";
import { edgeCacheMetrics } from "../metrics/caches.ts";
import { loadSheddingMetrics } from "../metrics/loadShedding.ts";
import { metricsRoute } from "../metrics/metricsRoute.ts";
import { createOperationMeters } from "../metrics/operations.ts";
import { createAuthenticate } from "../middlewares/auth.ts";
import { STATUS } from "../middlewares/httpStatus.ts";
import { createLoadShedding } from "../middlewares/loadShedding.ts";
import { createIsOwnSite } from "../middlewares/ownSite.ts";
import { createRequestBudget } from "../middlewares/requestBudget.ts";
import { createReadCookie } from "../middlewares/sessionCookies.ts";
import { createTryCounters } from "../middlewares/tryCounters.ts";
import { healthRoutes, type Readiness } from "../readiness.ts";
import { createEdgeCache } from "../redis/edgeCache.ts";
import type { Logger } from "../utils/logger.ts";
import type { Context, RequestTrace } from "./context.ts";
import { downloadRoutes } from "./downloads.ts";
import { gravestOf, isOurs, toPublicError } from "./errors.ts";
import { graphqlRoute } from "./graphqlRoute.ts";
import { jitGateway } from "./jitGateway.ts";
import { keySetRoute } from "./jwks.ts";
import { landingPage } from "./landingPage.ts";
import { linkPages } from "./linkPages.ts";
import { mediaRoutes } from "./media.ts";
import { limitRules, parseOptions } from "./plugins/limits.ts";
import { questionUploads } from "./questionUploads.ts";
import { requestWork } from "./requestWork.ts";
import { createSchema, createSerializingSchema } from "./schema.ts";
import { createCookiesOf } from "./sessionCookies.ts";
import { createShedOrders } from "./shedOrder.ts";
import { subscriptionRoutes } from "./subscriptions.ts";
import { uploadRoutes } from "./uploads.ts";

const REQUEST_ID = /^[\w-]{8,64}$/;
/** Part of the cache's memory that finished answers may use. */
const EDGE_SHARE = 0.5;
/** A stored answer lives no longer, should a message that drops it get lost. */
const EDGE_SECONDS = 60;

/** Apollo's own refusals, of what does not parse or is not valid, in the form of all others: their name becomes the reason. */
const extensionsOf = (code: unknown, given: Record<string, unknown> | undefined): Record<string, unknown> =>
  isOurs(code)
    ? { ...given, status: STATUS[code] }
    : { code: "BAD_USER_INPUT", status: STATUS.BAD_USER_INPUT, reason: code };

/** Names the operation and what Apollo refused for the log line as soon as it is known. */
const nameOperation: ApolloServerPlugin<Context> = {
  async requestDidStart() {
    return {
      async didEncounterErrors({ contextValue, errors }) {
        const { trace } = contextValue;
        for (const { extensions } of errors) {
          if (!isOurs(extensions?.code)) trace.errorCodes.push(String(extensions?.code));
        }
        trace.gravest = gravestOf(errors);
      },
      async didResolveOperation({ contextValue, operationName, operation }) {
        const first = operation?.selectionSet.selections[0];
        contextValue.trace.operationName = operationName ?? (first?.kind === "Field" ? first.name.value : undefined);
      },
    };
  },
};

/** The HTTP server: GraphQL with its subscriptions, the health pages and, if configured, the landing page. Not listening yet. */
export async function createApp({
  container: { services, clock, tracing, tokens, links, cache, cacheRedis, uploadFiles, uploadLocks, lines, metrics },
  readiness,
  config,
  log,
}: {
  container: Pick<
    Container,
    | "services"
    | "clock"
    | "tracing"
    | "tokens"
    | "links"
    | "cache"
    | "cacheRedis"
    | "uploadFiles"
    | "uploadLocks"
    | "lines"
    | "metrics"
  >;
  readiness: Readiness;
  config: Config;
  log: Logger;
}): Promise<FastifyInstance> {
  const factor = config.RATE_LIMIT_FACTOR;
  const counters = createTryCounters({ redis: cacheRedis, prefix: config.REDIS_PREFIX, log });
  const schema = createSchema({ counters, factor });
  const serializing = createSerializingSchema({ counters, factor });
  const budget = createRequestBudget({ factor, clock });
  const orders = createShedOrders();
  const meters = createOperationMeters(metrics, schema);
  const apollo = new ApolloServer<Context>({
    gateway: jitGateway({ schema, serializing, budget, orders, meters, tracing }),
    introspection: config.INTROSPECTION,
    parseOptions,
    validationRules: limitRules,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    plugins: [ApolloServerPluginCacheControlDisabled(), ApolloServerPluginLandingPageDisabled(), nameOperation],
    logger: log,
    formatError: ({ message, locations, path, extensions }) => ({
      message,
      ...(locations && { locations }),
      ...(path && { path }),
      extensions: extensionsOf(extensions?.code, extensions),
    }),
  });
  await apollo.start();

  const processId = randomBytes(6).toString("base64url");
  let requests = 0;
  const app = Fastify({
    bodyLimit: config.BODY_LIMIT_KB * 1024,
    trustProxy: config.TRUST_PROXY,
    forceCloseConnections: "idle",
    // Longer than the keep-alive of the usual proxies, so that it is never we who close under a request.
    keepAliveTimeout: 75_000,
    genReqId: (request) => {
      const given = request.headers["x-request-id"];
      return typeof given === "string" && REQUEST_ID.test(given) ? given : `${processId}-${(requests++).toString(36)}`;
    },
  });
  requestWork(app, tracing);
  app.setErrorHandler((error, request, reply) => {
    const known = error instanceof Error && "statusCode" in error && Number(error.statusCode) < 500;
    const isTooLarge = known && (error as FastifyError).code === "FST_ERR_CTP_BODY_TOO_LARGE";
    const message = isTooLarge
      ? `The request is larger than ${config.BODY_LIMIT_KB} KB, the most this server takes.`
      : "";
    const cause = known ? new DomainError("BAD_USER_INPUT", message || error.message) : error;
    const trace: RequestTrace = { errorCodes: [], isStorable: false };
    const requestId = request.id;
    const shown = toPublicError(new GraphQLError("", { originalError: cause as Error }), { log, requestId, trace });
    const status = known ? Number(error.statusCode) : Number(shown.extensions.status);
    const ms = Math.round(reply.elapsedTime * 100) / 100;
    log.info({ requestId, ms, errorCodes: trace.errorCodes }, "request");
    if (status) shown.extensions.status = status;
    reply.header("x-request-id", requestId);
    if (trace.retryAfter !== undefined) reply.header("retry-after", trace.retryAfter);
    return reply.code(status || STATUS.INTERNAL_SERVER_ERROR).send({ errors: [shown] });
  });
  app.addHook("onClose", () => apollo.stop());
  const shedding = createLoadShedding({ isOn: config.LOAD_SHEDDING, lines, log });
  app.addHook("onClose", async () => shedding.stop());
  loadSheddingMetrics(metrics, shedding);
  // Closing ends the connections that are idle at that moment; one whose last answer is still on its way would stay open.
  app.addHook("preClose", async () => {
    if (!app.server.listening) return;
    const closing = setInterval(() => app.server.closeIdleConnections(), 50);
    app.server.once("close", () => clearInterval(closing));
  });

  healthRoutes(app, readiness);
  metricsRoute(app, { metrics, token: config.METRICS_TOKEN });
  if (config.SANDBOX) {
    landingPage(app);
    linkPages(app);
  }
  keySetRoute(app, tokens);
  const isOwnSite = createIsOwnSite({ publicUrl: config.PUBLIC_URL, corsOrigins: config.CORS_ORIGINS });
  await app.register(cookies, { hook: false }); // parsed only where a request has nothing else to say who asks
  const readCookie = createReadCookie({ isOwnSite, parse: app.parseCookie });
  const authenticate = createAuthenticate({ tokens, readCookie });
  const cookiesOf = createCookiesOf({ isOwnSite, readCookie, clock });
  const edge = createEdgeCache({
    cache,
    maxBytes: config.CACHE_MEMORY_MB * 1024 * 1024 * EDGE_SHARE,
    clock,
    ttlSeconds: EDGE_SECONDS,
  });
  edgeCacheMetrics(metrics, edge);
  await app.register(async (scope) => {
    const origin = config.CORS_ORIGINS;
    if (origin.length > 0)
      await scope.register(cors, {
        origin,
        credentials: true,
        exposedHeaders: ["retry-after", "x-request-id"],
        maxAge: 600,
      });
    await scope.register(
      graphqlRoute({ apollo, authenticate, cookiesOf, budget, shedding, orders, edge, meters, services, log }),
    );
    const introspection = config.INTROSPECTION;
    await scope.register(
      subscriptionRoutes({ schema, introspection, authenticate, budget, shedding, meters, services, clock, log }),
    );
  });
  const { answerFileDownloads, imports, privacy, questionFiles, resultFiles } = services;
  await app.register(downloadRoutes({ answerFileDownloads, imports, privacy, questionFiles, resultFiles, links, log }));
  await app.register(questionUploads({ questionFiles, links, corsOrigins: config.CORS_ORIGINS }), {
    prefix: "/question-files",
  });
  const { playback } = services;
  await app.register(mediaRoutes({ playback, corsOrigins: config.CORS_ORIGINS, log }), { prefix: "/media" });
  for (const uploads of Object.values(services.uploads))
    await app.register(
      uploadRoutes({
        uploads,
        files: uploadFiles,
        locks: uploadLocks,
        corsOrigins: config.CORS_ORIGINS,
        publicUrl: config.PUBLIC_URL,
        log,
      }),
    );
  return app;
}
