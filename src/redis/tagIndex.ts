export interface TagIndex {
  add(key: string, tags: readonly string[]): void;
  remove(key: string, tags: readonly string[]): void;
  keysOf(tag: string): Iterable<string>;
  tags(): Iterable<string>;
}

/** Which keys carry a tag. Holds nothing about a key that was removed, so it is as bounded as what it indexes. */
export function createTagIndex(): TagIndex {
  const keysByTag = new Map<string, Set<string>>();
  return {
    add(key, tags) {
      for (const tag of tags) {
        const keys = keysByTag.get(tag);
        if (keys) keys.add(key);
        else keysByTag.set(tag, new Set([key]));
      }
    },
    remove(key, tags) {
      for (const tag of tags) {
        const keys = keysByTag.get(tag);
        if (keys?.delete(key) && keys.size === 0) keysByTag.delete(tag);
      }
    },
    keysOf: (tag) => [...(keysByTag.get(tag) ?? [])],
    tags: () => keysByTag.keys(),
  };
}
