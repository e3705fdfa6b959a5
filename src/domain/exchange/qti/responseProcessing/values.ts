import type { Decimal } from "decimal.js";
import { Exact, parseNumber } from "../../../decimal.ts";
import { QuestionProblem } from "../../fileProblem.ts";

export type Scalar = string | boolean | Decimal;

/** A value of QTI; NULL is null, and so is a container that holds nothing. Pairs and points are texts of two parts. */
export interface Value {
  baseType: string;
  cardinality: string;
  items: Scalar[];
}
export type MaybeValue = Value | null;

const BASE_TYPES = new Set(
  "identifier boolean integer float string point pair directedPair duration file uri intOrIdentifier".split(" "),
);

/** @throws QuestionProblem if the text is no such value */
export function parseScalar(baseType: string, text: string): Scalar {
  if (!BASE_TYPES.has(baseType)) throw new QuestionProblem(`There is no base type "${baseType}".`);
  if (baseType === "string") return text;
  const trimmed = text.trim().replace(/\s+/g, " ");
  if (baseType === "integer" || baseType === "float") {
    const number = parseNumber(trimmed);
    if (!number) throw new QuestionProblem(`"${trimmed.slice(0, 40)}" is not a number.`);
    return number;
  }
  if (baseType === "boolean") return trimmed === "true" || trimmed === "1";
  return baseType === "pair" ? trimmed.split(" ").sort().join(" ") : trimmed;
}

export const container = (baseType: string, cardinality: string, items: Scalar[]): MaybeValue =>
  items.length === 0 ? null : { baseType, cardinality, items };
export const single = (baseType: string, item: Scalar): Value => ({ baseType, cardinality: "single", items: [item] });
export const bool = (value: boolean) => single("boolean", value);
export const float = (value: Decimal.Value) => single("float", new Exact(value));

export const isSameScalar = (a: Scalar, b: Scalar) =>
  typeof a === "object" && typeof b === "object" ? a.eq(b) : a === b;

/** Containers that are not ordered hold the same if each item is as often in both. */
export function isSame(a: Value, b: Value): boolean {
  if (a.items.length !== b.items.length) return false;
  if (a.cardinality === "ordered" || b.cardinality === "ordered")
    return a.items.every((item, at) => isSameScalar(item, b.items[at]!));
  const left = [...b.items];
  return a.items.every((item) => {
    const at = left.findIndex((other) => isSameScalar(item, other));
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}

/** @throws QuestionProblem for what is no single number */
export function numberIn(value: Value): Decimal {
  const [item] = value.items;
  if (value.items.length !== 1 || typeof item !== "object")
    throw new QuestionProblem("The response processing calculates with what is not a number.");
  return item;
}

export const isTrue = (value: MaybeValue) => value?.items[0] === true;
