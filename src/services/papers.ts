import type { Db } from "../../prisma/client.ts";
import { notFound } from "../domain/errors.ts";
import { applyOrder, drawPaper, type PaperQuestion as PaperItem, type SectionToDraw } from "../domain/paper.ts";
import type { FileLimits, ShownGap, ShownOption, StudentView } from "../domain/questionType.ts";
import { questionType } from "../domain/questionTypes.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Reads } from "./actor.ts";
import type { ExamQuestions, ExamSection } from "./examQuestions.ts";
import type { Question, StemFormat } from "./question.service.ts";

/** What was drawn for an attempt; never changes after the start. */
export interface StoredPaper {
  attemptId: string;
  examId: string;
  userId: string;
  items: readonly PaperItem[];
}

type DrawnPaper = Pick<StoredPaper, "examId" | "items">;

/** A question as the student sees it: made from the type's student view, which cannot hold the key. */
export interface PaperQuestion {
  id: string;
  position: number;
  section: string;
  type: string;
  responseKind: string;
  title: string | null;
  stem: string;
  stemFormat: StemFormat;
  points: string;
  options: readonly ShownOption[];
  prompts: readonly ShownOption[];
  gapText: string | null;
  gaps: readonly (Omit<ShownGap, "kind"> & { kind: string })[];
  files: FileLimits | null;
  maxLength: number | null;
}

export interface Paper {
  questions: readonly PaperQuestion[];
}

/** A paper's item together with its question and key: for checking responses and for grading, never for a client. */
export interface PaperEntry {
  item: PaperItem;
  section: Pick<ExamSection, "id" | "title" | "floor">;
  question: Question;
}

export type Papers = ReturnType<typeof createPapers>;

/** The papers of attempts: what was stored at the start, joined with the exam's pinned questions. Both come from the cache. */
export function createPapers({ db, cache, examQuestions }: { db: Db; cache: Cache; examQuestions: ExamQuestions }) {
  // Cached values are frozen and shared, so what is made of them can be kept for as long as they are.
  const entriesOf = new WeakMap<DrawnPaper, ReadonlyMap<string, PaperEntry>>();
  const paperOf = new WeakMap<StoredPaper, Paper>();

  async function stored(attemptId: string, reads?: Reads): Promise<StoredPaper | null> {
    return cache.getOrSetCache(
      CACHE_KEYS.ATTEMPT_PAPER(attemptId),
      async () => {
        const row = await db.attempt.findUnique({
          where: { id: attemptId },
          select: { examId: true, userId: true, paper: true },
        });
        return row && { attemptId, examId: row.examId, userId: row.userId, items: row.paper as unknown as PaperItem[] };
      },
      { reads },
    );
  }

  /** The entries of a paper by question id, in the student's order. */
  async function entries(paper: DrawnPaper, reads?: Reads): Promise<ReadonlyMap<string, PaperEntry>> {
    const known = entriesOf.get(paper);
    if (known) return known;
    const made = placed(paper.items, await examQuestions.sections(paper.examId, reads));
    entriesOf.set(paper, made);
    return made;
  }

  return {
    stored,
    entries,

    /** The entries of an attempt's paper, in the student's order. @throws NOT_FOUND */
    async entriesOfAttempt(attemptId: string): Promise<readonly PaperEntry[]> {
      const paper = await stored(attemptId);
      if (!paper) throw notFound("attempt");
      return [...(await entries(paper)).values()];
    },

    /** Keeps a paper that was just drawn in this process, so that its first reader here need not ask the database. */
    hold(paper: StoredPaper): void {
      cache.hold(CACHE_KEYS.ATTEMPT_PAPER(paper.attemptId), paper);
    },

    /** Which question each version on an attempt's paper is of. */
    async questionIds(attemptId: string): Promise<ReadonlyMap<string, string>> {
      const paper = await stored(attemptId);
      if (!paper) throw new Error(`attempt ${attemptId} has no paper`);
      return new Map(paper.items.map(({ versionId, questionId }) => [versionId, questionId]));
    },

    /** The paper as the student sees it. */
    async paper(attemptId: string, reads?: Reads): Promise<Paper> {
      const paper = await stored(attemptId, reads);
      if (!paper) throw new Error(`attempt ${attemptId} has no paper`);
      const known = paperOf.get(paper);
      if (known) return known;
      const made = shownPaper(await entries(paper, reads));
      paperOf.set(paper, made);
      return made;
    },
  };
}

