import { z } from "zod";
import { MAX_OPTIONS, mapShown, NOT_AN_OPTION, optionFields, optionList, scrambled, shown } from "../choiceOptions.ts";
import { Exact, share } from "../decimal.ts";
import { penaltyFields, withPenalty } from "../penalty.ts";
import { defineQuestionType } from "../questionType.ts";

const { pinned: _pinned, ...itemFields } = optionFields;
const { feedback } = optionFields;

const definition = z.strictObject({
  /** In the right order. The feedback of an item is shown to who put it anywhere but in its place. */
  items: optionList(z.strictObject(itemFields)),
  /**
   * `exact` wants the whole order. `adjacentPairs` gives a share for each neighbour that rightly follows.
   * `longestCommonSubsequence` gives shares for the longest run of items that stand in the right order among themselves; the
   * first of them earns nothing, because one item alone is always in order.
   */
  scoring: z.enum(["exact", "adjacentPairs", "longestCommonSubsequence"]).default("exact"),
  /** Shown to who has the whole order, and to who has not. */
  feedbackRight: feedback,
  feedbackWrong: feedback,
  ...penaltyFields,
});

/** Items are put in order. */
export const ordering = defineQuestionType({
  name: "ORDERING",
  description: "Items are put in order.",
  responseKind: "order",
  definition,

  response: z.strictObject({ order: z.array(z.string()).max(MAX_OPTIONS, "There are not so many items.") }),

  problemWith({ items }, { order }) {
    if (order.length === 0) return null;
    if (!order.every((given) => items.some(({ id }) => id === given))) return NOT_AN_OPTION;
    return new Set(order).size === items.length && order.length === items.length
      ? null
      : "Put every item in the order, each once.";
  },

  isBlank: ({ order }) => order.length === 0,

  mapTexts: ({ feedbackRight, feedbackWrong, ...rest }, change) => ({
    ...rest,
    items: mapShown(rest.items, change),
    ...(feedbackRight !== undefined && { feedbackRight: change(feedbackRight) }),
    ...(feedbackWrong !== undefined && { feedbackWrong: change(feedbackWrong) }),
  }),

  studentView: ({ items }) => ({ responseKind: "order", options: shown(scrambled(items)), maxLength: null }),

  shuffleOptions: ({ items }) => scrambled(items).map(({ id }) => ({ id, pinned: false })),

  solution: ({ items }) => ({ order: items.map(({ id }) => id) }),

  grade({ items, scoring, feedbackRight, feedbackWrong, ...penalty }, { order }) {
    const place = new Map(items.map(({ id }, at) => [id, at]));
    const places = order.map((id) => place.get(id)!);
    const isRight = places.every((at, index) => at === index);
    const general = isRight ? feedbackRight : feedbackWrong;
    const misplaced = items.filter(({ id }, at) => order[at] !== id);
    const said = [general, ...misplaced.map((item) => item.feedback)].filter((text) => text);
    const steps = items.length - 1;
    const fraction =
      scoring === "exact"
        ? new Exact(isRight ? 1 : 0)
        : share(scoring === "adjacentPairs" ? rightNeighbours(places) : longestRising(places) - 1, steps);
    return { kind: "graded", fraction: withPenalty(fraction, penalty), feedback: said.join("\n") || null };
  },
});

const rightNeighbours = (places: readonly number[]) =>
  places.filter((at, index) => index > 0 && at === places[index - 1]! + 1).length;

/** Length of the longest rising subsequence: that of the order given in common with the right one. */
function longestRising(places: readonly number[]): number {
  const lengths: number[] = [];
  places.forEach((at, index) => {
    const before = lengths.slice(0, index).filter((_length, earlier) => places[earlier]! < at);
    lengths.push(Math.max(0, ...before) + 1);
  });
  return Math.max(0, ...lengths);
}
