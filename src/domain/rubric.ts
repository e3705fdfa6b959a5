import type { Decimal } from "decimal.js";
import { z } from "zod";
import { decimalField, Exact } from "./decimal.ts";
import { badInput, type FieldProblem } from "./errors.ts";
import { storedText } from "./storedText.ts";

const MAX_CRITERIA = 20;
const MAX_LEVELS = 10;

const id = z
  .string()
  .regex(/^[\w-]{1,64}$/, "An id has 1 to 64 letters, digits, _ or -.")
  .optional();
const words = (maxLength: number) => storedText(maxLength).refine((text) => text.trim() !== "", "This needs a text.");

/** Gives whoever has no id its number; it is nothing to hide, unlike an option's. */
const numbered =
  (prefix: string) =>
  <Thing extends { id?: string | undefined }>(things: Thing[], context: z.RefinementCtx) => {
    const withIds = things.map((thing, at) => ({ ...thing, id: thing.id ?? `${prefix}${at + 1}` }));
    if (new Set(withIds.map(({ id }) => id)).size < withIds.length)
      context.addIssue({ code: "custom", message: "Two of them have the same id." });
    return withIds;
  };

const level = z.strictObject({
  id,
  text: words(2_000),
  /** In points of the rubric, which the points of the question are shared out by. */
  points: decimalField({ min: 0, max: 10_000 }),
});

const criterion = z.strictObject({
  id,
  title: words(300),
  levels: z.array(level).min(2, "A criterion has at least two levels.").max(MAX_LEVELS).transform(numbered("level-")),
});

/** What a person looks at who marks an answer: for each criterion one level is chosen. Students see what was chosen, with the result. */
export const rubric = z
  .array(criterion)
  .min(1)
  .max(MAX_CRITERIA)
  .transform(numbered("criterion-"))
  .refine((criteria) => criteria.some(({ levels }) => !bestOf(levels).isZero()), "No level gives any points.");

export type Rubric = z.output<typeof rubric>;

/** For `mapTexts`: the titles of the criteria and the texts of their levels. */
export const mapRubric = (criteria: Rubric, change: (text: string) => string): Rubric =>
  criteria.map((one) => ({
    ...one,
    title: change(one.title),
    levels: one.levels.map((each) => ({ ...each, text: change(each.text) })),
  }));

export interface LevelChoice {
  criterion: string;
  level: string;
  comment?: string | null | undefined;
}

/** What was chosen for one criterion, with the words of the rubric as they were then. */
export interface RubricMark {
  criterion: string;
  title: string;
  level: string;
  text: string;
  /** Of the rubric: exact decimals, like `maxPoints`, which are those of the criterion's best level. */
  points: string;
  maxPoints: string;
  comment: string | null;
}

/**
 * Looks the chosen levels up, in the order of the rubric.
 * @throws BAD_USER_INPUT where a criterion is missing, unknown or there twice, or a level is not one of its own
 */
export function rubricMarks(criteria: Rubric, choices: readonly LevelChoice[]): RubricMark[] {
  const problems: FieldProblem[] = [];
  const wrong = (path: string, message: string) => problems.push({ path: `rubric${path}`, message });
  for (const [at, { criterion, level }] of choices.entries()) {
    const known = criteria.find(({ id }) => id === criterion);
    if (!known) wrong(`.${at}.criterion`, "The rubric has no such criterion.");
    else if (choices.findIndex((choice) => choice.criterion === criterion) < at)
      wrong(`.${at}.criterion`, "This criterion is there twice.");
    else if (!known.levels.some(({ id }) => id === level)) wrong(`.${at}.level`, "The criterion has no such level.");
  }
  const chosen = new Map(choices.map((choice) => [choice.criterion, choice]));
  for (const { id, title } of criteria) if (!chosen.has(id)) wrong("", `No level is chosen for "${title}".`);
  if (problems.length > 0) throw badInput("The levels do not fit the rubric.", problems);
  return criteria.map(({ id, title, levels }) => {
    const { level: levelId, comment = null } = chosen.get(id)!;
    const { text, points } = levels.find((level) => level.id === levelId)!;
    return { criterion: id, title, level: levelId, text, points, maxPoints: bestOf(levels).toFixed(), comment };
  });
}

/**
 * The share of a question's points that chosen levels are worth: their sum, measured by the sum of the best levels. All best
 * levels give exactly all the points. Not rounded: whoever gives points does it once, as grading does.
 */
export function pointsByRubric(marks: readonly RubricMark[], questionPoints: Decimal.Value): Decimal {
  const sum = (field: "points" | "maxPoints") =>
    marks.reduce<Decimal>((total, mark) => total.plus(mark[field]), new Exact(0));
  return sum("points").times(questionPoints).div(sum("maxPoints")); // multiplied first, so that no third is cut off before
}

const bestOf = (levels: readonly { points: string }[]): Decimal => Exact.max(...levels.map(({ points }) => points));
