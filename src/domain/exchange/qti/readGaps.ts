import type { Decimal } from "decimal.js";
import { Exact } from "../../decimal.ts";
import { QuestionProblem } from "../fileProblem.ts";
import type { BodyText } from "./bodyText.ts";
import { elementOfClass, holdsOnly } from "./bodyText.ts";
import type { ReadContext, ReadDefinition } from "./readContext.ts";
import { readTypedNumber, readTypedText } from "./readTyped.ts";
import type { Responses } from "./responseProcessing/processResponses.ts";
import { fractionOf, isSameScore, pointsOf, pointsText } from "./scorer.ts";
import { isSumOfParts } from "./standardRules.ts";
import { numberBounds, numberProbes, typedText } from "./typedAnswers.ts";
import { childrenNamed, descendants, elementsOf, type XmlNode } from "./xmlTree.ts";

/** What is said in its place: a text with gaps often has no instruction before it. */
const FILL_IN = "Fill in the gaps.";
/** Around the text with the gaps, in the files this server writes. */
export const GAP_TEXT_CLASS = "lectern-gaps";
/** Up to so many ways to fill the gaps, all of them are tried. */
const MAX_TRIED_WAYS = 2_000;

/** A gap, and what there is to try in it. */
export interface Gap {
  interaction: XmlNode;
  response: string;
  probes: string[];
}
/** What each probe earns beside what the others are best filled with. */
export interface GapWorth extends Gap {
  scores: Decimal[];
  best: Decimal;
  feedback: (string | undefined)[];
}

/** Interactions within a text: a text with gaps, or one answer typed below a question. */
export function readGaps(interactions: XmlNode[], context: ReadContext): ReadDefinition {
  const { scorer, body, changed } = context;
  const gaps = interactions.map((interaction) => gapOf(interaction, context));
  if (new Set(gaps.map(({ response }) => response)).size < gaps.length)
    throw new QuestionProblem("Two gaps share one response.");
  context.requireNothingForNothing();
  const { worth, floor } = worthOf(gaps, context);
  const best = worth.reduce((sum, gap) => sum.plus(gap.best), new Exact(0));
  const points = pointsText(pointsOf(scorer.item, best, changed));
  const definitions = worth.map((gap) => definitionOf(gap, context));
  const [only] = definitions;
  if (definitions.length === 1 && only!.kind !== "choice" && standsAlone(scorer.item.body, interactions[0]!)) {
    const { kind, ...definition } = only!;
    const stem = body.text(scorer.item.body.children.filter((it) => it !== elementsOf(scorer.item.body).at(-1)));
    return { type: kind === "text" ? "SHORT_TEXT" : "NUMERIC", points, definition, stem };
  }
  const { stem, text } = textsOf(scorer.item.body, body, interactions);
  if (stem === undefined) changed.push(`A text with gaps has an instruction here: "${FILL_IN}"`);
  const listed = definitions.map((gap, at) => ({
    ...gap,
    id: String(at + 1),
    weight: worth[at]!.best.toDecimalPlaces(18).toFixed(),
  }));
  const definition = { text, gaps: listed, floor: Exact.max(-1, floor.div(best)).toDecimalPlaces(18).toFixed() };
  return { type: "GAP_FILL", points, stem: stem ?? FILL_IN, definition };
}

function gapOf(interaction: XmlNode, { scorer: { item } }: ReadContext): Gap {
  const { responseIdentifier: response = "" } = interaction.attributes;
  const declaration = item.responses.get(response);
  if (!declaration) throw new QuestionProblem(`The response ${response} is not declared.`);
  if (declaration.cardinality !== "single") throw new QuestionProblem("A gap that takes several values.");
  if (interaction.name === "inlineChoiceInteraction")
    return {
      interaction,
      response,
      probes: childrenNamed(interaction, "inlineChoice").map(({ attributes }) => attributes.identifier ?? ""),
    };
  if (isNumber(declaration.baseType))
    return {
      interaction,
      response,
      probes: numberProbes(numberBounds(item, declaration)).map(({ at }) => at.toString()),
    };
  if (declaration.baseType !== "string")
    throw new QuestionProblem(`What is typed is of the type ${declaration.baseType}.`);
  return { interaction, response, probes: typedText(item, declaration).probes };
}

const isNumber = (baseType: string) => baseType === "float" || baseType === "integer";

