import type { GatewayExecutor, GatewayInterface } from "@apollo/server-gateway-interface";
import { type ExecutionResult, GraphQLError, type GraphQLSchema } from "graphql";
import { type CompiledQuery, compileQuery, isCompiledQuery } from "graphql-jit";
import { LRUCache } from "lru-cache";
import type { Context } from "./context.ts";
import { isStorable } from "./edgePolicy.ts";
import { toPublicError } from "./errors.ts";

/**
 * Leaves go out as the services give them, which the generated resolver types check at compile time: numbers, strings,
 * and instants that JSON writes as DateTime does. Serialising each again is a large part of a large answer.
 */
const options = { disableLeafSerialization: true };

interface Plan {
  query: CompiledQuery;
  isStorable: boolean;
}

/**
 * Executes operations compiled, behind Apollo's gateway hook: parsing, validation and the life of a request stay Apollo's.
 * One plan for each operation text is kept; its errors leave in their public form.
 */
export function jitGateway(schema: GraphQLSchema): GatewayInterface {
  const plans = new LRUCache<string, Plan>({ max: 1_000 });

  const executor: GatewayExecutor = async ({
    context: given,
    queryHash,
    document,
    operationName,
    operation,
    request,
  }) => {
    const context = given as unknown as Context;
    if (!operation) return { errors: [toPublicError(unknownOperation(operationName), context)] } as never;
    const key = `${queryHash}:${operationName ?? ""}`;
    let plan = plans.get(key);
    if (!plan) {
      const query = compileQuery(schema, document, operationName ?? undefined, options);
      if (!isCompiledQuery(query)) return publish(query, context) as never;
      plan = { query, isStorable: isStorable(schema, operation) };
      plans.set(key, plan);
    }
    context.trace.isStorable = plan.isStorable;
    return publish(
      (await plan.query.query(undefined, context, request.variables ?? {})) as ExecutionResult,
      context,
    ) as never;
  };

  return {
    async load() {
      return { executor };
    },
    onSchemaLoadOrUpdate(callback) {
      callback({ apiSchema: schema, coreSupergraphSdl: "" });
      return () => {};
    },
    async stop() {},
  };
}

/** The compiler would take it for a fault. */
const unknownOperation = (name: string | null | undefined): GraphQLError =>
  new GraphQLError(name ? `Unknown operation named "${name}".` : "Name the operation that is to be executed.");

function publish(result: ExecutionResult, context: Context): ExecutionResult {
  if (!result.errors) return result;
  return { ...result, errors: result.errors.map((error) => toPublicError(asGraphQLError(error), context)) };
}

/** The compiler's own errors look like GraphQL's but are not made by its class. */
const asGraphQLError = (error: GraphQLError): GraphQLError =>
  error instanceof GraphQLError
    ? error
    : new GraphQLError((error as Error).message, {
        path: (error as GraphQLError).path,
        originalError: (error as GraphQLError).originalError,
        extensions: (error as GraphQLError).extensions,
      });
