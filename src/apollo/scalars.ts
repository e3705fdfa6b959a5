import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from "graphql";
import { GraphQLJSON } from "graphql-scalars";

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;
const NUMBER = /^[+-]?\d+(\.\d+)?$/;

function toInstant(value: unknown): Date {
  const date = typeof value === "string" && INSTANT.test(value) ? new Date(value) : null;
  if (!date || Number.isNaN(date.getTime()))
    throw new GraphQLError("A DateTime is written like 2027-01-31T09:00:00Z, with its time zone.");
  return date;
}

function toDecimalText(value: unknown): string {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string" || !NUMBER.test(text)) throw new GraphQLError('A Decimal is written like "2.5".');
  return text;
}

const literal = (node: ValueNode): unknown =>
  node.kind === Kind.STRING || node.kind === Kind.INT || node.kind === Kind.FLOAT ? node.value : null;

const DateTime = new GraphQLScalarType<Date, string>({
  name: "DateTime",
  serialize: (value) => (value instanceof Date ? value.toISOString() : (value as string)),
  parseValue: toInstant,
  parseLiteral: (node) => toInstant(literal(node)),
});

const DecimalScalar = new GraphQLScalarType<string, string>({
  name: "Decimal",
  serialize: (value) => value as string,
  parseValue: toDecimalText,
  parseLiteral: (node) => toDecimalText(literal(node)),
});

export const scalars = { DateTime, Decimal: DecimalScalar, JSON: GraphQLJSON };
