import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";
import { Counter, Gauge } from "prom-client";
import { createDurationHistogram } from "./durations.ts";
import type { Metrics } from "./metrics.ts";

/** Counts the requests of one operation. */
export interface OperationMeter {
  /** @param code of the gravest error in the answer, one of `apollo/errors.ts`; none if there was no error */
  answered(ms: number, code?: string): void;
  /** A subscription has begun. @returns what to call when it ends; more than once is harmless */
  opened(): () => void;
}

export interface OperationMeters {
  /** The meter of an operation of a valid document. The same operation gets the same meter. */
  of(document: DocumentNode, operation: OperationDefinitionNode): OperationMeter;
  /** For what never came to an operation: a body that is no JSON, a document that is not valid, a request refused at the door. */
  readonly unread: OperationMeter;
}

/**
 * Rate, errors and duration of each operation. An operation is named by the field of the schema that it asks for, never by
 * what its sender calls it, so there are no more series than the schema has root fields.
 */
export function createOperationMeters(metrics: Metrics, schema: GraphQLSchema): OperationMeters {
  const { registry } = metrics;
  const labelNames = ["type", "operation"] as const;
  const durationsOf = createDurationHistogram<(typeof labelNames)[number]>(registry, {
    name: "lectern_graphql_duration_seconds",
    help: "Time from a request's arrival to its answer, by the root field it asks for; its count is the rate.",
  });
  const errors = new Counter({
    name: "lectern_graphql_errors_total",
    help: "Requests whose answer holds an error, by the gravest error's code.",
    labelNames: [...labelNames, "code"],
    registers: [registry],
  });
  const subscriptions = new Gauge({
    name: "lectern_graphql_subscriptions",
    help: "Subscriptions that are open.",
    labelNames,
    registers: [registry],
  });

  const meters = new Map<string, OperationMeter>();

  function meterOf(type: string, operation: string): OperationMeter {
    const key = `${type} ${operation}`;
    const known = meters.get(key);
    if (known) return known;
    const labels = { type, operation };
    const durations = durationsOf(labels);
    const meter: OperationMeter = {
      answered(ms, code) {
        durations.observe(ms);
        if (code !== undefined) errors.inc({ ...labels, code });
      },
      opened() {
        subscriptions.inc(labels);
        let isOpen = true;
        return () => {
          if (isOpen) subscriptions.dec(labels);
          isOpen = false;
        };
      },
    };
    meters.set(key, meter);
    return meter;
  }

  function nameOf(document: DocumentNode, { operation, selectionSet }: OperationDefinitionNode): string {
    const names = rootFieldsOf(selectionSet, document);
    names.delete("__typename");
    if (names.size > 1) return "several";
    const [name] = names;
    if (name === undefined) return "none";
    return Object.hasOwn(schema.getRootType(operation)?.getFields() ?? {}, name) ? name : "introspection";
  }

  return {
    unread: meterOf("none", "unread"),
    of: (document, operation) => meterOf(operation.operation, nameOf(document, operation)),
  };
}

/** The names of the fields at the top, also of those within fragments. */
function rootFieldsOf({ selections }: SelectionSetNode, document: DocumentNode, names = new Set<string>()) {
  for (const selection of selections) {
    if (selection.kind === "Field") names.add(selection.name.value);
    else if (selection.kind === "InlineFragment") rootFieldsOf(selection.selectionSet, document, names);
    else rootFieldsOf(fragmentNamed(selection.name.value, document).selectionSet, document, names);
  }
  return names;
}

function fragmentNamed(name: string, { definitions }: DocumentNode): FragmentDefinitionNode {
  const found = definitions.find((part) => part.kind === "FragmentDefinition" && part.name.value === name);
  if (!found) throw new GraphQLError(`There is no fragment ${name}.`); // the document was not validated
  return found as FragmentDefinitionNode;
}
