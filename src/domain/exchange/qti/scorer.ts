import type { Decimal } from "decimal.js";
import { Exact } from "../../decimal.ts";
import { QuestionProblem } from "../fileProblem.ts";
import type { Item } from "./item.ts";
import { decimalIn } from "./responseProcessing/mapping.ts";
import { processResponses, type Responses } from "./responseProcessing/processResponses.ts";
import { matchCorrectRules } from "./responseProcessing/templates.ts";
import { type MaybeValue, numberIn } from "./responseProcessing/values.ts";
import { descendants, type XmlNode } from "./xmlTree.ts";

/** Answers the one question the import asks of response processing: what does this response earn? */
export interface Scorer {
  /** With rules that set a score. */
  item: Item;
  score(responses: Responses): Decimal;
  /** The modal feedback shown after a response. */
  feedback(responses: Responses): XmlNode[];
  /** All that came of the responses so far. */
  tried: readonly { isAnswered: boolean; score: Decimal; shown: readonly XmlNode[] }[];
}

const setsScore = (node: XmlNode) =>
  [...descendants(node)].some(
    ({ name, attributes }) =>
      (name === "setOutcomeValue" || name === "lookupOutcomeValue") && attributes.identifier === "SCORE",
  );

/** The rules that take part in the score; those that only choose feedback are left out. */
export const scoringRules = ({ rules }: Item) => (rules ?? []).filter(setsScore);

/**
 * Where processing sets no score, though one right response is declared, the response is compared with it.
 * @throws QuestionProblem if there is no way to a score
 */
export function scorerOf(given: Item, changed: string[]): Scorer {
  const item = scoringRules(given).length > 0 ? given : withMatchCorrect(given, changed);
  const score = item.outcomes.get("SCORE");
  if (score?.cardinality !== "single" || !["float", "integer"].includes(score.baseType))
    throw new QuestionProblem("The item declares no number SCORE.");
  let effort = 0;
  const tried: { isAnswered: boolean; score: Decimal; shown: readonly XmlNode[] }[] = [];
  const outcomesAfter = (responses: Responses) => {
    effort += item.size;
    if (effort > MAX_EFFORT) throw new QuestionProblem("Its scoring is too long to try all responses.");
    const outcomes = processResponses(item, responses);
    tried.push({
      isAnswered: Object.values(responses).some((it) => (it ?? "").length > 0),
      score: numberOf(outcomes.get("SCORE")),
      shown: shownFeedback(item, outcomes),
    });
    return outcomes;
  };
  return {
    item,
    tried,
    score: (responses) => numberOf(outcomesAfter(responses).get("SCORE")),
    feedback: (responses) => shownFeedback(item, outcomesAfter(responses)),
  };
}

/** Responses tried, times elements of the item: a second or so. */
const MAX_EFFORT = 250_000;

const numberOf = (value: MaybeValue | undefined) => (value ? numberIn(value) : new Exact(0));

function withMatchCorrect(item: Item, changed: string[]): Item {
  const [response] = item.responses.values();
  if (item.responses.size !== 1 || response?.identifier !== "RESPONSE" || !response.correct)
    throw new QuestionProblem("The item's response processing sets no SCORE.");
  changed.push("The response processing of the item sets no score; the right response it declares is worth 1 point.");
  const one = { ...item.outcomes.get("SCORE"), identifier: "SCORE", cardinality: "single", baseType: "float" };
  const outcomes = new Map(item.outcomes).set("SCORE", {
    defaultValue: null,
    lookupTable: undefined,
    normalMaximum: undefined,
    ...one,
  });
  outcomes.delete("MAXSCORE");
  return { ...item, outcomes, rules: [...matchCorrectRules(), ...(item.rules ?? [])] };
}

function shownFeedback({ modalFeedback }: Item, outcomes: ReadonlyMap<string, MaybeValue>): XmlNode[] {
  return modalFeedback.filter(({ attributes: { outcomeIdentifier = "", identifier = "", showHide } }) => {
    const isNamed = outcomes.get(outcomeIdentifier)?.items.some((item) => String(item) === identifier) ?? false;
    return isNamed === (showHide !== "hide");
  });
}

/** Points are stored with so many places. */
const POINT_PLACES = 4;
/** Thirds are often written with a few digits. */
const ROUNDING_SLACK = 0.01;

/**
 * The points of a question whose best response earns `best`: the maximum the item declares, if it is reached (with
 * `slack`, nearly). @throws QuestionProblem if nothing is to be earned
 */
export function pointsOf({ outcomes }: Item, best: Decimal, changed: string[], slack = false): Decimal {
  if (best.lte(0)) throw new QuestionProblem("No response to the item earns points.");
  const [maximum] = outcomes.get("MAXSCORE")?.defaultValue?.items ?? [];
  const { normalMaximum } = outcomes.get("SCORE") ?? {};
  const declared =
    typeof maximum === "object" ? maximum : normalMaximum === undefined ? best : decimalIn(normalMaximum);
  const isReached = declared
    .minus(best)
    .abs()
    .lte(slack ? best.times(ROUNDING_SLACK) : 0);
  if (!isReached)
    changed.push(`The item speaks of ${declared} points at most, but its best response earns ${best}: these count.`);
  const points = isReached ? declared : best;
  const rounded = points.toDecimalPlaces(POINT_PLACES);
  if (!rounded.eq(points)) changed.push(`${points.toSignificantDigits(8)} points are rounded to ${rounded}.`);
  if (rounded.lte(0) || rounded.gt(10_000)) throw new QuestionProblem(`A question cannot have ${points} points.`);
  return points;
}

export const pointsText = (points: Decimal) => points.toDecimalPlaces(POINT_PLACES).toFixed();

const FRACTION_PLACES = 18;
const MAX_FRACTION_DIGITS = 60;

/** What a score is of the points, exact where it can be. */
export function fractionOf(score: Decimal, points: Decimal): string {
  const fraction = score.div(points);
  const exact = fraction.precision(true) <= MAX_FRACTION_DIGITS && fraction.decimalPlaces() <= MAX_FRACTION_DIGITS;
  return (exact ? fraction : fraction.toDecimalPlaces(FRACTION_PLACES)).toFixed();
}

/** Whether two scores are the same to what rounding leaves of them. */
export const isSameScore = (a: Decimal, b: Decimal, best: Decimal) => a.minus(b).abs().lte(best.times(1e-6));
