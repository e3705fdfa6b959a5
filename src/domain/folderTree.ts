import { conflict, notFound, unprocessable } from "./errors.ts";

/** A folder as it is stored: it knows its parent, and all of a bank are known together. */
export interface StoredFolder {
  id: string;
  /** Null at the top. */
  parentId: string | null;
  name: string;
}

export const MAX_FOLDER_DEPTH = 10;

/** A folder and those above it, the topmost first. */
export function pathTo<Folder extends StoredFolder>(byId: ReadonlyMap<string, Folder>, folder: Folder): Folder[] {
  const path = [folder];
  for (let above = folder.parentId; above !== null; above = path[0]!.parentId) path.unshift(byId.get(above)!);
  return path;
}

export const foldersById = <Folder extends StoredFolder>(folders: readonly Folder[]): Map<string, Folder> =>
  new Map(folders.map((folder) => [folder.id, folder]));

/**
 * Checks that a folder may stand where it wants to: new, renamed or moved with all that is in it.
 * @throws NOT_FOUND for a parent that is not there, CONFLICT (FOLDER_NAME_TAKEN), UNPROCESSABLE (FOLDER_CYCLE, FOLDER_TOO_DEEP)
 */
export function requirePlace(folders: readonly StoredFolder[], wanted: StoredFolder): void {
  const byId = foldersById(folders);
  const parent = wanted.parentId === null ? null : byId.get(wanted.parentId);
  if (parent === undefined) throw notFound("folder in this course");
  const above = parent ? pathTo(byId, parent) : [];
  if (above.some(({ id }) => id === wanted.id))
    throw unprocessable("FOLDER_CYCLE", "A folder cannot be moved into itself or a folder within it.");
  if (above.length + heightOf(folders, wanted.id) > MAX_FOLDER_DEPTH)
    throw unprocessable("FOLDER_TOO_DEEP", `Folders can be ${MAX_FOLDER_DEPTH} deep.`);
  const isSameName = ({ id, parentId, name }: StoredFolder) =>
    id !== wanted.id && parentId === wanted.parentId && name.toLowerCase() === wanted.name.toLowerCase();
  if (folders.some(isSameName))
    throw conflict(`There is a folder "${wanted.name}" in this place already.`, "FOLDER_NAME_TAKEN");
}

/** How many levels a folder with all that is in it has: 1 for one without subfolders. */
function heightOf(folders: readonly StoredFolder[], id: string): number {
  let [height, level] = [1, new Set([id])];
  for (;;) {
    level = new Set(folders.flatMap((folder) => (folder.parentId && level.has(folder.parentId) ? [folder.id] : [])));
    if (level.size === 0) return height;
    height += 1;
  }
}

/** Every folder with the sum of what it and all below it count. */
export function sumsWithin(
  folders: readonly StoredFolder[],
  ownCount: (folder: StoredFolder) => number,
): Map<string, number> {
  const byId = foldersById(folders);
  const sums = new Map(folders.map(({ id }) => [id, 0]));
  for (const folder of folders)
    for (const { id } of pathTo(byId, folder)) sums.set(id, sums.get(id)! + ownCount(folder));
  return sums;
}
