import { Decimal } from "decimal.js";
import { RE2JS } from "re2js";
import { Exact } from "../../../decimal.ts";
import { QuestionProblem } from "../../fileProblem.ts";
import type { ResponseDeclaration } from "../item.ts";
import { elementsOf, textOf, type XmlNode } from "../xmlTree.ts";
import { isInside } from "./areas.ts";
import { decimalIn, mapResponse, mapResponsePoint, rounded } from "./mapping.ts";
import {
  bool,
  container,
  float,
  isSame,
  isSameScalar,
  isTrue,
  type MaybeValue,
  numberIn,
  parseScalar,
  single,
  type Value,
} from "./values.ts";

/** What expressions read. */
export interface Variables {
  responses: ReadonlyMap<string, ResponseDeclaration>;
  values: Map<string, MaybeValue>;
  defaults: ReadonlyMap<string, MaybeValue>;
}

type Operator = (args: MaybeValue[], attributes: Readonly<Record<string, string>>, node: XmlNode) => MaybeValue;

/** An operator that is NULL as soon as one of what it takes is. */
const strict =
  (operator: (args: Value[], attributes: Readonly<Record<string, string>>) => MaybeValue): Operator =>
  (args, attributes) =>
    args.every((arg) => arg !== null) ? operator(args, attributes) : null;
const comparison = (holds: (a: Decimal, b: Decimal) => boolean) =>
  strict(([a, b]) => bool(holds(numberIn(a!), numberIn(b!))));
const numbersOf = (args: Value[]) =>
  args.flatMap((arg) => arg.items.map((item) => numberIn(single(arg.baseType, item))));
const typeOf = (args: Value[]) => (args.every(({ baseType }) => baseType === "integer") ? "integer" : "float");
const calculation = (calculate: (numbers: Decimal[]) => Decimal | null) =>
  strict((args) => {
    const result = calculate(numbersOf(args));
    return result === null ? null : single(typeOf(args), result);
  });
const toInteger = (rounding: Decimal.Rounding) =>
  strict(([a]) => single("integer", numberIn(a!).toDecimalPlaces(0, rounding)));
/** No matter in which order, as members of one container. */
const gathered =
  (cardinality: string): Operator =>
  (args) => {
    const given = args.filter((arg) => arg !== null);
    return container(
      given[0]?.baseType ?? "string",
      cardinality,
      given.flatMap(({ items }) => items),
    );
  };

