import { acceptedKind } from "../../fileKinds.ts";
import { QuestionProblem } from "../fileProblem.ts";
import type { QuestionDraft } from "../takeQuestion.ts";
import { type BodyText, bodyTextOf, scorerRubrics } from "./bodyText.ts";
import { type Item, interactionsOf } from "./item.ts";
import { feedbackByScore, readOutcomeFeedback } from "./outcomeFeedback.ts";
import { readChoice } from "./readChoice.ts";
import { type ReadContext, type ReadDefinition, readContext } from "./readContext.ts";
import { readGaps } from "./readGaps.ts";
import { readMatch } from "./readMatch.ts";
import { readOrder } from "./readOrder.ts";
import { decimalIn } from "./responseProcessing/mapping.ts";
import { processResponses } from "./responseProcessing/processResponses.ts";
import { pointsOf, pointsText, type Scorer, scorerOf, scoringRules } from "./scorer.ts";
import { childNamed, type XmlNode } from "./xmlTree.ts";

const WITHIN_A_TEXT = new Set(["inlineChoiceInteraction", "textEntryInteraction"]);

const readers: Record<string, (interaction: XmlNode, context: ReadContext) => ReadDefinition> = {
  choiceInteraction: readChoice,
  orderInteraction: readOrder,
  matchInteraction: readMatch,
  extendedTextInteraction: (interaction, context) => readGaps([interaction], context),
};

/**
 * A question that grades every response as the item's response processing does.
 * @throws QuestionProblem for what has no such question here
 */
export function toQuestion(item: Item): QuestionDraft {
  const body = bodyTextOf(item);
  const interactions = interactionsOf(item);
  const [first] = interactions;
  if (!first) return information(item, body);
  const changed: string[] = [];
  if (interactions.every(({ name }) => WITHIN_A_TEXT.has(name)))
    return answered(item, body, changed, null, (context) => readGaps(interactions, context));
  const unknown = interactions.find(
    ({ name }) => !WITHIN_A_TEXT.has(name) && name !== "uploadInteraction" && !Object.hasOwn(readers, name),
  );
  if (unknown) throw new QuestionProblem(`There are no questions like ${unknown.name} here.`);
  if (interactions.length > 1)
    throw new QuestionProblem(
      `It asks several things at once: ${interactions.map(({ name }) => name).join(", ")}. Make an item of each.`,
    );
  if (first.name === "extendedTextInteraction" && scoringRules(item).length === 0)
    return gradedByHand(item, first, body, { type: "ESSAY", ...essayLimit(first) });
  if (first.name === "uploadInteraction") {
    if (scoringRules(item).length > 0) throw new QuestionProblem("Files are graded by people, and it has a scoring.");
    return gradedByHand(item, first, body, { type: "FILE_UPLOAD", ...acceptedFiles(first) });
  }
  return answered(item, body, changed, first, (context) => readers[first.name]!(first, context));
}

function information(item: Item, body: BodyText): QuestionDraft {
  if (item.responses.size > 0) throw new QuestionProblem("It has responses, but no interaction that asks for them.");
  return draft(
    item,
    body,
    null,
    [],
    { type: "INFORMATION", points: "0", definition: {} },
    feedbackOf(processedFeedback(item), body),
  );
}

/** What is said of the answer to a question that people grade, and what was lost on the way. */
interface Limits {
  limits: object;
  changed: string[];
}

function essayLimit({ attributes: { patternMask } }: XmlNode): Limits {
  const limit = /^\^?\[\\s\\S\]\{0,(\d+)\}\$?$/.exec(patternMask ?? "")?.[1];
  const isLost = patternMask && !limit;
  return {
    limits: limit ? { maxLength: Number(limit) } : {},
    changed: isLost ? ["The pattern that the text had to fit is left out."] : [],
  };
}

function acceptedFiles({ attributes: { type } }: XmlNode): Limits {
  const named = type?.split(/[\s,]+/).filter((word) => word !== "") ?? [];
  const accept = named.filter((word) => acceptedKind(word) !== null);
  const unknown = named.filter((word) => acceptedKind(word) === null);
  const changed = unknown.map((word) => `Files of the type ${word} are not known here.`);
  if (accept.length > 0) return { limits: { accept }, changed };
  return { limits: {}, changed: [...changed, "Which files are accepted is not said; the usual ones are."] };
}

