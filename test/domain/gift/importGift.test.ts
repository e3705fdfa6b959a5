import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { importGift } from "../../../src/domain/gift/importGift.ts";

const theOnly = (file: string) => {
  const { taken, refused } = importGift(file);
  expect(refused).toEqual([]);
  expect(taken).toHaveLength(1);
  return taken[0]!;
};
const definitionOf = (file: string) => theOnly(file).question.definition;
const reasonFor = (file: string) => {
  const { taken, refused } = importGift(file);
  expect(taken).toEqual([]);
  expect(refused).toHaveLength(1);
  return refused[0]?.reason;
};

describe("importGift", () => {
  it("takes title, format, weights and feedback", () => {
    const file =
      "::Home:: [markdown]Jesus was **from** {\n~Rome#no\n~%-25%Bethlehem#born there\n=Nazareth\n####See a map.}.";
    expect(theOnly(file)).toEqual({
      line: 1,
      title: "Home",
      changed: [],
      question: {
        type: "SINGLE_CHOICE",
        title: "Home",
        stem: "Jesus was **from** _____.",
        stemFormat: "MARKDOWN",
        points: "1",
        feedback: "See a map.",
        tags: [],
        definition: {
          options: [
            { id: expect.any(String), text: "Rome", fraction: "0", feedback: "no" },
            { id: expect.any(String), text: "Bethlehem", fraction: "-0.25", feedback: "born there" },
            { id: expect.any(String), text: "Nazareth", fraction: "1" },
          ],
        },
      },
    });
  });

  it("undoes every escape and keeps other backslashes", () => {
    const { question } = theOnly("1 \\= 1\\: \\{a\\}\\n\\\\ \\alpha {~\\~ # not \\# =\\=}");
    expect(question.stem).toBe("1 = 1: {a}\n\\ \\alpha");
    expect(question.definition).toMatchObject({ options: [{ text: "~", feedback: "not #" }, { text: "=" }] });
  });

  it("does not take marks for marks where they mean nothing", () => {
    expect(theOnly("1+1=2 ~ #1 :: a -> b {T}").question.stem).toBe("1+1=2 ~ #1 :: a -> b");
  });

  it.each([
    ["{#3}", [{ value: "3", tolerance: "0", fraction: "1" }]],
    ["{#-1.5:0,5#good}", [{ value: "-1.5", tolerance: "0.5", fraction: "1", feedback: "good" }]],
    ["{#1..2e1}", [{ min: "1", max: "20", fraction: "1" }]],
    [
      "{#=1\\:0 =%50%1..2#near ~#far}",
      [
        { value: "1", tolerance: "0", fraction: "1" },
        { min: "1", max: "2", fraction: "0.5", feedback: "near" },
        { any: true, fraction: "0", feedback: "far" },
      ],
    ],
  ])("reads the numbers of %s", (answers, expected) => {
    expect(definitionOf(`How much? ${answers}`)).toEqual({ answers: expected });
  });

  it.each([
    ["{TRUE#wrong#right}", { correct: true, feedbackFalse: "wrong", feedbackTrue: "right" }],
    ["{f#wrong}", { correct: false, feedbackTrue: "wrong" }],
  ])("gives the feedbacks of %s to the answers they belong to", (answers, expected) => {
    expect(definitionOf(`Well? ${answers}`)).toEqual(expected);
  });

  it("reads answers without a mark as one accepted text", () => {
    expect(definitionOf("2 + 2 is {four}")).toMatchObject({ answers: [{ pattern: "four", fraction: "1" }] });
  });

  it("makes tags of categories, comments and ids, and says so", () => {
    const { taken, notes } = importGift(
      "$CATEGORY: $course$/top/Cell biology \\& co\n\n// [id:7] [tag:hard] [tag:a\\]b]\nQ1 {T}\n\n$CATEGORY: Größe\nQ2 {T}",
    );
    expect(taken.map(({ question }) => question.tags)).toEqual([["cell-biology-co", "hard", "a]b", "id:7"], ["größe"]]);
    expect(taken[0]?.changed).toEqual(['The id 7 became the tag "id:7".']);
    expect(notes.map(({ line }) => line)).toEqual([1, 6]);
  });

  it("says when a blank line parts a comment's tags from the question", () => {
    expect(importGift("// [tag:lost]\n\nQ {T}").notes).toEqual([
      { line: 1, message: expect.stringContaining("lost: not used") },
    ]);
  });

  it("says when an answer has another format than the question", () => {
    expect(theOnly("Q {=[html]<b>a</b> ~b}").changed).toEqual([expect.stringContaining("[html]")]);
  });

  it("ignores comments inside a question and names the line it begins on", () => {
    const question = theOnly("\n// about\n// this\nQ {\n// first\n=a\n~b\n}");
    expect([question.line, question.question.stem]).toEqual([4, "Q"]);
  });

  it.each([
    ["Q {=a ~b", /no } before the next blank line/],
    ["Q =a ~b}", /} without a {/],
    ["\\frac{1}{2} {T}", /more than one/],
    ["::title Q {T}", /title begins with ::/],
    ["{T}", /no text/],
    ["Q {~a ~b}", /must be right/],
    ["Q {~%50%a ~%25%b}", /add up to 100 %, here they make 75 %/],
    ["Q {=%50%a ~b}", /right one/],
    ["Q {=a ~}", /needs a text/],
    ["Q {=a ~%200%b}", /weight of 200 %/],
    ["Q {stray ~a =b}", /"stray" stands before the first answer/],
    ["Q {#}", /is no number/],
    ["Q {#abc}", /is no number/],
    ["Q {#3..1}", /from the higher end/],
    ["Q {#1:2:3}", /is no number/],
    ["Q {#5:-1}", /at least 0/],
    ["Q {T#a#b#c}", /at most two feedbacks/],
    ["Q {=a -> b =c}", /has no ->/],
    ["Q {=a -> b =c -> b}", /at least two options/],
    ["Q\0 {T}", /cannot be stored/],
    [`::${"t".repeat(301)}:: Q {T}`, /title: .*300/],
  ])("refuses %j with a reason", (file, reason) => {
    expect(reasonFor(file)).toMatch(reason);
  });

  it("goes on after a bad question", () => {
    const { taken, refused } = importGift("Q1 {T}\n\n::Bad:: Q2 {=a\n\nQ3 {F}");
    expect(taken.map(({ line }) => line)).toEqual([1, 5]);
    expect(refused).toEqual([
      {
        line: 3,
        title: "Bad",
        excerpt: "::Bad:: Q2 {=a",
        reason: expect.stringContaining("before the next blank line"),
      },
    ]);
  });

  it("accounts for every block, whatever the file holds", () => {
    const piece = fc.constantFrom(
      ..."{ } = ~ # #### :: : -> % %50% \\ \\n \n \n\n // [html] [id:1] $CATEGORY: T FALSE 1 .. a".split(/ /),
      " ",
    );
    const file = fc.oneof(
      fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join("")),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(file, (text) => {
        const { taken, refused, notes } = importGift(text);
        const lines = new Set([...taken, ...refused, ...notes].map(({ line }) => line));
        let isInside = false;
        for (const [index, line] of text
          .replace(/^\uFEFF/, "")
          .split(/\r\n|\r|\n/)
          .entries()) {
          const trimmed = line.trim();
          const isCategory = /^\$CATEGORY:/i.test(trimmed);
          if (trimmed === "" || isCategory) isInside = false;
          if (trimmed === "" || trimmed.startsWith("//")) continue;
          if (!isInside && !lines.has(index + 1)) throw new Error(`line ${index + 1} is lost`);
          isInside = !isCategory;
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    "{",
    "}",
    "~a",
    "=a",
    "#",
    "####",
    "::",
    "\\",
    "%1%",
    "[tag:",
    "//[tag:a\\",
    "1..",
    "->",
    "a ",
    "\n",
    "0 000 ",
  ])("reads 300,000 characters of %j in a moment", (unit) => {
    const long = unit.repeat(300_000 / unit.length);
    const started = performance.now();
    for (const file of [long, `Q {${long}}`, `Q {#${long}}`, `// ${long}\nQ {T}`]) importGift(file);
    expect(performance.now() - started).toBeLessThan(30_000);
  });
});
