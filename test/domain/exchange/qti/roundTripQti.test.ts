import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { QuestionProblem } from "../../../../src/domain/exchange/fileProblem.ts";
import { fromQuestion } from "../../../../src/domain/exchange/qti/fromQuestion.ts";
import { toItem } from "../../../../src/domain/exchange/qti/item.ts";
import { toQuestion } from "../../../../src/domain/exchange/qti/toQuestion.ts";
import { parseXml } from "../../../../src/domain/exchange/qti/xmlTree.ts";
import type { ImportedQuestion } from "../../../../src/domain/exchange/questionFormat.ts";
import { takeQuestion } from "../../../../src/domain/exchange/takeQuestion.ts";
import { parseDefinition, questionTypes } from "../../../../src/domain/questionTypes.ts";
import { responseBy, someQuestion, wordsFor } from "../someQuestions.ts";

/** What a response comes to: why it is none, or what it earns. */
function outcome({ type, definition }: ImportedQuestion, response: unknown): string {
  const { response: shape, problemWith, grade } = questionTypes[type];
  const parsed = shape.safeParse(response);
  if (!parsed.success || problemWith(definition, parsed.data) !== null) return "no answer";
  const given = grade(definition, parsed.data);
  return given.kind === "graded" ? given.fraction.toString() : given.kind;
}

/** Null where QTI has no such item. */
function written(question: ImportedQuestion, version: "2.2" | "3.0"): string | null {
  try {
    return fromQuestion(question, version, "item-1", []);
  } catch (error) {
    if (error instanceof QuestionProblem) return null;
    throw error;
  }
}

describe("questions that were written as QTI items and read again", () => {
  it.each(["2.2", "3.0"] as const)("grade every response as before, through version %s", (version) => {
    fc.assert(
      fc.property(
        someQuestion,
        fc.array(fc.array(fc.nat(1000), { minLength: 6, maxLength: 6 }), { minLength: 8, maxLength: 8 }),
        (before, seeds) => {
          const xml = written(before, version);
          if (xml === null) return;
          const entry = takeQuestion({ line: 1, title: null, text: xml }, () => toQuestion(toItem(parseXml(xml))));
          if (entry.kind !== "taken") throw new Error(`${JSON.stringify(entry)}\n${xml}`);
          const after = entry.question;
          const { type, title, stem, stemFormat, points } = before;
          expect(after).toMatchObject({ type, title, stemFormat, points });
          expect(after.stem).toBe(stem);
          expect((after.feedback ?? "").trim()).toBe((before.feedback ?? "").trim());
          for (const [outcome, said] of Object.entries(after.outcomeFeedback ?? {}))
            expect(said?.trim()).toBe(before.outcomeFeedback?.[outcome as "correct"]?.trim());
          const words = wordsFor(before);
          for (const seed of seeds)
            expect(outcome(after, responseBy(after, seed, words))).toBe(
              outcome(before, responseBy(before, seed, words)),
            );
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each([
    ["SINGLE_CHOICE", { options: [{ text: "a", fraction: "1" }, { text: "b", fraction: "0.5" }, { text: "c" }] }],
    [
      "MULTIPLE_CHOICE",
      {
        options: [
          { text: "a", correct: true },
          { text: "b", correct: true },
          { text: "c", correct: false },
        ],
      },
    ],
    ["SHORT_TEXT", { answers: [{ pattern: "a" }, { pattern: "b", fraction: "0.5" }] }],
    [
      "MATCHING",
      {
        options: [
          { id: "a", text: "a" },
          { id: "b", text: "b" },
        ],
        prompts: ["a", "b"].map((id) => ({ id, text: id, match: id })),
      },
    ],
  ] as const)("keep feedback by what was earned, of %s", (type, definition) => {
    const outcomeFeedback = { correct: "Yes.", partlyCorrect: "Nearly.", incorrect: "No." };
    const before: ImportedQuestion = {
      ...{ type, title: null, stem: "Which?", stemFormat: "PLAIN", points: "1", tags: [] },
      ...{ feedback: "All read this.", outcomeFeedback, definition: parseDefinition(type, definition) },
    };
    for (const version of ["2.2", "3.0"] as const) {
      const read = toQuestion(toItem(parseXml(written(before, version)!)));
      expect(read).toMatchObject({ type, feedback: "All read this.", outcomeFeedback });
      expect(read.changed.filter((it) => it.startsWith("Feedback"))).toEqual([]);
    }
  });

  it("give nothing to who chooses nothing, and say so where another program would", () => {
    const options = ["a", "b", "c"].map((text) => ({ text, correct: text === "a" }));
    const before: ImportedQuestion = {
      ...{
        type: "MULTIPLE_CHOICE",
        title: null,
        stem: "Which?",
        stemFormat: "PLAIN",
        points: "3",
        tags: [],
        feedback: null,
      },
      ...{
        outcomeFeedback: null,
        definition: parseDefinition("MULTIPLE_CHOICE", { options, scoring: "proportional" }),
      },
    };
    const xml = written(before, "2.2")!;
    const elsewhere = xml.replace(
      "</responseIf></responseCondition>",
      '</responseIf><responseElse><setOutcomeValue identifier="SCORE"><baseValue baseType="float">2</baseValue></setOutcomeValue></responseElse></responseCondition>',
    );
    expect(elsewhere).not.toBe(xml);
    const [ours, theirs] = [xml, elsewhere].map((text) => toQuestion(toItem(parseXml(text))));
    expect(ours!.changed).toEqual([]);
    expect(theirs).toEqual({ ...ours, changed: ["An empty response earns 2 points; here, it earns none."] });
    expect(outcome(theirs as ImportedQuestion, { choices: [] })).toBe("0");
  });

  it("are of every type", () => {
    const questions = fc.sample(someQuestion, { seed: 7, numRuns: 300 });
    const kept = questions.filter((question) => written(question, "3.0") !== null);
    expect(new Set(kept.map(({ type }) => type))).toEqual(new Set(Object.keys(questionTypes)));
  });
});
