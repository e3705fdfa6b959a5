import type { GatewayExecutor, GatewayInterface } from "@apollo/server-gateway-interface";
import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  getVariableValues,
  type OperationDefinitionNode,
  visit,
} from "graphql";
import { type CompiledQuery, compileQuery, isCompiledQuery } from "graphql-jit";
import { LRUCache } from "lru-cache";
import type { OperationMeter, OperationMeters } from "../metrics/operations.ts";
import type { RequestBudget } from "../middlewares/requestBudget.ts";
import type { SpanOptions, Tracing } from "../tracing/tracing.ts";
import type { Context } from "./context.ts";
import { isStorable } from "./edgePolicy.ts";
import { toPublicError } from "./errors.ts";
import { type CostCheck, costCheckOf } from "./operationCost.ts";
import { markSerializedFields, type SerializedParts } from "./serializedFields.ts";
import type { ShedOrders } from "./shedOrder.ts";

/**
 * Leaves go out as the services give them, which the generated resolver types check at compile time: numbers, strings,
 * and instants that JSON writes as DateTime does. Serialising each again is a large part of a large answer.
 */
const options = { disableLeafSerialization: true };

interface Plan {
  query: CompiledQuery;
  writers: SerializedParts["writers"];
  isStorable: boolean;
  /** Left out, the compiler treats them in another way than GraphQL. */
  neededVariables: readonly string[];
  checkCost: CostCheck;
  meter: OperationMeter;
  span: { name: string; options: SpanOptions };
}

/**
 * Executes operations compiled, behind Apollo's gateway hook: parsing, validation and the life of a request stay Apollo's.
 * One plan for each operation text is kept; its errors leave in their public form.
 */
export function jitGateway({
  schema,
  serializing,
  budget,
  orders,
  meters,
  tracing,
}: {
  schema: GraphQLSchema;
  /** The schema for operations with serialized fields. */
  serializing: GraphQLSchema;
  budget: RequestBudget;
  orders: ShedOrders;
  meters: OperationMeters;
  tracing: Tracing;
}): GatewayInterface {
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
    if (!operation) return publish({ errors: [unknownOperation(request.operationName)] }, context) as never;
    const variables = request.variables ?? {};
    const key = `${queryHash}:${operationName ?? ""}`;
    let plan = plans.get(key);
    if (!plan) {
      const marked = markSerializedFields(schema, document);
      const query = marked
        ? compileQuery(serializing, marked.document, operationName ?? undefined, options)
        : compileQuery(schema, document, operationName ?? undefined, options);
      if (!isCompiledQuery(query)) return publish(query, context) as never;
      plan = {
        query,
        writers: marked?.writers ?? [],
        isStorable: isStorable(schema, operation),
        neededVariables: [...nestedVariablesOf(document), ...defaultedVariablesOf(operation)],
        checkCost: costCheckOf(schema, document, operation),
        meter: meters.of(document, operation),
        span: spanOf(operation),
      };
      plans.set(key, plan);
      orders.learn(queryHash, document);
    }
    context.trace.meter = plan.meter;
    const refusal = plan.checkCost(variables, context, budget);
    if (refusal) return publish({ errors: [refusal] }, context) as never;
    context.trace.isStorable = plan.isStorable;
    context.serialized.writers = plan.writers;
    const { query, neededVariables, span } = plan;
    const result = await tracing.span(span.name, span.options, async () =>
      neededVariables.every((name) => variables[name] !== undefined)
        ? ((await query.query(undefined, context, variables)) as ExecutionResult)
        : execute({ schema, document, operationName, contextValue: context, variableValues: variables }),
    );
    return publish(result.data === undefined ? reworded(result, operation, variables) : result, context) as never;
  };

  /** The compiler names the inner field of a variable that is wrong; graphql-js names the variable and the way to the field. */
  function reworded(
    result: ExecutionResult,
    { variableDefinitions = [] }: OperationDefinitionNode,
    variables: Record<string, unknown>,
  ): ExecutionResult {
    const { errors } = getVariableValues(schema, variableDefinitions, variables, { maxErrors: 10 });
    return errors ? { errors } : result;
  }

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

/** Named by what the schema calls the fields: an operation's own name is whatever a client makes up. */
function spanOf({ operation, selectionSet }: OperationDefinitionNode): Plan["span"] {
  const fields = selectionSet.selections.flatMap((selection) =>
    selection.kind === "Field" ? selection.name.value : [],
  );
  const attributes = { "graphql.operation.type": operation, "lectern.root_fields": fields };
  return { name: `${operation} ${fields[0] ?? "…"}`, options: { attributes } };
}

/**
 * The variables that stand inside an input object or a list written out in the operation: when one is left out, the compiler takes
 * its field for null, and GraphQL for left out.
 */
function nestedVariablesOf(document: DocumentNode): string[] {
  const names = new Set<string>();
  let depth = 0;
  const literal = { enter: () => void depth++, leave: () => void depth-- };
  visit(document, {
    ObjectValue: literal,
    ListValue: literal,
    Variable: ({ name }) => {
      if (depth > 0) names.add(name.value);
    },
  });
  return [...names];
}

/** The variables that may not be null but have a default: the compiler wants them all the same. */
const defaultedVariablesOf = ({ variableDefinitions = [] }: OperationDefinitionNode): string[] =>
  variableDefinitions.flatMap(({ variable, type, defaultValue }) =>
    type.kind === "NonNullType" && defaultValue ? [variable.name.value] : [],
  );

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
