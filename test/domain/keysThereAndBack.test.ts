import { describe, expect, it } from "@jest/globals";
import { Decimal } from "decimal.js";
import fc from "fast-check";
import { gradePaper, type PaperGrade } from "../../src/domain/grading.ts";
import { differencesInReading } from "../../src/domain/keyCorrection.ts";
import type { QuestionResponse } from "../../src/domain/questionType.ts";
import {
  parseDefinition,
  parseResponse,
  type QuestionTypeName,
  questionTypes,
} from "../../src/domain/questionTypes.ts";
import { TREATMENTS } from "../../src/domain/scores.ts";

const IDS = ["a", "b", "c", "d"];
const WORDS = ["Basel", "BÂLE", "bale", "new  york", "New York", "", "  ", "x".repeat(60)];
const NUMBERS = ["0", "3.14", "3,1", "-2", "1e2", "100 cm", "1 m", ""];

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const fraction = fc.constantFrom("1", "0.5", "0.3333333", "0");
const signed = fc.constantFrom("1", "0.25", "0", "-0.3333333", "-1");
const penalty = {
  penalty: maybe(fc.constantFrom("0", "0.25", "0.3333333", "1")),
  floor: maybe(fc.constantFrom("0", "-0.5", "-1")),
};
const said = maybe(fc.constantFrom("Yes.", "No.", "Why?"));

/** The same options each time, worth something else; one of them is worth all. */
const weighted = fc
  .tuple(fc.nat(3), fc.array(fc.tuple(signed, said), { minLength: 4, maxLength: 4 }))
  .map(([right, worth]) =>
    IDS.map((id, at) => ({ id, text: id, fraction: at === right ? "1" : worth[at]![0], feedback: worth[at]![1] })),
  );
