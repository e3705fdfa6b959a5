import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { ImportedQuestion } from "../../../src/domain/exchange/questionFormat.ts";
import { questionFormats } from "../../../src/domain/exchange/questionFormats.ts";
import { questionTypes } from "../../../src/domain/questionTypes.ts";
import { readAll, writeAll } from "./files.ts";
import { responseBy, someQuestion, wordsFor } from "./someQuestions.ts";

/** What a response comes to: why it is none, or what it earns. */
function outcome({ type, definition }: ImportedQuestion, response: unknown): string {
  const { response: shape, problemWith, grade } = questionTypes[type];
  const parsed = shape.safeParse(response);
  if (!parsed.success || problemWith(definition, parsed.data) !== null) return "no answer";
  const given = grade(definition, parsed.data);
  return given.kind === "graded" ? given.fraction.toString() : given.kind;
}

const SIMPLE = [
  "ESSAY",
  "INFORMATION",
  "MATCHING",
  "MULTIPLE_CHOICE",
  "NUMERIC",
  "SHORT_TEXT",
  "SINGLE_CHOICE",
  "TRUE_FALSE",
];

/** The types of which questions can be written. */
const WRITTEN: Record<string, string[]> = {
  AIKEN: ["SINGLE_CHOICE", "TRUE_FALSE"],
  CSV: [...SIMPLE, "ORDERING"].sort(),
  GIFT: SIMPLE,
  MOODLE_XML: [...SIMPLE, "FILE_UPLOAD", "GAP_FILL", "ORDERING"].sort(),
};

const textFormats = Object.values(questionFormats).filter(({ isBinary }) => !isBinary);

describe("questions that were exported and imported again", () => {
  it.each(textFormats.map((format) => [format.name, format] as const))(
    "grade every response as before, through %s",
    async (name, format) => {
      const written = new Set<string>();
      await fc.assert(
        fc.asyncProperty(
          fc.array(someQuestion, { minLength: 1, maxLength: 4 }),
          fc.array(fc.array(fc.nat(1000), { minLength: 6, maxLength: 6 }), { minLength: 8, maxLength: 8 }),
          async (questions, seeds) => {
            const { file, reports } = await writeAll(format, questions);
            const kept = questions.filter(
              (_, at) => !reports.some((it) => it.position === at + 1 && it.refused !== null),
            );
            const { taken, refused } = await readAll(format, file);
            expect(refused).toEqual([]);
            expect(taken).toHaveLength(kept.length);
            kept.forEach((before, at) => {
              const after = taken[at]!.question;
              written.add(before.type);
              // Aiken knows no true and false; the option in the same place earns the same.
              if (before.type !== "TRUE_FALSE") expect(after.type).toBe(before.type);
              const words = wordsFor(before);
              for (const seed of seeds)
                expect(outcome(after, responseBy(after, seed, words))).toBe(
                  outcome(before, responseBy(before, seed, words)),
                );
            });
          },
        ),
        { numRuns: 100 },
      );
      expect([...written].sort()).toEqual(WRITTEN[name]);
    },
  );
});
