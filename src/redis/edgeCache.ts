import { LRUCache } from "lru-cache";
import type { OperationMeter } from "../metrics/operations.ts";
import type { Cache } from "./cache.ts";
import { type Drop, matcherOf } from "./drop.ts";
import { createTagIndex } from "./tagIndex.ts";

export interface EdgeAnswer {
  /** Shared by everybody who is served it: to be written out, never written to. */
  bytes: Buffer;
  contentType: string;
  etag?: string;
  /** Counts the operation whenever the answer is served, as it does when it is executed. */
  meter?: OperationMeter;
}

/** The moment an execution began; what was dropped since then it may not have seen. */
export type Ticket = number;

export interface EdgeCache {
  /** The stored answer to exactly this body for exactly this scope. */
  lookup(scope: string, body: Buffer | string): EdgeAnswer | undefined;
  /** To be called before the execution reads anything. */
  begin(): Ticket;
  /**
   * Keeps an answer until one of its tags is dropped, and no longer than the cache's life.
   * @param scope who may see it: from the verified token alone, and as narrow as the answer is.
   * @param tags the keys and tags, as they are dropped in the cache, of everything the answer contains.
   * @returns whether it was kept; it is not if one of its tags was dropped since the ticket.
   */
  store(ticket: Ticket, scope: string, body: Buffer | string, answer: EdgeAnswer, tags: readonly string[]): boolean;
  stats(): { hits: number; misses: number; entries: number; bytes: number; tags: number };
}

interface Entry {
  answer: EdgeAnswer;
  tags: readonly string[];
  freshUntil: number;
}

const BYTES_PER_ENTRY = 500;
const BYTES_PER_TAG = 150;
const LONGEST_BODY = 16_384;
const REMEMBERED_DROPS = 10_000;

/** Finished answers by viewer scope and request body, least recently used out first, in this process only. */
export function createEdgeCache(deps: {
  cache: Pick<Cache, "onDrop" | "longestLifeMs">;
  maxBytes: number;
  clock: () => Date;
  ttlSeconds: number;
}): EdgeCache {
  const { cache, maxBytes, clock, ttlSeconds } = deps;
  const counts = { hits: 0, misses: 0 };
  const index = createTagIndex();
  const entries = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    dispose: (entry, key) => index.remove(key, entry.tags),
  });
  const drops = createDropLog();

  cache.onDrop((drop) => {
    drops.note(drop);
    if (drop.all) return entries.clear();
    const matches = drop.pattern === null ? null : matcherOf(drop.pattern);
    const matching = matches ? [...index.tags()].filter(matches) : [];
    for (const tag of [...drop.keys, ...drop.tags, ...matching]) {
      for (const key of index.keysOf(tag)) entries.delete(key);
    }
  });

  return {
    lookup(scope, body) {
      const entry = body.length > LONGEST_BODY ? undefined : entries.get(keyOf(scope, body));
      if (entry === undefined || entry.freshUntil <= clock().getTime()) {
        counts.misses++;
        return undefined;
      }
      counts.hits++;
      return entry.answer;
    },
    begin: () => drops.now(),
    store(ticket, scope, body, answer, tags) {
      if (body.length > LONGEST_BODY || drops.hasAnySince(ticket, tags)) return false;
      const { bytes: given } = answer;
      // A slice of Node's shared pool would keep all of the pool alive.
      const bytes = given.buffer.byteLength === given.byteLength ? given : Buffer.from(new Uint8Array(given).buffer);
      const freshUntil = clock().getTime() + Math.min(ttlSeconds * 1_000, cache.longestLifeMs);
      const key = keyOf(scope, body);
      const size = bytes.length + key.length + BYTES_PER_ENTRY + BYTES_PER_TAG * tags.length;
      entries.set(key, { answer: { ...answer, bytes }, tags, freshUntil }, { size });
      if (!entries.has(key)) return false; // too large for the whole cache
      index.add(key, tags);
      return true;
    },
    stats: () => ({ ...counts, entries: entries.size, bytes: entries.calculatedSize, tags: [...index.tags()].length }),
  };
}

/**
 * The scope's length comes first, so that no scope and body read like another scope and another body; bytes are taken
 * one by one, since decoding would make different broken UTF-8 equal.
 */
function keyOf(scope: string, body: Buffer | string): string {
  return typeof body === "string"
    ? `${scope.length}s${scope}${body}`
    : `${scope.length}b${scope}${body.toString("latin1")}`;
}

/** Remembers when each name was dropped last. Of what it had to forget it says that it was dropped. */
function createDropLog() {
  const lastDrop = new Map<string, number>();
  let now = 0;
  let forgottenUpTo = 0;

  function forget(): void {
    lastDrop.clear();
    forgottenUpTo = now;
  }

  return {
    now: (): Ticket => now,
    note({ keys, tags, pattern, all }: Drop): void {
      now++;
      for (const name of [...keys, ...tags]) lastDrop.set(name, now);
      if (all || pattern !== null || lastDrop.size > REMEMBERED_DROPS) forget();
    },
    hasAnySince(ticket: Ticket, names: readonly string[]): boolean {
      return ticket < forgottenUpTo || names.some((name) => (lastDrop.get(name) ?? 0) > ticket);
    },
  };
}
