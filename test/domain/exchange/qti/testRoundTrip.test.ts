import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { Exact } from "../../../../src/domain/decimal.ts";
import type { ExamOutline } from "../../../../src/domain/exchange/examOutline.ts";
import { examOf } from "../../../../src/domain/exchange/qti/examOfTest.ts";
import { readTest } from "../../../../src/domain/exchange/qti/qtiTestReader.ts";
import { hasWeight, writeTest } from "../../../../src/domain/exchange/qti/qtiTestWriter.ts";
import { parseXml } from "../../../../src/domain/exchange/qti/xmlTree.ts";

const VERSIONS = ["2.1", "2.2", "3.0"] as const;

/** A number with up to so many places. */
const decimal = (most: number, places: number) =>
  fc.integer({ min: 0, max: most * 10 ** places }).map((it) => new Exact(it).div(10 ** places).toFixed());
const floor = fc.option(
  decimal(100, 2).map((it) => new Exact(it).neg().toFixed()),
  { nil: null },
);
const title = fc
  .string({ minLength: 1, maxLength: 40, unit: "grapheme" })
  .map((it) => it.replace(/\p{Cc}/gu, " ").trim() || "A");

interface Case {
  exam: ExamOutline;
  own: string[];
}

/** An exam of questions 1, 2, 3 …, each in one place, and what they are worth by themselves. */
const someExam: fc.Arbitrary<Case> = fc
  .record({
    title,
    durationMinutes: fc.option(fc.integer({ min: 1, max: 10_080 }), { nil: null }),
    floor,
    sections: fc.array(
      fc.record({
        title,
        draws: fc.boolean(),
        share: fc.nat(1_000),
        isShuffled: fc.boolean(),
        floor,
        places: fc.array(
          fc.record({ own: decimal(20, 2), given: fc.option(decimal(20, 4), { nil: null }), isFixed: fc.boolean() }),
          {
            maxLength: 6,
          },
        ),
      }),
      { minLength: 1, maxLength: 5 },
    ),
  })
  .filter(({ sections }) => sections.some(({ places }) => places.length > 0))
  .map(({ sections, ...exam }) => {
    const own: string[] = [];
    const written = sections.map(({ draws, share, places, ...section }) => ({
      ...section,
      drawCount: draws ? someOf(places.filter(({ isFixed }) => !isFixed).length, share) : null,
      places: places.map(({ own: points, given, isFixed }) => {
        const question = own.push(points);
        const isOther = !isFixed && given !== null && hasWeight(given, points) && !new Exact(given).eq(points);
        return { question, points: isOther ? given : null, isFixed };
      }),
    }));
    return { exam: { ...exam, sections: written }, own };
  });

/** Texts are on every paper: how many of the questions are drawn; null where there are none. */
const someOf = (questions: number, share: number) => (questions > 0 ? 1 + (share % questions) : null);

async function readBack(xml: string, { exam, own }: Case) {
  const texts = new Set(exam.sections.flatMap(({ places }) => places.flatMap((it) => (it.isFixed ? it.question : []))));
  const test = await readTest(parseXml(xml), "test.xml", async () => null);
  return examOf(test, (path) => {
    const line = Number(/^items\/(\d+)\.xml$/.exec(path)![1]);
    return { line, points: own[line - 1]!, isText: texts.has(line) };
  });
}

describe("an exam that was written as a QTI test and read again", () => {
  it.each(VERSIONS)("is the same exam, through version %s", async (version) => {
    await fc.assert(
      fc.asyncProperty(someExam, async (given) => {
        const xml = writeTest(version, given.exam, (question) => ({
          identifier: `item-${question}`,
          href: `items/${question}.xml`,
          points: given.own[question - 1]!,
        }));
        expect(await readBack(xml, given)).toEqual({ exam: given.exam, lost: [] });
      }),
      { numRuns: 200 },
    );
  });
});
