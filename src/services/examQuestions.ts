import { Decimal } from "decimal.js";
import type { Db, Transaction } from "../../prisma/client.ts";
import type { Difficulty } from "../domain/difficulty.ts";
import { unprocessable } from "../domain/errors.ts";
import { isInMaximum, type Treatment } from "../domain/scores.ts";
import { Prisma } from "../generated/prisma/client.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Reads } from "./actor.ts";
import { batched } from "./batched.ts";
import { type DecimalLike, decimalText } from "./decimal.ts";
import { poolOf, UNMARKED } from "./examPools.ts";
import { type Question, type StemFormat, toQuestion } from "./question.service.ts";

/** A question in its place in an exam, with its key: for staff, for drawing papers and for grading. */
export interface ExamQuestion {
  position: number;
  points: string;
  question: Question;
  treatment: Treatment;
  /** The version whose key grades it; null: that of the question. */
  gradingVersion: number | null;
}

export interface ExamSection {
  id: string;
  title: string;
  drawTag: string | null;
  drawFolderId: string | null;
  drawDifficulty: Difficulty | null;
  drawCount: number | null;
  /** What its points are never below; null: there is no floor. */
  floor: string | null;
  questions: ExamQuestion[];
}

/** The sections of an exam with their questions: in the pinned versions of a published exam, in the newest ones of a draft. */
export function createExamQuestions({ db, cache }: { db: Db; cache: Cache }) {
  const load = batched((examIds: readonly string[]) => loadSections(db, examIds));

  return {
    /** Through the cache; empty for an exam that is not there. */
    async sections(examId: string, reads?: Reads): Promise<ExamSection[]> {
      return cache.getOrSetCache(CACHE_KEYS.EXAM_QUESTIONS(examId), () => load(examId), { reads });
    },

    /** For what is decided by the keys and treatments as they are now: from PostgreSQL. */
    async sectionsNow(examId: string): Promise<ExamSection[]> {
      const [sections] = await loadSections(db, [examId]);
      return sections!;
    },

    /** Of a draft, with the pools as they would be if it were published now. */
    async withPools(examId: string): Promise<ExamSection[]> {
      const placesAndPools = Prisma.sql`(
        SELECT exam_id, section_id, question_id, position, points, question_version_id, grading_version_id, treatment FROM exam_questions
        UNION ALL SELECT exam_id, section_id, question_id, position, NULL, NULL, NULL, 'NORMAL' FROM (${poolOf(examId)}) AS pool)`;
      const [sections] = await loadSections(db, [examId], placesAndPools);
      return sections!;
    },
  };
}

export type ExamQuestions = ReturnType<typeof createExamQuestions>;

/** A question in its place, or a section without any. */
interface PlaceRow {
  exam_id: string;
  section_id: string;
  section_title: string;
  draw_tag: string | null;
  draw_folder_id: string | null;
  draw_difficulty: Difficulty | null;
  draw_count: number | null;
  floor: DecimalLike | null;
  position: number;
  own_points: DecimalLike | null;
  treatment: Treatment;
  grading_number: number | null;
  question_id: string | null;
  course_id: string;
  tags: string[];
  folder_id: string | null;
  difficulty: Difficulty | null;
  archived_at: Date | null;
  version_id: string;
  number: number;
  type: string;
  title: string | null;
  stem: string;
  stem_format: StemFormat;
  definition: unknown;
  points: DecimalLike;
  feedback: string | null;
  outcome_feedback: unknown;
}

/** Of many exams in one statement: it stands between a student and the start of an exam. */
async function loadSections(
  db: Db,
  examIds: readonly string[],
  places = Prisma.sql`exam_questions`,
): Promise<ExamSection[][]> {
  const rows = await db.$queryRaw<PlaceRow[]>`
    SELECT section.exam_id, section.id AS section_id, section.title AS section_title, section.draw_tag, section.draw_folder_id,
           section.draw_difficulty::text, section.draw_count, section.floor,
           place.position, place.points AS own_points, place.treatment::text,
           grading.number AS grading_number,
           question.id AS question_id, question.course_id, question.tags, question.folder_id, question.difficulty::text, question.archived_at,
           version.id AS version_id, version.number, version.type, version.title, version.stem, version.stem_format,
           version.definition, version.points, version.feedback, version.outcome_feedback
    FROM exam_sections section
    LEFT JOIN ${places} place ON place.section_id = section.id
    LEFT JOIN questions question ON question.id = place.question_id
    LEFT JOIN question_versions grading ON grading.id = place.grading_version_id
    LEFT JOIN question_versions version ON version.id = coalesce(place.question_version_id,
      (SELECT newest.id FROM question_versions newest
       WHERE newest.question_id = question.id AND newest.number = question.current_version))
    WHERE section.exam_id = ANY (${examIds}::uuid[])
    ORDER BY section.position, place.position`;
  const exams = new Map(examIds.map((id) => [id, new Map<string, ExamSection>()]));
  for (const row of rows) {
    const sections = exams.get(row.exam_id)!;
    let section = sections.get(row.section_id);
    if (!section) {
      section = {
        id: row.section_id,
        title: row.section_title,
        drawTag: row.draw_tag,
        drawFolderId: row.draw_folder_id,
        drawDifficulty: row.draw_difficulty,
        drawCount: row.draw_count,
        floor: row.floor && decimalText(row.floor),
        questions: [],
      };
      sections.set(row.section_id, section);
    }
    if (row.question_id) section.questions.push(toExamQuestion(row, row.question_id));
  }
  return examIds.map((id) => [...exams.get(id)!.values()]);
}

