import type { Decimal } from "decimal.js";
import type { Elements } from "./elements.ts";
import { decimalText } from "./elements.ts";

/** The words of response processing that written items are made of. */
export function ruleWriter(q: Elements) {
  const base = (baseType: string, text: string) => q("baseValue", { baseType }, text);
  const number = (value: Decimal | number) =>
    base("float", typeof value === "number" ? String(value) : decimalText(value));
  const variable = (identifier: string) => q("variable", { identifier });
  const set = (identifier: string, value: string) => q("setOutcomeValue", { identifier }, value);
  const isNull = (response: string) => q("isNull", {}, variable(response));
  return {
    base,
    number,
    variable,
    isNull,
    isAnswered: (response: string) => q("not", {}, isNull(response)),
    isCorrect: (response: string) => q("match", {}, variable(response), q("correct", { identifier: response })),
    /** Branches are asked one after the other; the last may have no test. */
    condition: (...branches: { test?: string; rules: string[] }[]) =>
      q(
        "responseCondition",
        {},
        ...branches.map(({ test, rules }, at) =>
          q(at === 0 ? "responseIf" : test === undefined ? "responseElse" : "responseElseIf", {}, test ?? "", ...rules),
        ),
      ),
    setScore: (value: string) => set("SCORE", value),
    addToScore: (value: string) => set("SCORE", q("sum", {}, variable("SCORE"), value)),
    show: (feedback: string) => set("FEEDBACK", q("multiple", {}, variable("FEEDBACK"), base("identifier", feedback))),
  };
}

export type RuleWriter = ReturnType<typeof ruleWriter>;
