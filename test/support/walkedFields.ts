import {
  type GraphQLSchema,
  getNamedType,
  isObjectType,
  isRequiredArgument,
  parse,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from "graphql";

/** The fields, as `Type.field`, that operations ask for. */
export function askedFields(schema: GraphQLSchema, operations: readonly string[]): Set<string> {
  const asked = new Set<string>();
  for (const operation of operations) {
    const types = new TypeInfo(schema);
    const Field = () => {
      const field = types.getFieldDef()!.name;
      if (!field.startsWith("__")) asked.add(`${types.getParentType()!.name}.${field}`);
    };
    visit(parse(operation), visitWithTypeInfo(types, { Field }));
  }
  return asked;
}

/** Every field that can be come to from these types, but for those given as `Type.field` and what lies behind them only. */
export function reachableFields(
  schema: GraphQLSchema,
  from: readonly string[],
  without: readonly string[],
): Set<string> {
  const found = new Set<string>();
  const left = [...from];
  const seen = new Set<string>();
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    const type = schema.getType(name);
    if (seen.has(name) || !isObjectType(type)) continue;
    seen.add(name);
    for (const field of Object.values(type.getFields())) {
      const path = `${name}.${field.name}`;
      if (without.includes(path) || field.args.some(isRequiredArgument)) continue;
      found.add(path);
      left.push(getNamedType(field.type).name);
    }
  }
  return found;
}
