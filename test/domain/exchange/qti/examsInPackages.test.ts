import { describe, expect, it } from "@jest/globals";
import { qti30 } from "../../../../src/domain/exchange/qti/qti.ts";
import { readAll } from "../files.ts";
import { packageOf, sampleItem } from "./packageFiles.ts";

const ref = (name: string, inner = "", more = "") =>
  `<assessmentItemRef identifier="${name}" href="${name}.xml" ${more}>${inner}</assessmentItemRef>`;
const section = (title: string, inner: string, more = "") =>
  `<assessmentSection identifier="${title}" title="${title}" visible="true" ${more}>${inner}</assessmentSection>`;
const part = (inner: string, modes = 'navigationMode="nonlinear" submissionMode="simultaneous"') =>
  `<testPart identifier="p" ${modes}>${inner}</testPart>`;
const test = (inner: string) => `<assessmentTest identifier="t" title="Finals">${inner}</assessmentTest>`;
const total = (variables: string) =>
  `<outcomeProcessing><setOutcomeValue identifier="SCORE"><sum><testVariables variableIdentifier="SCORE" ${variables}/></sum></setOutcomeValue></outcomeProcessing>`;

/** What becomes of a test on items of 2 points each; `more` are other files of the package. */
async function taken(xml: string, more: Record<string, string> = {}) {
  const items = Object.fromEntries(["a", "b", "c", "d"].map((name) => [`${name}.xml`, sampleItem(name, "2")]));
  const { exams, refused, ...rest } = await readAll(qti30, await packageOf({ "test.xml": xml, ...items, ...more }));
  const titleAt = new Map(rest.taken.map(({ line, title }) => [line, title]));
  const { exam, changed } = exams[0] ?? { exam: null, changed: [] };
  const sections = exam?.sections.map(({ title, drawCount, isShuffled, places }) => ({
    title,
    drawCount,
    isShuffled,
    places: places.map(({ question, points }) => `${titleAt.get(question)}${points === null ? "" : `=${points}`}`),
  }));
  return {
    exam,
    sections,
    lost: changed,
    refused: refused.map(({ reason }) => reason),
    notes: rest.notes.map(({ message }) => message),
  };
}
const plain = { drawCount: null, isShuffled: false };

