import { randomUUID } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { copyFile, type FileHandle, mkdir, open, opendir, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { contentTypeOf } from "./contentTypes.ts";
import type { Storage } from "./storage.ts";
import { isStorageKey, requireStorageKey, requireStoragePrefix } from "./storageKeys.ts";

/** A folder on the way that is a file also means that there is nothing. */
const isNothing = (error: unknown): boolean =>
  ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");

async function unlessNothing<T>(looking: Promise<T>): Promise<T | null> {
  try {
    return await looking;
  } catch (error) {
    if (isNothing(error)) return null;
    throw error;
  }
}

/** Writes what the system holds of a file or a folder to the disk. */
async function sync(file: string): Promise<void> {
  const handle = await open(file, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A folder of this machine, or one that several machines share. It is made when something is put there. */
export function localStorage(folder: string): Storage {
  const root = path.resolve(folder);
  const fileOf = (key: string) => path.join(root, ...requireStorageKey(key).split("/"));

  /** Renames, which is all or nothing; the name is on the disk when it returns. */
  async function rekey(from: string, key: string): Promise<void> {
    const to = fileOf(key);
    await mkdir(path.dirname(to), { recursive: true });
    await rename(from, to);
    await sync(path.dirname(to));
  }

  /** Writes beside the place, in a name that nobody lists or reads, and renames what is whole. */
  async function putWhole(key: string, write: (file: string) => Promise<unknown>): Promise<void> {
    const partial = path.join(path.dirname(fileOf(key)), `.${randomUUID()}`);
    await mkdir(path.dirname(partial), { recursive: true });
    try {
      await write(partial);
      await sync(partial);
      await rekey(partial, key);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }

  async function* list(prefix: string): AsyncGenerator<string> {
    const opened = await unlessNothing(opendir(fileOf(prefix.slice(0, -1))));
    if (!opened) return;
    for await (const entry of opened) {
      if (entry.isDirectory()) yield* list(`${prefix}${entry.name}/`);
      else if (isStorageKey(entry.name)) yield prefix + entry.name;
    }
  }

  const statOf = async (key: string): Promise<Stats | null> =>
    isStorageKey(key) ? await unlessNothing(stat(fileOf(key))) : null;

  return {
    put: (key, from) =>
      putWhole(key, (file) =>
        typeof from === "string" ? copyFile(from, file, constants.COPYFILE_FICLONE) : writeFile(file, from),
      ),

    async read(key, { start, end } = { start: 0 }) {
      if (!isStorageKey(key)) return null;
      const handle: FileHandle | null = await unlessNothing(open(fileOf(key), "r"));
      if (!handle) return null;
      const stats = await handle.stat();
      if (!stats.isFile()) {
        await handle.close();
        return null;
      }
      return { stream: handle.createReadStream({ start, end }), size: stats.size, contentType: contentTypeOf(key) };
    },

    async size(key) {
      const stats = await statOf(key);
      return stats?.isFile() ? stats.size : null;
    },

    async copyToFile(key, file) {
      return (await unlessNothing(copyFile(fileOf(key), file, constants.COPYFILE_FICLONE).then(() => true))) ?? false;
    },

    async move(from, to) {
      const file = fileOf(from);
      if (!(await statOf(from))?.isFile()) return false;
      await sync(file);
      return (await unlessNothing(rekey(file, to).then(() => true))) ?? false; // somebody else was faster
    },

    remove: (key) => rm(fileOf(key), { force: true }),

    removeAll: (prefix) => rm(fileOf(requireStoragePrefix(prefix).slice(0, -1)), { recursive: true, force: true }),

    list: (prefix) => list(requireStoragePrefix(prefix)),

    temporaryUrl: async () => null,

    close: () => {},
  };
}
