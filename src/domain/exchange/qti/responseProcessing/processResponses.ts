import { QuestionProblem } from "../../fileProblem.ts";
import type { Item, OutcomeDeclaration } from "../item.ts";
import { childrenNamed, elementsOf, type XmlNode } from "../xmlTree.ts";
import { evaluate, type Variables } from "./expressions.ts";
import { decimalIn } from "./mapping.ts";
import { container, isSameScalar, isTrue, type MaybeValue, numberIn, parseScalar, type Value } from "./values.ts";

/** By the identifier of the response; null or missing for none, pairs and points as "a b". */
export type Responses = Readonly<Record<string, string | readonly string[] | null | undefined>>;

const EXIT = Symbol("exitResponse");

/**
 * The outcome variables after response processing, exact in their numbers.
 * @throws QuestionProblem for rules and operators that are not known, or do not fit what they are used with
 */
export function processResponses(item: Item, given: Responses): ReadonlyMap<string, MaybeValue> {
  const outcomes = new Map([...item.outcomes.values()].map((it) => [it.identifier, it.defaultValue]));
  const responses = new Map(
    [...item.responses.values()].map(({ identifier, baseType, cardinality }) => {
      const values = [given[identifier] ?? []].flat();
      return [
        identifier,
        container(
          baseType,
          cardinality,
          values.map((value) => parseScalar(baseType, value)),
        ),
      ];
    }),
  );
  const defaults = new Map([
    ...outcomes,
    ...[...item.responses.values()].map((it) => [it.identifier, it.defaultValue] as const),
  ]);
  const values = new Map<string, MaybeValue>([...outcomes, ...responses]);
  run(item.rules ?? [], { responses: item.responses, values, defaults }, item);
  return new Map([...item.outcomes.keys()].map((identifier) => [identifier, values.get(identifier) ?? null]));
}

function run(rules: XmlNode[], variables: Variables, item: Item): typeof EXIT | undefined {
  for (const rule of rules) if (apply(rule, variables, item) === EXIT) return EXIT;
  return undefined;
}

function apply(rule: XmlNode, variables: Variables, item: Item): typeof EXIT | undefined {
  switch (rule.name) {
    case "setOutcomeValue": {
      const outcome = outcomeOf(rule, item);
      variables.values.set(outcome.identifier, as(outcome, evaluate(onlyChild(rule), variables)));
      return undefined;
    }
    case "lookupOutcomeValue": {
      const outcome = outcomeOf(rule, item);
      variables.values.set(outcome.identifier, lookedUp(outcome, evaluate(onlyChild(rule), variables)));
      return undefined;
    }
    case "responseCondition": {
      const branch = elementsOf(rule).find(
        (it) => it.name === "responseElse" || isTrue(evaluate(onlyChild(it), variables)),
      );
      if (!branch) return undefined;
      return run(elementsOf(branch).slice(branch.name === "responseElse" ? 0 : 1), variables, item);
    }
    case "responseProcessingFragment":
      return run(elementsOf(rule), variables, item);
    case "exitResponse":
      return EXIT;
    default:
      throw new QuestionProblem(`The rule <${rule.name}> of its response processing is not known.`);
  }
}

function onlyChild(node: XmlNode): XmlNode {
  const [child] = elementsOf(node);
  if (!child) throw new QuestionProblem(`<${node.name}> of its response processing is empty.`);
  return child;
}

function outcomeOf({ attributes: { identifier = "" } }: XmlNode, { outcomes }: Item): OutcomeDeclaration {
  const outcome = outcomes.get(identifier);
  if (!outcome) throw new QuestionProblem(`The outcome ${identifier} is set and not declared.`);
  return outcome;
}

/** As the variable declares it: an integer that is given to a float is one. */
const as = ({ baseType, cardinality }: OutcomeDeclaration, value: MaybeValue): MaybeValue =>
  value && { baseType, cardinality, items: value.items };

function lookedUp(outcome: OutcomeDeclaration, source: MaybeValue): MaybeValue {
  const { lookupTable: table, baseType, cardinality } = outcome;
  if (!table) throw new QuestionProblem(`The outcome ${outcome.identifier} has no table to look up in.`);
  const found =
    source && childrenNamed(table, "matchTableEntry", "interpolationTableEntry").find((it) => holds(it, source));
  const target = found ? found.attributes.targetValue : table.attributes.defaultValue;
  return target === undefined ? null : container(baseType, cardinality, [parseScalar(baseType, target)]);
}

function holds({ name, attributes: { sourceValue = "0", includeBoundary } }: XmlNode, source: Value): boolean {
  const bound = decimalIn(sourceValue);
  if (name === "matchTableEntry") return isSameScalar(bound, numberIn(source));
  return includeBoundary === "false" ? numberIn(source).gt(bound) : numberIn(source).gte(bound);
}
