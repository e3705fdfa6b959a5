import type { Db, Transaction } from "../../prisma/client.ts";
import { gradePaper, type PaperGrade } from "../domain/grading.ts";
import type { OutcomeFeedback } from "../domain/outcomeFeedback.ts";
import type { PaperQuestion as PaperItem } from "../domain/paper.ts";
import type { QuestionResponse } from "../domain/questionType.ts";
import type { Treatment } from "../domain/scores.ts";
import { Prisma } from "../generated/prisma/client.ts";
import { type AttemptFields, attemptColumns } from "./attemptFields.ts";
import type { PaperEntry } from "./papers.ts";

/** What of an exam's rules decides about points, beside the pinned versions and the floors of sections, which never change. */
export interface Policy {
  /** Counts its changes. */
  number: number;
  /** What the score is never below; null: there is no floor. */
  floor: string | null;
  corrections: readonly Correction[];
}

/** A question that is not graded as it was published. */
export interface Correction {
  /** The pinned one, which papers and answers have. */
  versionId: string;
  treatment: Treatment;
  /** With another key; null where the pinned version's holds. */
  definition: unknown;
  /** Of the same version as the key, as is `feedback`, which is on the question whatever was answered. */
  outcomeFeedback: OutcomeFeedback | null;
  feedback: string | null;
}

export interface GivenAnswer {
  versionId: string;
  response: QuestionResponse | null;
  /** Whether its points stand whatever the key says: a person gave them, or they are of somebody erased, whose own words are gone. */
  isFixed: boolean;
  /** Of a fixed one: what was given; null where nothing was. */
  points: string | null;
}

/** What an attempt's grade is made of, as of one moment. */
export interface ToGrade {
  attemptId: string;
  examId: string;
  /** The paper. */
  items: PaperItem[];
  status: AttemptFields["status"];
  /** Changes with every write to the attempt: PostgreSQL's id of the transaction that wrote the row. */
  rowVersion: string;
  policy: Policy;
  answers: GivenAnswer[];
}

interface ToGradeRow extends Omit<ToGrade, "answers"> {
  /** By version id, as two objects instead of an object for each answer: building those takes PostgreSQL twice as long. */
  responses: Record<string, QuestionResponse | null> | null;
  /** The points of those that are fixed. */
  fixed: Record<string, string | null> | null;
}

/** Of a `place` in an exam and the version `grading` whose key holds. */
export const correctionColumn = (treatment: Prisma.Sql) => Prisma.sql`
  json_build_object('versionId', place.question_version_id, 'treatment', ${treatment},
    'definition', grading.definition, 'outcomeFeedback', grading.outcome_feedback, 'feedback', grading.feedback)`;

/** Of an `exam` in a statement: what its attempts are graded by. */
export const policyColumn = Prisma.sql`
  json_build_object('number', exam.policy_number, 'floor', exam.floor::text, 'corrections', CASE WHEN exam.policy_number = 0 THEN '[]' ELSE (
    SELECT coalesce(json_agg(${correctionColumn(Prisma.sql`place.treatment`)}), '[]')
    FROM exam_questions place LEFT JOIN question_versions grading ON grading.id = place.grading_version_id
    WHERE place.exam_id = exam.id AND (place.treatment <> 'NORMAL' OR place.grading_version_id IS NOT NULL)) END)`;

/** Whether the points of an answer of a `student` stand whatever the key says. */
export const isFixed = Prisma.sql`(graded_by_id IS NOT NULL OR student.erased_at IS NOT NULL)`;

/** Reads what grades attempts in one statement, in the order of their ids; null for an attempt that is not there. */
export async function readToGrade(db: Db | Transaction, attemptIds: readonly string[]): Promise<(ToGrade | null)[]> {
  const rows = await db.$queryRaw<ToGradeRow[]>`
    SELECT attempt.id AS "attemptId", attempt.exam_id AS "examId", attempt.paper AS items,
      attempt.status::text, attempt.xmin::text AS "rowVersion", ${policyColumn} AS policy, given.responses, given.fixed
    FROM attempts attempt JOIN users student ON student.id = attempt.user_id JOIN exams exam ON exam.id = attempt.exam_id
    CROSS JOIN LATERAL (
      SELECT json_object_agg(question_version_id, response) AS responses,
             json_object_agg(question_version_id, points::text) FILTER (WHERE ${isFixed}) AS fixed
      FROM answers WHERE attempt_id = attempt.id
    ) given
    WHERE attempt.id = ANY (${attemptIds}::uuid[])`;
  const byId = new Map(rows.map((row) => [row.attemptId, row]));
  return attemptIds.map((id) => {
    const row = byId.get(id);
    if (!row) return null;
    const { responses, fixed, ...read } = row;
    const answers = Object.entries(responses ?? {}).map(([versionId, response]) => ({
      versionId,
      response,
      isFixed: fixed !== null && Object.hasOwn(fixed, versionId),
      points: fixed?.[versionId] ?? null,
    }));
    return { ...read, answers };
  });
}

