import type { Decimal } from "decimal.js";
import { Exact } from "../../decimal.ts";
import type { Penalty } from "../../penalty.ts";
import { QuestionProblem } from "../fileProblem.ts";
import { nominalAnswers, patternAnswers, requireNoPenalty } from "../plainKeys.ts";
import type { Definitions } from "../typedQuestion.ts";
import { xmlText } from "../xmlElements.ts";
import { decimalText, element } from "./elements.ts";
import type { ItemContext, ItemParts } from "./fromQuestion.ts";
import { GAP_TEXT_CLASS } from "./readGaps.ts";

type Gap = Definitions["GAP_FILL"]["gaps"][number];
type TextKey = Omit<Extract<Gap, { kind: "text" }>, "id" | "weight">;
type NumberKey = Omit<Extract<Gap, { kind: "number" }>, "id" | "weight">;

/** One answer, typed below the stem. */
export function writeTyped({ penalty, ...key }: (TextKey | NumberKey) & Penalty, context: ItemContext): ItemParts {
  requireNoPenalty({ penalty });
  const part =
    key.kind === "text"
      ? textGap(key, "RESPONSE", new Exact(context.points), context)
      : numberGap(key, "RESPONSE", new Exact(context.points), context);
  return { ...part, body: [element("div", {}, ...part.body)] };
}

export function writeGapFill({ text, gaps, floor, ...rest }: Definitions["GAP_FILL"], context: ItemContext): ItemParts {
  requireNoPenalty(rest);
  const { q, rule, points } = context;
  const whole = gaps.reduce((sum, { weight }) => sum.plus(weight), new Exact(0));
  if (gaps.some(({ weight }) => weight === "0"))
    throw new QuestionProblem("A gap that counts nothing cannot be read again.");
  const parts = gaps.map((gap, at) => writeGap(gap, `RESPONSE${at + 1}`, context));
  const order = gaps.map(({ id }, at) => ({ at, place: text.indexOf(`[[${id}]]`), length: id.length + 4 }));
  order.sort((a, b) => a.place - b.place);
  const pieces = order.map(({ at, place }, index) => {
    const before = index === 0 ? 0 : order[index - 1]!.place + order[index - 1]!.length;
    return `${context.text.write(text.slice(before, place))}${parts[at]!.body.join("")}`;
  });
  const last = order.at(-1)!;
  const scaled = q(
    "divide",
    {},
    q("product", {}, rule.variable("SCORE"), rule.base("float", points)),
    rule.number(whole),
  );
  const least = rule.number(new Exact(floor).times(whole));
  return {
    declarations: parts.flatMap(({ declarations }) => declarations),
    body: [
      element("div", { class: GAP_TEXT_CLASS }, ...pieces, context.text.write(text.slice(last.place + last.length))),
    ],
    rules: [
      ...parts.flatMap(({ rules }) => rules),
      rule.condition({ test: q("lt", {}, rule.variable("SCORE"), least), rules: [rule.setScore(least)] }),
      ...(whole.eq(points) ? [] : [rule.setScore(scaled)]),
    ],
    feedback: parts.flatMap(({ feedback }) => feedback),
  };
}

function writeGap(gap: Gap, response: string, context: ItemContext): ItemParts {
  const weight = new Exact(gap.weight);
  if (gap.kind === "text") return textGap(gap, response, weight, context);
  return gap.kind === "number" ? numberGap(gap, response, weight, context) : choiceGap(gap, response, weight, context);
}

interface Entry {
  key: string;
  fraction: string;
  feedback?: string | undefined;
}

/** A response whose mapping is added to the score. */
function mappedGap(
  response: string,
  declaration: { baseType: string; correct: string; entries: Entry[]; rest?: string; caseSensitive?: boolean },
  worth: Decimal,
  { q, rule }: ItemContext,
) {
  const { baseType, correct, entries, rest = "0", caseSensitive } = declaration;
  const value = (fraction: string) => decimalText(new Exact(fraction).times(worth));
  const told = entries.flatMap(({ key, feedback }, at) =>
    feedback?.trim() ? [{ key, feedback, name: `${response}-${at + 1}` }] : [],
  );
  const isGiven = (key: string) =>
    caseSensitive === false
      ? q(
          "stringMatch",
          { caseSensitive: false, substring: false },
          rule.variable(response),
          rule.base(baseType, xmlText(key)),
        )
      : q("match", {}, rule.variable(response), rule.base(baseType, xmlText(key)));
  return {
    declarations: [
      q(
        "responseDeclaration",
        { identifier: response, cardinality: "single", baseType },
        q("correctResponse", {}, q("value", {}, xmlText(correct))),
        q(
          "mapping",
          { defaultValue: value(rest) },
          ...entries.map(({ key, fraction }) =>
            q("mapEntry", { mapKey: key, mappedValue: value(fraction), caseSensitive }),
          ),
        ),
      ),
    ],
    rules: [
      rule.condition({
        test: rule.isAnswered(response),
        rules: [rule.addToScore(q("mapResponse", { identifier: response }))],
      }),
      ...told.map(({ key, name }) => rule.condition({ test: isGiven(key), rules: [rule.show(name)] })),
    ],
    feedback: told.map(({ name, feedback }): [string, string] => [name, feedback]),
  };
}

