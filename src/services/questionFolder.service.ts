import { z } from "zod";
import type { Db, Transaction } from "../../prisma/client.ts";
import { notFound, unprocessable } from "../domain/errors.ts";
import { foldersById, pathTo, requirePlace, sumsWithin } from "../domain/folderTree.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { lockContents } from "./courseContents.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";

/** A folder of a bank. Archived questions do not count. */
export interface QuestionFolder {
  id: string;
  courseId: string;
  parentId: string | null;
  name: string;
  /** The names from the top down to this one. */
  path: string[];
  questionCount: number;
  /** With those in its subfolders. */
  totalCount: number;
}

/** Of a course. */
const MAX_FOLDERS = 1_000;

const name = z.string().trim().min(1, "is empty").max(100, "has at most 100 characters");
const newFolder = z.object({ courseId: z.string(), name, parentId: z.string().nullish() });
const changedFolder = z.object({ name: name.optional(), parentId: z.string().nullish() });

/** Holds a folder until the commit, so that it is not removed meanwhile. @throws NOT_FOUND for one that the course has not */
export async function requireFolder(tx: Transaction, courseId: string, folderId: string): Promise<void> {
  const held = await tx.$queryRaw<unknown[]>`
    SELECT FROM question_folders WHERE id = ${requireId(folderId, "folder")}::uuid AND course_id = ${courseId}::uuid FOR KEY SHARE`;
  if (held.length === 0) throw notFound("folder in this course");
}

export type QuestionFolderService = ReturnType<typeof createQuestionFolderService>;

