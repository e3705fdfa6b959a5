import { describe, expect, it } from "@jest/globals";
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
const examples: { type: string; definition: Record<string, unknown>; response: QuestionResponse }[] = [
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
  { type: "NUMERIC", definition: { answers: [{ value: 3, feedback: SECRET }] }, response: { number: "3,5" } },
  { type: "ESSAY", definition: { guidance: SECRET }, response: { text: "Once upon a time" } },
];

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

  it.each(examples)("$type takes its response and shows nothing of the key", ({ type, definition, response }) => {
    const parsed = parseDefinition(type, definition);
    expect(parseResponse(type, parsed, response)).toEqual(response);
    const view = questionType(type).studentView(parsed);
    expect(Object.keys(view).sort()).toEqual(["maxLength", "options", "responseKind"]);
    for (const option of view.options) expect(Object.keys(option).sort()).toEqual(["id", "text"]);
    expect(JSON.stringify(view)).not.toContain(SECRET);
  });

  it.each(examples)("$type refuses every response of another kind", ({ type, definition, response }) => {
    const parsed = parseDefinition(type, definition);
    const others = [{ choice: "a" }, { choices: ["a"] }, { text: "a" }, { number: "1" }].filter(
      (other) => Object.keys(other)[0] !== Object.keys(response)[0],
    );
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

  it.each(["", "abc", "1.2.3", "--1", "0x10", "Infinity", "NaN", "1,234.5", "1e999"])("refuses %j", (number) => {
    const parsed = parseDefinition("NUMERIC", { answers });
    expect(refusal(() => parseResponse("NUMERIC", parsed, { number })).message).toMatch(/not a number/);
  });

  it.each([
    [{ min: 2, max: 1 }, "The lower end of the range lies above the upper end."],
    [{ value: 2, tolerance: -1 }, "The number must be at least 0."],
    [{ value: "two" }, "This is not a number."],
    [{ value: 2, max: 3 }, 'Unrecognized key: "max"'],
    [{}, "An answer is { value, tolerance }, { min, max } or { any: true }."],
  ])("refuses the answer %j", (answer, message) => {
    const { fields } = refusal(() => parseDefinition("NUMERIC", { answers: [answer] }));
    expect(fields).toEqual([{ path: "definition.answers.0", message }]);
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
