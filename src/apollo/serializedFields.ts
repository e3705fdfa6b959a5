import { randomBytes } from "node:crypto";
import {
  type DocumentNode,
  defaultFieldResolver,
  type FieldNode,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLScalarType,
  GraphQLSchema,
  getNamedType,
  isObjectType,
  Kind,
  parse,
  print,
  type SelectionSetNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from "graphql";
import { compileQuery, isCompiledQuery } from "graphql-jit";
import type { Context } from "./context.ts";

/**
 * Large fields whose values are shared and frozen, because they come from the cache: their JSON is written once for each selection,
 * kept as long as the value, and put into the finished text of every answer.
 */
const SERIALIZED_FIELDS: Readonly<Record<string, readonly string[]>> = { Exam: ["sections"], Attempt: ["paper"] };
const MARKED_TYPE = "SerializedField";
/** Which of the operation's selections is meant. */
const ARGUMENT = "selection";
/** Of one value; a selection that is not among them is written anew each time. */
const SELECTIONS_KEPT = 4;

const isSerialized = (type: string | undefined, field: string) =>
  type !== undefined && Boolean(SERIALIZED_FIELDS[type]?.includes(field));

/** Writes one selection of one field. */
interface Writer {
  text: string;
  write: (value: unknown, context: Context) => Buffer;
}

/** The finished parts of one answer, by the number in their mark. */
export class SerializedParts {
  writers: readonly Writer[] = [];
  readonly parts: Buffer[] = [];
}

/** No client can know it, so nothing a person has written is taken for a mark. */
const mark = `serialized:${randomBytes(16).toString("base64url")}:`;
const written = new WeakMap<object, Map<string, Buffer>>();

/** The type definitions for execution, in which the serialized fields are leaves. */
export const withMarkedFields = (typeDefs: string): DocumentNode =>
  visit(parse(`${typeDefs}\nscalar ${MARKED_TYPE}`), {
    ObjectTypeDefinition: (type) => ({
      ...type,
      fields: type.fields?.map((field) =>
        isSerialized(type.name.value, field.name.value)
          ? {
              ...field,
              arguments: parse(`type T { f(${ARGUMENT}: Int!): Int }`).definitions.flatMap((one) =>
                one.kind === Kind.OBJECT_TYPE_DEFINITION ? (one.fields![0]!.arguments ?? []) : [],
              ),
              type: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: MARKED_TYPE } },
            }
          : field,
      ),
    }),
  });

export const markedScalar = { [MARKED_TYPE]: new GraphQLScalarType({ name: MARKED_TYPE }) };

/** Lets the serialized fields of a schema of {@link withMarkedFields} answer with a mark for their finished part. */
export function withSerializedFields(schema: GraphQLSchema): GraphQLSchema {
  for (const [type, fields] of Object.entries(SERIALIZED_FIELDS)) {
    const declared = (schema.getType(type) as GraphQLObjectType).getFields();
    for (const field of fields) {
      const resolve = declared[field]!.resolve ?? defaultFieldResolver;
      declared[field]!.resolve = async (source, { [ARGUMENT]: selection }, context: Context, info) => {
        const value = await resolve(source, {}, context, info);
        // Permissions give a refusal back as if it were the value.
        if (value === null || value === undefined || value instanceof Error) return value;
        const { writers, parts } = context.serialized;
        return `${mark}${parts.push(bytesOf(value as object, writers[selection]!, context)) - 1}`;
      };
    }
  }
  return schema;
}

function bytesOf(value: object, { text, write }: Writer, context: Context): Buffer {
  const known = written.get(value);
  const kept = known?.get(text);
  if (kept) return kept;
  const bytes = write(value, context);
  if (!known) written.set(value, new Map([[text, bytes]]));
  else if (known.size < SELECTIONS_KEPT) known.set(text, bytes);
  return bytes;
}

