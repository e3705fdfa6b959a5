import { type GraphQLSchema, getNamedType, isCompositeType, isObjectType, isRequiredArgument } from "graphql";

/**
 * A selection of every field below an object type, but for those given as `Type.field`, as deep as `depth` allows.
 * Fields that cannot be asked for without an argument are left out.
 */
export function selectAll(schema: GraphQLSchema, typeName: string, without: readonly string[], depth: number): string {
  const type = schema.getType(typeName);
  if (!isObjectType(type)) return "";
  const fields = Object.values(type.getFields()).flatMap((field) => {
    if (without.includes(`${type.name}.${field.name}`) || field.args.some(isRequiredArgument)) return [];
    const inner = getNamedType(field.type);
    if (!isCompositeType(inner)) return [field.name];
    return depth > 1 ? [`${field.name} ${selectAll(schema, inner.name, without, depth - 1)}`] : [];
  });
  return `{ __typename ${fields.join(" ")} }`;
}