/** The grade by the exam's policy, with the points that are fixed standing in place of the key's. */
export function gradeOf(
  entries: readonly PaperEntry[],
  { policy, answers }: Pick<ToGrade, "policy" | "answers">,
): PaperGrade {
  const corrections = new Map(policy.corrections.map((correction) => [correction.versionId, correction]));
  return gradePaper(
    {
      floor: policy.floor,
      sections: inSections(entries).map(({ floor, entries }) => ({
        floor,
        questions: entries.map(({ item, question }) => {
          const correction = corrections.get(item.versionId);
          const key = correction?.definition ? correction : question;
          return {
            definition: key.definition,
            outcomeFeedback: key.outcomeFeedback,
            versionId: item.versionId,
            type: question.type,
            points: item.points,
            treatment: correction?.treatment ?? "NORMAL",
          };
        }),
      })),
    },
    new Map(answers.map(({ versionId, response }) => [versionId, response])),
    new Map(answers.flatMap(({ versionId, isFixed, points }) => (isFixed ? [[versionId, points]] : []))),
  );
}

/** A paper by its sections, which follow one another. */
export function inSections<Entry extends Pick<PaperEntry, "section">>(
  entries: readonly Entry[],
): (PaperEntry["section"] & { entries: Entry[] })[] {
  const sections: (PaperEntry["section"] & { entries: Entry[] })[] = [];
  for (const entry of entries) {
    const last = sections.at(-1);
    if (last?.id === entry.section.id) last.entries.push(entry);
    else sections.push({ ...entry.section, entries: [entry] });
  }
  return sections;
}

/**
 * Writes scores, states and all points in one statement, each if the attempt is still the one that was read and the policy still the
 * exam's; null when not. The lock on an exam is shared by all who grade and excludes who changes the policy, so that no grade is
 * committed after a change that it does not know. Attempts are locked in a fixed order, so that statements of several workers cannot
 * wait for each other in a circle. Questions without an answer have no row to write to, and fixed points stay.
 */
export async function writeGrades(
  db: Db | Transaction,
  given: readonly { toGrade: ToGrade; grade: PaperGrade }[],
): Promise<(AttemptFields | null)[]> {
  const grades = given.map(({ toGrade: { attemptId, examId, rowVersion, policy, answers }, grade }) => {
    const open = new Set(answers.flatMap(({ versionId, isFixed }) => (isFixed ? [] : [versionId])));
    return {
      attempt_id: attemptId,
      exam_id: examId,
      policy_number: policy.number,
      row_version: rowVersion,
      score: grade.score.toFixed(),
      max_score: grade.maxScore.toFixed(),
      needs_human: grade.needsHuman,
      marks: grade.questions
        .filter(({ versionId }) => open.has(versionId))
        .map(({ versionId, earned, feedback }) => ({ v: versionId, p: earned?.toFixed() ?? null, f: feedback })),
    };
  });
  // One JSON text, because arrays are taken apart value by value on their way through Prisma and the driver.
  const rows = await db.$queryRaw<AttemptFields[]>`
    WITH grade AS MATERIALIZED (
      SELECT * FROM json_to_recordset(${JSON.stringify(grades)}::json) AS grade (
        attempt_id uuid, exam_id uuid, policy_number int, row_version text, score numeric, max_score numeric, needs_human boolean, marks json)
    ), policy AS MATERIALIZED (
      SELECT id, policy_number FROM exams WHERE id IN (SELECT exam_id FROM grade) ORDER BY id FOR SHARE
    ), unchanged AS MATERIALIZED (
      SELECT attempts.id, grade.score, grade.max_score, grade.needs_human, grade.policy_number, grade.marks
      FROM attempts JOIN grade ON grade.attempt_id = attempts.id
      JOIN policy ON policy.id = attempts.exam_id AND policy.policy_number = grade.policy_number
      WHERE attempts.xmin::text = grade.row_version
      ORDER BY attempts.id FOR NO KEY UPDATE OF attempts
    ), graded AS (
      UPDATE attempts SET
        score = unchanged.score,
        max_score = unchanged.max_score,
        policy_number = unchanged.policy_number,
        status = (CASE WHEN unchanged.needs_human THEN 'SUBMITTED' ELSE 'GRADED' END)::"AttemptStatus",
        graded_at = CASE WHEN unchanged.needs_human THEN NULL ELSE clock_timestamp() END
      FROM unchanged WHERE attempts.id = unchanged.id
      RETURNING attempts.*
    ), mark AS MATERIALIZED (
      SELECT unchanged.id, mark.* FROM unchanged, json_to_recordset(unchanged.marks) AS mark(v uuid, p numeric, f text)
    ), marked AS (
      UPDATE answers SET points = mark.p, feedback = mark.f, graded_at = clock_timestamp()
      FROM mark WHERE answers.attempt_id = mark.id AND answers.question_version_id = mark.v AND answers.graded_by_id IS NULL
    )
    SELECT ${attemptColumns} FROM graded`;
  const byId = new Map(rows.map((row) => [row.id, row]));
  return given.map(({ toGrade }) => byId.get(toGrade.attemptId) ?? null);
}
