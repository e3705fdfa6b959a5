import type { Readable } from "node:stream";
import type { Config } from "../config.ts";
import { localStorage } from "./localStorage.ts";
import { s3Storage } from "./s3Storage.ts";

/** What files are read as. */
export interface StoredFile {
  /** Of the range that was asked for. Whoever has it reads it to its end or destroys it. */
  stream: Readable;
  /** Of the whole file, in bytes. */
  size: number;
  contentType: string;
}

/** Bytes of a file, both ends included, as HTTP counts them. */
export interface ByteRange {
  start: number;
  end?: number;
}

/**
 * Where files are kept. A key is a path of letters, digits, `-`, `_` and `.`, as in `videos/{id}/source`; a prefix ends with a slash.
 * A file is there as a whole or not at all, and what was written is read by every process from then on.
 */
export interface Storage {
  /** Keeps a file of this machine (given by its path) or these bytes, in place of what was there. At most 5 GB. */
  put(key: string, from: string | Buffer): Promise<void>;
  /** Null where there is nothing, also for what can be no key. @param range must begin within the file */
  read(key: string, range?: ByteRange): Promise<StoredFile | null>;
  /** In bytes; null where there is nothing, also for what can be no key. */
  size(key: string): Promise<number | null>;
  /** Brings a file to this machine. @returns false where there is nothing */
  copyToFile(key: string, path: string): Promise<boolean>;
  /** Gives a file another key, in place of what was there; durable when it returns. @returns false where there is nothing */
  move(from: string, to: string): Promise<boolean>;
  /** Safe to repeat. */
  remove(key: string): Promise<void>;
  /** Removes everything whose key begins with the prefix. Safe to repeat. */
  removeAll(prefix: string): Promise<void>;
  /** Every key that begins with the prefix. */
  list(prefix: string): AsyncIterable<string>;
  /** An address at which whoever has it may read the file, past this server; null where there is no other server. */
  temporaryUrl(key: string, seconds: number): Promise<string | null>;
  /** Closes connections. Safe to repeat. */
  close(): void;
}

/** A folder, or a bucket where one is configured. Opens nothing yet. */
export function createStorage({ STORAGE_DIR, S3_BUCKET, ...config }: Config): Storage {
  return S3_BUCKET ? s3Storage({ ...config, S3_BUCKET }) : localStorage(STORAGE_DIR);
}
