import { questionTypes } from "../domain/questionTypes.ts";
import { Prisma } from "../generated/prisma/client.ts";

/** The types that ask nothing. */
export const UNMARKED = Object.values(questionTypes).flatMap(({ name, isUnmarked }) => (isUnmarked ? name : []));
/** Behind the questions that were put into a section by hand. */
const BEHIND = 100_000;

/**
 * The questions that join the pools of a draft's sections: those that have the section's tag, lie in its folder or one within, and are
 * of its difficulty, as far as these are set. Not those that have a place in the exam already, nor archived ones, nor what asks
 * nothing: it would take the place of a question, and leave its paper with fewer points. What fits several
 * sections joins the first. A statement that gives exam_id, section_id, question_id and position.
 */
export const poolOf = (examId: string): Prisma.Sql => Prisma.sql`
  WITH RECURSIVE within AS (
    SELECT section.id AS section_id, section.draw_folder_id AS folder_id
    FROM exam_sections section WHERE section.exam_id = ${examId}::uuid AND section.draw_folder_id IS NOT NULL
    UNION ALL
    SELECT within.section_id, folder.id FROM within JOIN question_folders folder ON folder.parent_id = within.folder_id
  ), pool AS (
    SELECT DISTINCT ON (question.id) section.exam_id, section.id AS section_id, section.position AS section_position, question.id AS question_id
    FROM exam_sections section
    JOIN exams exam ON exam.id = section.exam_id
    JOIN questions question ON question.course_id = exam.course_id AND question.archived_at IS NULL
      AND (section.draw_tag IS NULL OR section.draw_tag = ANY (question.tags))
      AND (section.draw_difficulty IS NULL OR section.draw_difficulty = question.difficulty)
      AND (section.draw_folder_id IS NULL OR EXISTS (
        SELECT FROM within WHERE within.section_id = section.id AND within.folder_id = question.folder_id))
    JOIN question_versions version ON version.question_id = question.id AND version.number = question.current_version
      AND version.type <> ALL (${UNMARKED}::text[])
    WHERE section.exam_id = ${examId}::uuid
      AND (section.draw_tag IS NOT NULL OR section.draw_folder_id IS NOT NULL OR section.draw_difficulty IS NOT NULL)
      AND NOT EXISTS (SELECT FROM exam_questions placed WHERE placed.exam_id = section.exam_id AND placed.question_id = question.id)
    ORDER BY question.id, section.position
  )
  SELECT exam_id, section_id, question_id,
         (${BEHIND}::int + row_number() OVER (ORDER BY section_position, question_id))::int AS position
  FROM pool`;
