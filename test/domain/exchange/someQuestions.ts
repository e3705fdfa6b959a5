import fc from "fast-check";
import { DomainError } from "../../../src/domain/errors.ts";
import type { ImportedQuestion } from "../../../src/domain/exchange/questionFormat.ts";
import type { Definitions } from "../../../src/domain/exchange/typedQuestion.ts";
import { toOutcomeFeedback } from "../../../src/domain/outcomeFeedback.ts";
import type { QuestionTypeName } from "../../../src/domain/questionTypes.ts";
import { parseDefinition } from "../../../src/domain/questionTypes.ts";
import { sanitiseQuestion } from "../../../src/domain/richText/sanitiseQuestion.ts";

const marks = [..."aB1 %#=~{}:\\[]()->*<&;,|\"'é\n\t.!/_?$@"];
const text = fc
  .oneof(
    fc.string({ unit: fc.constantFrom(...marks), minLength: 1, maxLength: 12 }),
    fc.constantFrom("[html] x", "%50% of all", "T", "A) one", "ANSWER: B", "// no comment", "]]>", "<p>x &amp; y</p>"),
  )
  .filter((it) => it.trim() !== "");
const feedback = fc.option(text, { nil: undefined });
const decimal = fc.tuple(fc.integer({ min: -5000, max: 5000 }), fc.constantFrom(1, 10, 1000));
const number = decimal.map(([whole, by]) => String(whole / by));
const small = fc.nat(300).map((whole) => String(whole / 100));
const share = fc.constantFrom("1", "0.5", "0.25", "0.3333333", "0");
const signedShare = fc.oneof(share, fc.constantFrom("-1", "-0.25", "-0.3333333"));

const noneOrSome = fc.option(fc.constantFrom("0", "0.25", "1"), { nil: undefined });
const penalty = { penalty: noneOrSome, floor: fc.constantFrom(undefined, undefined, "0", "-0.5") };
/** Adds them to what definitions are made of. */
const penalised = <T extends object>(definition: fc.Arbitrary<T>) =>
  fc.tuple(definition, fc.record(penalty)).map(([fields, more]) => ({ ...fields, ...more }));

const shared = fc.record({
  title: fc.option(text, { nil: null }).map((title) => title?.trim() ?? null),
  stem: text.map((stem) => `${stem.trim()} ?`),
  stemFormat: fc.constantFrom("PLAIN", "HTML", "MARKDOWN", "MOODLE") as fc.Arbitrary<ImportedQuestion["stemFormat"]>,
  points: fc.constantFrom("1", "2.5"),
  feedback: fc.option(text, { nil: null }),
  outcomeFeedback: fc
    .record({ correct: feedback, partlyCorrect: feedback, incorrect: feedback })
    .map((said) => toOutcomeFeedback(said)),
  tags: fc.uniqueArray(fc.constantFrom("a", "week 1", "id:7", "x[y]\\z", "a,b; c"), { maxLength: 2 }),
});

const options = <T>(fields: Record<string, fc.Arbitrary<T>>, minLength = 2) =>
  fc.array(fc.record({ text, feedback, ...fields }), { minLength, maxLength: 5 });
const firstIsRight = <T extends { fraction: string }>(list: T[]) => [{ ...list[0]!, fraction: "1" }, ...list.slice(1)];
const someFlags = options({ correct: fc.boolean() }).map(([first, ...rest]) => [{ ...first!, correct: true }, ...rest]);
const someWeights = fc
  .tuple(fc.constantFrom(["1"], ["0.5", "0.5"], ["0.3333333", "0.3333333", "0.3333333"], ["0.7", "0.3"]), text, text)
  .map(([right, a, b]) => [
    ...right.map((fraction, at) => ({ text: `${a}${at}`, fraction })),
    { text: b, fraction: "-0.5" },
    { text: `${a} ${b}`, fraction: "0" },
  ]);
