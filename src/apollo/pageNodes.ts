import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isObjectType,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";
import { DEFAULT_PAGE } from "../services/connection.ts";

/** Most list entries one operation may ask for: a full page of everything, but not a full page in each entry of another. */
export const MAX_PAGE_NODES = 10_000;

type Variables = Record<string, unknown>;
type Count = (variables: Variables) => number;

/**
 * How many entries of pages an operation asks for at most, for given variables: a page within a page multiplies.
 * Worked out once for each operation text; reading it costs a few multiplications.
 */
export function pageNodesOf(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): Count {
  function within(selectionSet: SelectionSetNode, typeName: string): Count {
    const type = schema.getType(typeName);
    const fields = isObjectType(type) || isInterfaceType(type) ? type.getFields() : {};
    const counts = selectionSet.selections.map((selection): Count => {
      if (selection.kind === "Field") return ofField(selection, fields[selection.name.value]);
      const fragment = selection.kind === "InlineFragment" ? selection : fragments.get(selection.name.value)!;
      return within(fragment.selectionSet, fragment.typeCondition?.name.value ?? typeName);
    });
    return (variables) => counts.reduce((sum, count) => sum + count(variables), 0);
  }

  function ofField(node: FieldNode, field: GraphQLField<unknown, unknown> | undefined): Count {
    if (!field || !node.selectionSet) return () => 0;
    const inside = within(node.selectionSet, getNamedType(field.type).name);
    if (!field.args.some(({ name }) => name === "first")) return inside;
    return (variables) => pageSize(node, variables) * (1 + inside(variables));
  }

  return within(operation.selectionSet, schema.getRootType(operation.operation)!.name);
}

function pageSize({ arguments: args = [] }: FieldNode, variables: Variables): number {
  for (const { name, value } of args) {
    if (name.value !== "first" && name.value !== "last") continue;
    const given = value.kind === "Variable" ? variables[value.name.value] : value.kind === "IntValue" && value.value;
    if (Number(given) > 0) return Number(given);
  }
  return DEFAULT_PAGE;
}
