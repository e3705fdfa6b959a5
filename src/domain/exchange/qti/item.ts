import { QuestionProblem } from "../fileProblem.ts";
import { templateRules } from "./responseProcessing/templates.ts";
import { container, type MaybeValue, parseScalar } from "./responseProcessing/values.ts";
import { childNamed, childrenNamed, descendants, elementsOf, textOf, type XmlNode } from "./xmlTree.ts";

export interface Mapping {
  entries: { key: string; value: string; isCaseSensitive: boolean }[];
  defaultValue: string;
  lowerBound: string | undefined;
  upperBound: string | undefined;
}

export interface ResponseDeclaration {
  identifier: string;
  cardinality: string;
  baseType: string;
  correct: MaybeValue;
  defaultValue: MaybeValue;
  mapping: Mapping | null;
  areaMapping: (Omit<Mapping, "entries"> & { areas: { shape: string; coords: string; value: string }[] }) | null;
}

export interface OutcomeDeclaration {
  identifier: string;
  cardinality: string;
  baseType: string;
  defaultValue: MaybeValue;
  /** A `matchTable` or `interpolationTable`. */
  lookupTable: XmlNode | undefined;
  normalMaximum: string | undefined;
}

/** An assessment item of any version. */
export interface Item {
  identifier: string;
  title: string | null;
  responses: ReadonlyMap<string, ResponseDeclaration>;
  outcomes: ReadonlyMap<string, OutcomeDeclaration>;
  body: XmlNode;
  /** Those of a template included; null without response processing. */
  rules: XmlNode[] | null;
  modalFeedback: XmlNode[];
  stylesheets: string[];
  /** How many elements it has. */
  size: number;
}

/** @throws QuestionProblem for what is no item, or one that changes while it is answered */
export function toItem(root: XmlNode): Item {
  if (root.name !== "assessmentItem")
    throw new QuestionProblem(`The file holds <${root.name.slice(0, 50)}> and no assessment item.`);
  const { identifier = "", title = "", adaptive } = root.attributes;
  if (adaptive === "true") throw new QuestionProblem("The item is adaptive: it changes while it is answered.");
  if (childrenNamed(root, "templateDeclaration", "templateProcessing").length > 0)
    throw new QuestionProblem("The item is a template whose variables get other values for each candidate.");
  const body = childNamed(root, "itemBody");
  if (!body) throw new QuestionProblem("The item has no body.");
  return {
    identifier,
    title: title.trim() || null,
    responses: byIdentifier(childrenNamed(root, "responseDeclaration").map(toResponse)),
    outcomes: byIdentifier(childrenNamed(root, "outcomeDeclaration").map(toOutcome)),
    body,
    rules: rulesOf(childNamed(root, "responseProcessing")),
    modalFeedback: childrenNamed(root, "modalFeedback"),
    stylesheets: childrenNamed(root, "stylesheet").flatMap(({ attributes }) => attributes.href ?? []),
    size: [...descendants(root)].length,
  };
}

const byIdentifier = <D extends { identifier: string }>(list: D[]) => new Map(list.map((it) => [it.identifier, it]));

const variableOf = ({ attributes: { identifier = "", cardinality = "single", baseType = "string" } }: XmlNode) => ({
  identifier,
  cardinality,
  baseType,
});

function toResponse(node: XmlNode): ResponseDeclaration {
  const mapping = childNamed(node, "mapping");
  const areaMapping = childNamed(node, "areaMapping");
  return {
    ...variableOf(node),
    correct: valuesIn(node, "correctResponse"),
    defaultValue: valuesIn(node, "defaultValue"),
    mapping: mapping ? toMapping(mapping) : null,
    areaMapping: areaMapping
      ? {
          ...boundsOf(areaMapping),
          areas: childrenNamed(areaMapping, "areaMapEntry").map(({ attributes }) => ({
            shape: attributes.shape ?? "default",
            coords: attributes.coords ?? "",
            value: attributes.mappedValue ?? "0",
          })),
        }
      : null,
  };
}

const boundsOf = ({ attributes: { defaultValue = "0", lowerBound, upperBound } }: XmlNode) => ({
  defaultValue,
  lowerBound,
  upperBound,
});

const toMapping = (node: XmlNode): Mapping => ({
  ...boundsOf(node),
  entries: childrenNamed(node, "mapEntry").map(({ attributes }) => ({
    key: attributes.mapKey ?? "",
    value: attributes.mappedValue ?? "0",
    isCaseSensitive: attributes.caseSensitive !== "false",
  })),
});

/** A number without a default begins at 0. */
function toOutcome(node: XmlNode): OutcomeDeclaration {
  const variable = variableOf(node);
  const { cardinality, baseType } = variable;
  const isNumber = cardinality === "single" && (baseType === "float" || baseType === "integer");
  return {
    ...variable,
    defaultValue:
      valuesIn(node, "defaultValue") ?? (isNumber ? container(baseType, "single", [parseScalar(baseType, "0")]) : null),
    lookupTable: childrenNamed(node, "matchTable", "interpolationTable")[0],
    normalMaximum: node.attributes.normalMaximum,
  };
}

function valuesIn(declaration: XmlNode, name: string): MaybeValue {
  const { baseType, cardinality } = variableOf(declaration);
  const holder = childNamed(declaration, name);
  const items = holder ? childrenNamed(holder, "value").map((value) => parseScalar(baseType, textOf(value))) : [];
  return container(baseType, cardinality, items);
}

function rulesOf(processing: XmlNode | undefined): XmlNode[] | null {
  if (!processing) return null;
  const rules = elementsOf(processing);
  const { template } = processing.attributes;
  return rules.length === 0 && template ? templateRules(template) : rules;
}

/** All interactions of the body, in its order. */
export const interactionsOf = ({ body }: Item): XmlNode[] =>
  [...descendants(body)].filter(({ name }) => name.endsWith("Interaction"));
