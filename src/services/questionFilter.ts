import { searchQuery } from "../domain/searchWords.ts";
import { Prisma } from "../generated/prisma/client.ts";
import { requireId } from "./ids.ts";
import type { QuestionFilter } from "./questionInput.ts";

/** The questions of banks, each with its newest version. */
export const NEWEST = Prisma.sql`
  questions question JOIN question_versions version
    ON version.question_id = question.id AND version.number = question.current_version`;

/** A folder and all that are in it. */
export const foldersWithin = (folderId: string): Prisma.Sql => Prisma.sql`(
  WITH RECURSIVE within AS (
    SELECT id FROM question_folders WHERE id = ${folderId}::uuid
    UNION ALL SELECT folder.id FROM question_folders folder JOIN within ON folder.parent_id = within.id
  ) SELECT id FROM within)`;

export const isUsed = Prisma.sql`EXISTS (SELECT FROM exam_questions used WHERE used.question_id = question.id)`;

/** What is true of the rows of {@link NEWEST} that a filter means. @throws NOT_FOUND for what cannot be a folder's id */
export function matching(courseId: string, filter: QuestionFilter): Prisma.Sql {
  const { tags, anyTag, folderId, unfiled, type, difficulty, search, used, archived } = filter;
  const conditions = [Prisma.sql`question.course_id = ${courseId}::uuid`];
  const add = (condition: Prisma.Sql) => conditions.push(condition);
  add(Prisma.sql`question.archived_at IS ${archived ? Prisma.sql`NOT NULL` : Prisma.sql`NULL`}`);
  if (tags?.length) add(Prisma.sql`question.tags @> ${tags}::text[]`);
  if (anyTag?.length) add(Prisma.sql`question.tags && ${anyTag}::text[]`);
  if (folderId) add(Prisma.sql`question.folder_id IN ${foldersWithin(requireId(folderId, "folder"))}`);
  if (unfiled != null) add(Prisma.sql`(question.folder_id IS NULL) = ${unfiled}`);
  if (type) add(Prisma.sql`version.type = ${type}`);
  if (difficulty) add(Prisma.sql`question.difficulty = ${difficulty}::"Difficulty"`);
  if (used != null) add(Prisma.sql`${isUsed} = ${used}`);
  if (search?.trim()) add(Prisma.sql`version.search @@ ${searchQuery(search) ?? ""}::tsquery`);
  return Prisma.join(conditions, " AND ");
}
