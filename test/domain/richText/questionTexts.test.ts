import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { takeQuestion } from "../../../src/domain/exchange/takeQuestion.ts";
import { parseDefinition, type QuestionTypeName, questionTypes } from "../../../src/domain/questionTypes.ts";
import { sanitiseQuestion } from "../../../src/domain/richText/sanitiseQuestion.ts";

const CANARY = "<script>canary()</script>";
const said = { feedback: "Because." };
const options = [
  { id: "a", text: "A", fraction: "1", pinned: true, ...said },
  { id: "b", text: "B", fraction: "0", pinned: false, ...said },
];
const textAnswers = {
  answers: [
    { pattern: "word", fraction: "1", ...said },
    { regex: "w+", ...said },
  ],
  caseSensitive: true,
  ignoreAccents: true,
};
const numberAnswers = {
  answers: [
    { value: "1", fraction: "1", tolerance: "0.1", toleranceType: "absolute", ...said },
    { value: "2", significantFigures: 2, ...said },
    { min: "3", max: "4", ...said },
    { any: true, ...said },
  ],
  units: [{ unit: "m", factor: "1" }],
  missingUnitPenalty: "0.5",
};

const gapOptions = options.map(({ id, text, fraction, feedback }) => ({ id, text, fraction, feedback }));

const marks = { penalty: "0.25", floor: "-0.5" };

const rubric = [
  {
    id: "c",
    title: "Clear",
    levels: [
      { id: "0", text: "No", points: "0" },
      { id: "1", text: "Yes", points: "1" },
    ],
  },
];

/** A definition of every type that has every field it may have. */
const samples: Record<QuestionTypeName, unknown> = {
  SINGLE_CHOICE: { options, ...marks },
  MULTIPLE_CHOICE: { options, scoring: "allOrNothing", ...marks },
  TRUE_FALSE: { correct: true, feedbackTrue: "Yes.", feedbackFalse: "No.", ...marks },
  SHORT_TEXT: { ...textAnswers, spaces: "collapse", ...marks },
  NUMERIC: { ...numberAnswers, ...marks },
  MATCHING: {
    options: options.map(({ fraction: _worth, ...option }) => option),
    prompts: [{ id: "p", text: "P", match: "a", ...said }],
    scoring: "proportional",
    ...marks,
  },
  ORDERING: {
    items: [
      { id: "a", text: "A", ...said },
      { id: "b", text: "B", ...said },
    ],
    scoring: "exact",
    ...marks,
    feedbackRight: "R",
    feedbackWrong: "W",
  },
  GAP_FILL: {
    text: "[[x]] [[y]] [[z]]",
    gaps: [
      { id: "x", weight: "1", kind: "choice", options: gapOptions },
      { id: "y", weight: "1", kind: "text", ...textAnswers, spaces: "collapse" },
      { id: "z", weight: "1", kind: "number", ...numberAnswers },
    ],
    ...marks,
  },
  FILE_UPLOAD: { maxFiles: 1, maxBytes: 1_000, accept: [".pdf"], guidance: "Look for it.", rubric },
  ESSAY: { maxLength: 100, guidance: "Look for it.", rubric },
  INFORMATION: {},
};

/** Texts that responses are compared with. */
const COMPARED = ["pattern", "regex", "unit"];

/** Every string of a definition with a canary in it, if the type takes it there: all free texts, and nothing else. */
function* withCanary(type: QuestionTypeName, sample: unknown): Generator<{ path: string; definition: unknown }> {
  const places: (string | number)[][] = [];
  const walk = (value: unknown, path: (string | number)[]): void => {
    if (typeof value === "string") places.push(path);
    else if (typeof value === "object" && value !== null)
      for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key]);
  };
  walk(sample, []);
  for (const path of places) {
    const definition = structuredClone(sample);
    let parent = definition as Record<string, never>;
    for (const key of path.slice(0, -1)) parent = parent[key]!;
    const last = String(path.at(-1));
    Object.assign(parent, { [last]: `${CANARY}${parent[last]}` });
    if (!COMPARED.includes(last) && questionTypes[type].definition.safeParse(definition).success)
      yield { path: path.join("."), definition };
  }
}

const propertiesOf = (schema: unknown): string[] =>
  typeof schema !== "object" || schema === null
    ? []
    : Object.entries(schema).flatMap(([key, value]) => [
        ...(key === "properties" ? Object.keys(value as object) : []),
        ...propertiesOf(value),
      ]);
const keysOf = (value: unknown): string[] =>
  typeof value !== "object" || value === null
    ? []
    : Object.entries(value).flatMap(([key, inner]) => [...(Array.isArray(value) ? [] : [key]), ...keysOf(inner)]);

describe.each(Object.keys(questionTypes) as QuestionTypeName[])("the texts of %s", (type) => {
  it("are all in the sample, so that this test misses none", () => {
    const names = propertiesOf(z.toJSONSchema(questionTypes[type].definition, { io: "input", unrepresentable: "any" }));
    const known = new Set([...keysOf(samples[type]), ...(type === "MULTIPLE_CHOICE" ? ["correct"] : [])]);
    expect(names.filter((name) => !known.has(name))).toEqual([]);
  });

  it.each(["HTML", "MARKDOWN", "MOODLE"] as const)("are sanitised wherever one stands, in %s", (stemFormat) => {
    for (const { path, definition } of withCanary(type, samples[type])) {
      const given = { type, stem: "Q", stemFormat, definition: parseDefinition(type, definition) };
      const { question, removed } = sanitiseQuestion(given);
      expect([path, JSON.stringify(question.definition)]).toEqual([path, expect.not.stringContaining("canary")]);
      expect([path, removed]).toEqual([path, ["<script>"]]);
    }
  });

  it("stay as they are where they are harmless, with the ids that were made of them", () => {
    const definition = parseDefinition(type, samples[type]);
    const { question } = sanitiseQuestion({ type, stem: "Q", stemFormat: "MARKDOWN", definition });
    expect(question.definition).toEqual(definition);
  });
});

describe("a question from a file", () => {
  const take = (stem: string, text: string) =>
    takeQuestion({ line: 1, title: null, text: stem }, () => ({
      ...{ type: "SINGLE_CHOICE", title: null, stem, stemFormat: "HTML", feedback: `<p style="x">Well.</p>`, tags: [] },
      definition: { options: [{ text: "right", fraction: "1" }, { text }] },
      changed: ["Something else."],
    }));

  it("is taken in clean, and the report says what was taken out", () => {
    expect(
      take(`Look<script>x</script>: <img src="@@PLUGINFILE@@/a.png" alt="">`, "<b onclick=x>wrong</b>"),
    ).toMatchObject({
      kind: "taken",
      question: { stem: `Look: <img src="@@PLUGINFILE@@/a.png" alt="" />`, feedback: "<p>Well.</p>" },
      changed: [
        "Something else.",
        "Taken out of its texts, because a page that shows them could be harmed: <script>, the attribute style of <p>, the attribute onclick of <b>.",
      ],
    });
  });

  it("is refused where nothing is left of a text it needs", () => {
    expect(take("Q", "<script>x</script>")).toMatchObject({ kind: "refused", reason: "An option needs a text." });
    expect(take("<script>x</script>", "wrong")).toMatchObject({
      kind: "refused",
      reason: "stem: The question has no text.",
    });
  });
});