function choiceGap(
  { options }: Extract<Gap, { kind: "choice" }>,
  response: string,
  worth: Decimal,
  context: ItemContext,
): ItemParts {
  const { q, text } = context;
  const entries = options.map(({ fraction, feedback }, at) => ({
    key: `${response}-option-${at + 1}`,
    fraction,
    feedback,
  }));
  const correct = entries.find(({ fraction }) => fraction === "1")!.key;
  const choices = options.map((option, at) =>
    q("inlineChoice", { identifier: entries[at]!.key }, text.write(option.text)),
  );
  return {
    ...mappedGap(response, { baseType: "identifier", correct, entries }, worth, context),
    body: [q("inlineChoiceInteraction", { responseIdentifier: response, shuffle: false }, ...choices)],
  };
}

/** The first answer that fits decides; a `*` alone fits what no answer before it does. */
function textGap(
  { kind: _kind, caseSensitive, ...definition }: TextKey,
  response: string,
  worth: Decimal,
  context: ItemContext,
): ItemParts {
  const entries = new Map<string, Entry>();
  let rest: string | undefined;
  for (const { pattern, fraction, feedback } of patternAnswers(definition)) {
    const key = pattern.replace(/\s+/g, " ").trim().normalize("NFC");
    if (/^\*+$/.test(key)) {
      if (feedback?.trim()) context.lost.push("The feedback on all other answers.");
      rest = fraction;
      break; // nothing behind it is ever reached
    }
    if (/(?<!\\)\*/.test(key)) throw new QuestionProblem("QTI cannot say that * stands for any text within an answer.");
    const literal = key.replaceAll("\\*", "*");
    const folded = caseSensitive ? literal : literal.toUpperCase().normalize("NFC");
    if (!entries.has(folded)) entries.set(folded, { key: literal, fraction, feedback });
  }
  const all = [...entries.values()];
  const right = all.find(({ fraction }) => fraction === "1");
  if (!right) throw new QuestionProblem("Its right answer is any text at all, which QTI cannot say.");
  const declaration = { baseType: "string", correct: right.key, entries: all, rest, caseSensitive };
  return {
    ...mappedGap(response, declaration, worth, context),
    body: [context.q("textEntryInteraction", { responseIdentifier: response })],
  };
}

function numberGap(
  { kind: _kind, units = [], answers }: NumberKey,
  response: string,
  worth: Decimal,
  { q, rule }: ItemContext,
): ItemParts {
  if (units.length > 0) throw new QuestionProblem("QTI has no units.");
  const keys = nominalAnswers({ answers });
  const bound = (operator: string, number: Decimal) => q(operator, {}, rule.variable(response), rule.number(number));
  const branches = keys.map((key, at) => ({
    test:
      "any" in key
        ? rule.isAnswered(response)
        : q(
            "and",
            {},
            bound("gte", new Exact(key.value).minus(key.tolerance)),
            bound("lte", new Exact(key.value).plus(key.tolerance)),
          ),
    rules: [
      rule.addToScore(rule.number(new Exact(key.fraction).times(worth))),
      ...(key.feedback?.trim() ? [rule.show(`${response}-${at + 1}`)] : []),
    ],
  }));
  const right = keys.find((key) => "value" in key && key.fraction === "1");
  const correct =
    right && "value" in right ? [q("correctResponse", {}, q("value", {}, decimalText(new Exact(right.value))))] : [];
  return {
    declarations: [
      q("responseDeclaration", { identifier: response, cardinality: "single", baseType: "float" }, ...correct),
    ],
    body: [q("textEntryInteraction", { responseIdentifier: response })],
    rules: [rule.condition(...branches)],
    feedback: keys.flatMap(({ feedback }, at): [string, string][] =>
      feedback?.trim() ? [[`${response}-${at + 1}`, feedback]] : [],
    ),
  };
}
