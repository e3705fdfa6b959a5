import { z } from "zod";
import {
  isOption,
  MAX_OPTIONS,
  mapShown,
  NOT_AN_OPTION,
  optionFields,
  optionList,
  shown,
  shuffled,
} from "../choiceOptions.ts";
import { decimalField, Exact, share } from "../decimal.ts";
import { penaltyFields } from "../penalty.ts";
import { defineQuestionType } from "../questionType.ts";

/** Thirds are written 33.33333 %, so the sum may miss the whole by a little. */
const SUM_TOLERANCE = 0.01;

const option = z
  .strictObject({
    ...optionFields,
    /** Right or wrong; each right one is worth the same, and each wrong one takes as much away. */
    correct: z.boolean().optional(),
    /** Or the option's own weight. */
    fraction: decimalField({ min: -1, max: 1 }).optional(),
  })
  .refine(
    ({ correct, fraction }) => (correct === undefined) !== (fraction === undefined),
    "An option needs either `correct` or `fraction`.",
  );

const definition = z
  .strictObject({
    options: optionList(option).superRefine((options, context) => {
      const problem = weightProblem(options);
      if (problem) context.addIssue({ code: "custom", message: problem });
    }),
    /**
     * `weighted` adds the weights of what was chosen. `rightMinusWrong` gives each right option chosen its share of the right ones,
     * and each wrong one chosen takes as much. `proportional` gives a share for each option judged rightly, chosen or not.
     * `allOrNothing` wants exactly the right options.
     */
    scoring: z.enum(["weighted", "rightMinusWrong", "proportional", "allOrNothing"]).default("weighted"),
    ...penaltyFields,
  })
  .refine(({ penalty, scoring }) => penalty === undefined || scoring === "allOrNothing", {
    path: ["penalty"],
    message: "A penalty is for `allOrNothing`; in the other ways of scoring the wrong options take away by themselves.",
  });

type Weighted = Pick<z.output<typeof option>, "correct" | "fraction">;

function weightProblem(options: readonly Weighted[]): string | null {
  const byFlag = options.filter(({ correct }) => correct !== undefined).length;
  if (byFlag !== 0 && byFlag !== options.length) return "Use `correct` for all options, or `fraction` for all.";
  const whole = sumOfRight(options);
  if (whole.isZero()) return "At least one option must be right.";
  if (byFlag === 0 && whole.minus(1).abs().gt(SUM_TOLERANCE)) {
    return `The right options must add up to 100 %, here they make ${whole.times(100).toDecimalPlaces(2)} %.`;
  }
  return null;
}

const weightOf = ({ correct, fraction }: Weighted) => new Exact(fraction ?? (correct ? 1 : -1));
const isRight = (option: Weighted) => weightOf(option).gt(0);
const sumOfWeights = (options: readonly Weighted[]) =>
  options.reduce((sum, option) => sum.plus(weightOf(option)), new Exact(0));
const sumOfRight = (options: readonly Weighted[]) => sumOfWeights(options.filter(isRight));

function shareOf(
  options: readonly Weighted[],
  chosen: readonly Weighted[],
  scoring: z.output<typeof definition>["scoring"],
) {
  const right = options.filter(isRight).length;
  const rightChosen = chosen.filter(isRight).length;
  const judgedRightly = options.filter((option) => isRight(option) === chosen.includes(option)).length;
  switch (scoring) {
    case "weighted":
      // Divided by what the right ones make, so that three thirds of 33.33333 % are the whole.
      return share(sumOfWeights(chosen), sumOfRight(options));
    case "rightMinusWrong":
      return share(2 * rightChosen - chosen.length, right);
    case "proportional":
      return share(judgedRightly, options.length);
    case "allOrNothing":
      return new Exact(judgedRightly === options.length ? 1 : 0);
  }
}

/** Any number of options is chosen, with partial credit or all or nothing. */
export const multipleChoice = defineQuestionType({
  name: "MULTIPLE_CHOICE",
  description: "Any number of the options is right; part of them gives part of the points, if the question says so.",
  responseKind: "choices",
  definition,

  response: z.strictObject({ choices: z.array(z.string()).max(MAX_OPTIONS, "There are not so many options.") }),

  problemWith({ options }, { choices }) {
    if (new Set(choices).size < choices.length) return "An option is chosen twice.";
    return choices.every((choice) => isOption(options, choice)) ? null : NOT_AN_OPTION;
  },

  isBlank: ({ choices }) => choices.length === 0,

  mapTexts: (definition, change) => ({ ...definition, options: mapShown(definition.options, change) }),

  studentView: ({ options }) => ({ responseKind: "choices", options: shown(options), maxLength: null }),

  shuffleOptions: ({ options }) => shuffled(options),

  solution: ({ options }) => ({ choices: options.filter(isRight).map(({ id }) => id) }),

  grade({ options, scoring, penalty = "0", floor = scoring === "allOrNothing" ? "-1" : "0" }, { choices }) {
    const chosen = options.filter(({ id }) => choices.includes(id));
    const feedback = chosen.flatMap(({ feedback }) => feedback ?? []).join("\n") || null;
    const earned = Exact.min(1, shareOf(options, chosen, scoring));
    const isWrong = scoring === "allOrNothing" && earned.isZero();
    const fraction = Exact.max(floor, isWrong ? earned.minus(penalty) : earned);
    return { kind: "graded", fraction, feedback };
  },
});