function toExamQuestion(row: PlaceRow, questionId: string): ExamQuestion {
  const question = toQuestion(
    {
      id: questionId,
      courseId: row.course_id,
      tags: row.tags,
      folderId: row.folder_id,
      difficulty: row.difficulty,
      archivedAt: row.archived_at,
    },
    { ...row, id: row.version_id, stemFormat: row.stem_format, outcomeFeedback: row.outcome_feedback },
  );
  return {
    position: row.position,
    points: row.own_points ? decimalText(row.own_points) : question.points,
    question,
    treatment: row.treatment,
    gradingVersion: row.grading_number,
  };
}

/** What 100 % is on a paper with these questions of an exam. */
export function maximumOf(
  items: readonly { questionId: string; points: string }[],
  sections: readonly ExamSection[],
): string {
  const places = sections.flatMap(({ questions }) => questions);
  const outside = new Set(places.flatMap(({ treatment, question }) => (isInMaximum(treatment) ? [] : [question.id])));
  return items
    .filter(({ questionId }) => !outside.has(questionId))
    .reduce((sum, { points }) => sum.plus(points), new Decimal(0))
    .toFixed();
}

/** Pins every question of a draft to its newest version and fills the pools of sections that draw. @throws UNPROCESSABLE (EXAM_EMPTY, POOL_TOO_SMALL) */
export async function pinQuestions(tx: Transaction, examId: string): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO exam_questions (exam_id, section_id, question_id, position)
    SELECT exam_id, section_id, question_id, position FROM (${poolOf(examId)}) AS pool`;
  await tx.$executeRaw`
    UPDATE exam_questions place SET question_version_id = version.id
    FROM questions question JOIN question_versions version
      ON version.question_id = question.id AND version.number = question.current_version
    WHERE place.exam_id = ${examId}::uuid AND question.id = place.question_id`;
  const sections = await tx.$queryRaw<{ title: string; drawCount: number | null; places: number; pool: number }[]>`
    SELECT section.title, section.draw_count AS "drawCount", count(place.question_id)::int AS places,
           (count(place.question_id) FILTER (WHERE version.type <> ALL (${UNMARKED}::text[])))::int AS pool
    FROM exam_sections section
    LEFT JOIN exam_questions place ON place.section_id = section.id
    LEFT JOIN question_versions version ON version.id = place.question_version_id
    WHERE section.exam_id = ${examId}::uuid
    GROUP BY section.id ORDER BY section.position`;
  const short = sections.find(({ drawCount, pool }) => (drawCount ?? 0) > pool);
  if (short)
    throw unprocessable(
      "POOL_TOO_SMALL",
      `Section "${short.title}" draws ${short.drawCount} questions from a pool of ${short.pool}; texts that ask nothing are not drawn.`,
    );
  if (sections.every(({ places }) => places === 0))
    throw unprocessable("EXAM_EMPTY", "An exam without questions cannot be published.");
}

/**
 * How many questions one paper has and what they are worth, for many exams in one statement.
 * Dropped and bonus questions are worth nothing there. A section that draws counts `drawCount` questions at the mean of its pool, and every text that asks nothing: papers may differ there, an attempt has its own sum.
 */
export async function examTotals(
  db: Db,
  examIds: string[],
): Promise<Map<string, { questionCount: number; maxScore: string }>> {
  const rows = await db.$queryRaw<
    { exam_id: string; draw_count: number | null; places: number; pool: number; points: { toString(): string } }[]
  >`
    SELECT place.exam_id, section.draw_count, count(*)::int AS places,
           (count(*) FILTER (WHERE version.type <> ALL (${UNMARKED}::text[])))::int AS pool,
           sum(CASE WHEN place.treatment IN ('DROPPED', 'BONUS') THEN 0 ELSE coalesce(place.points, version.points) END) AS points
    FROM exam_questions place
    JOIN exam_sections section ON section.id = place.section_id
    JOIN questions question ON question.id = place.question_id
    JOIN question_versions version ON version.id = coalesce(place.question_version_id,
      (SELECT newest.id FROM question_versions newest
       WHERE newest.question_id = question.id AND newest.number = question.current_version))
    WHERE place.exam_id = ANY (${examIds}::uuid[])
    GROUP BY place.exam_id, section.id`;
  const totals = new Map(examIds.map((id) => [id, { questionCount: 0, maxScore: new Decimal(0) }]));
  for (const { exam_id, draw_count, places, pool, points } of rows) {
    const drawn = Math.min(draw_count ?? pool, pool);
    const total = totals.get(exam_id)!;
    total.questionCount += drawn + places - pool;
    if (pool > 0) total.maxScore = total.maxScore.plus(new Decimal(points.toString()).times(drawn).div(pool));
  }
  return new Map(
    [...totals].map(([id, { questionCount, maxScore }]) => [
      id,
      { questionCount, maxScore: maxScore.toDecimalPlaces(4).toFixed() },
    ]),
  );
}
