import { LRUCache } from "lru-cache";
import { type Drop, matcherOf } from "./drop.ts";
import { createTagIndex } from "./tagIndex.ts";

export interface MemoryEntry {
  /** Deeply frozen: the same object goes to everybody. */
  readonly value: unknown;
  /** The value as callers await it, made once so that a hit allocates nothing. */
  readonly promise: Promise<unknown>;
  readonly tags: readonly string[];
  /** Until when it is current, in milliseconds of the clock. */
  readonly freshUntil: number;
  /** Until when it may stand in for a fetch that failed. */
  readonly staleUntil: number;
}

export interface MemoryTier {
  get(key: string): MemoryEntry | undefined;
  set(key: string, entry: Omit<MemoryEntry, "promise">, jsonLength: number): void;
  drop(drop: Drop): void;
}

// A parsed exam was measured at one and a half times its JSON text; data with less text in it takes more.
const BYTES_PER_CHARACTER = 2;
const BYTES_PER_ENTRY = 500;

/** Values in this process, least recently used out first, bounded by their approximate bytes. */
export function createMemoryTier({ maxBytes }: { maxBytes: number }): MemoryTier {
  const index = createTagIndex();
  const entries = new LRUCache<string, MemoryEntry>({
    maxSize: maxBytes,
    dispose: (entry, key) => index.remove(key, entry.tags),
  });

  return {
    get: (key) => entries.get(key),
    set(key, entry, jsonLength) {
      const size = jsonLength * BYTES_PER_CHARACTER + BYTES_PER_ENTRY;
      entries.set(key, { ...entry, promise: Promise.resolve(entry.value) }, { size });
      if (entries.has(key)) index.add(key, entry.tags); // one too large for the whole cache is not kept
    },
    drop({ keys, tags, pattern, all }) {
      if (all) return entries.clear();
      for (const key of keys) entries.delete(key);
      for (const tag of tags) for (const key of index.keysOf(tag)) entries.delete(key);
      if (pattern === null) return;
      const matches = matcherOf(pattern);
      for (const key of [...entries.keys()]) if (matches(key)) entries.delete(key);
    },
  };
}

/** Freezes plain JSON data with everything in it, and returns it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
