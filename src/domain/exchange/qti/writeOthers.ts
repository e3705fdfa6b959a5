import { QuestionProblem } from "../fileProblem.ts";
import { requireNoPenalty } from "../plainKeys.ts";
import type { Definitions } from "../typedQuestion.ts";
import { element } from "./elements.ts";
import type { ItemContext, ItemParts } from "./fromQuestion.ts";

const RESPONSE = "RESPONSE";

export function writeMatching(
  { options, prompts, scoring, ...rest }: Definitions["MATCHING"],
  { q, rule, text, points, lost }: ItemContext,
): ItemParts {
  requireNoPenalty(rest);
  if ([...options, ...prompts].some(({ feedback }) => feedback?.trim())) lost.push("The feedback on the pairs.");
  const names = new Map(options.map(({ id }, at) => [id, `option-${at + 1}`]));
  const pairs = prompts.map(({ match }, at) => `prompt-${at + 1} ${names.get(match)}`);
  const choice = (identifier: string, matchMax: number, words: string, fixed?: true) =>
    q("simpleAssociableChoice", { identifier, matchMax, fixed }, text.write(words));
  const share = q(
    "divide",
    {},
    q("product", {}, rule.base("float", points), q("mapResponse", { identifier: RESPONSE })),
    rule.number(prompts.length),
  );
  return {
    declarations: [
      q(
        "responseDeclaration",
        { identifier: RESPONSE, cardinality: "multiple", baseType: "directedPair" },
        q("correctResponse", {}, ...pairs.map((pair) => q("value", {}, pair))),
        q("mapping", { defaultValue: 0 }, ...pairs.map((pair) => q("mapEntry", { mapKey: pair, mappedValue: 1 }))),
      ),
    ],
    body: [
      q(
        "matchInteraction",
        {
          responseIdentifier: RESPONSE,
          shuffle: !options.every(({ pinned }) => pinned),
          maxAssociations: prompts.length,
        },
        q("simpleMatchSet", {}, ...prompts.map((prompt, at) => choice(`prompt-${at + 1}`, 1, prompt.text, true))),
        q(
          "simpleMatchSet",
          {},
          ...options.map((option, at) => choice(`option-${at + 1}`, 0, option.text, option.pinned || undefined)),
        ),
      ),
    ],
    rules: [
      scoring === "allOrNothing"
        ? rule.condition({ test: rule.isCorrect(RESPONSE), rules: [rule.setScore(rule.base("float", points))] })
        : rule.condition({ test: rule.isAnswered(RESPONSE), rules: [rule.setScore(share)] }),
    ],
    feedback: [],
  };
}

export function writeOrdering(
  { items, scoring, feedbackRight = "", feedbackWrong = "", ...rest }: Definitions["ORDERING"],
  { q, rule, text, points, lost }: ItemContext,
): ItemParts {
  requireNoPenalty(rest);
  if (items.some((item) => item.feedback?.trim())) lost.push("The feedback on items in the wrong place.");
  if (scoring !== "exact")
    throw new QuestionProblem(`QTI has no scoring of orders like "${scoring}", only the whole order.`);
  const feedback = [["right", feedbackRight] as const, ["wrong", feedbackWrong] as const].filter(([, words]) =>
    words.trim(),
  );
  const show = (name: string) => feedback.filter(([key]) => key === name).map(() => rule.show(name));
  const ids = items.map((_, at) => `item-${at + 1}`);
  const right = rule.setScore(rule.base("float", points));
  return {
    declarations: [
      q(
        "responseDeclaration",
        { identifier: RESPONSE, cardinality: "ordered", baseType: "identifier" },
        q("correctResponse", {}, ...ids.map((id) => q("value", {}, id))),
      ),
    ],
    body: [
      q(
        "orderInteraction",
        { responseIdentifier: RESPONSE, shuffle: true },
        ...items.map((item, at) => q("simpleChoice", { identifier: ids[at] }, text.write(item.text))),
      ),
    ],
    rules: [
      rule.condition({ test: rule.isCorrect(RESPONSE), rules: [right] }),
      ...(feedback.length > 0
        ? [
            rule.condition(
              { test: q("and", {}, rule.isAnswered(RESPONSE), rule.isCorrect(RESPONSE)), rules: show("right") },
              { test: rule.isAnswered(RESPONSE), rules: show("wrong") },
            ),
          ]
        : []),
    ],
    feedback: feedback.map(([name, words]) => [name, words]),
  };
}

export function writeEssay({ maxLength, guidance = "" }: Definitions["ESSAY"], { q, text }: ItemContext): ItemParts {
  const rubric = q(
    "rubricBlock",
    { view: "scorer", use: "scoring" },
    q("contentBody", {}, element("div", {}, text.write(guidance))),
  );
  const plain = q("rubricBlock", { view: "scorer" }, element("div", {}, text.write(guidance)));
  const isVersion3 = rubric.startsWith("<qti-");
  return {
    declarations: [q("responseDeclaration", { identifier: RESPONSE, cardinality: "single", baseType: "string" })],
    body: [
      q("extendedTextInteraction", { responseIdentifier: RESPONSE, patternMask: `[\\s\\S]{0,${maxLength}}` }),
      ...(guidance.trim() ? [isVersion3 ? rubric : plain] : []),
    ],
    rules: [],
    feedback: [],
    isGradedByHand: true,
  };
}
