import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { DomainError } from "../../src/domain/errors.ts";
import { parseDefinition, questionType } from "../../src/domain/questionTypes.ts";
import { regexSteps } from "../../src/domain/regexSteps.ts";

const compile = RE2JS.compile;
let compilations: number;
beforeEach(() => {
  compilations = 0;
  jest.spyOn(RE2JS, "compile").mockImplementation((...given) => {
    compilations += 1;
    return compile.apply(RE2JS, given);
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

const shortText = (...regexes: string[]) => ({ answers: regexes.map((regex) => ({ regex })) });
const gapFill = (...gaps: string[][]) => ({
  text: gaps.map((_, at) => `[[g${at}]]`).join(" "),
  gaps: gaps.map((regexes, at) => ({ id: `g${at}`, kind: "text", ...shortText(...regexes) })),
});

function refusal(type: string, definition: unknown) {
  try {
    parseDefinition(type, definition);
  } catch (error) {
    if (error instanceof DomainError) return error.fields;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** Different each time, so that none is remembered. */
const variants = (count: number, regex: string) => Array.from({ length: count }, (_, at) => `${regex}${at}`);

describe("regular expressions that would hold up a server", () => {
  it.each([
    ["repeats within repeats", "(a{1000}){1000}"],
    ["many layers of few", "(((((((a{9}){9}){9}){9}){9}){9}){9}){9}"],
    ["many repetitions", "x{1000}".repeat(140)],
    ["repeated what may be left out", "(a?){0,999}(b?){0,999}"],
    ["repeated words", "(a word of some length|another){300}"],
    ["repeats behind a quoted bracket", "(\\Q)\\E{60}){90}"],
    ["repeats behind a bracket in a set", "([)]a{60}){90}"],
    ["sets of Unicode", "\\p{L}".repeat(199)],
    ["sets of Unicode within one", `[${"\\PL\\pN".repeat(166)}]`],
    ["ranges of which each character is looked up", `[${"B-\\x{1E900}".repeat(80)}]`],
    ["the same, written out", `[${"B-\u{1E900}".repeat(199)}]`],
  ])("are refused before they are compiled: %s", (_what, regex) => {
    const message = expect.stringMatching(/too large: .* more than 5,000 steps/);
    expect(refusal("SHORT_TEXT", shortText("fine", regex))).toEqual([{ path: "definition.answers.1.regex", message }]);
    expect(refusal("GAP_FILL", gapFill(["fine"], [regex]))).toEqual([
      { path: "definition.gaps.1.answers.0.regex", message },
    ]);
    expect(compilations).toBe(0);
  });

  it("are refused before they are compiled where many make too much together", () => {
    const message = expect.stringMatching(/more than 20,000 steps together/);
    const hundred = variants(100, "x{1000}".repeat(4));
    expect(refusal("SHORT_TEXT", shortText(...hundred))).toEqual([{ path: "definition.answers.4.regex", message }]);
    const overGaps = Array.from({ length: 10 }, () => variants(1, "x{1000}".repeat(4)));
    expect(refusal("GAP_FILL", gapFill(...overGaps))).toEqual([{ path: "definition.gaps.4.answers.0.regex", message }]);
    const alternatives = variants(90, Array.from({ length: 250 }, (_, at) => at).join("|"));
    expect(refusal("SHORT_TEXT", shortText(...alternatives))).toMatchObject([{ message }]);
    expect(compilations).toBe(0);
  });

  it("are refused before they are compiled where they are too many", () => {
    const gaps = Array.from({ length: 100 }, () => variants(100, "x"));
    expect(refusal("GAP_FILL", gapFill(...gaps))).toEqual([
      { path: "definition.gaps.2.answers.0.regex", message: "A question has at most 200 regular expressions." },
    ]);
    expect(compilations).toBe(0);
  });

  it("are not looked at where they are too long", () => {
    expect(refusal("SHORT_TEXT", shortText("[[:".repeat(400_000)))).toEqual([
      { path: "definition.answers.0.regex", message: "The text is too long: 1000 characters are allowed." },
    ]);
  });

  it("are taken as they are where they are stored", () => {
    const stored = {
      ...(parseDefinition("SHORT_TEXT", shortText("x")) as object),
      answers: [{ regex: "x{1000}".repeat(6), fraction: "1" }],
    };
    expect(questionType("SHORT_TEXT").grade(stored, { text: "x" })).toMatchObject({ kind: "graded", feedback: null });
  });
});

describe("regular expressions of teachers", () => {
  const USUAL = [
    "colou?r",
    "(the )?(red|white|blue) (wine|house)s?",
    "\\s*\\d{1,4}([.,]\\d{1,6})?\\s*(km|m|cm|mm)?\\s*",
    "[A-Z]{2}\\d{2}[A-Z0-9]{4}\\d{7}[A-Z0-9]{0,16}",
    "(19|20)\\d{2}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])",
    "[\\w.+-]+@[\\w-]+(\\.[\\w-]+)+",
    "((25[0-5]|2[0-4]\\d|1?\\d?\\d)\\.){3}(25[0-5]|2[0-4]\\d|1?\\d?\\d)",
    "\\p{Lu}\\p{Ll}+( \\p{Lu}\\p{Ll}+){1,3}",
    "[^\\x00-\\x7F]+",
    "[а-яё]{3,20}",
    "[一-龥]{1,20}",
    "[가-힣]+",
    ".{0,500}photosynthesis.{0,500}",
    "(?i)h(2|₂)o",
    "\\Qf(x) = {2}\\E",
    "[\\p{L}\\p{M}' -]{2,40}",
  ];

  it.each(USUAL)("are taken: %s", (regex) => {
    expect(() => parseDefinition("SHORT_TEXT", shortText(regex))).not.toThrow();
  });

  it("are taken together, a hundred in a question", () => {
    const definition = shortText(
      ...Array.from({ length: 100 }, (_, at) => `(answer|reply) (no\\.? )?${at}\\s*[.!]{0,3}`),
    );
    expect(() => parseDefinition("SHORT_TEXT", definition)).not.toThrow();
  });

  it("are compiled once, when they are checked, and not for every answer", () => {
    const given = shortText("(compiled|once)+ and then kept");
    const definition = parseDefinition("SHORT_TEXT", parseDefinition("SHORT_TEXT", given));
    const texts = Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? `no ${at}` : "Once and then kept"));
    const grades = texts.map((text) => questionType("SHORT_TEXT").grade(definition, { text }));
    expect(grades.filter((grade) => grade.kind === "graded" && grade.fraction.eq(1))).toHaveLength(25);
    expect(compilations).toBe(1);
  });
});

describe("regexSteps", () => {
  const { regex } = fc.letrec((tie) => ({
    atom: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom(
        "a",
        "k",
        "é",
        "\\d",
        "\\W",
        ".",
        "^",
        "$",
        "\\b",
        "\\x{212A}",
        "\\x41",
        "\\101",
        "\\{",
        "{",
        "{,3}",
      ),
      fc.constantFrom(
        "[ab]",
        "[^]x]",
        "[]a]",
        "[(]",
        "[[:alpha:])]",
        "[\\])]",
        "[a-c-]",
        "\\pN",
        "\\p{^Greek}",
        "[\\PL|]",
      ),
      fc.constantFrom("\\Q)(\\E", "\\Q\\E", "\\Qab", "(?i)", "(?:)", "()", "(?s-i)"),
      fc
        .tuple(fc.constantFrom("(", "(?:", "(?i:", "(?P<n>", "(?<n>"), tie("regex"))
        .map(([open, it]) => `${open}${it})`),
    ),
    piece: fc
      .tuple(tie("atom"), fc.constantFrom("", "", "", "*", "+?", "?", "{3}", "{0}", "{2,}", "{0,4}?", "{1,3}"))
      .map((it) => it.join("")),
    regex: fc.array(fc.oneof(tie("piece"), tie("piece"), fc.constant("|")), { maxLength: 6 }).map((it) => it.join("")),
  })) as { regex: fc.Arbitrary<string> };
  const garbled = fc.string({ unit: fc.constantFrom(..."aK(){}[]|*+?\\QEpxL^-:,123 "), maxLength: 24 });

  /** Null for what is no expression. */
  const programSize = (source: string, flags: number) => {
    try {
      return compile.call(RE2JS, source, flags).programSize();
    } catch {
      return null;
    }
  };

  it.each([
    ["well formed", regex],
    ["of any characters", garbled],
  ])("are never fewer than what RE2 compiles, of expressions %s", (_what, sources) => {
    let compiled = 0;
    fc.assert(
      fc.property(sources, fc.constantFrom(0, RE2JS.CASE_INSENSITIVE), (source, flags) => {
        const steps = regexSteps(source);
        if (steps > 5_000) return;
        const size = programSize(source, flags);
        if (size === null) return;
        compiled += 1;
        expect(size).toBeLessThanOrEqual(steps);
      }),
      { numRuns: 2_000 },
    );
    expect(compiled).toBeGreaterThan(100);
  });
});
