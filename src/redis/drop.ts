/** What a write made obsolete: values by key, by tag, by pattern, or everything. */
export interface Drop {
  keys: readonly string[];
  tags: readonly string[];
  /** `*` stands for any run of characters; every other character for itself. */
  pattern: string | null;
  all: boolean;
}

export const dropOfKeys = (keys: readonly string[]): Drop => ({ keys, tags: [], pattern: null, all: false });
export const dropOfTags = (tags: readonly string[]): Drop => ({ keys: [], tags, pattern: null, all: false });
export const dropOfPattern = (pattern: string): Drop =>
  pattern === "*" ? DROP_ALL : { keys: [], tags: [], pattern, all: false };
export const DROP_ALL: Drop = { keys: [], tags: [], pattern: null, all: true };

/** Whether a value under `key` with `tags` is among what was dropped. */
export function covers(drop: Drop, key: string, tags: readonly string[]): boolean {
  return (
    drop.all ||
    drop.keys.includes(key) ||
    drop.tags.some((tag) => tags.includes(tag)) ||
    (drop.pattern !== null && matcherOf(drop.pattern)(key))
  );
}

/** The pattern as a test in this process. */
export function matcherOf(pattern: string): (key: string) => boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  const expression = new RegExp(`^${parts.join(".*")}$`, "s");
  return (key) => expression.test(key);
}

/** The pattern in Redis' own language, behind a prefix that is meant literally. */
export function redisPatternOf(prefix: string, pattern: string): string {
  const literal = (text: string) => text.replace(/[\\*?[\]^]/g, "\\$&");
  return literal(prefix) + pattern.split("*").map(literal).join("*");
}
