import type { Decimal } from "decimal.js";
import { Exact } from "../../decimal.ts";
import { multipleChoice } from "../../questionTypes/multipleChoice.ts";
import { QuestionProblem } from "../fileProblem.ts";
import type { Definitions } from "../typedQuestion.ts";
import type { ReadContext, ReadDefinition } from "./readContext.ts";
import { isFixed, maximumIn } from "./readContext.ts";
import type { Responses } from "./responseProcessing/processResponses.ts";
import { fractionOf, isSameScore, pointsOf, pointsText } from "./scorer.ts";
import { isMapResponse, isMatchCorrect } from "./standardRules.ts";
import { childrenNamed, type XmlNode } from "./xmlTree.ts";

/** Up to so many options, what every set of them earns is tried. */
export const MAX_TRIED_OPTIONS = 10;

interface Choice {
  id: string;
  text: string;
  pinned?: true;
}

/** A `choiceInteraction`: one option or several, by the cardinality of its response. */
export function readChoice(interaction: XmlNode, context: ReadContext): ReadDefinition {
  const { item } = context.scorer;
  const { responseIdentifier = "" } = interaction.attributes;
  const declaration = item.responses.get(responseIdentifier);
  if (!declaration) throw new QuestionProblem(`The response ${responseIdentifier} is not declared.`);
  if (declaration.cardinality === "ordered")
    throw new QuestionProblem("A choice whose options are chosen in an order.");
  const choices = childrenNamed(interaction, "simpleChoice").map(
    (node): Choice => ({
      id: node.attributes.identifier ?? "",
      text: context.body.text(node.children),
      ...(isFixed(interaction, node) && { pinned: true }),
    }),
  );
  const isSingle = declaration.cardinality === "single" || maximumIn(interaction, "maxChoices", 1) === 1;
  const responded = (ids: string[]): Responses => ({
    [responseIdentifier]: declaration.cardinality === "single" ? (ids[0] ?? null) : ids,
  });
  return isSingle ? singleChoice(choices, responded, context) : multiple(choices, responded, interaction, context);
}

type Responded = (ids: string[]) => Responses;

function singleChoice(choices: Choice[], responded: Responded, context: ReadContext): ReadDefinition {
  const { scorer, changed } = context;
  const scores = choices.map(({ id }) => scorer.score(responded([id])));
  context.requireNothingForNothing();
  const points = pointsOf(scorer.item, Exact.max(0, ...scores), changed);
  const feedback = context.feedbackFor(choices.map(({ id }) => responded([id])));
  const fractions = scores.map((score) => fractionOf(score, points));
  if (choices.map(({ id, text }) => `${id} ${text}`).join() === "true True,false False" && isRightOrWrong(fractions)) {
    const [feedbackTrue, feedbackFalse] = feedback;
    const wrong = fractions.find((fraction) => fraction !== "1")!;
    const penalty = wrong === "0" ? {} : { penalty: wrong.slice(1) };
    const definition = { correct: fractions[0] === "1", feedbackTrue, feedbackFalse, ...penalty };
    return { type: "TRUE_FALSE", points: pointsText(points), definition };
  }
  const options = choices.map(({ id: _id, ...option }, at) => ({
    ...option,
    fraction: fractions[at],
    feedback: feedback[at],
  }));
  return { type: "SINGLE_CHOICE", points: pointsText(points), definition: { options } };
}

const isRightOrWrong = (fractions: string[]) =>
  fractions.filter((fraction) => fraction === "1").length === 1 &&
  fractions.some((it) => it === "0" || it.startsWith("-"));

type Definition = Definitions["MULTIPLE_CHOICE"];
interface Tried {
  chosen: string[];
  score: Decimal;
}

