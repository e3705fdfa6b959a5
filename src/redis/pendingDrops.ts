import { DROP_ALL, type Drop, dropOfPattern } from "./drop.ts";

export interface PendingDrops {
  readonly isEmpty: boolean;
  add(drop: Drop): void;
  /** Hands out what is pending and forgets it; what could not be applied is added again. */
  take(): Drop[];
}

/** Drops that Redis has yet to hear of. Past `limit` names it remembers only that everything must go. */
export function createPendingDrops({ limit }: { limit: number }): PendingDrops {
  const keys = new Set<string>();
  const tags = new Set<string>();
  const patterns = new Set<string>();
  let all = false;

  function clear(): void {
    for (const names of [keys, tags, patterns]) names.clear();
  }

  return {
    get isEmpty() {
      return !all && keys.size + tags.size + patterns.size === 0;
    },
    add(drop) {
      for (const key of drop.keys) keys.add(key);
      for (const tag of drop.tags) tags.add(tag);
      if (drop.pattern !== null) patterns.add(drop.pattern);
      all ||= drop.all || keys.size + tags.size + patterns.size > limit;
      if (all) clear();
    },
    take() {
      const named: Drop = { keys: [...keys], tags: [...tags], pattern: null, all: false };
      const taken = all ? [DROP_ALL] : [named, ...[...patterns].map(dropOfPattern)];
      clear();
      all = false;
      return taken;
    },
  };
}
