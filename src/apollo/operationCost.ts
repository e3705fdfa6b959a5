import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from "graphql";
import type { RequestBudget } from "../middlewares/requestBudget.ts";
import type { Context } from "./context.ts";
import { MAX_PAGE_NODES, pageNodesOf } from "./pageNodes.ts";

/** Taken before a request is parsed; it pays for the first field. */
export const REQUEST_POINTS = 1;
const ENTRIES_PER_POINT = 50;

/** Null where the operation may run, with these variables, for this viewer. */
export type CostCheck = (
  variables: Record<string, unknown>,
  context: Context,
  budget: RequestBudget,
) => GraphQLError | null;

/**
 * Bounds what one operation may ask for, and takes its cost from the viewer's budget: a point for each field at the top, and
 * one for each 50 list entries. Worked out once for each operation text.
 */
export function costCheckOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): CostCheck {
  const pageNodes = pageNodesOf(schema, operation, fragmentsOf(document));
  const fieldPoints = operation.selectionSet.selections.length - REQUEST_POINTS;
  return (variables, context, budget) => {
    const entries = pageNodes(variables);
    if (entries > MAX_PAGE_NODES) return tooManyNodes(entries);
    const refusal = budget.charge(context, fieldPoints + entries / ENTRIES_PER_POINT);
    return refusal && new GraphQLError(refusal.message, { originalError: refusal });
  };
}

const tooManyNodes = (asked: number): GraphQLError =>
  new GraphQLError(
    `This asks for up to ${asked} list entries, and ${MAX_PAGE_NODES} at once are the most: ask for smaller pages (first, last) of lists within lists.`,
    { extensions: { reason: "TOO_MANY_NODES" } },
  );

const fragmentsOf = ({ definitions }: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> =>
  new Map(
    definitions.flatMap((definition) =>
      definition.kind === "FragmentDefinition" ? [[definition.name.value, definition]] : [],
    ),
  );
