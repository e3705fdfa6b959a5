import type { Db, Transaction } from "../../prisma/client.ts";
import { notFound, unprocessable } from "../domain/errors.ts";
import { type EditedQuestion, editedQuestion } from "../domain/questionEdit.ts";
import { Prisma } from "../generated/prisma/client.ts";
import type { Cache } from "../redis/cache.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { type DecimalLike, decimalText } from "./decimal.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import { keysOfExamsWith } from "./questionCaches.ts";
import { isUsed, matching, NEWEST } from "./questionFilter.ts";
import { requireFolder } from "./questionFolder.service.ts";
import { MAX_SELECTED, MAX_TAGS, type QuestionSelection, questionEdit, questionSelection } from "./questionInput.ts";

/** How many questions an edit changes, or with a dry run would. */
export interface QuestionsEdited {
  dryRun: boolean;
  selectedCount: number;
  changedCount: number;
}

interface SelectedQuestion extends EditedQuestion {
  isArchived: boolean;
  isUsed: boolean;
}

/** What a change of many questions is about, and what it does to those that it has to change. */
interface Change {
  action: string;
  /** For the audit log. */
  given?: Prisma.InputJsonObject;
  /** Those of the selected that change; may refuse all of them. */
  of: (selected: readonly SelectedQuestion[]) => readonly EditedQuestion[];
  write: (tx: Transaction, ids: readonly string[]) => Promise<unknown>;
}

/** Ten thousand questions take a second or two, and more where the database has other things to do. */
const transactionLimits = { maxWait: 5_000, timeout: 60_000 };

export type QuestionEditService = ReturnType<typeof createQuestionEditService>;

/** Changes of many questions of a bank at once, all or none of them; for its staff. However many, it is as many statements. */
export function createQuestionEditService({
  db,
  cache,
  access,
  newId,
}: {
  db: Db;
  cache: Cache;
  access: Access;
  newId: () => string;
}) {
  /** @throws NOT_FOUND, FORBIDDEN, UNPROCESSABLE (TOO_MANY_QUESTIONS) and what the change throws */
  async function changeAll(
    actor: Actor,
    selection: QuestionSelection,
    prepare: (tx: Transaction, courseId: string) => Promise<Change> | Change,
  ): Promise<QuestionsEdited> {
    const courseId = requireId(selection.courseId, "course");
    const { dryRun } = selection;
    const change = async (tx: Transaction) => {
      await access.requireStaff(tx, actor, courseId, "course");
      const { action, given, of, write } = await prepare(tx, courseId);
      const selected = await lockSelected(tx, courseId, selection);
      const ids = of(selected).map(({ id }) => id);
      const edited = { dryRun, selectedCount: selected.length, changedCount: ids.length };
      if (dryRun || ids.length === 0) return { ...edited, keys: [] };
      const keys = await keysOfExamsWith(tx, ids, { publishedToo: true });
      await write(tx, ids);
      await audit(tx, actor, newId, {
        action,
        entityType: "Course",
        entityId: courseId,
        after: { ...given, questionIds: ids },
      });
      return { ...edited, keys };
    };
    const { keys, ...counts } = await db.$transaction(change, transactionLimits);
    await cache.drop(...keys);
    return counts;
  }

  return {
    /**
     * Tags, folder, difficulty and points of many questions; new points make a new version of each.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (TOO_MANY_QUESTIONS, TOO_MANY_TAGS)
     */
    async edit(actor: Actor, input: unknown): Promise<QuestionsEdited> {
      const { courseId, ids, filter, dryRun, ...edit } = parseInput(questionEdit, input);
      return changeAll(actor, { courseId, ids, filter, dryRun }, async (tx, course) => {
        const folderId = edit.folderId ? requireId(edit.folderId, "folder") : edit.folderId;
        if (folderId) await requireFolder(tx, course, folderId);
        let changed: Written[] = [];
        return {
          action: "editQuestions",
          given: JSON.parse(JSON.stringify(edit)),
          of: (selected) => {
            changed = selected.flatMap((question) => {
              const made = editedQuestion(question, { ...edit, folderId }, MAX_TAGS);
              return made ? [{ ...made, versionId: made.isNewVersion ? newId() : null }] : [];
            });
            return changed;
          },
          write: () => writeEdited(tx, changed),
        };
      });
    },

    /** Takes questions out of lists and draws, or back into them. Safe to repeat. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (TOO_MANY_QUESTIONS) */
    async archive(actor: Actor, input: unknown, { archived }: { archived: boolean }): Promise<QuestionsEdited> {
      return changeAll(actor, parseInput(questionSelection, input), () => ({
        action: archived ? "archiveQuestions" : "unarchiveQuestions",
        of: (selected) => selected.filter(({ isArchived }) => isArchived !== archived),
        write: (tx, ids) => tx.$executeRaw`
          UPDATE questions SET archived_at = CASE WHEN ${archived} THEN clock_timestamp() END WHERE id = ANY (${ids}::uuid[])`,
      }));
    },

    /** Removes questions that no exam has, with all their versions. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (QUESTION_IN_USE, TOO_MANY_QUESTIONS) */
    async remove(actor: Actor, input: unknown): Promise<QuestionsEdited> {
      return changeAll(actor, parseInput(questionSelection, input), () => ({
        action: "deleteQuestions",
        of: (selected) => {
          const used = selected.filter((question) => question.isUsed).length;
          if (used > 0)
            throw unprocessable(
              "QUESTION_IN_USE",
              `${used} of these questions are in exams. Archive those, or leave them out with the filter "used: false".`,
            );
          return selected;
        },
        write: (tx, ids) => tx.$executeRaw`DELETE FROM questions WHERE id = ANY (${ids}::uuid[])`,
      }));
    },
  };
}

