import { Exact, parseNumber } from "../../decimal.ts";
import type { ExamOutline, ExamPlace, SectionOutline } from "../examOutline.ts";
import type { ReadTest } from "./qtiTestReader.ts";
import type { TestItem, TestSection } from "./testSections.ts";

/** An item that was taken as a question. */
export interface TakenItem {
  /** Of its entry. */
  line: number;
  /** Its own, a decimal. */
  points: string;
  /** It asks nothing, and keeps its place in any case. */
  isText: boolean;
}

const MAX_SECTIONS = 50;
const MAX_IN_SECTION = 1_000;
const MAX_TITLE = 200;
const MAX_TOLD = 100;
const MAX_POINTS = 10_000;
const POINTS_PLACES = 4;

/** The exam that a test becomes with the items that were taken; null, with the reason among what is lost, where it becomes none. */
export function examOf(
  test: ReadTest,
  itemAt: (path: string) => TakenItem | undefined,
): { exam: ExamOutline | null; lost: string[] } {
  const lost = new Set(test.lost);
  const weightOf = weightChoice(test, lost);
  const seen = new Set<string>();
  let missing = 0;
  const placesIn = ({ items, select, isShuffled }: TestSection): ExamPlace[] =>
    items.flatMap(({ href, path, weights, isFixed, isRequired }) => {
      const item = path === null ? undefined : itemAt(path);
      if (!item || path === null) {
        missing += 1;
        return [];
      }
      if (seen.has(path)) {
        lost.add(`It names ${href.slice(0, 100)} more than once; a question has one place in an exam.`);
        return [];
      }
      seen.add(path);
      if (isFixed && isShuffled && !item.isText)
        lost.add("Questions that would keep their place in a shuffled section (fixed) are shuffled with the others.");
      if (isRequired && select !== null && !item.isText)
        lost.add("Items that would be drawn in any case (required) are drawn like the others.");
      return [{ question: item.line, points: pointsOf(weightOf(weights), item, lost), isFixed: item.isText }];
    });
  const sections = test.sections.map((section, at): SectionOutline => {
    const places = placesIn(section);
    const title = section.title || `Section ${at + 1}`;
    if (title.length > MAX_TITLE) lost.add(`Titles are cut off after ${MAX_TITLE} characters.`);
    const { floor, isShuffled } = section;
    return {
      title: title.slice(0, MAX_TITLE),
      drawCount: drawCountOf(section, places, itemAt, lost),
      isShuffled,
      floor,
      places,
    };
  });
  if (missing > 0) lost.add(`${missing} of the items it names are no questions here and are missing.`);
  const problem = problemOf(sections);
  if (problem) return { exam: null, lost: [`It becomes no exam: ${problem}`, ...brief(lost)] };
  const { title, durationMinutes, floor } = test;
  const exam = { title: title.slice(0, MAX_TITLE) || "Test", durationMinutes, floor, sections };
  return { exam, lost: brief(lost) };
}

/** A report that somebody reads to its end. */
function brief(lost: ReadonlySet<string>): string[] {
  const told = [...lost].slice(0, MAX_TOLD);
  return lost.size > MAX_TOLD ? [...told, `And ${lost.size - MAX_TOLD} more like these.`] : told;
}

function problemOf(sections: readonly SectionOutline[]): string | null {
  if (sections.every(({ places }) => places.length === 0)) return "none of its items is a question here.";
  if (sections.length > MAX_SECTIONS) return `it has ${sections.length} sections, and an exam at most ${MAX_SECTIONS}.`;
  const long = sections.find(({ places }) => places.length > MAX_IN_SECTION);
  return long ? `a section has ${long.places.length} items, and here at most ${MAX_IN_SECTION} questions.` : null;
}

/** Of the questions alone: a text is on every paper, so one that the test draws in any case is none of those drawn. */
function drawCountOf(
  { title, select, items }: TestSection,
  places: readonly ExamPlace[],
  itemAt: (path: string) => TakenItem | undefined,
  lost: Set<string>,
): number | null {
  const pool = places.filter(({ isFixed }) => !isFixed).length;
  if (select === null || pool === 0) return null;
  const texts = items.filter(({ path, isRequired }) => isRequired && path !== null && itemAt(path)?.isText).length;
  const drawn = select - texts;
  if (drawn > pool) lost.add(`"${title.slice(0, 100)}" would draw ${drawn} questions; it has ${pool}.`);
  return Math.max(1, Math.min(drawn, pool));
}

/** Which weight of an item counts. */
function weightChoice(
  { weight, sections }: ReadTest,
  lost: Set<string>,
): (weights: TestItem["weights"]) => string | undefined {
  const named = new Set(sections.flatMap(({ items }) => items.flatMap(({ weights }) => [...weights.keys()])));
  const counts = weight === undefined ? [...named][0] : weight;
  const others = [...named].filter((name) => name !== counts);
  if (others.length > 0)
    lost.add(`Weights that its score does not take into account are lost (${others.join(", ").slice(0, 200)}).`);
  return (weights) => (counts == null ? undefined : weights.get(counts));
}

/** What a question is worth in the exam; null for its own points. */
function pointsOf(weight: string | undefined, { points, isText }: TakenItem, lost: Set<string>): string | null {
  if (weight === undefined || isText) return null;
  const factor = parseNumber(weight);
  if (factor === null || factor.lt(0)) {
    lost.add(`The weight "${weight.slice(0, 20)}" is no number of 0 or more, and is left out.`);
    return null;
  }
  const exact = factor.times(points);
  const kept = Exact.min(exact, MAX_POINTS).toDecimalPlaces(POINTS_PLACES);
  if (!kept.eq(exact)) lost.add(`Points are rounded to ${POINTS_PLACES} places, and are at most ${MAX_POINTS}.`);
  return kept.eq(points) ? null : kept.toFixed();
}