const patterns = fc.array(fc.record({ pattern: text, fraction: share, feedback }), { minLength: 1, maxLength: 4 });
const numbers = fc.array(
  fc.oneof(
    fc.record({ value: number, tolerance: small, fraction: share, feedback }),
    fc.record({
      value: number,
      tolerance: fc.constantFrom("0.01", "0.1"),
      toleranceType: fc.constant("relative"),
      fraction: share,
    }),
    fc
      .tuple(number, small, share)
      .map(([min, by, fraction]) => ({ min, max: String(Number(min) + Number(by)), fraction })),
    fc.record({ any: fc.constant(true), fraction: share }),
  ),
  { minLength: 1, maxLength: 4 },
);
const units = fc.constantFrom(
  undefined,
  [{ unit: "m", factor: "1" }],
  [
    { unit: "m", factor: "1" },
    { unit: "cm", factor: "0.01" },
    { unit: "km", factor: "1000" },
  ],
);

const definitions: { [Name in QuestionTypeName]: fc.Arbitrary<unknown> } = {
  SINGLE_CHOICE: penalised(
    fc
      .oneof(options({ fraction: signedShare }), options({ fraction: fc.constant("0") }))
      .map((list) => ({ options: firstIsRight(list as never) })),
  ),
  MULTIPLE_CHOICE: fc.oneof(
    fc.record({
      options: someFlags,
      scoring: fc.constantFrom("weighted", "rightMinusWrong", "proportional", "allOrNothing"),
    }),
    fc.record({ options: someWeights, scoring: fc.constantFrom("weighted", "rightMinusWrong") }),
    fc.record({ options: someFlags, scoring: fc.constant("allOrNothing"), ...penalty }),
  ),
  TRUE_FALSE: fc.record({ correct: fc.boolean(), feedbackTrue: feedback, feedbackFalse: feedback, ...penalty }),
  SHORT_TEXT: fc.record({ answers: patterns.map(firstIsRight), caseSensitive: fc.boolean(), ...penalty }),
  NUMERIC: fc.record({
    answers: numbers.map((list) => firstIsRight(list as { fraction: string }[])),
    units,
    missingUnitPenalty: fc.constantFrom("0", "0.25"),
    ...penalty,
  }),
  MATCHING: penalised(
    fc
      .tuple(
        fc.uniqueArray(text, { minLength: 2, maxLength: 5 }),
        fc.array(fc.tuple(text, fc.nat(4)), { minLength: 1, maxLength: 5 }),
      )
      .map(([texts, prompts]) => ({
        options: texts.map((it, at) => ({ id: `o${at}`, text: it })),
        prompts: prompts.map(([it, of], at) => ({ id: `p${at}`, text: it, match: `o${of % texts.length}` })),
      })),
  ),
  ORDERING: fc.record({
    items: fc.array(fc.record({ text }), { minLength: 2, maxLength: 5 }),
    scoring: fc.constantFrom("exact", "adjacentPairs", "longestCommonSubsequence"),
    feedbackRight: feedback,
    ...penalty,
  }),
  GAP_FILL: fc.record({
    text: text.map((it) => `${it.replaceAll("[[", "[ [")} [[a]] or [[b]], then [[c]].`),
    gaps: fc.tuple(
      fc.record({
        id: fc.constant("a"),
        kind: fc.constant("text"),
        answers: patterns.map(firstIsRight),
        caseSensitive: fc.boolean(),
      }),
      fc.record({
        id: fc.constant("b"),
        kind: fc.constant("choice"),
        weight: fc.constantFrom("1", "2"),
        options: options({ fraction: signedShare }).map((list) => firstIsRight(list as never)),
      }),
      fc.record({
        id: fc.constant("c"),
        kind: fc.constant("number"),
        answers: numbers.map((list) => firstIsRight(list as { fraction: string }[])),
      }),
    ),
    penalty: noneOrSome,
  }),
  ESSAY: fc.constant({}),
  FILE_UPLOAD: fc.record({
    maxFiles: fc.constantFrom(1, 3),
    accept: fc.constantFrom([".pdf"], ["image/*", ".docx"], [".xyz"]),
  }),
  INFORMATION: fc.constant({}),
};

