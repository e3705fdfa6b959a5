import { OUTCOMES, type OutcomeFeedback } from "../outcomeFeedback.ts";
import { parseDefinition, questionType } from "../questionTypes.ts";
import { Removals } from "./removals.ts";
import { sanitised, type TextFormat } from "./sanitise.ts";

/** The texts of a question that people are shown; all of them are written in the format of the stem. */
export interface QuestionTexts {
  type: string;
  stem: string;
  stemFormat: TextFormat;
  /** As `parseDefinition` returned it. */
  definition: unknown;
  feedback?: string | null | undefined;
  outcomeFeedback?: OutcomeFeedback | null | undefined;
}

/**
 * A question as it may be stored: what every way of writing one goes through. Ids of options stay what they were made from.
 * @returns with `removed`: what was taken out, a phrase each
 * @throws BAD_USER_INPUT where nothing is left of a text that has to be there, e.g. that of an option
 */
export function sanitiseQuestion<Question extends QuestionTexts>(
  given: Question,
): { question: Question; removed: string[] } {
  if (given.stemFormat === "PLAIN") return { question: given, removed: [] };
  const removed = new Removals();
  const change = (text: string) => sanitised(text, given.stemFormat, removed);
  const question = {
    ...given,
    stem: change(given.stem),
    ...(given.feedback && { feedback: change(given.feedback) }),
    ...(given.outcomeFeedback && { outcomeFeedback: mapOutcomes(given.outcomeFeedback, change) }),
    definition: parseDefinition(given.type, questionType(given.type).mapTexts(given.definition, change)),
  };
  return { question, removed: removed.list() };
}

const mapOutcomes = (given: OutcomeFeedback, change: (text: string) => string): OutcomeFeedback =>
  Object.fromEntries(
    OUTCOMES.flatMap((outcome) => {
      const text = given[outcome];
      return text === undefined ? [] : [[outcome, change(text)]];
    }),
  );

/** For a report; null if nothing was taken out. */
export const removalNote = (removed: readonly string[]): string | null =>
  removed.length === 0
    ? null
    : `Taken out of its texts, because a page that shows them could be harmed: ${removed.join(", ")}.`;
