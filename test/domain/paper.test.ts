import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { applyOrder, drawPaper, type QuestionToDraw, type SectionToDraw } from "../../src/domain/paper.ts";

const aQuestion = (id: string, options: { id: string; pinned: boolean }[] = []): QuestionToDraw => ({
  questionId: id,
  versionId: `${id}-v1`,
  points: "1",
  options,
});

const anOptionList = fc
  .array(fc.boolean(), { maxLength: 6 })
  .map((pins) => pins.map((pinned, index) => ({ id: `o${index}`, pinned })));

const someSections: fc.Arbitrary<SectionToDraw[]> = fc
  .array(
    fc.record({
      pool: fc.array(anOptionList, { maxLength: 8 }),
      draw: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    }),
    { maxLength: 4 },
  )
  .map((sections) =>
    sections.map(({ pool, draw }, section) => ({
      drawCount: draw === null ? null : Math.floor(draw * pool.length),
      questions: pool.map((options, index) => aQuestion(`s${section}q${index}`, options)),
    })),
  );

const anExam = fc.record({
  sections: someSections,
  shuffleQuestions: fc.boolean(),
  shuffleOptions: fc.boolean(),
  seed: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
});

describe("drawPaper", () => {
  it("takes as many different questions of each section as it should, section by section", () => {
    fc.assert(
      fc.property(anExam, (exam) => {
        const paper = drawPaper(exam);
        const ids = paper.map(({ questionId }) => questionId);
        expect(new Set(ids).size).toBe(ids.length);
        let from = 0;
        for (const { drawCount, questions } of exam.sections) {
          const part = ids.slice(from, from + (drawCount ?? questions.length));
          const pool = questions.map(({ questionId }) => questionId);
          expect(part.every((id) => pool.includes(id))).toBe(true);
          from += drawCount ?? questions.length;
        }
        expect(from).toBe(ids.length);
      }),
    );
  });

  it("keeps the order of the pool without a shuffle", () => {
    fc.assert(
      fc.property(anExam, (exam) => {
        const all = exam.sections.flatMap(({ questions }) => questions.map(({ questionId }) => questionId));
        const places = drawPaper({ ...exam, shuffleQuestions: false }).map(({ questionId }) => all.indexOf(questionId));
        expect(places).toEqual([...places].sort((a, b) => a - b));
      }),
    );
  });

  it("orders all options of a question and leaves pinned ones in place", () => {
    fc.assert(
      fc.property(anExam, (exam) => {
        const pool = exam.sections.flatMap(({ questions }) => questions);
        for (const { questionId, options: order } of drawPaper({ ...exam, shuffleOptions: true })) {
          const options = pool.find((it) => it.questionId === questionId)?.options ?? [];
          expect([...(order ?? [])].sort()).toEqual(options.map(({ id }) => id).sort());
          for (const [place, { id, pinned }] of options.entries()) if (pinned) expect(order?.[place]).toBe(id);
        }
      }),
    );
  });

  it("leaves pinned questions in place where all of a section are shuffled", () => {
    const questions = ["a", "b", "c", "d", "e"].map((id) => ({ ...aQuestion(id), pinned: id === "a" || id === "d" }));
    const orders = Array.from({ length: 50 }, (_, seed) => {
      const exam = { sections: [{ drawCount: null, questions }], shuffleQuestions: true, shuffleOptions: false, seed };
      return drawPaper(exam).map(({ questionId }) => questionId);
    });
    for (const order of orders) {
      expect([order[0], order[3]]).toEqual(["a", "d"]);
      expect([...order].sort()).toEqual(["a", "b", "c", "d", "e"]);
    }
    expect(new Set(orders.map((order) => order.join(""))).size).toBe(6);
  });

  it("gives no order where options are not shuffled", () => {
    const sections = [{ drawCount: null, questions: [aQuestion("q", [{ id: "a", pinned: false }])] }];
    const paper = drawPaper({ sections, shuffleQuestions: true, shuffleOptions: false, seed: 1 });
    expect(paper).toEqual([{ questionId: "q", versionId: "q-v1", points: "1" }]);
  });

  it("is the same for the same seed and survives JSON", () => {
    fc.assert(
      fc.property(anExam, (exam) => {
        expect(JSON.parse(JSON.stringify(drawPaper(exam)))).toEqual(drawPaper(exam));
      }),
    );
  });

  it("makes every order of four questions about equally often", () => {
    const sections = [{ drawCount: null, questions: ["a", "b", "c", "d"].map((id) => aQuestion(id)) }];
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 4_800; seed++) {
      const paper = drawPaper({ sections, shuffleQuestions: true, shuffleOptions: false, seed });
      const order = paper.map(({ questionId }) => questionId).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    for (const count of counts.values()) expect(Math.abs(count - 200)).toBeLessThan(75); // more than five deviations
  });

  it("draws every question of a pool about equally often", () => {
    const sections = [{ drawCount: 3, questions: ["a", "b", "c", "d", "e", "f"].map((id) => aQuestion(id)) }];
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 2_000; seed++) {
      for (const { questionId } of drawPaper({ sections, shuffleQuestions: false, shuffleOptions: false, seed })) {
        counts.set(questionId, (counts.get(questionId) ?? 0) + 1);
      }
    }
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(120);
  });

  it("has every pinned question of a section that draws, beside as many of the others as it should", () => {
    const anItem = fc.boolean();
    fc.assert(
      fc.property(
        fc.array(anItem, { minLength: 1, maxLength: 10 }),
        fc.nat(10),
        fc.boolean(),
        fc.nat(),
        (pins, draw, shuffleQuestions, seed) => {
          const questions = pins.map((pinned, at) => ({ ...aQuestion(`${pinned ? "text" : "q"}${at}`), pinned }));
          const pool = questions.filter(({ pinned }) => !pinned);
          const drawCount = Math.min(draw, pool.length);
          const exam = { sections: [{ drawCount, questions }], shuffleQuestions, shuffleOptions: false, seed };
          const ids = drawPaper(exam).map(({ questionId }) => questionId);
          const texts = questions.filter(({ pinned }) => pinned).map(({ questionId }) => questionId);
          expect(ids.filter((id) => id.startsWith("text"))).toEqual(texts);
          expect(new Set(ids).size).toBe(texts.length + drawCount);
          const without = drawPaper({ ...exam, sections: [{ drawCount, questions: pool }] });
          expect(ids.filter((id) => id.startsWith("q"))).toEqual(without.map(({ questionId }) => questionId));
          if (pins[0]) expect(ids[0]).toBe("text0");
        },
      ),
    );
  });

  it("gives all that there is where an older exam counted its texts in the draw", () => {
    const questions = [{ ...aQuestion("text"), pinned: true }, aQuestion("a"), aQuestion("b")];
    const exam = { sections: [{ drawCount: 3, questions }], shuffleOptions: false, seed: 1 };
    for (const shuffleQuestions of [true, false])
      expect(drawPaper({ ...exam, shuffleQuestions }).map(({ questionId }) => questionId)).toHaveLength(3);
  });

  it("refuses to draw more than there is", () => {
    const sections = [{ drawCount: 2, questions: [aQuestion("q")] }];
    expect(() => drawPaper({ sections, shuffleQuestions: false, shuffleOptions: false, seed: 1 })).toThrow(
      expect.objectContaining({ reason: "POOL_TOO_SMALL" }),
    );
  });
});

describe("applyOrder", () => {
  const view = {
    responseKind: "choice" as const,
    options: [
      { id: "a", text: "A" },
      { id: "b", text: "B" },
    ],
    maxLength: null,
  };

  it("puts the options in the paper's order and leaves the view as it was", () => {
    expect(applyOrder(Object.freeze(view), ["b", "a"]).options.map(({ text }) => text)).toEqual(["B", "A"]);
    expect(view.options[0]?.id).toBe("a");
  });

  it("gives the view itself where the paper has no order", () => {
    expect(applyOrder(view, undefined)).toBe(view);
  });

  it("fails loudly where paper and question do not belong together", () => {
    expect(() => applyOrder(view, ["b", "z"])).toThrow("option z");
  });
});
