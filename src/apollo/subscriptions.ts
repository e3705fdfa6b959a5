import type { ServerResponse } from "node:http";
import websocket from "@fastify/websocket";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import {
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  subscribe,
  validate,
} from "graphql";
import { createHandler } from "graphql-sse/lib/use/fastify";
import { makeHandler } from "graphql-ws/use/@fastify/websocket";
import { uuidv7 } from "uuidv7";
import type { Services } from "../container.ts";
import type { OperationMeter, OperationMeters } from "../metrics/operations.ts";
import type { Authenticate } from "../middlewares/auth.ts";
import type { LoadShedding } from "../middlewares/loadShedding.ts";
import type { RequestBudget } from "../middlewares/requestBudget.ts";
import type { Logger } from "../utils/logger.ts";
import { type Context, clientOf, createContext } from "./context.ts";
import { gravestOf, toPublicError } from "./errors.ts";
import { costCheckOf, REQUEST_POINTS } from "./operationCost.ts";
import { limitRules, parseOptions } from "./plugins/limits.ts";
import { shedOrderOf } from "./shedOrder.ts";
import { untilExpiry } from "./untilExpiry.ts";

/** Shorter than the idle time-outs of the usual proxies. */
const PING_MS = 12_000;

interface Asked {
  query: string;
  operationName?: string | null;
  variables?: Record<string, unknown> | null;
}

/**
 * Subscriptions over WebSocket (graphql-ws, `/graphql/ws`, token in `connectionParams.authorization`) and
 * server-sent events (graphql-sse, `/graphql/stream`, token in the header), both with heartbeats. Either takes the cookie
 * where there is no other token, and ends a subscription when its token expires.
 */
export function subscriptionRoutes({
  schema,
  introspection,
  authenticate,
  budget,
  shedding,
  meters,
  services,
  clock,
  log,
}: {
  schema: GraphQLSchema;
  introspection: boolean;
  authenticate: Authenticate;
  budget: RequestBudget;
  shedding: LoadShedding;
  meters: OperationMeters;
  services: Services;
  clock: () => Date;
  log: Logger;
}) {
  const rules = [...specifiedRules, ...(introspection ? [] : [NoSchemaIntrospectionCustomRule]), ...limitRules];

  /** What to run, or what is wrong with it in its public form; the token is looked at again for every operation, so it must still be good. */
  async function prepare(
    asked: Asked,
    request: FastifyRequest,
    authorization?: string,
  ): Promise<ExecutionArgs | readonly GraphQLError[]> {
    const startedAt = performance.now();
    const refuse = (errors: readonly GraphQLError[], meter = meters.unread) => {
      meter.answered(performance.now() - startedAt, gravestOf(errors));
      return errors;
    };
    const requestId = uuidv7();
    const claims = await authenticate(request.headers, authorization);
    const contextValue = createContext({
      claims,
      services,
      requestId,
      log,
      client: clientOf(request),
    });
    const refusal = budget.charge(contextValue, REQUEST_POINTS);
    if (refusal)
      return refuse([toPublicError(new GraphQLError(refusal.message, { originalError: refusal }), contextValue)]);
    try {
      const document = parse(asked.query, parseOptions);
      const overload = shedding.refusalOf(shedOrderOf(document, asked.operationName));
      if (overload) throw new GraphQLError(overload.message, { originalError: overload });
      const problems = validate(schema, document, rules);
      if (problems.length > 0) return refuse(problems.map((problem) => toPublicError(problem, contextValue)));
      const operation = getOperationAST(document, asked.operationName);
      if (operation) contextValue.trace.meter = meters.of(document, operation);
      const tooDear =
        operation && costCheckOf(schema, document, operation)(asked.variables ?? {}, contextValue, budget);
      if (tooDear) return refuse([toPublicError(tooDear, contextValue)], contextValue.trace.meter);
      log.info({ requestId, userId: claims?.userId, operation: asked.operationName ?? undefined }, "subscription");
      return { schema, document, contextValue, operationName: asked.operationName, variableValues: asked.variables };
    } catch (error) {
      if (error instanceof GraphQLError) return refuse([toPublicError(error, contextValue)]);
      throw error;
    }
  }

  /**
   * As GraphQL's own, but what ends a stream before its time is the last thing the stream tells: the libraries would
   * otherwise break the connection off without a word. Every result is in its public form.
   */
  async function subscribePublicly(args: ExecutionArgs): Promise<ExecutionResult | AsyncGenerator<ExecutionResult>> {
    const context = args.contextValue as Context;
    const startedAt = performance.now();
    const given = await subscribe(args);
    if (!("next" in given)) return counted(context, startedAt, publish(context, given));
    counted(context, startedAt, {});
    const closed = meterOf(context).opened();
    const ended = <Last>(last: Last): Last => {
      closed();
      return last;
    };
    const results =
      context.tokenExpiresAt === null ? given : untilExpiry(given, context.tokenExpiresAt - clock().getTime());
    const told = (next: IteratorResult<ExecutionResult>) =>
      next.done ? ended(next) : { value: publish(context, next.value), done: false };
    const refused = (error: Error) =>
      ended({
        value: publish(context, { errors: [new GraphQLError(error.message, { originalError: error })] }),
        done: false,
      });
    return {
      next: () => results.next().then(told, refused),
      return: () => results.return(undefined).finally(closed),
      throw: (error) => results.throw(error).finally(closed),
      [Symbol.asyncIterator]() {
        return this;
      },
    } as Partial<AsyncGenerator<ExecutionResult>> as AsyncGenerator<ExecutionResult>;
  }

  async function executePublicly(args: ExecutionArgs): Promise<ExecutionResult> {
    const context = args.contextValue as Context;
    const startedAt = performance.now();
    return counted(context, startedAt, publish(context, await execute(args)));
  }

  const meterOf = ({ trace }: Context): OperationMeter => trace.meter ?? meters.unread;

  function counted(context: Context, startedAt: number, result: ExecutionResult): ExecutionResult {
    meterOf(context).answered(performance.now() - startedAt, result.errors && gravestOf(result.errors));
    return result;
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
          execute: executePublicly,
          subscribe: subscribePublicly,
          onSubscribe: ({ connectionParams, extra }, _id, payload) =>
            prepare(
              payload,
              extra.request,
              (connectionParams?.authorization ?? connectionParams?.Authorization) as string | undefined,
            ),
        },
        PING_MS,
      ),
    );

    const stream = createHandler<Context>({
      schema,
      execute: executePublicly,
      subscribe: subscribePublicly,
      onSubscribe: async (request, payload) => {
        const prepared = await prepare(payload as Asked, request.raw);
        return "schema" in prepared
          ? (prepared as ExecutionArgs & { contextValue: Context })
          : { data: null, errors: prepared };
      },
    });
    const open = new Set<ServerResponse>();
    // One stream for each subscription: PUT would reserve a shared one, for visitors too and without a bound.
    app.route({ method: ["GET", "POST"], url: "/graphql/stream", handler });
    async function handler(request: FastifyRequest, reply: FastifyReply): Promise<void> {
      reply.hijack(); // the handler writes to the response itself
      open.add(reply.raw);
      try {
        await stream(request, reply);
      } catch (error) {
        log.error({ err: error, requestId: request.id }, "an event stream broke");
        reply.raw.destroy();
      } finally {
        open.delete(reply.raw);
      }
    }
    // A stream has no end of its own that a server that is stopping could wait for; clients connect again, elsewhere.
    app.addHook("preClose", async () => {
      for (const response of open) response.end();
    });
  };
}
