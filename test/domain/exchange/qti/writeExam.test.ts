import { describe, expect, it } from "@jest/globals";
import type { ExamOutline } from "../../../../src/domain/exchange/examOutline.ts";
import { qti21 } from "../../../../src/domain/exchange/qti/qti.ts";
import type { ImportedQuestion, WriteReport } from "../../../../src/domain/exchange/questionFormat.ts";
import { parseDefinition } from "../../../../src/domain/questionTypes.ts";
import { readAll } from "../files.ts";

const aQuestion = (title: string, points: string, more: object = {}): ImportedQuestion => {
  const definition = { options: ["a", "b"].map((id) => ({ id, text: id, fraction: id === "b" ? "1" : "0" })) };
  const plain = { stem: "Which?", stemFormat: "PLAIN" as const, feedback: null, tags: [] };
  return {
    ...plain,
    type: "SINGLE_CHOICE",
    title,
    points,
    definition: parseDefinition("SINGLE_CHOICE", definition),
    ...more,
  };
};
/** QTI has no regular expressions that grade in the same way. */
const unwritable = {
  type: "SHORT_TEXT",
  definition: parseDefinition("SHORT_TEXT", { answers: [{ regex: "a+" }] }),
};

describe("an exam in a package", () => {
  it("lacks what QTI cannot hold, and has every question worth what it is worth in the exam", async () => {
    const place = (question: number, points: string) => ({ question, points, isFixed: false });
    const exam: ExamOutline = {
      ...{ title: "Finals\u0007", durationMinutes: 60, floor: "0" },
      sections: [
        { ...{ title: "Drawn", drawCount: 2, isShuffled: true, floor: null }, places: [place(1, "1"), place(2, "1")] },
        {
          ...{ title: "Fixed", drawCount: null, isShuffled: false, floor: null },
          places: [place(3, "5"), place(4, "0")],
        },
      ],
    };
    const reports: WriteReport[] = [];
    async function* questions() {
      yield aQuestion("a third", "3");
      yield aQuestion("refused", "1", unwritable);
      yield aQuestion("two and a half times", "2");
      yield aQuestion("nothing", "4");
    }
    const pieces: Uint8Array[] = [];
    for await (const piece of qti21.writeExam(exam, questions(), (entry) => reports.push(entry)))
      pieces.push(piece as Uint8Array);
    expect(reports).toEqual([
      { position: 2, title: "refused", lost: [], refused: expect.any(String) },
      {
        ...{ position: 5, title: exam.title, refused: null },
        lost: [
          "Question 1 has the points of the exam in its item: no decimal makes them of its own.",
          '"Drawn" lacks 1 of its questions.',
          '"Drawn" draws 1 and not 2: it has no more.',
        ],
      },
    ]);

    const { taken, exams, refused } = await readAll(qti21, Buffer.concat(pieces));
    expect(refused).toEqual([]);
    const own = new Map(taken.map(({ line, title, question }) => [line, [title, question.points]]));
    expect(exams[0]!.exam).toMatchObject({ title: "Finals", durationMinutes: 60, floor: "0" });
    expect(
      exams[0]!.exam!.sections.map(({ drawCount, places }) => [
        drawCount,
        ...places.map(({ question, points }) => [...own.get(question)!, points]),
      ]),
    ).toEqual([
      [1, ["a third", "1", null]],
      [null, ["two and a half times", "2", "5"], ["nothing", "4", "0"]],
    ]);
    expect(exams[0]!.changed).toEqual([]);
  });
});
