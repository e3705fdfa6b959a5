import type { Db, Transaction } from "../../prisma/client.ts";
import { gradePaper, type PaperGrade } from "../domain/grading.ts";
import type { OutcomeFeedback } from "../domain/outcomeFeedback.ts";
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
  status: AttemptFields["status"];
  /** Changes with every write to the attempt: PostgreSQL's id of the transaction that wrote the row. */
  rowVersion: string;
  policy: Policy;
  answers: GivenAnswer[];
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

/** Reads it in one statement; null for an attempt that is not there. */
export async function readToGrade(db: Db | Transaction, attemptId: string): Promise<ToGrade | null> {
  const [row] = await db.$queryRaw<ToGrade[]>`
    SELECT attempt.status::text, attempt.xmin::text AS "rowVersion", ${policyColumn} AS policy, (
      SELECT coalesce(json_agg(json_build_object(
        'versionId', question_version_id, 'response', response, 'isFixed', ${isFixed},
        'points', CASE WHEN ${isFixed} THEN points::text END)), '[]')
      FROM answers WHERE attempt_id = attempt.id) AS answers
    FROM attempts attempt JOIN users student ON student.id = attempt.user_id JOIN exams exam ON exam.id = attempt.exam_id
    WHERE attempt.id = ${attemptId}::uuid`;
  return row ?? null;
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
 * Writes score, state and all points in one statement, if the attempt is still the one that was read and the policy still the exam's;
 * null when not. The lock on the exam is shared by all who grade and excludes who changes the policy, so that no grade is committed
 * after a change that it does not know. Questions without an answer have no row to write to, and fixed points stay.
 */
export async function writeGrade(
  db: Db | Transaction,
  attemptId: string,
  { rowVersion, policy, answers }: ToGrade,
  { questions, needsHuman, score, maxScore }: PaperGrade,
): Promise<AttemptFields | null> {
  const open = new Set(answers.flatMap(({ versionId, isFixed }) => (isFixed ? [] : [versionId])));
  const marks = questions.filter(({ versionId }) => open.has(versionId));
  const [row] = await db.$queryRaw<AttemptFields[]>`
    WITH policy AS MATERIALIZED (
      SELECT exam.id FROM exams exam JOIN attempts attempt ON attempt.exam_id = exam.id
      WHERE attempt.id = ${attemptId}::uuid AND exam.policy_number = ${policy.number} FOR SHARE OF exam
    ), graded AS (
      UPDATE attempts SET
        score = ${score.toFixed()}::numeric,
        max_score = ${maxScore.toFixed()}::numeric,
        policy_number = ${policy.number},
        status = ${needsHuman ? "SUBMITTED" : "GRADED"}::"AttemptStatus",
        graded_at = CASE WHEN ${needsHuman} THEN NULL ELSE clock_timestamp() END
      FROM policy WHERE attempts.id = ${attemptId}::uuid AND attempts.exam_id = policy.id AND attempts.xmin::text = ${rowVersion}
      RETURNING attempts.*
    ), marked AS (
      UPDATE answers SET points = mark.points, feedback = mark.feedback, graded_at = clock_timestamp()
      FROM graded, unnest(
        ${marks.map(({ versionId }) => versionId)}::uuid[],
        ${marks.map(({ earned }) => earned?.toFixed() ?? null)}::numeric[],
        ${marks.map(({ feedback }) => feedback)}::text[]) AS mark(version_id, points, feedback)
      WHERE answers.attempt_id = graded.id AND answers.question_version_id = mark.version_id AND answers.graded_by_id IS NULL
    )
    SELECT ${attemptColumns} FROM graded`;
  return row ?? null;
}