/** Questions of every type, with texts that are full of the marks of every format. */
export const someQuestion: fc.Arbitrary<ImportedQuestion> = fc
  .constantFrom(...(Object.keys(definitions) as QuestionTypeName[]))
  .chain((type) => fc.record({ type: fc.constant(type), shared, definition: definitions[type] }))
  .map(({ type, shared: rest, definition }) => ({
    ...rest,
    type,
    points: type === "INFORMATION" ? "0" : rest.points,
    definition: parseDefinition(type, JSON.parse(JSON.stringify(definition))),
  }))
  // As in a bank, where nothing is stored otherwise; what is left of some texts is not enough for a question.
  .map(asStored)
  .filter((question) => question !== null);

function asStored(question: ImportedQuestion): ImportedQuestion | null {
  try {
    const { question: stored } = sanitiseQuestion(question);
    return stored.stem.trim() === "" ? null : stored;
  } catch (error) {
    if (error instanceof DomainError) return null;
    throw error;
  }
}

const plain = (it: { text: string }) => it.text.replace(/\s+/g, " ").trim();
const alphabetical = <O extends { text: string }>(list: readonly O[]) =>
  [...list].sort((a, b) => (plain(a) < plain(b) ? -1 : 1));
const at = <T>(list: readonly T[], seed: number) => list[seed % list.length]!;

/** The same response to a question before and after its journey, on which options may get other ids. */
export function responseBy(
  { type, definition }: Pick<ImportedQuestion, "type" | "definition">,
  seeds: number[],
  words: string[],
): unknown {
  const [first = 0] = seeds;
  const of = <Name extends QuestionTypeName>() => definition as Definitions[Name];
  switch (type) {
    case "SINGLE_CHOICE":
      return { choice: at(of<"SINGLE_CHOICE">().options, first).id };
    case "MULTIPLE_CHOICE":
      return {
        choices: of<"MULTIPLE_CHOICE">()
          .options.filter((_, index) => (seeds[index] ?? 0) % 2 === 1)
          .map(({ id }) => id),
      };
    case "TRUE_FALSE":
      return { choice: String(first % 2 === 0) };
    case "SHORT_TEXT":
    case "ESSAY":
      return { text: at(words, first) };
    case "FILE_UPLOAD":
      return {
        files: seeds.slice(0, first % 3).map((seed) => `00000000-0000-7000-8000-${String(seed).padStart(12, "0")}`),
      };
    case "NUMERIC":
      return { number: at(words, first) };
    case "MATCHING": {
      const { prompts, options: all } = of<"MATCHING">();
      return {
        pairs: prompts.map(({ id }, index) => ({ prompt: id, option: at(alphabetical(all), seeds[index] ?? 0).id })),
      };
    }
    case "ORDERING": {
      const left = [...of<"ORDERING">().items];
      return {
        order: seeds.flatMap((seed) => (left.length > 0 ? left.splice(seed % left.length, 1) : [])).map(({ id }) => id),
      };
    }
    case "GAP_FILL":
      return {
        gaps: of<"GAP_FILL">().gaps.map((gap, index) => ({
          gap: gap.id,
          value: gap.kind === "choice" ? at(gap.options, seeds[index] ?? 0).id : at(words, seeds[index] ?? 0),
        })),
      };
    default:
      return {};
  }
}

/** What somebody might type: what is accepted, in both cases, and what lies at the ends of what is. */
export function wordsFor({ definition }: ImportedQuestion): string[] {
  const { answers = [], gaps = [] } = definition as {
    answers?: Record<string, string>[];
    gaps?: { answers?: Record<string, string>[] }[];
  };
  const all = [...answers, ...gaps.flatMap((gap) => gap.answers ?? [])];
  const words = all.flatMap(({ pattern, value, tolerance, min, max }) => [
    ...(pattern
      ? [pattern, pattern.toUpperCase(), ` ${pattern.replaceAll("*", "xy")}`, pattern.replaceAll("\\*", "*")]
      : []),
    ...(value
      ? [value, `${value} m`, `${value}cm`, String(Number(value) + Number(tolerance)), String(Number(value) * 1.01)]
      : []),
    ...(min && max ? [min, max, `${max} km`, String(Number(min) - 0.001)] : []),
  ]);
  return [...words, "0", "5", "A", "nothing of all this"];
}