function multiple(choices: Choice[], responded: Responded, interaction: XmlNode, context: ReadContext): ReadDefinition {
  const { scorer, changed } = context;
  noteLimits(interaction, choices, changed);
  if (choices.length === 0) throw new QuestionProblem("There is nothing to choose from.");
  const tried = triedSets(choices, interaction, context).map(
    (chosen): Tried => ({ chosen, score: scorer.score(responded(chosen)) }),
  );
  const best = tried.reduce((top, it) => (it.score.gt(top.score) ? it : top));
  const points = pointsOf(scorer.item, best.score, changed, true);
  const worst = fractionOf(Exact.min(0, ...tried.map(({ score }) => score)), points);
  const fits = ({ options, scoring, floor }: Definition) =>
    tried.every(({ chosen, score }) => {
      const grade = multipleChoice.grade({ options, scoring, floor }, { choices: chosen });
      return grade.kind === "graded" && isSameScore(grade.fraction.times(best.score), score, best.score);
    });
  const found = candidates(choices, best, points, (ids) => scorer.score(responded(ids))).find((options) => {
    const parsed = multipleChoice.definition.safeParse({ ...options, ...(worst !== "0" && { floor: worst }) });
    return parsed.success && fits(parsed.data);
  });
  if (!found)
    throw new QuestionProblem(
      "What its sets of options earn is no sum of weights, no share of what is judged rightly and not all or nothing.",
    );
  const feedback = context.feedbackFor(
    choices.map(({ id }) => responded([id])),
    {},
  );
  const unanswered = scorer.score({});
  if (!unanswered.isZero()) changed.push(`An empty response earns ${unanswered} points; here, it earns none.`);
  const options = found.options.map(({ id: _id, ...option }, at) => ({
    ...option,
    text: choices[at]!.text,
    feedback: feedback[at],
  }));
  const definition = { options, scoring: found.scoring, ...(worst !== "0" && { floor: worst }) };
  return { type: "MULTIPLE_CHOICE", points: pointsText(points), definition };
}

function noteLimits(interaction: XmlNode, choices: Choice[], changed: string[]): void {
  const [most, least] = [maximumIn(interaction, "maxChoices", 1), Number(interaction.attributes.minChoices ?? 0)];
  if (most < choices.length) changed.push(`At most ${most} options could be chosen; here, any number can.`);
  if (least > 0) changed.push(`At least ${least} options had to be chosen; here, any number can.`);
}

/** Every set of few options but the empty one, which is no answer. Of many, those that tell all about the two standard templates. */
function triedSets(choices: Choice[], interaction: XmlNode, { scorer: { item } }: ReadContext): string[][] {
  const ids = choices.map(({ id }) => id);
  if (ids.length <= MAX_TRIED_OPTIONS)
    return Array.from({ length: 2 ** ids.length - 1 }, (_, bits) => ids.filter((_id, at) => ((bits + 1) >> at) & 1));
  const { responseIdentifier = "" } = interaction.attributes;
  const { correct, mapping } = item.responses.get(responseIdentifier)!;
  const others = (set: string[]) => [
    set,
    ...ids.map((id) =>
      set.includes(id) ? set.filter((it) => it !== id) : ids.filter((it) => it === id || set.includes(it)),
    ),
  ];
  const answers = (sets: string[][]) => sets.filter((set) => set.length > 0);
  if (isMatchCorrect(item, responseIdentifier)) return answers(others(ids.filter((id) => correct?.items.includes(id))));
  if (!isMapResponse(item, responseIdentifier) || !mapping)
    throw new QuestionProblem(
      `Its scoring is not one of the standard templates, and it has more than ${MAX_TRIED_OPTIONS} options.`,
    );
  const worth = (id: string) => new Exact(mapping.entries.find(({ key }) => key === id)?.value ?? mapping.defaultValue);
  const [right, wrong] = [ids.filter((id) => worth(id).gt(0)), ids.filter((id) => worth(id).lt(0))];
  return answers([...others(right), ...others(wrong), ...others([])]);
}

/** Ways to grade that could be meant, the plainest first. */
function candidates(choices: Choice[], best: Tried, points: Decimal, score: (ids: string[]) => Decimal) {
  const flagged = choices.map((choice) => ({ ...choice, correct: best.chosen.includes(choice.id) }));
  const weighted = choices.map((choice) => {
    const isIn = best.chosen.includes(choice.id);
    const without = score(best.chosen.filter((id) => id !== choice.id));
    const weight = isIn ? best.score.minus(without) : score([...best.chosen, choice.id]).minus(best.score);
    return { ...choice, fraction: fractionOf(weight, points) };
  });
  return [
    { options: flagged, scoring: "allOrNothing" },
    { options: flagged, scoring: "rightMinusWrong" },
    { options: weighted, scoring: "weighted" },
    { options: flagged, scoring: "proportional" },
  ] as const;
}