function gradedByHand(
  item: Item,
  interaction: XmlNode,
  body: BodyText,
  { type, limits, changed }: Limits & { type: "ESSAY" | "FILE_UPLOAD" },
): QuestionDraft {
  const guidance = scorerRubrics(item)
    .map(({ children }) => body.text(children).trim())
    .join("\n");
  const definition = { ...(guidance && { guidance }), ...limits };
  const general = feedbackOf(processedFeedback(item), body);
  const { normalMaximum } = item.outcomes.get("SCORE") ?? {};
  const [maximum] = item.outcomes.get("MAXSCORE")?.defaultValue?.items ?? [];
  const declared = typeof maximum === "object" ? maximum : decimalIn(normalMaximum ?? "1");
  const points = pointsText(pointsOf(item, declared, changed));
  return draft(item, body, interaction, changed, { type, points, definition }, general, scorerRubrics(item).length > 0);
}

function answered(
  item: Item,
  body: BodyText,
  changed: string[],
  interaction: XmlNode | null,
  read: (context: ReadContext) => ReadDefinition,
): QuestionDraft {
  const scorer = scorerOf(item, changed);
  const general = generalFeedback(scorer);
  const byScore = feedbackByScore(item).filter((node) => !general.includes(node));
  const context = readContext(scorer, body, general, changed, byScore);
  const made = read(context);
  const textOf = ({ children }: XmlNode) => body.text(children);
  const outcomeFeedback = readOutcomeFeedback(scorer, byScore, textOf, context.used);
  const lost = item.modalFeedback.filter((node) => !context.used.has(node));
  for (const node of lost)
    changed.push(
      `Feedback is left out, because it is not about one answer: "${body.text(node.children).trim().slice(0, 80)}"`,
    );
  return { ...draft(item, body, interaction, changed, made, feedbackOf(general, body)), outcomeFeedback };
}

/** Shown both for nothing and for what is right; where that is not declared, what no condition decides. */
function generalFeedback({ item, feedback }: Scorer): XmlNode[] {
  const declarations = [...item.responses.values()];
  if (!declarations.every(({ correct }) => correct !== null)) {
    const rules = (item.rules ?? []).filter(({ name }) => name === "setOutcomeValue");
    return processedFeedback({ ...item, rules });
  }
  const right = declarations.map(({ identifier, correct, cardinality }) => {
    const items = (correct?.items ?? []).map(String);
    return [identifier, cardinality === "single" ? (items[0] ?? null) : items] as const;
  });
  const forRight = feedback(Object.fromEntries(right));
  return feedback({}).filter((node) => forRight.includes(node));
}

/** What is shown where nothing is answered. */
function processedFeedback(item: Item): XmlNode[] {
  const outcomes = processResponses(item, {});
  return item.modalFeedback.filter(({ attributes: { outcomeIdentifier = "", identifier = "" } }) =>
    outcomes.get(outcomeIdentifier)?.items.some((it) => String(it) === identifier),
  );
}

const feedbackOf = (nodes: XmlNode[], body: BodyText) =>
  nodes.map(({ children }) => body.text(children)).join("\n") || null;

function draft(
  item: Item,
  body: BodyText,
  interaction: XmlNode | null,
  changed: string[],
  { type, points, definition, stem: given }: ReadDefinition,
  feedback: string | null,
  hasGuidance = false,
): QuestionDraft {
  const prompt = interaction && childNamed(interaction, "prompt");
  const place = prompt ? body.text([prompt]) : "";
  const shown = place && body.format !== "HTML" ? `\n${place}\n` : place;
  const text = given ?? body.text(item.body.children, (node) => (node === interaction ? shown : null));
  const stem = text.trim() === "" && item.title ? item.title : place ? text.trim() : text;
  if (stem !== text && stem === item.title)
    changed.push("The item has no text of its own; its title stands in its place.");
  const lost = [...body.lost].filter((it) => !(hasGuidance && it === "A rubric block is left out."));
  return {
    type,
    points,
    definition,
    title: item.title,
    stem,
    stemFormat: body.format,
    feedback,
    tags: [],
    changed: [...changed, ...lost],
  };
}
