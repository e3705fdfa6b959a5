import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { z } from "zod";
import { DomainError } from "../../src/domain/errors.ts";
import type { QuestionResponse } from "../../src/domain/questionType.ts";
import { parseDefinition, parseResponse, questionType, questionTypes } from "../../src/domain/questionTypes.ts";

const refusal = (run: () => unknown): DomainError => {
  try {
    run();
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
};

const gradeOf = (type: string, given: unknown, answer: unknown) => {
  const definition = parseDefinition(type, given);
  return questionType(type).grade(definition, parseResponse(type, definition, answer));
};

const fractionOf = (type: string, given: unknown, answer: unknown): string => {
  const grade = gradeOf(type, given, answer);
  return grade.kind === "graded" ? grade.fraction.toString() : grade.kind;
};

const feedbackOf = (type: string, given: unknown, answer: unknown) => {
  const grade = gradeOf(type, given, answer);
  return grade.kind === "graded" ? grade.feedback : null;
};

const SECRET = "do-not-show";
const examples: { type: string; definition: Record<string, unknown>; response: QuestionResponse | null }[] = [
  {
    type: "SINGLE_CHOICE",
    definition: {
      options: [
        { id: "a", text: "A", fraction: "1", feedback: SECRET },
        { id: "b", text: "B", fraction: "-0.5" },
      ],
    },
    response: { choice: "b" },
  },
  {
    type: "MULTIPLE_CHOICE",
    definition: {
      options: [
        { id: "a", text: "A", correct: true, feedback: SECRET },
        { id: "b", text: "B", correct: false },
      ],
    },
    response: { choices: ["b", "a"] },
  },
  { type: "TRUE_FALSE", definition: { correct: true, feedbackTrue: SECRET }, response: { choice: "false" } },
  {
    type: "SHORT_TEXT",
    definition: { answers: [{ pattern: SECRET, feedback: SECRET }] },
    response: { text: "something" },
  },
  {
    type: "NUMERIC",
    definition: { answers: [{ value: 3, feedback: SECRET }], units: [{ unit: "m", factor: 1 }] },
    response: { number: "3,5 m" },
  },
  {
    type: "MATCHING",
    definition: {
      options: [
        { id: "a", text: "A" },
        { id: "b", text: "B" },
      ],
      prompts: [{ id: "p", text: "P", match: "a", feedback: SECRET }],
    },
    response: { pairs: [{ prompt: "p", option: "b" }] },
  },
  {
    type: "ORDERING",
    definition: {
      items: [
        { id: "a", text: "A" },
        { id: "b", text: "B" },
      ],
      feedbackRight: SECRET,
    },
    response: { order: ["b", "a"] },
  },
  {
    type: "GAP_FILL",
    definition: {
      text: "The [[animal]] says moo.",
      gaps: [{ id: "animal", kind: "text", answers: [{ pattern: SECRET }] }],
    },
    response: { gaps: [{ gap: "animal", value: "cow" }] },
  },
  { type: "ESSAY", definition: { guidance: SECRET }, response: { text: "Once upon a time" } },
  {
    type: "FILE_UPLOAD",
    definition: { guidance: SECRET, accept: ["PDF", "image/*"] },
    response: { files: ["01890a5d-ac96-774b-bcce-b302099a8057"] },
  },
  { type: "INFORMATION", definition: {}, response: null },
];
const answerable = examples.filter((example): example is typeof example & { response: QuestionResponse } =>
  Boolean(example.response),
);

describe("every question type", () => {
  it("has an example here", () => {
    expect(examples.map(({ type }) => type)).toEqual(Object.keys(questionTypes));
  });

  it.each(examples)("$type keeps a checked definition as it is when it is checked again", ({ type, definition }) => {
    const once = parseDefinition(type, definition);
    expect(parseDefinition(type, JSON.parse(JSON.stringify(once)))).toEqual(once);
  });

  it.each(examples)("$type refuses a definition with a field it does not know", ({ type, definition }) => {
    expect(refusal(() => parseDefinition(type, { ...definition, surprise: 1 }))).toMatchObject({
      code: "BAD_USER_INPUT",
      fields: [{ path: "definition" }],
    });
  });

  it.each(answerable)("$type takes its response and shows nothing of the key", ({ type, definition, response }) => {
    const parsed = parseDefinition(type, definition);
    expect(parseResponse(type, parsed, response)).toEqual(response);
    const view = questionType(type).studentView(parsed);
    for (const option of [...view.options, ...(view.prompts ?? [])])
      expect(Object.keys(option).sort()).toEqual(["id", "text"]);
    expect(JSON.stringify(view)).not.toContain(SECRET);
  });

  it("INFORMATION takes no response at all", () => {
    const parsed = parseDefinition("INFORMATION", {});
    for (const response of [{ choice: "a" }, { nothing: null }, {}, { text: "" }])
      expect(refusal(() => parseResponse("INFORMATION", parsed, response)).message).toMatch(/nothing to answer/);
  });

  it.each(answerable)("$type refuses every response of another kind", ({ type, definition, response }) => {
    const parsed = parseDefinition(type, definition);
    const others = [
      ...[{ choice: "a" }, { choices: ["a"] }, { text: "a" }, { number: "1" }],
      ...[{ order: ["a"] }, { pairs: [] }, { gaps: [] }, { files: [] }],
    ].filter((other) => Object.keys(other)[0] !== Object.keys(response)[0]);
    for (const other of [...others, { ...response, extra: 1 }, {}, null, "a", ["a"]]) {
      expect(refusal(() => parseResponse(type, parsed, other)).message).toMatch(/^Answer this question with /);
    }
  });

  it.each(examples)("$type describes its definition as JSON schema", ({ type }) => {
    const schema = z.toJSONSchema(questionType(type).definition, { io: "input", unrepresentable: "any" });
    expect(schema).toMatchObject({ type: "object" });
  });

  it("refuses an unknown type by name", () => {
    expect(refusal(() => questionType("HOTSPOT")).message).toMatch(/no question type HOTSPOT/);
    expect(refusal(() => questionType("constructor")).code).toBe("BAD_USER_INPUT");
  });
});

describe("options", () => {
  const ids = (options: object[]) => {
    const definition = parseDefinition("SINGLE_CHOICE", { options }) as { options: { id: string }[] };
    return definition.options.map(({ id }) => id);
  };

  it("get ids that do not tell their place", () => {
    const [right, wrong] = [{ text: "Paris", fraction: 1 }, { text: "Rome" }];
    expect(ids([right, wrong])).toEqual(ids([wrong, right]).reverse());
  });

  it("of the same text get ids of their own", () => {
    expect(new Set(ids([{ text: "x", fraction: 1 }, { text: "x" }, { text: "x" }])).size).toBe(3);
  });

  it("keep the ids they were given", () => {
    expect(
      ids([
        { id: "a", text: "x", fraction: 1 },
        { id: "b", text: "y" },
      ]),
    ).toEqual(["a", "b"]);
  });

  it("may not share an id", () => {
    const options = [
      { id: "a", text: "x", fraction: 1 },
      { id: "a", text: "y" },
    ];
    expect(refusal(() => parseDefinition("SINGLE_CHOICE", { options })).fields).toEqual([
      { path: "definition.options", message: "Two options have the same id." },
    ]);
  });

  it("are named in a problem by their place", () => {
    const options = [{ text: "x", fraction: 1 }, { text: " " }];
    expect(refusal(() => parseDefinition("SINGLE_CHOICE", { options })).fields).toEqual([
      { path: "definition.options.1.text", message: "An option needs a text." },
    ]);
  });

  it("that are pinned say so to the shuffle", () => {
    const options = [
      { id: "a", text: "x", fraction: 1 },
      { id: "b", text: "none of these", pinned: true },
    ];
    const definition = parseDefinition("SINGLE_CHOICE", { options });
    expect(questionType("SINGLE_CHOICE").shuffleOptions(definition)).toEqual([
      { id: "a", pinned: false },
      { id: "b", pinned: true },
    ]);
  });
});

describe("SINGLE_CHOICE", () => {
  const definition = {
    options: [
      { id: "a", text: "A", fraction: "1", feedback: "Right." },
      { id: "b", text: "B", fraction: -0.25, feedback: "Wrong." },
      { id: "c", text: "C" },
    ],
  };

  it("gives what the chosen option is worth, below 0 too, with its feedback", () => {
    expect(["a", "b", "c"].map((choice) => fractionOf("SINGLE_CHOICE", definition, { choice }))).toEqual([
      "1",
      "-0.25",
      "0",
    ]);
    expect(["a", "b", "c"].map((choice) => feedbackOf("SINGLE_CHOICE", definition, { choice }))).toEqual([
      "Right.",
      "Wrong.",
      null,
    ]);
  });

  it("needs an option worth everything", () => {
    const options = [{ text: "A", fraction: "0.9" }, { text: "B" }];
    expect(refusal(() => parseDefinition("SINGLE_CHOICE", { options })).fields?.[0]?.message).toMatch(/right one/);
  });

  it("refuses a choice that is no option", () => {
    const parsed = parseDefinition("SINGLE_CHOICE", definition);
    expect(refusal(() => parseResponse("SINGLE_CHOICE", parsed, { choice: "z" })).fields).toEqual([
      { path: "response.choice", message: "This is not one of the options." },
    ]);
  });
});

describe("MULTIPLE_CHOICE", () => {
  const flagged = (scoring?: string) => ({
    ...(scoring && { scoring }),
    options: [
      { id: "a", text: "A", correct: true, feedback: "Yes, A." },
      { id: "b", text: "B", correct: true, feedback: "Yes, B." },
      { id: "c", text: "C", correct: true },
      { id: "d", text: "D", correct: false },
    ],
  });
  const thirds = {
    options: [
      { id: "a", text: "A", fraction: "0.3333333" },
      { id: "b", text: "B", fraction: "0.3333333" },
      { id: "c", text: "C", fraction: "0.3333333" },
      { id: "d", text: "D", fraction: "-1" },
    ],
  };
  const fractions = (definition: unknown, ...choices: string[]) =>
    choices.map((chosen) => fractionOf("MULTIPLE_CHOICE", definition, { choices: [...chosen] }));

  it("gives each right option the same share and takes it away for a wrong one", () => {
    expect(fractions(flagged(), "abc", "ab", "abcd", "d", "")).toEqual([
      "1",
      "0.666666666666667",
      "0.666666666666667",
      "0",
      "0",
    ]);
  });

  it("makes the whole of three rounded thirds", () => {
    expect(fractions(thirds, "abc", "a", "abcd")).toEqual(["1", "0.333333333333333", "0"]);
  });

  it("wants exactly the right options where it is all or nothing", () => {
    expect(fractions(flagged("allOrNothing"), "cba", "ab", "abcd", "")).toEqual(["1", "0", "0", "0"]);
  });

  it("joins the feedback of what was chosen", () => {
    expect(feedbackOf("MULTIPLE_CHOICE", flagged(), { choices: ["b", "d", "a"] })).toBe("Yes, A.\nYes, B.");
  });

  it.each([
    ["right options that make too little", ["0.5", "0.25"], /add up to 100 %, here they make 75 %/],
    ["no right option", ["0", "-0.5"], /must be right/],
  ])("refuses %s", (_name, weights, message) => {
    const options = weights.map((fraction) => ({ text: fraction, fraction }));
    expect(refusal(() => parseDefinition("MULTIPLE_CHOICE", { options })).fields?.[0]?.message).toMatch(message);
  });

  it("refuses options weighted in two ways", () => {
    const options = [
      { text: "A", correct: true },
      { text: "B", fraction: "0" },
    ];
    expect(refusal(() => parseDefinition("MULTIPLE_CHOICE", { options })).fields?.[0]?.message).toMatch(/for all/);
  });

  it.each([
    [["a", "a"], "An option is chosen twice."],
    [["a", "z"], "This is not one of the options."],
  ])("refuses the choices %j", (choices, message) => {
    const parsed = parseDefinition("MULTIPLE_CHOICE", flagged());
    expect(refusal(() => parseResponse("MULTIPLE_CHOICE", parsed, { choices })).message).toBe(message);
  });
});

describe("TRUE_FALSE", () => {
  const definition = { correct: false, feedbackTrue: "Think again.", feedbackFalse: "Right." };

  it("shows the feedback of the answer given", () => {
    expect(fractionOf("TRUE_FALSE", definition, { choice: "false" })).toBe("1");
    expect(fractionOf("TRUE_FALSE", definition, { choice: "true" })).toBe("0");
    expect(feedbackOf("TRUE_FALSE", definition, { choice: "false" })).toBe("Right.");
    expect(feedbackOf("TRUE_FALSE", definition, { choice: "true" })).toBe("Think again.");
  });

  it("refuses any other choice", () => {
    const parsed = parseDefinition("TRUE_FALSE", definition);
    expect(refusal(() => parseResponse("TRUE_FALSE", parsed, { choice: "maybe" })).message).toMatch(
      /"true" or "false"/,
    );
  });
});

describe("SHORT_TEXT", () => {
  const accepts = (pattern: string, rules: object, text: string) =>
    fractionOf("SHORT_TEXT", { answers: [{ pattern }], ...rules }, { text }) === "1";

  it.each([
    ["straße", {}, "STRASSE", true],
    ["ΟΔΟΣ", {}, "οδος", true],
    ["frog", { caseSensitive: true }, "Frog", false],
    ["caf\u00e9", { caseSensitive: true }, "cafe\u0301", true],
    ["New  York", {}, " new york ", true],
    ["New York", { spaces: "keep" }, "New  York", false],
    ["New York", { spaces: "ignore" }, "NewYork", true],
    ["2\\*3", {}, "2*3", true],
    ["2\\*3", {}, "2x3", false],
    ["café", {}, "cafe", false],
    ["café", { ignoreAccents: true }, "CAFE", true],
    ["cafe", { ignoreAccents: true }, "cafe\u0301", true],
  ])("with the pattern %j and the rules %j, the text %j is accepted: %j", (pattern, rules, text, accepted) => {
    expect(accepts(pattern, rules, text)).toBe(accepted);
  });

  it("lets the first pattern that fits decide", () => {
    const answers = [
      { pattern: "red*", fraction: "0.5", feedback: "Which red?" },
      { pattern: "red wine", fraction: "1" },
    ];
    expect(fractionOf("SHORT_TEXT", { answers }, { text: "red wine" })).toBe("0.5");
    expect(feedbackOf("SHORT_TEXT", { answers }, { text: "red wine" })).toBe("Which red?");
  });

  it("gives nothing for an empty text, whatever the patterns", () => {
    expect(fractionOf("SHORT_TEXT", { answers: [{ pattern: "*" }] }, { text: "  " })).toBe("0");
  });
});

describe("NUMERIC", () => {
  const answers = [
    { value: "0.3", tolerance: "0.1", feedback: "Right." },
    { min: 10, max: "11.5", fraction: 0.5 },
    { any: true, feedback: "Wrong." },
  ];

  it.each([
    ["0.4", "1"],
    ["0,2", "1"],
    ["0.40000000000000000001", "0"],
    ["1e1", "0.5"],
    ["11.5", "0.5"],
    ["11.6", "0"],
  ])("compares exactly, both ends included: %s gives %s", (number, fraction) => {
    expect(fractionOf("NUMERIC", { answers }, { number })).toBe(fraction);
  });

  it("gives the feedback of the rest", () => {
    expect(feedbackOf("NUMERIC", { answers }, { number: "7" })).toBe("Wrong.");
  });

  it("keeps the number as it was typed", () => {
    const parsed = parseDefinition("NUMERIC", { answers });
    expect(parseResponse("NUMERIC", parsed, { number: " 3,140 " })).toEqual({ number: "3,140" });
  });

  it.each(["abc", "1.2.3", "--1", "0x10", "Infinity", "NaN", "1,234.5", "1e999"])("refuses %j", (number) => {
    const parsed = parseDefinition("NUMERIC", { answers });
    expect(refusal(() => parseResponse("NUMERIC", parsed, { number })).message).toMatch(/not a number/);
  });

  it.each([
    [{ min: 2, max: 1 }, "The lower end of the range lies above the upper end."],
    [{ value: 2, tolerance: -1 }, "The number must be at least 0."],
    [{ value: "two" }, "This is not a number."],
    [{ value: 2, max: 3 }, 'Unrecognized key: "max"'],
    [{}, "An answer is { value, tolerance }, { value, significantFigures }, { min, max } or { any: true }."],
  ])("refuses the answer %j", (answer, message) => {
    const { fields } = refusal(() => parseDefinition("NUMERIC", { answers: [answer] }));
    expect(fields).toEqual([{ path: "definition.answers.0", message }]);
  });
});

describe("NUMERIC with units, rounding and relative tolerance", () => {
  const metres = (penalty = "0") => ({
    answers: [{ value: "2.5" }],
    units: [
      { unit: "m", factor: "1" },
      { unit: "mm", factor: "0.001" },
      { unit: "km", factor: "1e3" },
    ],
    missingUnitPenalty: penalty,
  });

  it.each([
    ["2,5 m", "1"],
    ["2500mm", "1"],
    ["m 2.5", "1"],
    ["2.5e-3 km", "1"],
    ["2.5 mm", "0"],
    ["2.5", "1"],
  ])("%s of a length gives %s", (number, fraction) => {
    expect(fractionOf("NUMERIC", metres(), { number })).toBe(fraction);
  });

  it("takes away what a missing unit costs", () => {
    expect(fractionOf("NUMERIC", metres("0.25"), { number: "2.5" })).toBe("0.75");
    expect(fractionOf("NUMERIC", metres("0.25"), { number: "2.5 m" })).toBe("1");
  });

  it("refuses a unit it does not know", () => {
    const parsed = parseDefinition("NUMERIC", metres());
    expect(refusal(() => parseResponse("NUMERIC", parsed, { number: "2.5 s" })).message).toMatch(/with a unit/);
  });

  it.each([
    ["0.0012345", 3, "0.00123", "1"],
    ["0.0012345", 3, "0.001235", "0"],
    ["-25", 1, "-30", "1"],
    ["99.96", 3, "100", "1"],
  ])("%s to %i figures: %s gives %s", (value, significantFigures, number, fraction) => {
    expect(fractionOf("NUMERIC", { answers: [{ value, significantFigures }] }, { number })).toBe(fraction);
  });

  it.each([
    ["-202", "1"],
    ["-198", "1"],
    ["-202.01", "0"],
  ])("one per cent around -200 holds %s: %s", (number, fraction) => {
    const answers = [{ value: "-200", tolerance: "0.01", toleranceType: "relative" }];
    expect(fractionOf("NUMERIC", { answers }, { number })).toBe(fraction);
  });
});

describe("SHORT_TEXT with regular expressions", () => {
  const fits = (regex: string, text: string, rules: object = {}) =>
    fractionOf("SHORT_TEXT", { answers: [{ regex }], ...rules }, { text }) === "1";

  it("fits the whole text", () => {
    expect(fits("colou?r", " Color ")).toBe(true);
    expect(fits("colou?r", "colors")).toBe(false);
    expect(fits("colou?r", "Color", { caseSensitive: true })).toBe(false);
    expect(fits("\\d{4}-\\d{2}", "2026-11")).toBe(true);
  });

  it("takes no time where others take for ever", () => {
    expect(fits("(a+)+b", "a".repeat(999))).toBe(false);
  });

  it.each(["(", "a{2000}", "(a)\\1", "(?=a)b"])("refuses %s, which RE2 cannot do", (regex) => {
    const { fields } = refusal(() => parseDefinition("SHORT_TEXT", { answers: [{ regex }] }));
    expect(fields?.[0]?.message).toMatch(/not a regular expression/);
  });
});

describe("MULTIPLE_CHOICE scored in other ways", () => {
  const options = ["a", "b", "c", "d"].map((id) => ({ id, text: id, correct: id < "c" }));
  const fractions = (rules: object, ...choices: string[]) =>
    choices.map((chosen) => fractionOf("MULTIPLE_CHOICE", { options, ...rules }, { choices: [...chosen] }));

  it("takes a wrong one from a right one", () => {
    const scoring = "rightMinusWrong";
    expect(fractions({ scoring }, "ab", "a", "ac", "acd", "")).toEqual(["1", "0.5", "0", "0", "0"]);
    expect(fractions({ scoring, floor: "-1" }, "cd", "acd", "abcd")).toEqual(["-1", "-0.5", "0"]);
    expect(fractions({ scoring, floor: "-0.25" }, "cd")).toEqual(["-0.25"]);
  });

  it("counts each option that was judged rightly", () => {
    expect(fractions({ scoring: "proportional" }, "ab", "a", "ac", "cd", "")).toEqual(["1", "0.75", "0.5", "0", "0"]);
  });
});

describe("MATCHING", () => {
  const definition = {
    options: ["mammal", "amphibian", "insect"].map((text) => ({ id: text[0], text })),
    prompts: [
      { id: "1", text: "dog", match: "m", feedback: "Dogs are mammals." },
      { id: "2", text: "frog", match: "a" },
      { id: "3", text: "toad", match: "a" },
    ],
  };
  const pairs = (text: string) => ({
    pairs: text.split(" ").map((pair) => ({ prompt: pair[0]!, option: pair[1]! })),
  });

  it("shows a pinned option at its place among the others, with and without a shuffle", () => {
    for (let place = 0; place <= 3; place++) {
      const options: object[] = [...definition.options];
      options.splice(place, 0, { id: "none", text: "none of these", pinned: true });
      const parsed = parseDefinition("MATCHING", { ...definition, options });
      const type = questionType("MATCHING");
      expect(type.studentView(parsed).options[place]?.id).toBe("none");
      expect(type.shuffleOptions(parsed)[place]).toEqual({ id: "none", pinned: true });
    }
  });

  it("gives each prompt its share", () => {
    const of = (text: string) => fractionOf("MATCHING", definition, pairs(text));
    expect([of("1m 2a 3a"), of("1m 2m"), of("2i")]).toEqual(["1", "0.333333333333333", "0"]);
    expect(fractionOf("MATCHING", { ...definition, scoring: "allOrNothing" }, pairs("1m 2a"))).toBe("0");
    expect(feedbackOf("MATCHING", definition, pairs("1i"))).toBe("Dogs are mammals.");
    expect(feedbackOf("MATCHING", definition, pairs("2a"))).toBeNull();
  });

  it.each([
    ["1m 1a", "A prompt is matched twice."],
    ["4m", "This is not one of the prompts."],
    ["1z", "This is not one of the options."],
  ])("refuses %s", (text, message) => {
    const parsed = parseDefinition("MATCHING", definition);
    expect(refusal(() => parseResponse("MATCHING", parsed, pairs(text))).message).toBe(message);
  });

  it("refuses a key that is no option, and two prompts of one id", () => {
    const prompts = [
      { id: "1", text: "dog", match: "z" },
      { id: "1", text: "cat", match: "m" },
    ];
    expect(refusal(() => parseDefinition("MATCHING", { ...definition, prompts })).fields).toEqual([
      { path: "definition.prompts", message: "Two prompts have the same id." },
      { path: "definition.prompts.0.match", message: "There is no such option." },
    ]);
  });
});

describe("ORDERING", () => {
  const items = ["a", "b", "c", "d"].map((id) => ({ id, text: id }));
  const of = (scoring: string, ...orders: string[]) =>
    orders.map((order) => fractionOf("ORDERING", { items, scoring }, { order: [...order] }));

  it("wants the exact order, or gives shares for what follows rightly", () => {
    expect(of("exact", "abcd", "abdc")).toEqual(["1", "0"]);
    expect(of("adjacentPairs", "abcd", "cdab", "dcba")).toEqual(["1", "0.666666666666667", "0"]);
    expect(of("longestCommonSubsequence", "abcd", "dabc", "cdab", "dcba")).toEqual([
      "1",
      "0.666666666666667",
      "0.333333333333333",
      "0",
    ]);
  });

  it("shows its items in an order that tells nothing, the same each time", () => {
    const ids = (order: string) => {
      const definition = parseDefinition("ORDERING", { items: [...order].map((id) => ({ id, text: id })) });
      return questionType("ORDERING")
        .studentView(definition)
        .options.map(({ id }) => id)
        .join("");
    };
    expect(ids("abcd")).toBe(ids("dbca"));
  });

  it.each([["abc"], ["aabc"], ["abcdd"]])("refuses %s", (order) => {
    const parsed = parseDefinition("ORDERING", { items });
    expect(refusal(() => parseResponse("ORDERING", parsed, { order: [...order] })).message).toMatch(/each once/);
  });

  it("agrees with counting every subsequence, whatever the order", () => {
    const common = (order: string): number =>
      Math.max(
        ...Array.from({ length: 2 ** order.length }, (_, mask) => {
          const kept = [...order].filter((_id, at) => mask & (1 << at));
          return kept.join() === [...kept].sort().join() ? kept.length : 0;
        }),
      );
    fc.assert(
      fc.property(fc.shuffledSubarray(["a", "b", "c", "d"], { minLength: 4 }), (order) => {
        const expected = (common(order.join("")) - 1) / 3;
        expect(Number(of("longestCommonSubsequence", order.join(""))[0])).toBeCloseTo(expected, 12);
      }),
    );
  });
});

describe("GAP_FILL", () => {
  const definition = {
    text: "[[a]] boils at [[b]] and is [[c]].",
    gaps: [
      { id: "a", kind: "text", answers: [{ pattern: "water" }], weight: "2" },
      { id: "b", kind: "number", answers: [{ value: "100", tolerance: "1" }], units: [{ unit: "°C", factor: "1" }] },
      {
        id: "c",
        kind: "choice",
        options: [
          { id: "x", text: "wet", fraction: "1", feedback: "So it is." },
          { id: "y", text: "dry", fraction: "-1" },
        ],
      },
    ],
  };
  const filled = (gaps: Record<string, string>) => ({
    gaps: Object.entries(gaps).map(([gap, value]) => ({ gap, value })),
  });

  it.each([
    [{ a: "Water", b: "100,5 °C", c: "x" }, "1"],
    [{ a: "water" }, "0.5"],
    [{ a: "water", c: "y" }, "0.25"],
    [{ c: "y" }, "0"],
    [{ a: "water", b: "", c: " " }, "0.5"],
    [{}, "0"],
  ])("%j gives %s", (gaps, fraction) => {
    expect(fractionOf("GAP_FILL", definition, filled(gaps))).toBe(fraction);
  });

  it("goes below 0 only as far as its floor", () => {
    expect(fractionOf("GAP_FILL", { ...definition, floor: "-0.1" }, filled({ c: "y" }))).toBe("-0.1");
    expect(feedbackOf("GAP_FILL", definition, filled({ c: "x" }))).toBe("So it is.");
  });

  it.each([
    [{ d: "x" }, "This is not one of the gaps."],
    [{ d: "" }, "This is not one of the gaps."],
    [{ c: "z" }, "This is not one of the options."],
    [{ b: "hot" }, "This is not a number. Write it like 3.14, 3,14 or 1e-3."],
  ])("refuses %j", (gaps, message) => {
    const parsed = parseDefinition("GAP_FILL", definition);
    expect(refusal(() => parseResponse("GAP_FILL", parsed, filled(gaps))).message).toBe(message);
  });

  it.each([
    ["a gap that is not in the text", { text: "[[a]] [[b]]" }, /0 times/],
    ["a gap that is there twice", { text: "[[a]] [[b]] [[c]] [[c]]" }, /2 times/],
  ])("refuses %s", (_what, change, message) => {
    const { fields } = refusal(() => parseDefinition("GAP_FILL", { ...definition, ...change }));
    expect(fields).toMatchObject([{ path: "definition.gaps.2.id", message: expect.stringMatching(message) }]);
  });
});

describe("ESSAY", () => {
  it("needs a human, but not for an empty text", () => {
    expect(fractionOf("ESSAY", {}, { text: "Well." })).toBe("needsHuman");
    expect(fractionOf("ESSAY", {}, { text: " \n" })).toBe("0");
  });

  it("refuses a text longer than the definition allows", () => {
    const parsed = parseDefinition("ESSAY", { maxLength: 5 });
    expect(refusal(() => parseResponse("ESSAY", parsed, { text: "123456" })).message).toMatch(/5 characters/);
  });

  it.each([
    ["a NUL", "a\0b"],
    ["half of a surrogate pair", "a\ud83d"],
  ])("refuses %s", (_name, text) => {
    const parsed = parseDefinition("ESSAY", {});
    expect(refusal(() => parseResponse("ESSAY", parsed, { text })).message).toMatch(/cannot be stored/);
    expect(() => parseResponse("ESSAY", parsed, { text: "a whole \u{1F600}" })).not.toThrow();
  });
});

describe("FILE_UPLOAD", () => {
  const [one, two] = ["01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8058"];

  it("needs a human, but not where no file is handed in", () => {
    expect(fractionOf("FILE_UPLOAD", {}, { files: [one] })).toBe("needsHuman");
    expect(fractionOf("FILE_UPLOAD", {}, { files: [] })).toBe("0");
  });

  it.each([
    [[one, two], /1 may be handed in/],
    [[one, one.toUpperCase()], /named twice/],
    [["report.pdf"], /not the id of a file/],
  ])("refuses %j", (files, message) => {
    const parsed = parseDefinition("FILE_UPLOAD", {});
    expect(refusal(() => parseResponse("FILE_UPLOAD", parsed, { files })).message).toMatch(message);
  });

  it("tells the student which files it takes, in one spelling", () => {
    const parsed = parseDefinition("FILE_UPLOAD", { maxFiles: 2, maxBytes: 5, accept: ["PDF", ".pdf", "Image/*"] });
    const { files } = questionType("FILE_UPLOAD").studentView(parsed);
    expect(files).toEqual({ maxFiles: 2, maxBytes: 5, accept: [".pdf", "image/*"] });
  });

  it.each(["", "a b", "../x", "video/*", "application/x-unknown"])("does not accept files like %j", (entry) => {
    expect(refusal(() => parseDefinition("FILE_UPLOAD", { accept: [entry] })).fields).toEqual([
      { path: "definition.accept.0", message: expect.stringMatching(/^Name the ending/) },
    ]);
  });
});
