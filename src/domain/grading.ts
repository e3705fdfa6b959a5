import { Decimal } from "decimal.js";
import { Exact } from "./decimal.ts";
import { type OutcomeFeedback, outcomeOf } from "./outcomeFeedback.ts";
import { type Grade, type QuestionResponse, UNANSWERED } from "./questionType.ts";
import { isAnswered, questionType } from "./questionTypes.ts";
import { counted, type SectionSum, sumUp, type Treatment } from "./scores.ts";

const POINT_PLACES = 4;

export interface QuestionToGrade {
  versionId: string;
  type: string;
  /** As `parseDefinition` returned it. */
  definition: unknown;
  points: Decimal.Value;
  /** NORMAL if left out. */
  treatment?: Treatment;
  outcomeFeedback?: OutcomeFeedback | null;
}

export interface SectionToGrade {
  /** What its points are never below; null where there is no floor. */
  floor: Decimal.Value | null;
  questions: readonly QuestionToGrade[];
}

export interface PaperToGrade {
  /** What the score is never below; null where there is no floor. */
  floor: Decimal.Value | null;
  sections: readonly SectionToGrade[];
}

export interface QuestionGrade {
  versionId: string;
  /** By the key or by hand, whatever the question counts. Null while a human has not graded it. May be below 0 where wrong answers take points away. */
  earned: Decimal | null;
  /** What of that counts, by the question's treatment. */
  points: Decimal | null;
  maxPoints: Decimal;
  feedback: string | null;
}

export interface PaperGrade {
  /** In the order of the paper. */
  questions: QuestionGrade[];
  /** In the order of the paper. */
  sections: SectionSum[];
  /** What the paper's floor adds to the sum of the sections. */
  adjustment: Decimal;
  /** Whether a question waits for a human; until then `score` is what is known. */
  needsHuman: boolean;
  score: Decimal;
  maxScore: Decimal;
}

/**
 * Grades a paper. Points are exact decimals, rounded half to even to four places for each question.
 * @param responses by version id, as `parseResponse` returned them; a missing, null or blank one is unanswered: 0 points
 * @param awarded points that stand in place of the grader's, by version id: given by a human; null where they wait for one
 */
export function gradePaper(
  { floor, sections }: PaperToGrade,
  responses: ReadonlyMap<string, QuestionResponse | null>,
  awarded: ReadonlyMap<string, Decimal.Value | null> = new Map(),
): PaperGrade {
  const graded = sections.map((section) => ({
    floor: section.floor,
    questions: section.questions.map((question) =>
      gradeQuestion(question, responses.get(question.versionId) ?? null, awarded.get(question.versionId)),
    ),
  }));
  const questions = graded.flatMap((section) => section.questions);
  return { ...sumUp(floor, graded), questions, needsHuman: questions.some(({ points }) => points === null) };
}

function gradeQuestion(
  { versionId, type, definition, points, outcomeFeedback, treatment = "NORMAL" }: QuestionToGrade,
  response: QuestionResponse | null,
  awarded: Decimal.Value | null | undefined,
): QuestionGrade {
  const maxPoints = roundPoints(points);
  const grade = response === null ? UNANSWERED : questionType(type).grade(definition, response);
  const byKey = grade.kind === "graded" ? roundPoints(grade.fraction.times(maxPoints)) : null;
  const earned = awarded === undefined ? byKey : awarded === null ? null : roundPoints(awarded);
  return {
    versionId,
    earned,
    ...counted(treatment, earned, maxPoints),
    feedback: grade.kind === "graded" ? feedbackOn(grade, isAnswered(type, response) ? outcomeFeedback : null) : null,
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
