import { Exact, parseNumber } from "../../decimal.ts";
import type { ExamOutline } from "../examOutline.ts";
import type { Elements } from "./elements.ts";
import { ruleWriter } from "./ruleWriter.ts";
import { childNamed, childrenNamed, elementsOf, textOf, type XmlNode } from "./xmlTree.ts";

/** The name of the weight that a question's place gives its score. */
export const WEIGHT = "WEIGHT";

/** How a test adds up its score: what it is never below, and what each section is not. */
export interface TestScore {
  /** A decimal of 0 or less; null: there is no floor. */
  floor: string | null;
  /** By the identifiers of the sections; null where they are not added up one by one. */
  sectionFloors: ReadonlyMap<string, string | null> | null;
  /** Null where weights do not count. */
  weight: string | null;
}

/** The floor of the sum over the sections of each one's floor of the sum of its weighted scores. */
export function writeTestScore(q: Elements, { floor, sections }: ExamOutline, identifierOf: (at: number) => string) {
  const rule = ruleWriter(q);
  const scores = (sectionIdentifier?: string) =>
    q("sum", {}, q("testVariables", { variableIdentifier: "SCORE", weightIdentifier: WEIGHT, sectionIdentifier }));
  const notBelow = (least: string | null, value: string) =>
    least === null ? value : q("max", {}, value, rule.number(new Exact(least)));
  const total = sections.every((section) => section.floor === null)
    ? scores()
    : q("sum", {}, ...sections.map((section, at) => notBelow(section.floor, scores(identifierOf(at)))));
  return q("outcomeProcessing", {}, rule.setScore(notBelow(floor, total)));
}

/**
 * How the score of a test comes about, as far as it is a sum of the scores of its items; null if it is not, or if the test
 * does not say. What else it works out goes to `lost`.
 */
export function readTestScore(test: XmlNode, lost: string[]): TestScore | null {
  const processing = childNamed(test, "outcomeProcessing");
  if (!processing) return null;
  let score: TestScore | null = null;
  const others: string[] = [];
  for (const rule of elementsOf(processing)) {
    const total: TestScore | null =
      rule.name === "setOutcomeValue" && score === null ? totalOf(elementsOf(rule)[0]) : null;
    if (total) score = total;
    else if (!isMaximum(rule)) others.push(rule.attributes.identifier ?? rule.name);
  }
  if (score === null)
    lost.push(
      "Its score is worked out in another way than as a sum of the points of its items (outcomeProcessing); here it is that sum, and not below 0.",
    );
  else if (others.length > 0)
    lost.push(`What it works out besides its score (outcomeProcessing: ${listed(others)}) is lost.`);
  return score;
}

const listed = (names: readonly string[]) => [...new Set(names)].slice(0, 10).join(", ").slice(0, 300);

function totalOf(node: XmlNode | undefined): TestScore | null {
  const { floor, inner } = flooredOf(node);
  if (floor !== null && !isFloor(floor)) return null;
  const whole = scoresOf(inner);
  if (whole) return whole.section === null ? { floor, sectionFloors: null, weight: whole.weight } : null;
  if (inner?.name !== "sum") return null;
  const sections = elementsOf(inner).map((part) => {
    const { floor: least, inner: sum } = flooredOf(part);
    const variables = scoresOf(sum) ?? variablesOf(sum);
    return variables?.section && (least === null || isFloor(least)) ? { ...variables, least } : null;
  });
  const [first] = sections;
  if (!first || !sections.every((section) => section !== null && section.weight === first.weight)) return null;
  return { floor, sectionFloors: new Map(sections.map((it) => [it!.section!, it!.least])), weight: first.weight };
}

/** As an exam may have it: a number above 0 would be points that nobody has earned. */
const isFloor = (number: string) => {
  const floor = new Exact(number);
  return floor.lte(0) && floor.gte(-100_000) && floor.decimalPlaces() <= 4;
};

/** `max` of something and a number. */
function flooredOf(node: XmlNode | undefined): { floor: string | null; inner: XmlNode | undefined } {
  if (node?.name !== "max") return { floor: null, inner: node };
  const parts = elementsOf(node);
  const numbers = childrenNamed(node, "baseValue");
  const number = numbers.length === 1 && parts.length === 2 ? parseNumber(textOf(numbers[0]!)) : null;
  if (number === null) return { floor: null, inner: node };
  return { floor: number.toFixed(), inner: parts.find((part) => part !== numbers[0]) };
}

interface Variables {
  /** Null: of all items. */
  section: string | null;
  weight: string | null;
}

/** The sum of the scores of all items, or of those of one section. */
function scoresOf(node: XmlNode | undefined): Variables | null {
  const parts = node?.name === "sum" ? elementsOf(node) : [];
  return parts.length === 1 ? variablesOf(parts[0]) : null;
}

function variablesOf(node: XmlNode | undefined, name = "SCORE"): Variables | null {
  if (node?.name !== "testVariables") return null;
  const { variableIdentifier, sectionIdentifier, weightIdentifier, includeCategory, excludeCategory } = node.attributes;
  if (variableIdentifier !== name || includeCategory || excludeCategory) return null;
  return { section: sectionIdentifier ?? null, weight: weightIdentifier ?? null };
}

/** The sum of what the items are worth, which every exam has. */
function isMaximum(rule: XmlNode): boolean {
  const [sum] = elementsOf(rule);
  return rule.name === "setOutcomeValue" && sum?.name === "sum" && variablesOf(elementsOf(sum)[0], "MAXSCORE") !== null;
}
