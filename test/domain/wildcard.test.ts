import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { matchesWildcard } from "../../src/domain/wildcard.ts";

/** The obvious and slow way, to compare with. */
function matchesSlowly(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  if (pattern.startsWith("\\*")) return text.startsWith("*") && matchesSlowly(pattern.slice(2), text.slice(1));
  if (pattern.startsWith("*")) {
    return matchesSlowly(pattern.slice(1), text) || (text !== "" && matchesSlowly(pattern, text.slice(1)));
  }
  return text !== "" && text.startsWith(pattern.charAt(0)) && matchesSlowly(pattern.slice(1), text.slice(1));
}

describe("matchesWildcard", () => {
  it("agrees with trying every way", () => {
    const letters = (alphabet: string[]) =>
      fc.array(fc.constantFrom(...alphabet), { maxLength: 9 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(letters(["a", "b", "*", "\\*", "\\"]), letters(["a", "b", "*", "\\"]), (pattern, text) => {
        expect(matchesWildcard(pattern, text)).toBe(matchesSlowly(pattern, text));
      }),
      { numRuns: 3_000 },
    );
  });

  it("does not let a piece be used twice", () => {
    expect(matchesWildcard("ab*ba", "aba")).toBe(false);
    expect(matchesWildcard("a*b*b", "ab")).toBe(false);
  });

  it("is quick where backtracking would take for ever", () => {
    const started = performance.now();
    expect(matchesWildcard(`${"a*".repeat(400)}b`, "a".repeat(1_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(5_000); // backtracking would take years
  });
});
