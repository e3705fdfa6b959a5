import type { ApolloServer } from "@apollo/server";
import { fastifyApolloHandler } from "@as-integrations/fastify";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Services } from "../container.ts";
import { DomainError } from "../domain/errors.ts";
import type { OperationMeters } from "../metrics/operations.ts";
import { type Authenticate, PUBLIC_SCOPE } from "../middlewares/auth.ts";
import type { LoadShedding } from "../middlewares/loadShedding.ts";
import type { RequestBudget } from "../middlewares/requestBudget.ts";
import type { EdgeCache } from "../redis/edgeCache.ts";
import type { Claims } from "../services/tokens.ts";
import { type Logger, withoutRedaction } from "../utils/logger.ts";
import { type Context, clientOf, createContext } from "./context.ts";
import { codeOf } from "./errors.ts";
import { REQUEST_POINTS } from "./operationCost.ts";
import { insertParts } from "./serializedFields.ts";
import type { CookiesOf } from "./sessionCookies.ts";
import type { ShedOrders } from "./shedOrder.ts";

declare module "fastify" {
  interface FastifyRequest {
    lectern: Context | null;
  }
}

const CACHE_HEADER = "x-lectern-cache";

/**
 * `/graphql`: an answer given before to the same viewer and body is replayed from its bytes, before anything is parsed;
 * all else goes through Apollo, unless there is too much of it. Every request leaves one log line.
 */
export function graphqlRoute({
  apollo,
  authenticate,
  cookiesOf,
  budget,
  shedding,
  orders,
  edge,
  meters,
  services,
  log,
}: {
  apollo: ApolloServer<Context>;
  authenticate: Authenticate;
  cookiesOf: CookiesOf;
  budget: RequestBudget;
  shedding: LoadShedding;
  orders: ShedOrders;
  edge: EdgeCache;
  meters: OperationMeters;
  services: Services;
  log: Logger;
}) {
  const requestLog = withoutRedaction(log);
  const execute = fastifyApolloHandler(apollo, { context: async (request) => request.lectern! }) as unknown as (
    request: FastifyRequest,
    reply: FastifyReply,
  ) => Promise<string>;

  function contextOf(request: FastifyRequest, reply: FastifyReply, claims: Claims | null): Context {
    return createContext({
      claims,
      services,
      requestId: request.id,
      log,
      client: clientOf(request),
      cookies: () => cookiesOf(request, reply),
    });
  }

  /** By GET Apollo takes nothing but queries. */
  const orderOf = ({ method, body }: FastifyRequest) => (method === "GET" ? "FIRST" : orders.of(body));
  const meterOf = (request: FastifyRequest) => request.lectern?.trace.meter ?? meters.unread;

  async function run(request: FastifyRequest, reply: FastifyReply, claims: Claims | null): Promise<string | Buffer> {
    const startedAt = performance.now();
    const context = contextOf(request, reply, claims);
    request.lectern = context;
    const refusal = budget.charge(context, REQUEST_POINTS);
    if (refusal) throw refusal;
    const ticket = edge.begin();
    const raw = request.body;
    if (request.method === "POST") request.body = parseBody(raw);
    reply.header("cache-control", "no-store").header("x-request-id", request.id).header(CACHE_HEADER, "miss");
    const overload = shedding.isShedding() && shedding.refusalOf(orderOf(request));
    if (overload) throw overload;
    const text = await execute(request, reply);
    if (context.trace.retryAfter !== undefined) reply.header("retry-after", context.trace.retryAfter);
    const isStorable = context.trace.isStorable && context.trace.errorCodes.length === 0 && reply.statusCode === 200;
    const { parts } = context.serialized;
    const body = parts.length > 0 ? insertParts(text, parts) : isStorable ? Buffer.from(text) : text;
    if (isStorable && typeof body !== "string" && typeof raw === "string") {
      const answer = { bytes: body, contentType: String(reply.getHeader("content-type")), meter: context.trace.meter };
      edge.store(ticket, scopeOf(request, claims), raw, answer, [...context.reads.keys]);
    }
    const ms = elapsed(startedAt);
    meterOf(request).answered(ms, context.trace.gravest);
    requestLog.info(
      {
        requestId: request.id,
        operation: context.trace.operationName,
        userId: claims?.userId,
        ms,
        cacheHits: context.reads.hits,
        cacheMisses: context.reads.misses,
        ...(context.trace.errorCodes.length > 0 && { errorCodes: context.trace.errorCodes }),
      },
      "request",
    );
    return body;
  }

  return async function register(app: FastifyInstance): Promise<void> {
    app.decorateRequest("lectern", null);
    app.addHook("onError", async (request, reply, error) =>
      meterOf(request).answered(reply.elapsedTime, codeOf(error)),
    );
    // The text is the edge cache's key, so it is parsed only when it is needed.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) => done(null, body));

    // Not an async function: a stored answer to a known token leaves in this very tick.
    app.post("/graphql", (request, reply) => {
      const claims = authenticate(request.headers);
      if (claims instanceof Promise) return claims.then((verified) => respond(request, reply, verified));
      return respond(request, reply, claims);
    });
    app.get("/graphql", async (request, reply) => run(request, reply, await authenticate(request.headers)));
  };

  /** The body of the answer, or nothing when it has left already. */
  function respond(
    request: FastifyRequest,
    reply: FastifyReply,
    claims: Claims | null,
  ): Promise<string | Buffer> | undefined {
    const startedAt = performance.now();
    const stored = typeof request.body === "string" && edge.lookup(scopeOf(request, claims), request.body);
    if (!stored) return run(request, reply, claims);
    reply.hijack();
    reply.raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      "content-type": stored.contentType,
      "content-length": stored.bytes.length,
      "cache-control": "no-store",
      "x-request-id": request.id,
      [CACHE_HEADER]: "hit",
    });
    reply.raw.end(stored.bytes);
    const ms = elapsed(startedAt);
    stored.meter?.answered(ms);
    requestLog.info(
      { requestId: request.id, operation: "stored", userId: claims?.userId, ms, cacheHits: 1 },
      "request",
    );
    return undefined;
  }
}

/** Whose answers these are: the token decides, and the form of answer that was asked for. */
const scopeOf = (request: FastifyRequest, claims: Claims | null): string =>
  `${claims?.scope ?? PUBLIC_SCOPE}|${request.headers.accept ?? ""}`;

const elapsed = (startedAt: number): number => Math.round((performance.now() - startedAt) * 100) / 100;

function parseBody(body: unknown): unknown {
  try {
    return JSON.parse(body as string);
  } catch {
    throw new DomainError("BAD_USER_INPUT", 'The body is no JSON. Send {"query": "…", "variables": {…}}.');
  }
}