const knownPools = new WeakMap<readonly ExamSection[], SectionToDraw[]>();

/** What papers are drawn from. Made once for sections from the cache. */
function poolsOf(sections: readonly ExamSection[]): SectionToDraw[] {
  const pools =
    knownPools.get(sections) ??
    sections.map(({ drawCount, questions }) => ({
      drawCount,
      questions: questions.map(({ points, question }) => ({
        questionId: question.id,
        versionId: question.versionId,
        points,
        options: questionType(question.type).shuffleOptions(question.definition),
        pinned: questionType(question.type).isUnmarked,
      })),
    }));
  knownPools.set(sections, pools);
  return pools;
}

/** Draws a paper of an exam; see `drawPaper`. @throws UNPROCESSABLE (POOL_TOO_SMALL) */
export const drawItems = (
  sections: readonly ExamSection[],
  rules: { shuffleQuestions: boolean; shuffleOptions: boolean; seed: number },
): PaperItem[] => drawPaper({ ...rules, sections: poolsOf(sections) });

/** The entries of a paper that was drawn from these sections, by question id, in the order of the paper. */
export function placed(items: readonly PaperItem[], sections: readonly ExamSection[]): Map<string, PaperEntry> {
  const places = placesOf(sections);
  return new Map(
    items.map((item) => {
      const place = places.get(item.versionId);
      if (!place) throw new Error(`a paper has question version ${item.versionId}, its exam has not`);
      return [item.questionId, { item, ...place }];
    }),
  );
}

/** The paper as the student sees it. */
export const shownPaper = (entries: ReadonlyMap<string, PaperEntry>): Paper => ({
  questions: [...entries.values()].map(toPaperQuestion),
});

type Places = ReadonlyMap<string, Omit<PaperEntry, "item">>;

const knownPlaces = new WeakMap<readonly ExamSection[], Places>();

/** The questions of an exam with their sections, by the versions that are pinned. Made once for sections from the cache. */
export function placesOf(sections: readonly ExamSection[]): Places {
  const places =
    knownPlaces.get(sections) ??
    new Map(
      sections.flatMap(({ questions, ...section }) =>
        questions.map(({ question }) => [question.versionId, { section, question }] as const),
      ),
    );
  knownPlaces.set(sections, places);
  return places;
}

const knownViews = new WeakMap<Question, StudentView>();

/** Made once for a question from the cache: every paper shows it, in an order of its own. */
function studentViewOf(question: Question): StudentView {
  const view = knownViews.get(question) ?? questionType(question.type).studentView(question.definition);
  knownViews.set(question, view);
  return view;
}

function toPaperQuestion({ item, section, question }: PaperEntry, index: number): PaperQuestion {
  const view = applyOrder(studentViewOf(question), item.options);
  return {
    id: question.id,
    position: index + 1,
    section: section.title,
    type: question.type,
    responseKind: view.responseKind.toUpperCase(),
    title: question.title,
    stem: question.stem,
    stemFormat: question.stemFormat,
    points: item.points,
    options: view.options,
    prompts: view.prompts ?? [],
    gapText: view.gapText ?? null,
    gaps: (view.gaps ?? []).map(({ kind, ...gap }) => ({ ...gap, kind: kind.toUpperCase() })),
    files: view.files ?? null,
    maxLength: view.maxLength,
  };
}
