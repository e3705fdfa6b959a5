import type { Item } from "./item.ts";
import { scoringRules } from "./scorer.ts";
import { descendants, elementsOf, type XmlNode } from "./xmlTree.ts";

/** The shape of a rule: its elements and the variables they name. */
const shapeOf = (node: XmlNode): string => {
  const { identifier } = node.attributes;
  const inner = elementsOf(node).map(shapeOf);
  return `${node.name}${identifier === undefined ? "" : `:${identifier}`}${inner.length > 0 ? `(${inner.join(",")})` : ""}`;
};

const condition = (test: string, then: string, otherwise?: string) =>
  `responseCondition(responseIf(${test},${then})${otherwise ? `,responseElse(${otherwise})` : ""})`;
const SET = (value: string) => `setOutcomeValue:SCORE(${value})`;
const CONSTANT = SET("baseValue");

/** Whether the score is a number for the right response, and another for all else. */
export function isMatchCorrect(item: Item, response: string): boolean {
  const tests = [`match(variable:${response},correct:${response})`, `match(correct:${response},variable:${response})`];
  return isOneOf(
    item,
    tests.flatMap((test) => [condition(test, CONSTANT), condition(test, CONSTANT, CONSTANT)]),
  );
}

/** Whether the score is what the response is mapped to, or in proportion to it. */
export function isMapResponse(item: Item, response: string): boolean {
  const mapped = `mapResponse:${response}`;
  const values = [SET(mapped), SET(`divide(product(baseValue,${mapped}),baseValue)`)];
  const isNull = `isNull(variable:${response})`;
  return isOneOf(
    item,
    values.flatMap((value) => [value, condition(isNull, CONSTANT, value), condition(`not(${isNull})`, value)]),
  );
}

const hasExit = ({ rules }: Item) =>
  (rules ?? []).some((rule) => [...descendants(rule)].some(({ name }) => name === "exitResponse"));

const isOneOf = (item: Item, shapes: string[]) => {
  const rules = scoringRules(item);
  return rules.length === 1 && !hasExit(item) && shapes.includes(shapeOf(rules[0]!));
};

const SCALE = SET("divide(product(variable:SCORE,baseValue),baseValue)");
const FLOOR = condition("lt(variable:SCORE,baseValue)", CONSTANT);
const SUM = /^setOutcomeValue:SCORE\(sum\(((mapResponse:[^,()]+|variable:SCORE|baseValue),?)+\)\)$/;

/**
 * Whether the score is a sum of what each response earns by itself, which may be scaled, and raised to a floor, at the end.
 */
export function isSumOfParts(item: Item): boolean {
  const rules = [...scoringRules(item)];
  if (hasExit(item)) return false;
  while (rules.length > 0 && [SCALE, FLOOR].includes(shapeOf(rules.at(-1)!))) rules.pop();
  return rules.every((rule, at) => (SUM.test(shapeOf(rule)) ? at === 0 || addsToScore(rule) : isPart(rule, item)));
}

const addsToScore = (rule: XmlNode) => shapeOf(rule).split("variable:SCORE").length === 2;

/** A condition on one response that adds to the score and reads no other outcome. */
function isPart(rule: XmlNode, { responses }: Item): boolean {
  const all = [...descendants(rule)];
  const read = all.filter(({ name }) =>
    ["variable", "correct", "mapResponse", "mapResponsePoint", "default"].includes(name),
  );
  const names = new Set(read.flatMap(({ attributes }) => attributes.identifier ?? []));
  names.delete("SCORE");
  const [only = ""] = names;
  if (names.size > 1 || (names.size === 1 && !responses.has(only))) return false;
  const readsOfScore = read.filter(({ attributes }) => attributes.identifier === "SCORE").length;
  const sets = all.filter(({ name, attributes }) => name === "setOutcomeValue" && attributes.identifier === "SCORE");
  const adding = sets.filter((set) => /^setOutcomeValue:SCORE\(sum\(/.test(shapeOf(set)) && addsToScore(set));
  return (
    adding.length === sets.length &&
    readsOfScore === sets.length &&
    !all.some(({ name }) => name === "lookupOutcomeValue")
  );
}
