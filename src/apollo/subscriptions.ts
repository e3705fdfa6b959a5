import websocket from "@fastify/websocket";
import type { FastifyInstance } from "fastify";
import {
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  parse,
  subscribe,
  validate,
} from "graphql";
import { createHandler } from "graphql-sse/lib/use/fastify";
import { makeHandler } from "graphql-ws/use/@fastify/websocket";
import { uuidv7 } from "uuidv7";
import type { Services } from "../container.ts";
import type { Authenticate } from "../middlewares/auth.ts";
import type { Logger } from "../utils/logger.ts";
import { type Context, createContext } from "./context.ts";
import { toPublicError } from "./errors.ts";
import { limitRules, parseOptions } from "./plugins/limits.ts";

/** Shorter than the idle time-outs of the usual proxies. */
const PING_MS = 12_000;

interface Asked {
  query: string;
  operationName?: string | null;
  variables?: Record<string, unknown> | null;
}

/**
 * Subscriptions over WebSocket (graphql-ws, `/graphql/ws`, token in `connectionParams.authorization`) and
 * server-sent events (graphql-sse, `/graphql/stream`, token in the header), both with heartbeats.
 */
export function subscriptionRoutes({
  schema,
  authenticate,
  services,
  log,
}: {
  schema: GraphQLSchema;
  authenticate: Authenticate;
  services: Services;
  log: Logger;
}) {
  /** What to run, or what is wrong with it; the token is looked at again for every operation, so it must still be good. */
  async function prepare(
    asked: Asked,
    authorization: string | undefined,
  ): Promise<ExecutionArgs | readonly GraphQLError[]> {
    const requestId = uuidv7();
    const claims = await authenticate(authorization);
    const contextValue = createContext({
      claims,
      services,
      requestId,
      log: log.child({ requestId }),
      client: { ip: null, userAgent: null },
    });
    try {
      const document = parse(asked.query, parseOptions);
      const problems = validate(schema, document, limitRules);
      if (problems.length > 0) return problems;
      log.info({ requestId, userId: claims?.userId, operation: asked.operationName ?? undefined }, "subscription");
      return { schema, document, contextValue, operationName: asked.operationName, variableValues: asked.variables };
    } catch (error) {
      if (error instanceof GraphQLError) return [error];
      throw error;
    }
  }

  const publish = <Result extends { errors?: readonly GraphQLError[] }>(context: Context, result: Result): Result => ({
    ...result,
    ...(result.errors && { errors: result.errors.map((error) => toPublicError(error, context)) }),
  });

  return async function register(app: FastifyInstance): Promise<void> {
    await app.register(websocket, { options: { maxPayload: 65_536 } });
    app.get(
      "/graphql/ws",
      { websocket: true },
      makeHandler(
        {
          schema,
          execute,
          subscribe,
          onSubscribe: ({ connectionParams }, _id, payload) =>
            prepare(
              payload,
              (connectionParams?.authorization ?? connectionParams?.Authorization) as string | undefined,
            ),
          onNext: (_socket, _id, _payload, args, result) => publish(args.contextValue as Context, result),
          onError: (_socket, _id, _payload, errors) =>
            errors.map((error) =>
              toPublicError(error, { log, requestId: "", trace: { errorCodes: [], isStorable: false } }),
            ),
        },
        PING_MS,
      ),
    );

    const stream = createHandler<Context>({
      schema,
      execute,
      subscribe,
      onSubscribe: async (request, payload) => {
        const prepared = await prepare(payload as Asked, request.headers.get("authorization") ?? undefined);
        return "schema" in prepared ? (prepared as ExecutionArgs & { contextValue: Context }) : { errors: prepared };
      },
      onNext: (context, _request, result) => publish(context, result as ExecutionResult),
    });
    app.all("/graphql/stream", (request, reply) => stream(request, reply));
  };
}