/**
 * Locks the questions that are meant, and reads them as they are then.
 * @throws NOT_FOUND for an id that the course has not, UNPROCESSABLE (TOO_MANY_QUESTIONS)
 */
async function lockSelected(
  tx: Transaction,
  courseId: string,
  { ids, filter }: QuestionSelection,
): Promise<SelectedQuestion[]> {
  const wanted = ids && new Set(ids.map((id) => requireId(id, "question")));
  const meant = wanted
    ? Prisma.sql`question.course_id = ${courseId}::uuid AND question.id = ANY (${[...wanted]}::uuid[])`
    : matching(courseId, filter ?? {});
  // Always in the same order, so that two edits wait for each other and not both at once. Chosen first and locked then: who waited
  // for a lock sees the question as it is after it, but what is joined to it as it was before.
  const locked = await tx.$queryRaw<{ id: string }[]>`
    WITH meant AS (SELECT question.id FROM ${NEWEST} WHERE ${meant} LIMIT ${MAX_SELECTED + 1})
    SELECT id FROM questions WHERE id IN (SELECT id FROM meant) ORDER BY id FOR UPDATE`;
  if (locked.length > MAX_SELECTED)
    throw unprocessable("TOO_MANY_QUESTIONS", `These are more than ${MAX_SELECTED} questions; choose fewer at a time.`);
  const rows = await tx.$queryRaw<(Omit<SelectedQuestion, "points"> & { points: DecimalLike })[]>`
    SELECT question.id, question.tags, question.folder_id AS "folderId", question.difficulty::text, version.type, version.points,
           question.archived_at IS NOT NULL AS "isArchived", ${isUsed} AS "isUsed"
    FROM ${NEWEST} WHERE ${meant} AND question.id = ANY (${locked.map(({ id }) => id)}::uuid[]) ORDER BY question.id`;
  if (wanted && rows.length < wanted.size) throw notFound("question in this course");
  return rows.map((row) => ({ ...row, points: decimalText(row.points) }));
}

type Written = EditedQuestion & { versionId: string | null };

/** A new version is the one before with other points: a column that versions get is to be named here too. */
const writeEdited = (tx: Transaction, questions: readonly Written[]) => tx.$executeRaw`
  WITH edit AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(${JSON.stringify(questions)}::jsonb)
      AS edit (id uuid, tags text[], "folderId" uuid, difficulty text, points numeric, "versionId" uuid)
  ), made AS (
    INSERT INTO question_versions
      (id, question_id, number, points, type, title, stem, stem_format, definition, feedback, search_words)
    SELECT edit."versionId", question.id, version.number + 1, edit.points,
           version.type, version.title, version.stem, version.stem_format, version.definition, version.feedback, version.search_words
    FROM edit JOIN (${NEWEST}) ON question.id = edit.id
    WHERE edit."versionId" IS NOT NULL
  )
  UPDATE questions SET
    tags = edit.tags,
    folder_id = edit."folderId",
    difficulty = edit.difficulty::"Difficulty",
    current_version = current_version + (edit."versionId" IS NOT NULL)::int
  FROM edit WHERE questions.id = edit.id`;
