import type { Decimal } from "decimal.js";
import { Exact } from "../../decimal.ts";
import { QuestionProblem } from "../fileProblem.ts";
import type { Item, ResponseDeclaration } from "./item.ts";
import { decimalIn } from "./responseProcessing/mapping.ts";
import { descendants, elementsOf, textOf, type XmlNode } from "./xmlTree.ts";

const COMPARISONS = ["match", "isNull", "stringMatch", "member", "equal", "lt", "lte", "gt", "gte"];

interface Use {
  /** The operator. */
  by: XmlNode;
  /** What it compares with. */
  constants: XmlNode[];
  /** Which of the operator's expressions the response is. */
  at: number;
}

/**
 * How response processing looks at a typed response. Where it only compares it with constants, what the response earns is
 * decided by these constants, and trying them is proof. @throws QuestionProblem for other uses
 */
function usesOf({ rules }: Item, { identifier }: ResponseDeclaration): Use[] {
  return (rules ?? [])
    .flatMap((rule) => [...descendants(rule)])
    .flatMap((by) =>
      elementsOf(by).flatMap((child, at): Use[] => {
        if (child.name !== "variable" || child.attributes.identifier !== identifier) return [];
        const others = elementsOf(by).filter((it) => it !== child);
        const constants = others.flatMap((it) => [...descendants(it)]);
        const isKnown = COMPARISONS.includes(by.name) && by.attributes.substring !== "true";
        const isConstant = ({ name, attributes }: XmlNode) =>
          ["baseValue", "multiple", "ordered", "null"].includes(name) ||
          (name === "correct" && attributes.identifier === identifier);
        if (!isKnown || !constants.every(isConstant))
          throw new QuestionProblem(
            `Its response processing looks at what is typed with <${by.name}>, which cannot be kept here.`,
          );
        return [{ by, constants, at }];
      }),
    );
}

const constantsIn = ({ constants }: Use, { correct }: ResponseDeclaration) =>
  constants.flatMap((node) =>
    node.name === "baseValue" ? [textOf(node)] : node.name === "correct" ? (correct?.items.map(String) ?? []) : [],
  );

export interface TypedText {
  /** All texts that are told apart, and one that is none of them, the last. */
  probes: string[];
  isCaseSensitive: boolean;
}

/** @throws QuestionProblem if case counts for some of the answers only */
export function typedText(item: Item, declaration: ResponseDeclaration): TypedText {
  const { mapping } = declaration;
  const known = usesOf(item, declaration).flatMap((use) =>
    constantsIn(use, declaration).map((text) => ({
      text,
      isCaseSensitive: use.by.attributes.caseSensitive !== "false",
    })),
  );
  known.push(...(mapping?.entries ?? []).map(({ key, isCaseSensitive }) => ({ text: key, isCaseSensitive })));
  const rules = new Set(
    known.filter(({ text }) => text.toUpperCase() !== text.toLowerCase()).map((it) => it.isCaseSensitive),
  );
  if (rules.size > 1)
    throw new QuestionProblem("Upper and lower case count for some of its answers and not for others.");
  const texts = [...new Set(known.map(({ text }) => text))].filter((text) => text.trim() !== "");
  return { probes: [...texts, `none of ${texts.join("")}`], isCaseSensitive: !rules.has(false) };
}

/** The numbers at which what a response earns may change, rising. @throws QuestionProblem for what has no such numbers */
export function numberBounds(item: Item, declaration: ResponseDeclaration): Decimal[] {
  const bounds = usesOf(item, declaration).flatMap((use) =>
    constantsIn(use, declaration).flatMap((text) => boundsOf(use, decimalIn(text))),
  );
  bounds.push(...(declaration.mapping?.entries ?? []).map(({ key }) => decimalIn(key)));
  const rising = bounds.sort((a, b) => a.comparedTo(b));
  return rising.filter((it, at) => at === 0 || !it.eq(rising[at - 1]!));
}

function boundsOf({ by: { name, attributes }, at }: Use, constant: Decimal): Decimal[] {
  const { toleranceMode = "exact", tolerance = "0" } = attributes;
  if (name !== "equal" || toleranceMode === "exact") return [constant];
  const [below, above = below] = tolerance.trim().split(/\s+/).map(decimalIn);
  if (toleranceMode === "absolute") {
    // Of two that are compared, the first is the one with the tolerance.
    const [down, up] = at === 0 ? [above!, below!] : [below!, above!];
    return [constant.minus(down), constant.plus(up)];
  }
  if (at === 0) throw new QuestionProblem("Its tolerance is a share of what is typed, and not of the right number.");
  return [below!.neg(), above!].map((percent) => constant.plus(constant.times(percent).div(100)));
}

export interface NumberProbe {
  at: Decimal;
  /** The number alone, or all numbers between it and its neighbours. */
  isBound: boolean;
}

/** One number for each bound, each space between two, and both ends. */
export const numberProbes = (bounds: readonly Decimal[]): NumberProbe[] => {
  const between = bounds.slice(1).map((it, at) => ({ at: it.plus(bounds[at]!).div(2), isBound: false }));
  const inside = bounds.flatMap((it, at) => [{ at: it, isBound: true }, ...between.slice(at, at + 1)]);
  const ends = bounds.length > 0 ? [bounds[0]!.minus(1), bounds.at(-1)!.plus(1)] : [new Exact(0), new Exact(1)];
  return [{ at: ends[0]!, isBound: false }, ...inside, { at: ends[1]!, isBound: false }];
};
