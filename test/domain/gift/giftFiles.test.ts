import { readdirSync } from "node:fs";
import { expect, it } from "@jest/globals";
import { Exact } from "../../../src/domain/decimal.ts";
import type { GiftNumber, GiftQuestion } from "../../../src/domain/gift/giftQuestion.ts";
import { importGift } from "../../../src/domain/gift/importGift.ts";
import { type GiftEntry, parseGift } from "../../../src/domain/gift/parseGift.ts";
import { describeWithSharedData, readShared } from "../sharedData.ts";

type Expected = Record<string, unknown> & { type: string };

const inOneLine = (text: string) => text.replace(/\s+/g, " ").trim();

function rangeOf(number: GiftNumber): { from: number; to: number } {
  if ("any" in number) throw new Error("none of the files has one");
  if ("min" in number) return { from: Number(number.min), to: Number(number.max) };
  const value = new Exact(number.value);
  return { from: value.minus(number.tolerance).toNumber(), to: value.plus(number.tolerance).toNumber() };
}

const answersOf = (question: GiftQuestion) => {
  switch (question.type) {
    case "multichoice":
    case "shortanswer":
      return question.answers.map(({ text, fraction }) => ({
        text: text.text,
        fraction: expect.closeTo(Number(fraction)),
      }));
    case "numerical":
      return question.answers.map((answer) => ({ ...rangeOf(answer), fraction: Number(answer.fraction) }));
    default:
      return undefined;
  }
};

/** An entry in the terms of expected.json. */
function toExpected(entry: GiftEntry): Expected {
  if (entry.kind === "category") return { type: "category", name: entry.name };
  if (entry.kind !== "question") throw new Error(`line ${entry.line} is ${entry.kind}`);
  const { question } = entry;
  const answers = answersOf(question);
  return {
    type: question.type,
    title: question.title,
    stem: inOneLine(question.stem.text),
    stemFormat: question.stem.format,
    ...(question.blankInStem && { blankInStem: true }),
    ...(question.id && { id: question.id }),
    ...(question.tags.length > 0 && { tags: question.tags }),
    ...(question.type === "multichoice" && { single: question.single }),
    ...(question.type === "truefalse" && { correct: question.correct }),
    ...(question.type === "match" && { pairs: question.pairs.map(({ left, right }) => ({ left: left.text, right })) }),
    ...(answers && { answers }),
  };
}

describeWithSharedData("GIFT files of another project", () => {
  const expected = JSON.parse(readShared("gift/expected.json")) as Record<string, Expected[]>;
  const names = Object.keys(expected);

  it("are all here", () => {
    const folder = new URL("../../../../shared/data/gift/", import.meta.url);
    expect(
      readdirSync(folder)
        .filter((name) => name.endsWith(".gift"))
        .sort(),
    ).toEqual([...names].sort());
  });

  it.each(names)("%s is read as its authors and Moodle read it", (name) => {
    expect(parseGift(readShared(`gift/${name}`)).map(toExpected)).toEqual(expected[name]);
  });

  it.each(names)("%s reads the same with the line ends of Windows and a byte order mark", (name) => {
    const file = readShared(`gift/${name}`);
    expect(parseGift(`\uFEFF${file.replaceAll("\n", "\r\n")}`).map(toExpected)).toEqual(expected[name]);
  });

  it.each(names)("%s is imported whole", (name) => {
    const { taken, refused } = importGift(readShared(`gift/${name}`));
    const types = (expected[name] ?? []).map(({ type }) => type).filter((type) => type !== "category");
    expect(refused).toEqual([]);
    expect(taken).toHaveLength(types.length);
  });

  it("keep their feedback", () => {
    const [question] = importGift(readShared("gift/totara_moodle_truefalse.gift")).taken;
    expect(question?.question.definition).toEqual({
      correct: false,
      feedbackTrue: "42 is the Ultimate Answer.",
      feedbackFalse: "You gave the right answer.",
    });
    const numbers = importGift(readShared("gift/numerical1.gift")).taken.at(-1)?.question.definition;
    expect(JSON.stringify(numbers)).toContain('<a title=\\"Gang des quatre\\" href=\\"http://fr.wikipedia.org');
  });
});
