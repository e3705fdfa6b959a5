import { describe, expect, it } from "@jest/globals";
import { dropOfTags } from "../../src/redis/drop.ts";
import { createMemoryTier } from "../../src/redis/memoryTier.ts";

const entry = (tags: string[]) => ({ value: tags, tags, freshUntil: 1, staleUntil: 1 });

describe("the memory of the cache", () => {
  it("forgets the tags of a value together with the value", () => {
    const memory = createMemoryTier({ maxBytes: 3_000 });
    memory.set("replaced", entry(["old"]), 10);
    memory.set("replaced", entry(["new"]), 10);
    memory.set("evicted", entry(["old"]), 10);
    for (let i = 0; i < 10; i++) {
      memory.get("replaced");
      memory.set(`filler:${i}`, entry([]), 10);
    }
    memory.set("evicted", entry(["new"]), 10);
    memory.drop(dropOfTags(["old"]));
    expect(memory.get("replaced")?.value).toEqual(["new"]);
    expect(memory.get("evicted")?.value).toEqual(["new"]);
    memory.drop(dropOfTags(["new"]));
    expect(memory.get("replaced")).toBeUndefined();
    expect(memory.get("evicted")).toBeUndefined();
  });

  it("does not keep a value that is larger than all of it", () => {
    const memory = createMemoryTier({ maxBytes: 3_000 });
    memory.set("huge", entry(["t"]), 3_000);
    expect(memory.get("huge")).toBeUndefined();
  });
});
