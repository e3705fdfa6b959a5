import { Exact } from "../../decimal.ts";
import { ordering } from "../../questionTypes/ordering.ts";
import { QuestionProblem } from "../fileProblem.ts";
import { maximumIn, type ReadContext, type ReadDefinition } from "./readContext.ts";
import { isSameScore, pointsOf, pointsText } from "./scorer.ts";
import { isMatchCorrect } from "./standardRules.ts";
import { childrenNamed, type XmlNode } from "./xmlTree.ts";

/** Up to so many items, what every order of them earns is tried. */
const MAX_TRIED_ITEMS = 6;

/** An `orderInteraction` in which all choices are put in order. */
export function readOrder(interaction: XmlNode, context: ReadContext): ReadDefinition {
  const { scorer, body, changed } = context;
  const { responseIdentifier = "" } = interaction.attributes;
  const choices = childrenNamed(interaction, "simpleChoice");
  const ids = choices.map(({ attributes }) => attributes.identifier ?? "");
  if (maximumIn(interaction, "maxChoices", 0) < ids.length || interaction.attributes.minChoices !== undefined)
    throw new QuestionProblem("Only some of the choices are put in order.");
  const correct = (scorer.item.responses.get(responseIdentifier)?.correct?.items ?? []).map(String);
  const tried = (ids.length <= MAX_TRIED_ITEMS ? permutations(ids) : [correct]).map((order) => ({
    order,
    score: scorer.score({ [responseIdentifier]: order }),
  }));
  const isAll = ids.length <= MAX_TRIED_ITEMS;
  if (
    !isAll &&
    !(isMatchCorrect(scorer.item, responseIdentifier) && [...correct].sort().join() === [...ids].sort().join())
  )
    throw new QuestionProblem(
      `Its scoring is not that of match_correct, and it has more than ${MAX_TRIED_ITEMS} choices.`,
    );
  context.requireNothingForNothing();
  const best = tried.reduce((top, it) => (it.score.gt(top.score) ? it : top));
  const points = pointsOf(scorer.item, best.score, changed);
  const items = best.order.map((id) => ({ id, text: body.text(choices[ids.indexOf(id)]!.children) }));
  const scoring = (["exact", "adjacentPairs", "longestCommonSubsequence"] as const).find((each) =>
    tried.every(({ order, score }) => {
      const grade = ordering.grade({ items, scoring: each }, { order });
      return grade.kind === "graded" && isSameScore(grade.fraction.times(best.score), score, new Exact(best.score));
    }),
  );
  if (!scoring)
    throw new QuestionProblem("What its orders earn is not the whole order, pairs of neighbours or the longest run.");
  const wrong = [...best.order].reverse();
  const [feedbackRight, feedbackWrong] = context.feedbackFor(
    [best.order, wrong].map((order) => ({ [responseIdentifier]: order })),
  );
  const definition = { items: items.map(({ text }) => ({ text })), scoring, feedbackRight, feedbackWrong };
  return { type: "ORDERING", points: pointsText(points), definition };
}

const permutations = (items: string[]): string[][] =>
  items.length === 0
    ? [[]]
    : items.flatMap((item, at) =>
        permutations(items.filter((_, other) => other !== at)).map((rest) => [item, ...rest]),
      );
