import type { Decimal } from "decimal.js";
import { Exact } from "../../decimal.ts";
import { withPenalty } from "../../penalty.ts";
import { QuestionProblem } from "../fileProblem.ts";
import { requireNoPenalty, singleWorth } from "../plainKeys.ts";
import type { Definitions } from "../typedQuestion.ts";
import { decimalText } from "./elements.ts";
import type { ItemContext, ItemParts } from "./fromQuestion.ts";
import { MAX_TRIED_OPTIONS } from "./readChoice.ts";

const RESPONSE = "RESPONSE";

interface Option {
  id: string;
  text: string;
  pinned?: boolean | undefined;
  feedback?: string | undefined;
  /** What it is mapped to. */
  worth: Decimal;
}
interface Choice {
  options: Option[];
  cardinality: "single" | "multiple";
  correct: string[];
  lowerBound?: string;
  rules: string[];
}

const named = <O>(options: readonly O[]) => options.map((option, at) => ({ ...option, id: `option-${at + 1}` }));

export function writeSingleChoice(definition: Definitions["SINGLE_CHOICE"], context: ItemContext): ItemParts {
  const fractions = singleWorth(definition);
  const worth = named(definition.options).map((option, at) => ({
    ...option,
    worth: new Exact(fractions[at]!).times(context.points),
  }));
  const right = worth.find(({ fraction }) => fraction === "1")!;
  return choice({ options: worth, cardinality: "single", correct: [right.id], rules: [mapped(context)] }, context);
}

export function writeTrueFalse(
  { correct, feedbackTrue, feedbackFalse, ...penalty }: Definitions["TRUE_FALSE"],
  context: ItemContext,
): ItemParts {
  const worth = (isRight: boolean) => withPenalty(new Exact(isRight ? 1 : 0), penalty).times(context.points);
  const options = [
    { id: "true", text: "True", feedback: feedbackTrue, pinned: true, worth: worth(correct) },
    { id: "false", text: "False", feedback: feedbackFalse, pinned: true, worth: worth(!correct) },
  ];
  return choice({ options, cardinality: "single", correct: [String(correct)], rules: [mapped(context)] }, context);
}

/** What is not answered earns nothing, whatever another engine maps it to. */
const mapped = ({ q, rule }: ItemContext) =>
  rule.condition(
    { test: rule.isNull(RESPONSE), rules: [rule.setScore(rule.number(0))] },
    { rules: [rule.setScore(q("mapResponse", { identifier: RESPONSE }))] },
  );

/** Of a share that does not end, like a third; grading divides by the sum, so the rest does not matter. */
const SHARE_PLACES = 18;

export function writeChoices(
  { options, scoring, floor = "0", ...rest }: Definitions["MULTIPLE_CHOICE"],
  context: ItemContext,
): ItemParts {
  requireNoPenalty(rest);
  const { q, rule, points } = context;
  const isRight = ({ correct, fraction }: (typeof options)[number]) => correct ?? new Exact(fraction ?? 0).gt(0);
  const rightOnes = options.filter(isRight).length;
  const all = named(options);
  const correct = all.filter(isRight).map(({ id }) => id);
  const flags = all.map((option) => ({ ...option, worth: new Exact(isRight(option) ? 1 : -1) }));
  switch (scoring) {
    case "allOrNothing": {
      const rules = [
        rule.condition({ test: rule.isCorrect(RESPONSE), rules: [rule.setScore(rule.base("float", points))] }),
      ];
      return choice({ options: flags, cardinality: "multiple", correct, rules }, context);
    }
    case "proportional": {
      if (options.length > MAX_TRIED_OPTIONS)
        throw new QuestionProblem(
          `Shares of what is judged rightly can be read again for at most ${MAX_TRIED_OPTIONS} options.`,
        );
      const wrongOnes = rule.number(options.length - rightOnes);
      const share = (judged: string) =>
        rule.setScore(
          q("divide", {}, q("product", {}, rule.base("float", points), judged), rule.number(options.length)),
        );
      const judged = q("sum", {}, wrongOnes, q("mapResponse", { identifier: RESPONSE }));
      const rules = [rule.condition({ test: rule.isAnswered(RESPONSE), rules: [share(judged)] })];
      return choice({ options: flags, cardinality: "multiple", correct, rules }, context);
    }
    default: {
      const share = new Exact(1).div(rightOnes).toDecimalPlaces(SHARE_PLACES);
      const weighted = flags.map((option) => {
        const weight =
          scoring === "weighted" && option.fraction !== undefined ? option.fraction : share.times(option.worth);
        return { ...option, worth: new Exact(weight).times(points) };
      });
      const lowerBound = decimalText(new Exact(floor).times(points));
      return choice(
        { options: weighted, cardinality: "multiple", correct, lowerBound, rules: [mapped(context)] },
        context,
      );
    }
  }
}

function choice(
  { options, cardinality, correct, lowerBound, rules }: Choice,
  { q, rule, text }: ItemContext,
): ItemParts {
  const told = options.filter(({ feedback }) => feedback?.trim());
  const isChosen = (id: string) =>
    cardinality === "single"
      ? q("match", {}, rule.variable(RESPONSE), rule.base("identifier", id))
      : q("member", {}, rule.base("identifier", id), rule.variable(RESPONSE));
  return {
    declarations: [
      q(
        "responseDeclaration",
        { identifier: RESPONSE, cardinality, baseType: "identifier" },
        q("correctResponse", {}, ...correct.map((id) => q("value", {}, id))),
        q(
          "mapping",
          { defaultValue: 0, lowerBound },
          ...options.map(({ id, worth }) => q("mapEntry", { mapKey: id, mappedValue: decimalText(worth) })),
        ),
      ),
    ],
    body: [
      q(
        "choiceInteraction",
        {
          responseIdentifier: RESPONSE,
          shuffle: !options.every(({ pinned }) => pinned),
          maxChoices: cardinality === "single" ? 1 : 0,
        },
        ...options.map(({ id, text: words, pinned }) =>
          q("simpleChoice", { identifier: id, fixed: pinned ? true : undefined }, text.write(words)),
        ),
      ),
    ],
    rules: [...rules, ...told.map(({ id }) => rule.condition({ test: isChosen(id), rules: [rule.show(`for-${id}`)] }))],
    feedback: told.map(({ id, feedback = "" }) => [`for-${id}`, feedback]),
  };
}