/** The folders of a course's bank, a tree; for its staff. Whoever changes it holds the lock on the course's contents. */
export function createQuestionFolderService({ db, access, newId }: { db: Db; access: Access; newId: () => string }) {
  /** All folders of a course whose bank the caller has been given, by path. */
  async function ofCourse(courseId: string, tx: Db | Transaction = db): Promise<QuestionFolder[]> {
    const rows = await tx.$queryRaw<Omit<QuestionFolder, "path" | "totalCount">[]>`
      SELECT folder.id, folder.course_id AS "courseId", folder.parent_id AS "parentId", folder.name,
             (SELECT count(*)::int FROM questions WHERE folder_id = folder.id AND archived_at IS NULL) AS "questionCount"
      FROM question_folders folder WHERE folder.course_id = ${courseId}::uuid`;
    const byId = foldersById(rows);
    const totals = sumsWithin(rows, ({ id }) => byId.get(id)!.questionCount);
    return rows
      .map((row) => ({ ...row, path: pathTo(byId, row).map((folder) => folder.name), totalCount: totals.get(row.id)! }))
      .sort((one, other) => comparePaths(one.path, other.path));
  }

  /** Locks the folders of the course that a folder is in. @throws NOT_FOUND, FORBIDDEN */
  async function lockWith(tx: Transaction, actor: Actor, folderId: string) {
    const known = await tx.questionFolder.findUnique({ where: { id: folderId }, select: { courseId: true } });
    if (!known) throw notFound("folder");
    await lockContents(tx, access, actor, known.courseId);
    const folders = await tx.questionFolder.findMany({ where: { courseId: known.courseId } });
    const folder = folders.find(({ id }) => id === folderId);
    if (!folder) throw notFound("folder"); // removed meanwhile
    return { folders, folder };
  }

  const shown = async (tx: Transaction, { id, courseId }: { id: string; courseId: string }) =>
    (await ofCourse(courseId, tx)).find((folder) => folder.id === id)!;

  return {
    /** The folders at these places of banks, which the caller has been given; for loaders. */
    async at(places: readonly { courseId: string; folderId: string }[]): Promise<(QuestionFolder | null)[]> {
      const courseIds = [...new Set(places.map(({ courseId }) => courseId))];
      const byId = foldersById((await Promise.all(courseIds.map((courseId) => ofCourse(courseId)))).flat());
      return places.map(({ folderId }) => byId.get(folderId) ?? null);
    },

    /** @throws NOT_FOUND, FORBIDDEN */
    async list(actor: Actor, courseIdGiven: string): Promise<QuestionFolder[]> {
      const courseId = requireId(courseIdGiven, "course");
      await access.requireStaff(db, actor, courseId, "course");
      return ofCourse(courseId);
    },

    /** @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, CONFLICT (FOLDER_NAME_TAKEN), UNPROCESSABLE (FOLDER_TOO_DEEP, TOO_MANY_FOLDERS) */
    async create(actor: Actor, input: unknown): Promise<QuestionFolder> {
      const given = parseInput(newFolder, input);
      const courseId = requireId(given.courseId, "course");
      return db.$transaction(async (tx) => {
        await lockContents(tx, access, actor, courseId);
        const folders = await tx.questionFolder.findMany({ where: { courseId } });
        if (folders.length >= MAX_FOLDERS)
          throw unprocessable("TOO_MANY_FOLDERS", `A course has at most ${MAX_FOLDERS} folders.`);
        const parentId = given.parentId ? requireId(given.parentId, "folder") : null;
        const folder = { id: newId(), courseId, name: given.name, parentId };
        requirePlace(folders, folder);
        await tx.questionFolder.create({ data: folder });
        return shown(tx, folder);
      });
    },

    /**
     * Renames a folder, or moves it with all that is in it.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, CONFLICT (FOLDER_NAME_TAKEN), UNPROCESSABLE (FOLDER_CYCLE, FOLDER_TOO_DEEP)
     */
    async update(actor: Actor, folderId: string, input: unknown): Promise<QuestionFolder> {
      const id = requireId(folderId, "folder");
      const given = parseInput(changedFolder, input);
      return db.$transaction(async (tx) => {
        const { folders, folder } = await lockWith(tx, actor, id);
        const name = given.name ?? folder.name;
        const parentId = given.parentId ? requireId(given.parentId, "folder") : given.parentId;
        const changed = { ...folder, name, ...(parentId !== undefined && { parentId }) };
        requirePlace(folders, changed);
        await tx.questionFolder.update({ where: { id }, data: { name, parentId: changed.parentId } });
        return shown(tx, folder);
      });
    },

    /** Removes an empty folder. @throws NOT_FOUND, FORBIDDEN, UNPROCESSABLE (FOLDER_NOT_EMPTY, FOLDER_IN_USE) */
    async remove(actor: Actor, folderId: string): Promise<boolean> {
      const id = requireId(folderId, "folder");
      return db.$transaction(async (tx) => {
        const { folders, folder } = await lockWith(tx, actor, id);
        await tx.$queryRaw`SELECT FROM question_folders WHERE id = ${id}::uuid FOR UPDATE`; // nothing is put into it from here on
        const inside = folders.filter(({ parentId }) => parentId === id).length;
        const questions = await tx.question.count({ where: { folderId: id } });
        if (inside + questions > 0)
          throw unprocessable(
            "FOLDER_NOT_EMPTY",
            `The folder has ${questions} questions, archived ones among them, and ${inside} folders. Move them first.`,
          );
        const draft = await tx.examSection.findFirst({
          where: { drawFolderId: id, exam: { status: "DRAFT" } },
          select: { exam: { select: { title: true } } },
        });
        if (draft)
          throw unprocessable("FOLDER_IN_USE", `The draft "${draft.exam.title}" draws its questions from this folder.`);
        await tx.questionFolder.delete({ where: { id } });
        await audit(tx, actor, newId, {
          action: "deleteQuestionFolder",
          entityType: "Course",
          entityId: folder.courseId,
          before: { name: folder.name, parentId: folder.parentId },
        });
        return true;
      });
    },
  };
}

function comparePaths(one: readonly string[], other: readonly string[]): number {
  const at = one.findIndex((name, index) => name !== other[index]);
  if (at < 0) return one.length - other.length;
  return other[at] === undefined ? 1 : one[at]!.localeCompare(other[at]!);
}
