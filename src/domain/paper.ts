import { unprocessable } from "./errors.ts";
import { reorderUnpinned } from "./pinned.ts";
import type { ShuffleOption, StudentView } from "./questionType.ts";
import { createRandom, type Random, shuffle } from "./random.ts";

export interface QuestionToDraw {
  questionId: string;
  versionId: string;
  /** A decimal. */
  points: string;
  /** What the question's type says may be shuffled; empty where there is nothing. */
  options: readonly ShuffleOption[];
  /** Is on every paper and keeps its place among the others, as a text between questions must: it is neither drawn nor shuffled. */
  pinned?: boolean | undefined;
}

export interface SectionToDraw {
  /** How many of the questions each paper gets, besides the pinned ones; null for all of them. */
  drawCount: number | null;
  questions: readonly QuestionToDraw[];
}

/** A question on a student's paper. Plain JSON, kept with the attempt. */
export interface PaperQuestion {
  questionId: string;
  versionId: string;
  points: string;
  /** The option ids in the order shown; left out where they stand as in the definition. */
  options?: string[];
}

/**
 * Draws one student's paper. Sections stay in their order, questions are shuffled within theirs around the pinned ones;
 * without a shuffle drawn questions stand as in their pool. The same input, seed included, always gives the same paper.
 * @throws UNPROCESSABLE (POOL_TOO_SMALL)
 */
export function drawPaper({
  sections,
  shuffleQuestions,
  shuffleOptions,
  seed,
}: {
  sections: readonly SectionToDraw[];
  shuffleQuestions: boolean;
  shuffleOptions: boolean;
  seed: number;
}): PaperQuestion[] {
  const random = createRandom(seed);
  return sections.flatMap((section) =>
    drawQuestions(section, shuffleQuestions, random).map(({ questionId, versionId, points, options }) => ({
      questionId,
      versionId,
      points,
      ...(shuffleOptions && options.length > 0 && { options: shuffleAroundPinned(options, random) }),
    })),
  );
}

function drawQuestions({ drawCount, questions }: SectionToDraw, shuffled: boolean, random: Random): QuestionToDraw[] {
  const pool = questions.filter(({ pinned }) => !pinned);
  // Exams that were published when texts were drawn too may want as many as questions and texts together; they get all.
  if (drawCount !== null && drawCount > questions.length) {
    throw unprocessable("POOL_TOO_SMALL", `${drawCount} questions are to be drawn from a pool of ${pool.length}.`);
  }
  const count = drawCount ?? pool.length;
  if (count >= pool.length && !shuffled) return [...questions];
  const drawn = shuffle(pool, random).slice(0, count);
  const chosen = new Set(drawn);
  const onPaper = questions.filter((question) => question.pinned || chosen.has(question));
  return shuffled ? reorderUnpinned(onPaper, () => drawn) : onPaper;
}

const shuffleAroundPinned = (options: readonly ShuffleOption[], random: Random): string[] =>
  reorderUnpinned(options, (free) => shuffle(free, random)).map(({ id }) => id);

/** The view with its options in the paper's order; without an order, as it is. The ids must be those of the view. */
export function applyOrder(view: StudentView, optionIds: readonly string[] | undefined): StudentView {
  if (optionIds === undefined) return view;
  const options = optionIds.map((id) => {
    const option = view.options.find((candidate) => candidate.id === id);
    if (!option) throw new Error(`The paper names option ${id}, which the question does not have.`);
    return option;
  });
  return { ...view, options };
}
