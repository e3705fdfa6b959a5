import { expect, it } from "@jest/globals";
import { aiken } from "../../../src/domain/exchange/aiken.ts";
import { moodleXml } from "../../../src/domain/exchange/moodle/moodleXml.ts";
import type { Definitions } from "../../../src/domain/exchange/typedQuestion.ts";
import { describeWithSharedData, readShared } from "../sharedData.ts";
import { readAll } from "./files.ts";

type Expected = {
  type: string;
  name: string;
  text?: string;
  textFormat?: string;
  generalFeedback?: string;
  single?: boolean;
  correct?: boolean;
  caseSensitive?: boolean;
  answers?: { text?: string; value?: number; tolerance?: number; fraction: number }[];
  hints?: string[];
};
type File = { categories: (string | { name: string })[]; questions: Expected[] };

const TYPES: Record<string, string> = { truefalse: "TRUE_FALSE", shortanswer: "SHORT_TEXT", numerical: "NUMERIC" };
const typeOf = ({ type, single }: Expected) => TYPES[type] ?? (single ? "SINGLE_CHOICE" : "MULTIPLE_CHOICE");

/** The answers of a definition in the terms of expected.json. */
function answersOf(type: string, definition: unknown) {
  if (type === "NUMERIC")
    return (definition as Definitions["NUMERIC"]).answers.map((answer) => ({
      ...("value" in answer &&
        "tolerance" in answer && { value: Number(answer.value), tolerance: Number(answer.tolerance) }),
      fraction: Number(answer.fraction),
    }));
  const { options = [], answers = [] } = definition as {
    options?: Record<string, string>[];
    answers?: Record<string, string>[];
  };
  return [...options, ...answers].map((it) => ({ text: it.text ?? it.pattern, fraction: Number(it.fraction) }));
}

describeWithSharedData("Moodle XML files of another project", () => {
  const expected = JSON.parse(readShared("moodle-xml/expected.json")) as Record<string, File>;

  it.each(Object.keys(expected))("%s is read as Moodle reads it", async (name) => {
    const { taken, refused, notes } = await readAll(moodleXml, readShared(`moodle-xml/${name}`), 100);
    const { categories, questions } = expected[name]!;
    expect(refused).toEqual([]);
    expect(taken).toHaveLength(questions.length);
    expect(notes.filter(({ message }) => message.includes("became the tag"))).toHaveLength(categories.length);
    const last = categories.at(-1)!;
    const tag = (typeof last === "string" ? last.split("/").at(-1)! : last.name).toLowerCase().replaceAll(" ", "-");
    questions.forEach((wanted, at) => {
      const { question, changed } = taken[at]!;
      expect(question).toMatchObject({ type: typeOf(wanted), title: wanted.name, tags: [tag], points: "1" });
      if (wanted.text) expect(question).toMatchObject({ stem: wanted.text, stemFormat: "HTML" });
      if (wanted.generalFeedback) expect(question.feedback).toBe(wanted.generalFeedback);
      if (wanted.correct !== undefined) expect(question.definition).toMatchObject({ correct: wanted.correct });
      if (wanted.caseSensitive !== undefined) expect(question.definition).toMatchObject({ caseSensitive: false });
      if (wanted.answers) expect(answersOf(question.type, question.definition)).toEqual(wanted.answers);
      if (wanted.hints) expect(changed).toContain("2 hints are not kept.");
    });
  });
});

describeWithSharedData("the Aiken file of another project", () => {
  it.each([1, 7, 10_000])("is read as Moodle reads it, in pieces of %s characters", async (size) => {
    const { questions } = JSON.parse(readShared("aiken/expected.json"))["questions.aiken.txt"] as File;
    const { taken, refused } = await readAll(aiken, readShared("aiken/questions.aiken.txt"), size);
    expect(refused).toEqual([]);
    expect(
      taken.map(({ question }) => ({ text: question.stem, answers: answersOf(question.type, question.definition) })),
    ).toEqual(questions.map(({ text, answers }) => ({ text, answers })));
  });
});