const operators: Record<string, Operator> = {
  null: () => null,
  baseValue: (_args, { baseType = "string" }, node) => single(baseType, parseScalar(baseType, textOf(node))),
  isNull: ([a]) => bool(a === null || (a!.baseType === "string" && a!.items.join("") === "")),
  not: strict(([a]) => bool(!isTrue(a!))),
  and: (args) =>
    args.some((arg) => arg !== null && !isTrue(arg)) ? bool(false) : args.includes(null) ? null : bool(true),
  or: (args) => (args.some(isTrue) ? bool(true) : args.includes(null) ? null : bool(false)),
  anyN: (args, { min = "0", max = "0" }) => {
    const right = args.filter(isTrue).length;
    const unknown = args.filter((arg) => arg === null).length;
    if (right > Number(max) || right + unknown < Number(min)) return bool(false);
    return right >= Number(min) && right + unknown <= Number(max) ? bool(true) : null;
  },
  match: strict(([a, b]) => bool(isSame(a!, b!))),
  stringMatch: strict(([a, b], { caseSensitive, substring }) => {
    const [text, other] = [a, b].map((it) =>
      caseSensitive === "false" ? String(it!.items[0]).toUpperCase() : String(it!.items[0]),
    );
    return bool(substring === "true" ? text!.includes(other!) : text === other);
  }),
  substring: strict(([a, b], { caseSensitive }) => {
    const [text, whole] = [a, b].map((it) =>
      caseSensitive === "false" ? String(it!.items[0]).toUpperCase() : String(it!.items[0]),
    );
    return bool(whole!.includes(text!));
  }),
  patternMatch: strict(([a], { pattern = "" }) => bool(fits(pattern, String(a!.items[0])))),
  equal: strict(([a, b], { toleranceMode = "exact", tolerance = "0", includeLowerBound, includeUpperBound }) => {
    const [nominal, given] = [numberIn(a!), numberIn(b!)];
    if (toleranceMode === "exact") return bool(nominal.eq(given));
    const [below, above = below] = tolerance.trim().split(/\s+/).map(decimalIn);
    const offset = (by: Decimal) => (toleranceMode === "relative" ? nominal.times(by).div(100) : by);
    const [lower, upper] = [nominal.minus(offset(below!)), nominal.plus(offset(above!))].sort((x, y) =>
      x.comparedTo(y),
    );
    const isAbove = includeLowerBound === "false" ? given.gt(lower!) : given.gte(lower!);
    return bool(isAbove && (includeUpperBound === "false" ? given.lt(upper!) : given.lte(upper!)));
  }),
  equalRounded: strict(([a, b], { roundingMode = "significantFigures", figures = "3" }) => {
    const [x, y] = [a, b].map((it) => rounded(numberIn(it!), roundingMode, figures));
    return bool(x!.eq(y!));
  }),
  lt: comparison((a, b) => a.lt(b)),
  lte: comparison((a, b) => a.lte(b)),
  gt: comparison((a, b) => a.gt(b)),
  gte: comparison((a, b) => a.gte(b)),
  member: strict(([a, b]) => bool(b!.items.some((item) => isSameScalar(item, a!.items[0]!)))),
  contains: strict(([a, b]) => bool(containsAll(a!, b!))),
  delete: strict(([a, b]) =>
    container(
      b!.baseType,
      b!.cardinality,
      b!.items.filter((item) => !isSameScalar(item, a!.items[0]!)),
    ),
  ),
  index: strict(([a], { n = "1" }) => container(a!.baseType, "single", a!.items.slice(Number(n) - 1, Number(n)))),
  containerSize: ([a]) => single("integer", new Exact(a?.items.length ?? 0)),
  multiple: gathered("multiple"),
  ordered: gathered("ordered"),
  sum: calculation((all) => all.reduce((sum, it) => sum.plus(it), new Exact(0))),
  product: calculation((all) => all.reduce((product, it) => product.times(it), new Exact(1))),
  subtract: calculation(([a, b]) => a!.minus(b!)),
  min: calculation((all) => Exact.min(...all)),
  max: calculation((all) => Exact.max(...all)),
  divide: strict(([a, b]) => (numberIn(b!).isZero() ? null : float(numberIn(a!).div(numberIn(b!))))),
  integerDivide: calculation(([a, b]) => (b!.isZero() ? null : a!.div(b!).floor())),
  integerModulus: calculation(([a, b]) => (b!.isZero() ? null : a!.minus(a!.div(b!).floor().times(b!)))),
  round: toInteger(Decimal.ROUND_HALF_CEIL),
  truncate: toInteger(Decimal.ROUND_DOWN),
  roundTo: strict(([a], { roundingMode = "significantFigures", figures = "3" }) =>
    float(rounded(numberIn(a!), roundingMode, figures)),
  ),
  integerToFloat: strict(([a]) => float(numberIn(a!))),
  inside: strict(([a], { shape = "default", coords = "" }) =>
    bool(a!.items.some((point) => isInside(shape, coords, String(point)))),
  ),
};

function containsAll(a: Value, b: Value): boolean {
  if (a.cardinality === "ordered")
    return a.items.some((_, from) =>
      b.items.every((item, at) => a.items[from + at] !== undefined && isSameScalar(a.items[from + at]!, item)),
    );
  const left = [...a.items];
  return b.items.every((item) => {
    const at = left.findIndex((other) => isSameScalar(other, item));
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}

/** Patterns are those of XML Schema, which fit the whole text; what of them RE2 does not know is refused. */
function fits(pattern: string, text: string): boolean {
  try {
    return RE2JS.compile(pattern).matches(text);
  } catch (error) {
    throw new QuestionProblem(`The pattern ${pattern.slice(0, 60)} cannot be read: ${(error as Error).message}.`);
  }
}

/** Of a response, what it was declared with. */
const readers: Record<string, (identifier: string, variables: Variables) => MaybeValue> = {
  variable: (identifier, { values }) => values.get(identifier) ?? null,
  default: (identifier, { defaults }) => defaults.get(identifier) ?? null,
  correct: (identifier, variables) => declared(identifier, variables).correct,
  mapResponse: (identifier, variables) =>
    float(mapResponse(declared(identifier, variables), variables.values.get(identifier) ?? null)),
  mapResponsePoint: (identifier, variables) =>
    float(mapResponsePoint(declared(identifier, variables), variables.values.get(identifier) ?? null)),
};

function declared(identifier: string, { responses }: Variables): ResponseDeclaration {
  const declaration = responses.get(identifier);
  if (!declaration) throw new QuestionProblem(`The response ${identifier} is not declared.`);
  return declaration;
}

/** What an expression comes to. @throws QuestionProblem for operators that are not known */
export function evaluate(node: XmlNode, variables: Variables): MaybeValue {
  const { name, attributes } = node;
  if (Object.hasOwn(readers, name)) return readers[name]!(attributes.identifier ?? "", variables);
  if (!Object.hasOwn(operators, name))
    throw new QuestionProblem(`The operator <${name}> of its response processing is not known.`);
  const args = elementsOf(node).map((child) => evaluate(child, variables));
  return operators[name]!(args, attributes, node);
}
