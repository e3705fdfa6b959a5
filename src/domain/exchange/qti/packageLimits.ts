import { MAX_FILE_BYTES } from "../limits.ts";

const MEGABYTE = 1024 * 1024;

/** Files of one package; media are counted, though they are not read. */
export const MAX_ENTRIES = 25_000;
/** Of all files of a package together. */
export const MAX_UNPACKED_BYTES = 10 * MAX_FILE_BYTES;
/** Of an item. In UTF-8, a question that is not too long is at most so large. */
export const MAX_ITEM_BYTES = 4 * MEGABYTE;

/** A manifest of 10,000 questions with as many and as long tags as they may have is smaller. It is read, and not kept. */
export const MAX_MANIFEST_BYTES = 256 * MEGABYTE;
/** Items, tests and files that a manifest names. */
export const MAX_RESOURCES = MAX_ENTRIES;
/** Characters of what is kept of a manifest, each name and each tag once: 10,000 questions have at most 50 MB of tags. */
export const MAX_MANIFEST_LENGTH = 64 * MEGABYTE;

/** A test of 10,000 items has some 2 MB and 10,000 elements; it may have many times as much beside them. */
export const TEST_LIMITS = { maxBytes: 32 * MEGABYTE, maxLength: 32 * MEGABYTE, maxNodes: 500_000 };