describe("a test of another program", () => {
  it("gives its sections, draws, shuffles, points and time", async () => {
    const drawn = section("One", `<selection select="1"/><ordering shuffle="true"/>${ref("a")}${ref("b")}`);
    const weighed = section("Two", `${ref("c", '<weight identifier="W" value="1.5"/>')}${ref("d")}`);
    const { exam, sections, lost } = await taken(
      test(`<timeLimits maxTime="5400"/>${part(drawn + weighed)}${total('weightIdentifier="W"')}`),
    );
    expect(exam).toMatchObject({ title: "Finals", durationMinutes: 90, floor: null });
    expect(sections).toEqual([
      { title: "One", drawCount: 1, isShuffled: true, places: ["a", "b"] },
      { ...plain, title: "Two", places: ["c=3", "d"] },
    ]);
    expect(lost).toEqual([]);
  });

  it("draws as many questions as it has beside the texts that it draws in any case", async () => {
    const text = '<assessmentItem identifier="t" title="t"><itemBody><p>Read this.</p></itemBody></assessmentItem>';
    const drawn = section("One", `<selection select="2"/>${ref("t", "", 'required="true"')}${ref("a")}${ref("b")}`);
    const { sections, lost } = await taken(test(part(drawn)), { "t.xml": text });
    expect(sections).toEqual([{ title: "One", drawCount: 1, isShuffled: false, places: ["t", "a", "b"] }]);
    expect(lost).toEqual([]);
  });

  it("adds up its score section by section, with what it is never below, as other programs write it", async () => {
    const sum = (title: string) => `<testVariables variableIdentifier="SCORE" sectionIdentifier="${title}"/>`;
    const least =
      '<max><sum><testVariables variableIdentifier="SCORE" sectionIdentifier="T"/></sum><baseValue baseType="float">-2</baseValue></max>';
    const maximum =
      '<setOutcomeValue identifier="MAX"><sum><testVariables variableIdentifier="MAXSCORE"/></sum></setOutcomeValue>';
    const score = `<outcomeProcessing>${maximum}<setOutcomeValue identifier="TOTAL"><sum>${sum("S")}${least}</sum></setOutcomeValue></outcomeProcessing>`;
    const { exam, lost } = await taken(test(part(section("S", ref("a")) + section("T", ref("b"))) + score));
    expect(exam).toMatchObject({ floor: null, sections: [{ floor: null }, { floor: "-2" }] });
    expect(lost).toEqual([]);
  });

  it("is read where its sections stand in files of their own, and is told of those that do not", async () => {
    const inFolder = `<assessmentSection identifier="s" title="Elsewhere" visible="true"><assessmentItemRef identifier="a" href="../a.xml"/>
      <assessmentSectionRef identifier="l" href="s.xml"/></assessmentSection>`;
    const { sections, refused, notes } = await taken(
      test(
        part(
          '<assessmentSectionRef identifier="s" href="parts/s.xml"/><assessmentSectionRef identifier="g" href="gone.xml"/>',
        ),
      ),
      { "parts/s.xml": inFolder, "parts/alone.xml": inFolder },
    );
    expect(notes).toEqual([expect.stringMatching(/^No test names the section parts\/alone.xml/)]);
    expect(sections).toEqual([{ ...plain, title: "Elsewhere", places: ["a"] }]);
    expect(refused).toEqual([
      "test.xml: It names the section s.xml, which it has already; a question has one place in an exam.",
      "test.xml: It names the section gone.xml, which is not in the package.",
    ]);
  });

  it("has its sections within sections one after the other, and says so", async () => {
    const hidden = section("Hidden", ref("b")).replace('visible="true"', 'visible="false"');
    const inner = section("Inner", `<selection select="1"/>${ref("c")}${ref("d")}`);
    const { sections, lost } = await taken(test(part(section("Outer", ref("a") + hidden + inner))));
    expect(sections).toEqual([
      { ...plain, title: "Outer", places: ["a", "b"] },
      { title: "Inner", drawCount: 1, isShuffled: false, places: ["c", "d"] },
    ]);
    expect(lost).toEqual([
      expect.stringMatching(/^The sections within "Outer" stand one after the other/),
      "Sections that would not be shown are shown by their titles.",
    ]);
  });

  it.each([
    [
      "preCondition",
      part(section("S", ref("a", "<preCondition><isNull><variable identifier='x'/></isNull></preCondition>"))),
      /conditions on what is asked.*\(preCondition\)/,
    ],
    ["branchRule", part(section("S", ref("a", "<branchRule target='EXIT_TEST'/>"))), /branches: nobody skips/],
    [
      "templateDefault",
      part(section("S", ref("a", "<templateDefault templateIdentifier='x'/>"))),
      /values for templates/,
    ],
    [
      "rubricBlock",
      part(section("S", `<rubricBlock view="candidate">Read this.</rubricBlock>${ref("a")}`)),
      /texts beside the questions \(rubricBlock\)/,
    ],
    ["testFeedback", `${part(section("S", ref("a")))}<testFeedback/>`, /feedback on the test/],
    ["what nobody knows", part(section("S", `${ref("a")}<somethingNew/>`)), /not known here \(somethingNew\)/],
    [
      "itemSessionControl",
      part(`<itemSessionControl maxAttempts="3" showFeedback="true" allowReview="true"/>${section("S", ref("a"))}`),
      /itemSessionControl maxAttempts="3", showFeedback="true"\)/,
    ],
    [
      "time limits of sections",
      part(section("S", `<timeLimits maxTime="60"/>${ref("a")}`)),
      /time limits of parts, sections or items \(1\)/,
    ],
    [
      "linear navigation",
      part(section("S", ref("a")), 'navigationMode="linear" submissionMode="simultaneous"'),
      /without a way back/,
    ],
    [
      "individual submission",
      part(section("S", ref("a")), 'navigationMode="nonlinear" submissionMode="individual"'),
      /handed in by itself/,
    ],
    ["several parts", part(section("S", ref("a"))) + part(section("T", ref("b"))), /2 parts become one/],
    [
      "another score",
      `${part(section("S", ref("a")))}<outcomeProcessing><setOutcomeValue identifier="SCORE"><product/></setOutcomeValue></outcomeProcessing>`,
      /another way than as a sum/,
    ],
    [
      "other outcomes",
      part(section("S", ref("a"))) + total("").replace("<outcomeProcessing>", "<outcomeProcessing><outcomeCondition/>"),
      /outcomeProcessing: outcomeCondition/,
    ],
    [
      "a score of some sections",
      part(section("S", ref("a")) + section("T", ref("b"))) +
        total('sectionIdentifier="S"').replace("<sum>", "<sum><sum>").replace("</sum>", "</sum></sum>"),
      /some of its sections/,
    ],
    [
      "weights that do not count",
      part(section("S", ref("a", '<weight identifier="W" value="3"/>'))) + total(""),
      /Weights .* are lost \(W\)/,
    ],
    [
      "fixed places",
      part(section("S", `<ordering shuffle="true"/>${ref("a", "", 'fixed="true"')}${ref("b")}`)),
      /\(fixed\) are shuffled/,
    ],
    [
      "required items",
      part(section("S", `<selection select="1"/>${ref("a", "", 'required="true"')}${ref("b")}`)),
      /\(required\) are drawn like the others/,
    ],
    [
      "draws with replacement",
      part(section("S", `<selection select="1" withReplacement="true"/>${ref("a")}${ref("b")}`)),
      /drawn twice is drawn once/,
    ],
    [
      "draws of more than there is",
      part(section("S", `<selection select="3"/>${ref("a")}${ref("b")}`)),
      /would draw 3 questions; it has 2/,
    ],
    [
      "draws of sections",
      part(section("S", `<selection select="1"/>${section("T", ref("a"))}${section("U", ref("b"))}`)),
      /would draw 1 of the parts/,
    ],
    ["one item twice", part(section("S", ref("a") + ref("a"))), /names a.xml more than once/],
    [
      "seconds",
      `<timeLimits maxTime="90" minTime="10"/>${part(section("S", ref("a")))}`,
      /90 seconds becomes 2 minutes/,
    ],
    [
      "the score that passes",
      `<outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float" masteryValue="5"/>${part(section("S", ref("a")))}`,
      /masteryValue 5/,
    ],
    ["categories", part(section("S", ref("a", "", 'category="algebra"'))), /categories/],
  ])("is told what is lost: %s", async (_what, inner, said) => {
    const { exam, lost } = await taken(test(inner));
    expect(exam).not.toBeNull();
    expect(lost.join("\n")).toMatch(said);
  });

  it("cannot hide sections in sections without end", async () => {
    const chain = Object.fromEntries(
      Array.from({ length: 150 }, (_, at) => [
        `s/${at}.xml`,
        section(`S${at}`, `<assessmentSectionRef identifier="n" href="${at + 1}.xml"/>`),
      ]),
    );
    const { refused } = await taken(test(part('<assessmentSectionRef identifier="n" href="s/0.xml"/>')), chain);
    expect(refused).toEqual([expect.stringMatching(/nested more than 100 deep/)]);
  });

  it("becomes no exam without questions, and says so", async () => {
    const { exam, lost, refused } = await taken(test(part(section("S", ref("gone")))));
    expect(exam).toBeNull();
    expect(lost[0]).toMatch(/It becomes no exam: none of its items is a question here/);
    expect(refused).toEqual(["test.xml: it names gone.xml, which is not in the package."]);
  });
});
