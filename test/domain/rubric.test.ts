import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { roundPoints } from "../../src/domain/grading.ts";
import { parseDefinition } from "../../src/domain/questionTypes.ts";
import { pointsByRubric, type Rubric, rubric, rubricMarks } from "../../src/domain/rubric.ts";

const criterion = (title: string, ...points: string[]) => ({
  title,
  levels: points.map((each, at) => ({ text: `Level ${at}`, points: each })),
});
const ARGUMENT = criterion("Argument", "0", "1.5", "3");
const LANGUAGE = criterion("Language", "0", "1");

const chosen = (criteria: Rubric, levels: number[]) =>
  criteria.map(({ id, levels: all }, at) => ({ criterion: id, level: all[levels[at]!]!.id }));

describe("a rubric", () => {
  it("is part of an essay's definition, and gets the ids that were left out", () => {
    const definition = parseDefinition("ESSAY", { rubric: [ARGUMENT, { ...LANGUAGE, id: "words" }] }) as {
      rubric: Rubric;
    };
    expect(definition.rubric.map(({ id }) => id)).toEqual(["criterion-1", "words"]);
    expect(definition.rubric[0]!.levels.map(({ id }) => id)).toEqual(["level-1", "level-2", "level-3"]);
    expect(parseDefinition("ESSAY", definition)).toEqual(definition);
  });

  it.each([
    ["no criteria", []],
    ["one level", [criterion("Argument", "1")]],
    ["nothing to be earned", [criterion("Argument", "0", "0")]],
    ["two criteria with the same id", [ARGUMENT, LANGUAGE].map((each) => ({ ...each, id: "a" }))],
    ["a criterion with another's number for an id", [{ ...ARGUMENT, id: "criterion-2" }, LANGUAGE]],
    ["points below 0", [criterion("Argument", "-1", "1")]],
    ["points that are no number", [criterion("Argument", "some", "1")]],
  ])("is refused with %s", (_what, criteria) => {
    expect(rubric.safeParse(criteria).success).toBe(false);
  });

  it("wants one of its own levels for each of its criteria", () => {
    const criteria = rubric.parse([ARGUMENT, LANGUAGE]);
    const [argument, language] = chosen(criteria, [0, 0]);
    const problems = (choices: { criterion: string; level: string }[]) => {
      try {
        rubricMarks(criteria, choices);
        return null;
      } catch (error) {
        return (error as { fields: { path: string }[] }).fields.map(({ path }) => path);
      }
    };
    expect(problems([language!, argument!])).toBeNull();
    expect(problems([argument!])).toEqual(["rubric"]);
    expect(problems([argument!, language!, argument!])).toEqual(["rubric.2.criterion"]);
    expect(problems([argument!, { ...language!, level: "level-3" }])).toEqual(["rubric.1.level"]);
    expect(problems([argument!, language!, { criterion: "style", level: "level-1" }])).toEqual(["rubric.2.criterion"]);
  });

  it("keeps the words of what was chosen, in its own order", () => {
    const criteria = rubric.parse([ARGUMENT, LANGUAGE]);
    const [argument, language] = chosen(criteria, [1, 1]);
    expect(rubricMarks(criteria, [language!, { ...argument!, comment: "Nearly." }])).toEqual([
      {
        criterion: "criterion-1",
        title: "Argument",
        level: "level-2",
        text: "Level 1",
        points: "1.5",
        maxPoints: "3",
        comment: "Nearly.",
      },
      {
        criterion: "criterion-2",
        title: "Language",
        level: "level-2",
        text: "Level 1",
        points: "1",
        maxPoints: "1",
        comment: null,
      },
    ]);
  });
});

describe("points by a rubric", () => {
  const thousandths = fc.integer({ min: 0, max: 10_000 });
  const aRubric = fc
    .array(fc.record({ levels: fc.array(thousandths, { minLength: 2, maxLength: 5 }), chosen: fc.nat() }), {
      minLength: 1,
      maxLength: 6,
    })
    .filter((criteria) => criteria.some(({ levels }) => Math.max(...levels) > 0));
  const aRubricAndPoints = [aRubric, fc.integer({ min: 0, max: 1_000_000 })] as const;
  const decimal = (whole: number, places: number) => `${whole}e-${places}`;

  /** The same in whole numbers: ten-thousandths of a point, half to even. */
  function exactly(sum: number, best: number, tenThousandths: number): bigint {
    const [dividend, divisor] = [BigInt(sum) * BigInt(tenThousandths), BigInt(best)];
    const [down, rest] = [dividend / divisor, (dividend % divisor) * 2n];
    return rest > divisor || (rest === divisor && down % 2n === 1n) ? down + 1n : down;
  }

  it("are the exact share that the levels have of the best ones, rounded once", () => {
    fc.assert(
      fc.property(...aRubricAndPoints, (given, points) => {
        const criteria = rubric.parse(
          given.map(({ levels }, at) => criterion(`${at}`, ...levels.map((each) => decimal(each, 3)))),
        );
        const levels = given.map(({ levels, chosen }) => chosen % levels.length);
        const marks = rubricMarks(criteria, chosen(criteria, levels));
        const sum = given.reduce((total, { levels: all }, at) => total + all[levels[at]!]!, 0);
        const best = given.reduce((total, { levels }) => total + Math.max(...levels), 0);
        const got = roundPoints(pointsByRubric(marks, decimal(points, 4)));
        expect(got.times(10_000).toFixed()).toBe(exactly(sum, best, points).toString());
      }),
      { numRuns: 1_000 },
    );
  });

  it("are all points for all best levels", () => {
    fc.assert(
      fc.property(...aRubricAndPoints, (given, points) => {
        const criteria = rubric.parse(
          given.map(({ levels }, at) => criterion(`${at}`, ...levels.map((each) => decimal(each, 3)))),
        );
        const best = given.map(({ levels }) => levels.indexOf(Math.max(...levels)));
        const marks = rubricMarks(criteria, chosen(criteria, best));
        expect(pointsByRubric(marks, decimal(points, 4)).times(10_000).toFixed()).toBe(`${points}`);
      }),
      { numRuns: 1_000 },
    );
  });
});