/** @throws QuestionProblem if the gaps do not add up */
function worthOf(gaps: Gap[], { scorer, feedbackFor }: ReadContext): { worth: GapWorth[]; floor: Decimal } {
  const top = (gap: Gap) => gap.probes.reduce((best, probe) => (alone(gap, probe).gt(alone(gap, best)) ? probe : best));
  const known = new Map<string, Decimal>();
  const alone = ({ response }: Gap, probe: string) => {
    const key = JSON.stringify([response, probe]);
    const score = known.get(key) ?? scorer.score({ [response]: probe });
    known.set(key, score);
    return score;
  };
  const allBest: Responses = Object.fromEntries(gaps.map((gap) => [gap.response, top(gap)]));
  const worth = gaps.map((gap): GapWorth => {
    const { response, probes } = gap;
    const without = scorer.score({ ...allBest, [response]: null });
    const scores = probes.map((probe) => scorer.score({ ...allBest, [response]: probe }).minus(without));
    const feedback = feedbackFor(
      probes.map((probe) => ({ [response]: probe })),
      {},
    );
    return { ...gap, scores, best: Exact.max(0, ...scores), feedback };
  });
  const worst = worth.map(({ scores }) => Exact.min(0, ...scores));
  const allWorst = Object.fromEntries(
    worth.map(({ response, probes, scores }, at) => [
      response,
      worst[at]!.isZero() ? null : probes[scores.findIndex((it) => it.eq(worst[at]!))],
    ]),
  );
  const floor = scorer.score(allWorst as Responses);
  const whole = worth.reduce((sum, gap) => sum.plus(gap.best), new Exact(0));
  if (floor.lt(whole.neg())) throw new QuestionProblem("Wrong answers cost more than the right ones earn.");
  if (!isSumOfParts(scorer.item)) tryAllWays(worth, floor, whole, scorer.score);
  return { worth, floor };
}

function tryAllWays(worth: GapWorth[], floor: Decimal, whole: Decimal, score: (responses: Responses) => Decimal): void {
  const ways = worth.reduce((product, { probes }) => product * (probes.length + 1), 1);
  if (ways > MAX_TRIED_WAYS)
    throw new QuestionProblem(
      "Its scoring does not simply add up what each gap earns, and there are too many ways to fill them to try them all.",
    );
  const all = worth.reduce<{ responses: Responses; sum: Decimal }[]>(
    (before, { response, probes, scores }) =>
      before.flatMap(({ responses, sum }) => [
        { responses, sum },
        ...probes.map((probe, at) => ({ responses: { ...responses, [response]: probe }, sum: sum.plus(scores[at]!) })),
      ]),
    [{ responses: {}, sum: new Exact(0) }],
  );
  if (!all.every(({ responses, sum }) => isSameScore(Exact.max(floor, sum), score(responses), whole)))
    throw new QuestionProblem("What one of its gaps earns depends on the others.");
}

function definitionOf(gap: GapWorth, context: ReadContext) {
  const { interaction, response, scores, best, feedback } = gap;
  if (best.isZero()) throw new QuestionProblem("One of its gaps earns nothing, whatever stands in it.");
  const fractions = scores.map((score) => fractionOf(score, best));
  const declaration = context.scorer.item.responses.get(response)!;
  if (interaction.name === "inlineChoiceInteraction") {
    const options = childrenNamed(interaction, "inlineChoice").map(({ children }, at) => ({
      text: context.body.text(children),
      fraction: fractions[at],
      feedback: feedback[at],
    }));
    return { kind: "choice" as const, options };
  }
  return isNumber(declaration.baseType)
    ? { kind: "number" as const, ...readTypedNumber(gap, fractions, declaration, context) }
    : { kind: "text" as const, ...readTypedText(gap, fractions, declaration, context) };
}

/** Whether an interaction stands in a block of its own, with nothing behind it. */
function standsAlone(body: XmlNode, interaction: XmlNode): boolean {
  if (elementOfClass(body, GAP_TEXT_CLASS)) return false;
  const blocks = elementsOf(body);
  const at = blocks.findIndex((block) => [...descendants(block)].includes(interaction));
  const isOwn = blocks[at] === interaction || holdsOnly(blocks[at]!, interaction);
  return isOwn && at === blocks.length - 1;
}

/** The text from the first block with a gap on; what stands before it is the question. */
function textsOf(body: XmlNode, { text }: BodyText, interactions: XmlNode[]) {
  const placeOf = (node: XmlNode) => (interactions.includes(node) ? `[[${interactions.indexOf(node) + 1}]]` : null);
  const own = elementOfClass(body, GAP_TEXT_CLASS);
  const blocks = body.children;
  const first = own
    ? blocks.indexOf(own)
    : blocks.findIndex(
        (block) => typeof block !== "string" && [...descendants(block)].some((it) => interactions.includes(it)),
      );
  const stem = text(blocks.slice(0, first).filter((it) => typeof it !== "string" || it.trim() !== ""));
  const rest = own ? own.children : blocks.slice(first);
  return {
    stem: stem.trim() === "" ? undefined : stem,
    text: withoutStrayMarks(text(rest, placeOf), interactions.length),
  };
}

/** @throws QuestionProblem for a text that has the marks of gaps where there are none */
function withoutStrayMarks(text: string, gaps: number): string {
  if ((text.match(/\[\[\d+\]\]/g) ?? []).length > gaps)
    throw new QuestionProblem("The text holds [[ and ]], the marks of gaps.");
  return text;
}
