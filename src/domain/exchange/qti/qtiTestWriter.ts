import { Exact } from "../../decimal.ts";
import type { ExamOutline, ExamPlace, SectionOutline } from "../examOutline.ts";
import { decimalText, type Elements, elementsFor, NAMESPACES, type QtiVersion } from "./elements.ts";
import { WEIGHT, writeTestScore } from "./testScore.ts";

/** An item of a package that a test may name. */
export interface WrittenItem {
  identifier: string;
  href: string;
  /** What its score is at most, a decimal. */
  points: string;
}

/** XML has no control characters, and a title needs none. */
const plain = (title: string) => title.replace(/[\p{Cc}\ufffe\uffff]/gu, " ");
const sectionIdentifier = (at: number) => `section-${at + 1}`;

/**
 * An exam as the XML text of an assessment test. Places whose question has no item are left out, and a section that draws more than
 * the items that are left takes all of them.
 */
export function writeTest(
  version: QtiVersion,
  exam: ExamOutline,
  itemOf: (question: number) => WrittenItem | undefined,
): string {
  const q = elementsFor(version);
  const { title, durationMinutes, sections } = exam;
  const part = q(
    "testPart",
    { identifier: "part-1", navigationMode: "nonlinear", submissionMode: "simultaneous" },
    ...sections.map((section, at) => sectionElement(q, section, sectionIdentifier(at), itemOf)),
  );
  const test = q(
    "assessmentTest",
    { xmlns: NAMESPACES[version], identifier: "test-1", title: plain(title) },
    q("outcomeDeclaration", { identifier: "SCORE", cardinality: "single", baseType: "float" }),
    ...(durationMinutes === null ? [] : [q("timeLimits", { maxTime: durationMinutes * 60 })]),
    part,
    writeTestScore(q, exam, sectionIdentifier),
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${test}\n`;
}

function sectionElement(
  q: Elements,
  { title, drawCount, isShuffled, places }: SectionOutline,
  identifier: string,
  itemOf: (question: number) => WrittenItem | undefined,
): string {
  const kept = places.flatMap((place) => {
    const item = itemOf(place.question);
    return item ? [{ place, item }] : [];
  });
  // Texts are on every paper, besides the questions that are drawn.
  const texts = kept.filter(({ place }) => place.isFixed).length;
  const select = drawCount === null ? null : Math.min(drawCount + texts, kept.length);
  return q(
    "assessmentSection",
    { identifier, title: plain(title), visible: true },
    ...(select ? [q("selection", { select })] : []),
    ...(isShuffled ? [q("ordering", { shuffle: true })] : []),
    ...kept.map(({ place, item }) => {
      const weight = weightOf(place, item.points);
      return q(
        "assessmentItemRef",
        {
          identifier: item.identifier,
          href: item.href,
          required: (select !== null && place.isFixed) || undefined,
          fixed: place.isFixed || undefined,
        },
        ...(weight === null ? [] : [q("weight", { identifier: WEIGHT, value: weight })]),
      );
    }),
  );
}

const PLACES = 10;

/**
 * What the score of an item is multiplied with to count as many points as it is worth in the exam; null for 1.
 * @throws Error where no decimal is that factor, which `hasWeight` tells
 */
function weightOf({ points }: ExamPlace, own: string): string | null {
  if (points === null || new Exact(points).eq(own)) return null;
  if (!hasWeight(points, own)) throw new Error(`${points} of ${own} points are no exact weight.`);
  return decimalText(new Exact(points).div(own));
}

/** Whether a question with points of its own can be worth others in an exam by a factor that is a decimal. */
export function hasWeight(points: string, own: string): boolean {
  if (new Exact(points).eq(own)) return true;
  if (new Exact(own).isZero()) return false;
  const factor = new Exact(points).div(own).toDecimalPlaces(PLACES);
  return factor.times(own).eq(points);
}