const flagged = fc
  .tuple(fc.nat(3), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
  .map(([right, flags]) => IDS.map((id, at) => ({ id, text: id, correct: at === right || flags[at]! })));

const firstIsWhole = <T extends object>([first, ...rest]: T[]) => [{ ...first!, fraction: "1" }, ...rest];
const texts = fc.record({
  answers: fc
    .array(
      fc.oneof(
        fc.record({ pattern: fc.constantFrom("Basel", "b*le", "New York", "*"), fraction, feedback: said }),
        fc.record({ regex: fc.constantFrom("b[aâ](s|l)e?l?e?", "\\p{L}+", "x{1,80}", "(?i)NEW\\s+york"), fraction }),
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map(firstIsWhole),
  caseSensitive: fc.boolean(),
  ignoreAccents: maybe(fc.boolean()),
  spaces: fc.constantFrom("collapse", "keep", "ignore"),
});
const numbers = fc.record({
  answers: fc
    .array(
      fc.oneof(
        fc.record({ value: fc.constantFrom("3.14", "1", "-2"), tolerance: fc.constantFrom("0", "0.05"), fraction }),
        fc.record({ value: fc.constant("3.14"), significantFigures: fc.integer({ min: 1, max: 3 }), fraction }),
        fc.record({ min: fc.constant("0"), max: fc.constantFrom("1", "99"), fraction, feedback: said }),
        fc.record({ any: fc.constant(true), fraction }),
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map(firstIsWhole),
  missingUnitPenalty: maybe(fc.constantFrom("0", "0.5")),
  units: fc.constant([
    { unit: "m", factor: "1" },
    { unit: "cm", factor: "0.01" },
  ]),
});

/** Keys to the same question of each type, and responses to it. */
const kinds: Record<QuestionTypeName, { key: fc.Arbitrary<object>; response: fc.Arbitrary<object | null> }> = {
  SINGLE_CHOICE: {
    key: fc.record({ options: weighted, ...penalty }),
    response: fc.constantFrom(...IDS).map((choice) => ({ choice })),
  },
  MULTIPLE_CHOICE: {
    key: fc.oneof(
      fc.record({ options: flagged, scoring: fc.constant("allOrNothing"), ...penalty }),
      fc.record({
        options: flagged,
        scoring: fc.constantFrom("weighted", "rightMinusWrong", "proportional"),
        floor: penalty.floor,
      }),
    ),
    response: fc.subarray(IDS).map((choices) => ({ choices })),
  },
  TRUE_FALSE: {
    key: fc.record({ correct: fc.boolean(), feedbackTrue: said, feedbackFalse: said, ...penalty }),
    response: fc.boolean().map((choice) => ({ choice: String(choice) })),
  },
  SHORT_TEXT: {
    key: fc.tuple(texts, fc.record(penalty)).map(([key, more]) => ({ ...key, ...more })),
    response: fc.constantFrom(...WORDS).map((text) => ({ text })),
  },
  NUMERIC: {
    key: fc.tuple(numbers, fc.record(penalty)).map(([key, more]) => ({ ...key, ...more })),
    response: fc.constantFrom(...NUMBERS).map((number) => ({ number })),
  },
  MATCHING: {
    key: fc.record({
      options: fc.constant(IDS.map((id) => ({ id, text: id }))),
      prompts: fc
        .array(fc.constantFrom(...IDS), { minLength: 3, maxLength: 3 })
        .map((matches) => matches.map((match, at) => ({ id: `p${at}`, text: `P${at}`, match, feedback: match }))),
      scoring: fc.constantFrom("proportional", "allOrNothing"),
      ...penalty,
    }),
    response: fc
      .array(fc.option(fc.constantFrom(...IDS)), { minLength: 3, maxLength: 3 })
      .map((chosen) => ({ pairs: chosen.flatMap((option, at) => (option ? [{ prompt: `p${at}`, option }] : [])) })),
  },
  ORDERING: {
    key: fc.record({
      items: fc.shuffledSubarray(IDS, { minLength: 4 }).map((ids) => ids.map((id) => ({ id, text: id, feedback: id }))),
      scoring: fc.constantFrom("exact", "adjacentPairs", "longestCommonSubsequence"),
      feedbackRight: said,
      feedbackWrong: said,
      ...penalty,
    }),
    response: fc
      .oneof(fc.shuffledSubarray(IDS, { minLength: 4 }), fc.constant([] as string[]))
      .map((order) => ({ order })),
  },
  GAP_FILL: {
    key: fc
      .tuple(texts, numbers, weighted, fc.constantFrom("1", "3"), fc.record({ penalty: penalty.penalty }))
      .map(([text, number, options, weight, more]) => ({
        text: "[[t]] [[n]] [[c]]",
        gaps: [
          { id: "t", kind: "text", weight, ...text },
          { id: "n", kind: "number", ...number },
          { id: "c", kind: "choice", options },
        ],
        ...more,
      })),
    response: fc
      .tuple(fc.constantFrom(...WORDS), fc.constantFrom(...NUMBERS), fc.constantFrom(...IDS, ""))
      .map((values) => ({ gaps: values.map((value, at) => ({ gap: ["t", "n", "c"][at], value })) })),
  },
  ESSAY: { key: fc.constant({}), response: fc.constantFrom("", "Well.").map((text) => ({ text })) },
  FILE_UPLOAD: {
    key: fc.constant({}),
    response: fc.constantFrom([], ["01890a5d-ac96-774b-bcce-b302099a8057"]).map((files) => ({ files })),
  },
  INFORMATION: { key: fc.constant({}), response: fc.constant(null) },
};
const TYPES = Object.keys(kinds) as QuestionTypeName[];

const points = fc.constantFrom("1", "0.3333", "2.5", "7");
const anExam = fc.record({
  points: fc.array(points, { minLength: TYPES.length, maxLength: TYPES.length }),
  floors: fc.tuple(fc.constantFrom(null, "0", "-1"), fc.constantFrom(null, "0"), fc.constantFrom(null, "0", "-2")),
  responses: fc.tuple(...TYPES.map((type) => fc.option(kinds[type].response, { freq: 8 }))),
  essay: fc.option(fc.constantFrom("0", "0.25", "1"), { nil: undefined }),
});
/** What an exam is graded by, as far as a regrading changes it. */
const aPolicy = fc.record({
  keys: fc.tuple(...TYPES.map((type) => kinds[type].key)),
  treatments: fc.array(fc.constantFrom("NORMAL", "NORMAL", "NORMAL", ...TREATMENTS), {
    minLength: TYPES.length,
    maxLength: TYPES.length,
  }),
  outcomeFeedback: fc.record({ correct: said, partlyCorrect: said, incorrect: said }),
});
type Exam = typeof anExam extends fc.Arbitrary<infer Value> ? Value : never;
type Policy = typeof aPolicy extends fc.Arbitrary<infer Value> ? Value : never;

/** As PostgreSQL keeps it, and gives it back each time. */
const stored = <T>(value: T): T => JSON.parse(JSON.stringify(value));

/** Regular expressions that mean the same and are not known yet: for who remembers nothing of earlier keys. */
const asNew = (policy: Policy, run: number): Policy => ({
  ...policy,
  keys: JSON.parse(JSON.stringify(policy.keys), (name, value) =>
    name === "regex" ? `(?:${value})(?:#${run})?` : value,
  ),
});

const definitionsOf = ({ keys }: Policy) => TYPES.map((type, at) => parseDefinition(type, stored(keys[at])));

function graded({ points, floors, responses, essay }: Exam, policy: Policy): PaperGrade {
  const definitions = stored(definitionsOf(policy));
  const questions = TYPES.map((type, at) => ({
    ...{ versionId: type, type, points: points[at]!, definition: definitions[at] },
    ...{ treatment: policy.treatments[at]!, outcomeFeedback: stored(policy.outcomeFeedback) },
  }));
  const given = TYPES.map((type, at): [string, QuestionResponse | null] => {
    const response = responses[at];
    return [type, response ? stored(parseResponse(type, definitions[at], stored(response))) : null];
  });
  const [floor, ...ofSections] = floors;
  const half = TYPES.length >> 1;
  return gradePaper(
    {
      floor,
      sections: [questions.slice(0, half), questions.slice(half)].map((questions, at) => ({
        floor: ofSections[at]!,
        questions,
      })),
    },
    new Map(given),
    new Map(essay === undefined ? [] : [["ESSAY", essay]]),
  );
}

/** Every number with all its digits. */
const bits = (grade: PaperGrade) =>
  JSON.stringify(grade, (_key, value) => (value instanceof Decimal ? value.toString() : value));

describe("an exam that is graded by one key, then by another, and then by the first again", () => {
  it("has the grades that it had, to the last digit, in every type of question", () => {
    const changed = new Set<string>();
    let run = 0;
    fc.assert(
      fc.property(anExam, aPolicy, aPolicy, (exam, a, b) => {
        run += 2;
        const before = graded(exam, asNew(a, run - 1));
        const between = graded(exam, asNew(b, run));
        const after = graded(exam, asNew(a, run));
        expect(after).toEqual(before);
        expect(bits(after)).toBe(bits(before));
        for (const [at, { versionId, earned }] of between.questions.entries())
          if (String(earned) !== String(before.questions[at]!.earned)) changed.add(versionId);
      }),
      { numRuns: 150 },
    );
    const byPeople = ["ESSAY", "FILE_UPLOAD", "INFORMATION"];
    expect([...changed].sort()).toEqual(TYPES.filter((type) => !byPeople.includes(type)).sort());
  });

  it("may be graded by either of these keys: they read the same papers", () => {
    fc.assert(
      fc.property(aPolicy, aPolicy, (a, b) => {
        const [ofA, ofB] = [definitionsOf(a), definitionsOf(b)];
        for (const [at, type] of TYPES.entries()) {
          if (questionTypes[type].isMarkedByHand) continue;
          expect(differencesInReading({ type, definition: ofA[at] }, { type, definition: ofB[at] })).toEqual([]);
        }
      }),
      { numRuns: 50 },
    );
  });
});
