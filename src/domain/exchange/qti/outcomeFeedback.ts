import { Exact } from "../../decimal.ts";
import { OUTCOMES, type OutcomeFeedback, outcomeOf, toOutcomeFeedback } from "../../outcomeFeedback.ts";
import type { Elements } from "./elements.ts";
import type { Item } from "./item.ts";
import type { RuleWriter } from "./ruleWriter.ts";
import type { Scorer } from "./scorer.ts";
import { descendants, elementsOf, type XmlNode } from "./xmlTree.ts";

const nameOf = (outcome: string) => `outcome-${outcome}`;
/** Thirds of the points make a little less than all of them. */
const NEARLY_ALL = "0.999999";

/** The rule that shows it, and the feedback by its identifiers; `responses` are all there are. */
export function writeOutcomeFeedback(
  said: OutcomeFeedback,
  { q, rule, points, responses }: { q: Elements; rule: RuleWriter; points: string; responses: readonly string[] },
): { rules: string[]; feedback: [identifier: string, text: string][] } {
  const score = rule.variable("SCORE");
  const test = {
    correct: q("gte", {}, score, rule.number(new Exact(points).times(NEARLY_ALL))),
    partlyCorrect: q("gt", {}, score, rule.number(0)),
    incorrect: undefined,
  };
  const branches = OUTCOMES.map((outcome) => ({
    ...(test[outcome] && { test: test[outcome] }),
    rules: said[outcome] === undefined ? [] : [rule.show(nameOf(outcome))],
  }));
  const isAnswered = responses.map((response) => rule.isAnswered(response));
  return {
    rules: [
      rule.condition({
        test: isAnswered.length === 1 ? isAnswered[0]! : q("or", {}, ...isAnswered),
        rules: [rule.condition(...branches)],
      }),
    ],
    feedback: OUTCOMES.flatMap((outcome): [string, string][] => {
      const text = said[outcome];
      return text === undefined ? [] : [[nameOf(outcome), text]];
    }),
  };
}

/** Whether its tests look at the score; what adds to it looks at it, too. */
const readsScore = (node: XmlNode): boolean =>
  node.name !== "setOutcomeValue" &&
  ((node.name === "variable" && node.attributes.identifier === "SCORE") || elementsOf(node).some(readsScore));

/** Modal feedback that is shown by conditions on the score. */
export function feedbackByScore({ rules, modalFeedback }: Item): XmlNode[] {
  const shown = new Set(
    (rules ?? [])
      .filter(({ name }) => name === "responseCondition")
      .filter(readsScore)
      .flatMap((rule) => [...descendants(rule)])
      .filter(({ name, attributes }) => name === "setOutcomeValue" && attributes.identifier !== "SCORE")
      .flatMap((set) => [...descendants(set)])
      .flatMap(({ name, children }) => (name === "baseValue" ? children.map((child) => String(child).trim()) : [])),
  );
  return modalFeedback.filter(({ attributes }) => shown.has(attributes.identifier ?? ""));
}

/** What of it is shown to all tried responses of one outcome and to no other; `used` gets what that is. */
export function readOutcomeFeedback(
  { tried }: Scorer,
  nodes: readonly XmlNode[],
  text: (node: XmlNode) => string,
  used: Set<XmlNode>,
): OutcomeFeedback | null {
  const answered = tried.filter(({ isAnswered }) => isAnswered);
  const best = Exact.max(0, ...answered.map(({ score }) => score));
  if (best.isZero()) return null;
  const said: OutcomeFeedback = {};
  for (const node of nodes)
    for (const outcome of OUTCOMES) {
      const isOf = ({ score }: (typeof answered)[number]) => outcomeOf(score.div(best).toDecimalPlaces(6)) === outcome;
      if (!answered.some(isOf) || !answered.every((it) => isOf(it) === it.shown.includes(node))) continue;
      said[outcome] = [said[outcome], text(node)].filter((part) => part !== undefined).join("\n");
      used.add(node);
    }
  return toOutcomeFeedback(said);
}
