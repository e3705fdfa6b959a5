import { Decimal } from "decimal.js";
import { Exact, parseNumber } from "../../../decimal.ts";
import { QuestionProblem } from "../../fileProblem.ts";
import type { ResponseDeclaration } from "../item.ts";
import { isInside } from "./areas.ts";
import { isSameScalar, type MaybeValue, parseScalar, type Scalar } from "./values.ts";

/** @throws QuestionProblem for what is no number */
export function decimalIn(text: string): Decimal {
  const number = parseNumber(text);
  if (!number) throw new QuestionProblem(`"${text.slice(0, 40)}" is not a number.`);
  return number;
}

const bounded = (
  sum: Decimal,
  { lowerBound, upperBound }: { lowerBound?: string | undefined; upperBound?: string | undefined },
) => {
  const atLeast = lowerBound === undefined ? sum : Exact.max(sum, decimalIn(lowerBound));
  return upperBound === undefined ? atLeast : Exact.min(atLeast, decimalIn(upperBound));
};

/** `mapResponse`: of a container, each different value counts once. No response is worth 0. */
export function mapResponse({ identifier, baseType, mapping }: ResponseDeclaration, response: MaybeValue): Decimal {
  if (!mapping) throw new QuestionProblem(`The response ${identifier} has no mapping.`);
  if (!response) return new Exact(0);
  const worth = (item: Scalar) => {
    const entry = mapping.entries.find(({ key, isCaseSensitive }) =>
      isCaseSensitive
        ? isSameScalar(parseScalar(baseType, key), item)
        : key.toUpperCase() === String(item).toUpperCase(),
    );
    return decimalIn(entry?.value ?? mapping.defaultValue);
  };
  const different = response.items.filter(
    (item, at) => response.items.findIndex((it) => isSameScalar(it, item)) === at,
  );
  return bounded(
    different.reduce<Decimal>((sum, item) => sum.plus(worth(item)), new Exact(0)),
    mapping,
  );
}

/** `mapResponsePoint`: each area that holds a point counts once, each point in none of them the default. */
export function mapResponsePoint({ identifier, areaMapping }: ResponseDeclaration, response: MaybeValue): Decimal {
  if (!areaMapping) throw new QuestionProblem(`The response ${identifier} has no mapping of areas.`);
  if (!response) return new Exact(0);
  const { areas, defaultValue } = areaMapping;
  const hit = new Set<object>();
  let sum: Decimal = new Exact(0);
  for (const point of response.items) {
    const area = areas.find(({ shape, coords }) => isInside(shape, coords, String(point)));
    if (!area) sum = sum.plus(decimalIn(defaultValue));
    else if (!hit.has(area)) sum = sum.plus(decimalIn(area.value));
    if (area) hit.add(area);
  }
  return bounded(sum, areaMapping);
}

/** Rounded half away from zero to so many places or significant figures. */
export function rounded(number: Decimal, mode: string, figures: string): Decimal {
  const count = Number(figures);
  if (!Number.isInteger(count) || count < 0 || count > 100)
    throw new QuestionProblem(`Its response processing rounds to "${figures.slice(0, 20)}" figures.`);
  return mode === "decimalPlaces"
    ? number.toDecimalPlaces(count, Decimal.ROUND_HALF_UP)
    : number.toSignificantDigits(Math.max(1, count), Decimal.ROUND_HALF_UP);
}
