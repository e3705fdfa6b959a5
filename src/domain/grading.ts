import { Decimal } from "decimal.js";
import { Exact } from "./decimal.ts";
import { type OutcomeFeedback, outcomeOf } from "./outcomeFeedback.ts";
import type { Grade, QuestionResponse } from "./questionType.ts";
import { questionType } from "./questionTypes.ts";

const POINT_PLACES = 4;

export interface QuestionToGrade {
  versionId: string;
  type: string;
  /** As `parseDefinition` returned it. */
  definition: unknown;
  points: Decimal.Value;
  outcomeFeedback?: OutcomeFeedback | null;
}

export interface QuestionGrade {
  versionId: string;
  maxPoints: Decimal;
  /** Null while a human has not graded it. May be below 0 where wrong answers take points away. */
  points: Decimal | null;
  feedback: string | null;
}

export interface PaperGrade {
  /** In the order of the paper. */
  questions: QuestionGrade[];
  /** Whether a question waits for a human; until then `score` is what is known. */
  needsHuman: boolean;
  /** The sum of the points, but never below 0. */
  score: Decimal;
  maxScore: Decimal;
}

/**
 * Grades a paper. Points are exact decimals, rounded half to even to four places for each question.
 * @param responses by version id, as `parseResponse` returned them; a missing or null one is unanswered: 0 points
 * @param awarded points given by a human, by version id; they stand in place of the grader's
 */
export function gradePaper(
  questions: readonly QuestionToGrade[],
  responses: ReadonlyMap<string, QuestionResponse | null>,
  awarded: ReadonlyMap<string, Decimal.Value> = new Map(),
): PaperGrade {
  const graded = questions.map((question) =>
    gradeQuestion(question, responses.get(question.versionId) ?? null, awarded.get(question.versionId)),
  );
  return {
    questions: graded,
    needsHuman: graded.some(({ points }) => points === null),
    score: Exact.max(0, sum(graded.map(({ points }) => points ?? 0))),
    maxScore: sum(graded.map(({ maxPoints }) => maxPoints)),
  };
}

function gradeQuestion(
  { versionId, type, definition, points, outcomeFeedback }: QuestionToGrade,
  response: QuestionResponse | null,
  awarded: Decimal.Value | undefined,
): QuestionGrade {
  const maxPoints = roundPoints(points);
  const unanswered = { kind: "graded", fraction: new Exact(0), feedback: null } as const;
  const grade = response === null ? unanswered : questionType(type).grade(definition, response);
  const earned = grade.kind === "graded" ? roundPoints(grade.fraction.times(maxPoints)) : null;
  return {
    versionId,
    maxPoints,
    points: awarded === undefined ? earned : roundPoints(awarded),
    feedback: grade.kind === "graded" ? feedbackOn(grade, response === null ? null : outcomeFeedback) : null,
  };
}

/** What is said about the answer itself, and then what is said to all that earned as much. */
function feedbackOn(
  { fraction, feedback }: Extract<Grade, { kind: "graded" }>,
  outcomeFeedback: OutcomeFeedback | null | undefined,
): string | null {
  const general = outcomeFeedback?.[outcomeOf(fraction)];
  return general && feedback ? `${feedback}\n${general}` : (general ?? feedback);
}

/** As points are kept: half to even, to four places. */
export const roundPoints = (points: Decimal.Value) =>
  new Exact(points).toDecimalPlaces(POINT_PLACES, Decimal.ROUND_HALF_EVEN);

const sum = (numbers: readonly Decimal.Value[]) =>
  numbers.reduce<Decimal>((total, number) => total.plus(number), new Exact(0));
