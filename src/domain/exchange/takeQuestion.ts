import { z } from "zod";
import { DomainError } from "../errors.ts";
import { toOutcomeFeedback } from "../outcomeFeedback.ts";
import { parseDefinition, questionTypes } from "../questionTypes.ts";
import { removalNote, sanitiseQuestion } from "../richText/sanitiseQuestion.ts";
import { storedText } from "../storedText.ts";
import { QuestionProblem } from "./fileProblem.ts";
import type { ImportedQuestion, ReadEntry } from "./questionFormat.ts";

/** What a reader makes of a question before anything of it is checked. */
export interface QuestionDraft extends Omit<ImportedQuestion, "points"> {
  /** "1" if left out. */
  points?: string;
  changed: string[];
}

const said = storedText(20_000).optional();
const content = z.object({
  title: storedText(300).nullable(),
  stem: storedText(20_000).refine((text) => text.trim() !== "", "The question has no text."),
  feedback: storedText(20_000).nullable(),
  outcomeFeedback: z
    .object({ correct: said, partlyCorrect: said, incorrect: said })
    .nullish()
    .transform((given) => toOutcomeFeedback(given) ?? undefined),
  tags: z.array(storedText(100)).max(50, "A question has at most 50 tags."),
});

/** @throws QuestionProblem */
function contentOf(
  question: Pick<QuestionDraft, "title" | "stem" | "feedback" | "outcomeFeedback" | "tags">,
): z.output<typeof content> {
  const given = content.safeParse(question);
  if (given.success) return given.data;
  throw new QuestionProblem(given.error.issues.map((it) => `${String(it.path[0])}: ${it.message}`).join(" "));
}

/**
 * Checks what a reader makes of a question: it is taken, or refused with the reason. `make` throws QuestionProblem for
 * what it cannot read.
 */
export function takeQuestion(
  { line, title, text }: { line: number; title: string | null; text: string },
  make: () => QuestionDraft,
): ReadEntry {
  try {
    const { changed, points = "1", ...draft } = make();
    const given = { ...draft, ...contentOf({ ...draft, tags: [...new Set(draft.tags)] }) };
    const definition = parseDefinition(draft.type, draft.definition);
    const { question, removed } = sanitiseQuestion({ ...given, definition });
    const note = removalNote(removed);
    return {
      kind: "taken",
      line,
      title,
      // Once more, since what is left of a text may be too little, or longer than it was.
      question: { ...question, ...contentOf(question), points: questionTypes[draft.type].isUnmarked ? "0" : points },
      changed: note === null ? changed : [...changed, note],
    };
  } catch (error) {
    return { kind: "refused", line, title, excerpt: excerptOf(text), reason: reasonOf(error) };
  }
}

/** Enough of a question to recognise it by. */
export const excerptOf = (text: string) => text.slice(0, 1_000).replace(/\s+/g, " ").trim().slice(0, 120);

function reasonOf(error: unknown): string {
  if (error instanceof QuestionProblem) return error.message;
  if (error instanceof DomainError && error.fields) {
    return [...new Set(error.fields.map(({ message }) => message))].join(" ");
  }
  throw error;
}
