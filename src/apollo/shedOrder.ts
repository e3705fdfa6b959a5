import { createHash } from "node:crypto";
import { type DocumentNode, Kind, type OperationDefinitionNode, OperationTypeNode, parse } from "graphql";
import { LRUCache } from "lru-cache";
import type { ShedOrder } from "../middlewares/loadShedding.ts";
import { parseOptions } from "./plugins/limits.ts";

/** Mutations that do not go SECOND. */
export const MUTATION_ORDER: Record<string, ShedOrder> = {
  submitAttempt: "NEVER", // nothing may stand between a student and the end of an exam
  extendExam: "NEVER", // too much load may be the very reason why time is given back
  stopExam: "NEVER",
  pauseExam: "NEVER",
  refreshSession: "NEVER", // without it there is soon no submission either
  recordWatchProgress: "FIRST", // players send again what was not taken
};
const ORDER: readonly ShedOrder[] = ["FIRST", "SECOND", "NEVER"];

/** The operations of one text. */
type Operations = readonly { name: string | undefined; order: ShedOrder }[];

/** What a client sent, as far as it says which operation is meant. */
interface Asked {
  query?: unknown;
  operationName?: unknown;
  extensions?: { persistedQuery?: { sha256Hash?: unknown } };
}

/** When an operation of the document is refused under too much load. */
export const shedOrderOf = (document: DocumentNode, operationName: unknown): ShedOrder =>
  orderOfNamed(operationsIn(document), operationName);

export type ShedOrders = ReturnType<typeof createShedOrders>;

/** Finds the order of what was sent before Apollo looks at it. Remembered for each operation text. */
export function createShedOrders() {
  const known = new LRUCache<string, Operations>({ max: 1_000 });

  function parsed(text: string): Operations {
    try {
      return operationsIn(parse(text, parseOptions));
    } catch {
      return []; // it may hear later what is wrong with it
    }
  }

  return {
    /** To be told of every operation text that is run, so that one sent by its SHA-256 alone is recognised. */
    learn(hash: string, document: DocumentNode): void {
      known.set(hash, operationsIn(document));
    },

    /** @param asked the body of a request */
    of(asked: unknown): ShedOrder {
      const { query, operationName, extensions } = (asked ?? {}) as Asked;
      if (typeof query === "string" && query !== "") {
        const hash = createHash("sha256").update(query).digest("hex");
        const operations = known.get(hash) ?? parsed(query);
        known.set(hash, operations);
        return orderOfNamed(operations, operationName);
      }
      const hash = extensions?.persistedQuery?.sha256Hash;
      if (typeof hash !== "string") return "FIRST";
      const operations = known.get(hash);
      return operations ? orderOfNamed(operations, operationName) : "NEVER"; // it could be a submission
    },
  };
}

const operationsIn = (document: DocumentNode): Operations =>
  document.definitions
    .filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
    .map((operation) => ({ name: operation.name?.value, order: orderOf(operation) }));

/** The field that has to be kept longest decides. */
function orderOf({ operation, selectionSet }: OperationDefinitionNode): ShedOrder {
  if (operation !== OperationTypeNode.MUTATION) return "FIRST";
  const orders = selectionSet.selections.map((selection) =>
    // A fragment could hold anything, and nobody writes one around a mutation.
    selection.kind === Kind.FIELD ? (MUTATION_ORDER[selection.name.value] ?? "SECOND") : "NEVER",
  );
  return ORDER.findLast((order) => orders.includes(order))!;
}

/** A text with one operation needs no name; one whose name is not there is a mistake, and those go first. */
function orderOfNamed(operations: Operations, operationName: unknown): ShedOrder {
  const named = typeof operationName === "string" && operationName !== "";
  const meant =
    named || operations.length !== 1 ? operations.find(({ name }) => name === operationName) : operations[0];
  return meant?.order ?? "FIRST";
}
