import { Decimal } from "decimal.js";
import type { Difficulty } from "./difficulty.ts";
import { unprocessable } from "./errors.ts";
import { questionType } from "./questionTypes.ts";

/** What an edit of many questions may change of one. */
export interface EditedQuestion {
  id: string;
  type: string;
  tags: readonly string[];
  folderId: string | null;
  difficulty: Difficulty | null;
  /** A decimal. */
  points: string;
}

/** What is left out stays as it is; a folder or difficulty of null is taken away. */
export interface QuestionEdit {
  addTags: readonly string[];
  removeTags: readonly string[];
  folderId?: string | null | undefined;
  difficulty?: Difficulty | null | undefined;
  points?: string | null | undefined;
}

export interface ChangedQuestion extends EditedQuestion {
  /** Whether its points change, which makes a new version. */
  isNewVersion: boolean;
}

/**
 * What an edit makes of a question; null where nothing changes.
 * @throws UNPROCESSABLE (TOO_MANY_TAGS)
 */
export function editedQuestion(before: EditedQuestion, edit: QuestionEdit, maxTags: number): ChangedQuestion | null {
  const tags = [...new Set([...before.tags, ...edit.addTags])].filter((tag) => !edit.removeTags.includes(tag));
  const { folderId = before.folderId, difficulty = before.difficulty } = edit;
  const points = edit.points == null || questionType(before.type).isUnmarked ? before.points : edit.points;
  const isNewVersion = !new Decimal(points).eq(before.points);
  const areTagsSame = tags.length === before.tags.length && tags.every((tag, at) => tag === before.tags[at]);
  if (areTagsSame && folderId === before.folderId && difficulty === before.difficulty && !isNewVersion) return null;
  if (tags.length > maxTags && tags.length > before.tags.length)
    throw unprocessable(
      "TOO_MANY_TAGS",
      `A question has at most ${maxTags} tags; ${before.id} would have ${tags.length}.`,
    );
  return { ...before, tags, folderId, difficulty, points, isNewVersion };
}