/**
 * The operation with marks in place of its serialized fields, and who writes them.
 * Null where it has none, or one whose JSON does not follow from its value and its own selection alone.
 */
export function markSerializedFields(
  schema: GraphQLSchema,
  document: DocumentNode,
): { document: DocumentNode; writers: Writer[] } | null {
  const writers: Writer[] = [];
  const byResponseName = new Map<string, string>();
  let isPossible = true;
  const types = new TypeInfo(schema);
  const marked = visit(
    document,
    visitWithTypeInfo(types, {
      Field: {
        enter(node) {
          const parent = types.getParentType();
          const field = types.getFieldDef();
          if (!field || !node.selectionSet || !isSerialized(parent?.name, node.name.value)) return undefined;
          if (!followsFromValue(node.selectionSet, getNamedType(field.type))) {
            isPossible = false;
            return false;
          }
          const text = `${parent!.name}.${print({ ...node, alias: undefined, directives: [] })}`;
          const name = node.alias?.value ?? node.name.value;
          // Two selections under one name would have to be merged.
          if ((byResponseName.get(name) ?? text) !== text) isPossible = false;
          byResponseName.set(name, text);
          let index = writers.findIndex((one) => one.text === text);
          if (index < 0) index = writers.push({ text, write: writerOf(field.type, node.selectionSet) }) - 1;
          return { ...node, selectionSet: undefined, arguments: [argument(index)] } satisfies FieldNode;
        },
      },
    }),
  );
  return isPossible && writers.length > 0 ? { document: marked, writers } : null;
}

const argument = (index: number) => ({
  kind: Kind.ARGUMENT as const,
  name: { kind: Kind.NAME as const, value: ARGUMENT },
  value: { kind: Kind.INT as const, value: String(index) },
});

/** Plain fields only: no fragment, directive, argument or resolver, any of which could depend on the request. */
function followsFromValue({ selections }: SelectionSetNode, type: unknown): boolean {
  return selections.every((selection) => {
    if (selection.kind !== Kind.FIELD || selection.directives?.length || selection.arguments?.length) return false;
    if (selection.name.value === "__typename") return true;
    const field = isObjectType(type) ? type.getFields()[selection.name.value] : undefined;
    if (!field || (field.resolve && field.resolve !== defaultFieldResolver)) return false;
    return !selection.selectionSet || followsFromValue(selection.selectionSet, getNamedType(field.type));
  });
}

/** The same compiled execution as for whole operations, with the field's value as the root. */
function writerOf(type: GraphQLOutputType, selectionSet: SelectionSetNode): Writer["write"] {
  const root = new GraphQLObjectType({ name: "Root", fields: { value: { type } } });
  const document = parse(`{ value ${print(selectionSet)} }`);
  const compiled = compileQuery(new GraphQLSchema({ query: root }), document, undefined, {
    disableLeafSerialization: true,
  });
  if (!isCompiledQuery(compiled)) throw new Error(`cannot be compiled: ${compiled.errors?.[0]?.message}`);
  return (value, context) => {
    const result = compiled.query({ value }, context, {});
    if (result instanceof Promise) throw new Error("a serialized field has a resolver that waits");
    if (result.errors) throw result.errors[0];
    return Buffer.from(JSON.stringify((result.data as { value: unknown }).value));
  };
}

/** The text of an answer with its finished parts in place of their marks. */
export function insertParts(text: string, parts: readonly Buffer[]): Buffer {
  const pieces: Buffer[] = [];
  let from = 0;
  for (let at = text.indexOf(`"${mark}`); at >= 0; at = text.indexOf(`"${mark}`, from)) {
    const end = text.indexOf('"', at + 1);
    pieces.push(Buffer.from(text.slice(from, at)), parts[Number(text.slice(at + 1 + mark.length, end))]!);
    from = end + 1;
  }
  pieces.push(Buffer.from(text.slice(from)));
  return Buffer.concat(pieces);
}
