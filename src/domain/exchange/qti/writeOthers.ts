import { typesOf } from "../../fileKinds.ts";
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

/** Version 3.0 names its elements in its own way, and not all of its attributes are known to 2.2. */
const isVersion3 = ({ q }: ItemContext): boolean => q("itemBody", {}).startsWith("<qti-");

/** What who grades is told; nothing where there is nothing to tell. */
function guidanceRubric(guidance: string, context: ItemContext): string[] {
  if (!guidance.trim()) return [];
  const { q, text } = context;
  const words = element("div", {}, text.write(guidance));
  return isVersion3(context)
    ? [q("rubricBlock", { view: "scorer", use: "scoring" }, q("contentBody", {}, words))]
    : [q("rubricBlock", { view: "scorer" }, words)];
}

export function writeEssay(
  { maxLength, guidance = "", rubric }: Definitions["ESSAY"],
  context: ItemContext,
): ItemParts {
  const { q, lost } = context;
  if (rubric) lost.push("The rubric.");
  return {
    declarations: [q("responseDeclaration", { identifier: RESPONSE, cardinality: "single", baseType: "string" })],
    body: [
      q("extendedTextInteraction", { responseIdentifier: RESPONSE, patternMask: `[\\s\\S]{0,${maxLength}}` }),
      ...guidanceRubric(guidance, context),
    ],
    rules: [],
    feedback: [],
    isGradedByHand: true,
  };
}

export function writeFileUpload(
  { maxFiles, maxBytes, accept, guidance = "", rubric }: Definitions["FILE_UPLOAD"],
  context: ItemContext,
): ItemParts {
  if (maxFiles > 1) throw new QuestionProblem(`In QTI one file is handed in, and this question takes ${maxFiles}.`);
  const { q, lost } = context;
  lost.push(`The limit of ${maxBytes} bytes.`);
  if (rubric) lost.push("The rubric.");
  const types = [...new Set(accept.flatMap(typesOf))];
  const isWritable = accept.every((entry) => typesOf(entry).length > 0) && (types.length === 1 || isVersion3(context));
  if (!isWritable) lost.push(`Which files are accepted: ${accept.join(", ")}.`);
  return {
    declarations: [q("responseDeclaration", { identifier: RESPONSE, cardinality: "single", baseType: "file" })],
    body: [
      q("uploadInteraction", { responseIdentifier: RESPONSE, type: isWritable ? types.join(" ") : undefined }),
      ...guidanceRubric(guidance, context),
    ],
    rules: [],
    feedback: [],
    isGradedByHand: true,
  };
}
