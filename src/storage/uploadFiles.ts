import { mkdir } from "node:fs/promises";
import { Readable } from "node:stream";
import { FileStore } from "@tus/file-store";
import { S3Store } from "@tus/s3-store";
import type { DataStore, KvStore } from "@tus/server";
import { LRUCache } from "lru-cache";
import type { Config } from "../config.ts";
import { s3ClientConfig } from "./s3Client.ts";
import type { Storage } from "./storage.ts";

/** What tus can do with our uploads: their length is known from the beginning, and we say ourselves when they expire. */
const EXTENSIONS = ["creation", "creation-with-upload", "termination"];
/** The notes that the stores keep beside an unfinished file. */
const NOTES = [".json", ".info", ".part"];
const REMEMBERED = 500;

/** The files that are not whole yet, each under its key in the storage. */
export interface UploadFiles {
  /** For the tus server. Made on first use. */
  store(): Promise<DataStore>;
  /** How many bytes are there; null where there is no such upload, or its file was moved away. */
  received(key: string): Promise<number | null>;
  /** Makes a file of what was received, if a process died when only that was missing. Safe to repeat. */
  assemble(key: string, bytes: number): Promise<void>;
  /** Removes what is there of an upload. Safe to repeat. */
  discard(key: string): Promise<void>;
  /** The names of the uploads that a file belongs to. */
  nameOf(key: string): string;
}

/** Keeps unfinished uploads where the storage keeps whole files, so that moving one there copies nothing on the way. */
export function createUploadFiles(config: Config, storage: Storage): UploadFiles {
  const { S3_BUCKET, STORAGE_DIR } = config;
  let made: Promise<DataStore> | undefined;

  async function make(): Promise<DataStore> {
    if (!S3_BUCKET) await mkdir(STORAGE_DIR, { recursive: true }); // the store would fail where nobody can catch it
    const store = S3_BUCKET ? s3Store({ ...config, S3_BUCKET }) : new FileStore({ directory: STORAGE_DIR });
    store.extensions = EXTENSIONS;
    return store;
  }

  function store(): Promise<DataStore> {
    made ??= make().catch((error) => {
      made = undefined; // the disk may be back the next time
      throw error;
    });
    return made;
  }

  return {
    store,

    async received(key) {
      const uploads = await store();
      return (await unlessGone(uploads.getUpload(key)))?.offset ?? null;
    },

    async assemble(key, bytes) {
      if (S3_BUCKET && (await storage.size(key)) === null) await (await store()).write(Readable.from([]), key, bytes);
    },

    async discard(key) {
      await unlessGone((await store()).remove(key));
      for (const note of ["", ...NOTES]) await storage.remove(key + note);
    },

    nameOf: (key) => NOTES.reduce((name, note) => (name.endsWith(note) ? name.slice(0, -note.length) : name), key),
  };
}

function s3Store(config: Config & { S3_BUCKET: string }): S3Store {
  const known = new LRUCache<string, object>({ max: REMEMBERED });
  const cache: KvStore = {
    get: async (key) => known.get(key) as Awaited<ReturnType<KvStore["get"]>>,
    set: async (key, value) => void known.set(key, value),
    delete: async (key) => void known.delete(key),
  };
  const s3ClientConfigOfStore = { ...s3ClientConfig(config), bucket: config.S3_BUCKET };
  // Its own cache keeps every upload that another server finishes for ever.
  return new S3Store({ s3ClientConfig: s3ClientConfigOfStore, cache: cache as never });
}

/** Null where tus says that there is no such upload (any more). */
async function unlessGone<T>(asking: Promise<T>): Promise<T | null> {
  try {
    return await asking;
  } catch (error) {
    const status = (error as { status_code?: number }).status_code;
    if (status === 404 || status === 410) return null;
    throw error;
  }
}
