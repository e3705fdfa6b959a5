import type { Db } from "../../prisma/client.ts";
import type { ExamOutline } from "../domain/exchange/examOutline.ts";
import type { ImportedQuestion } from "../domain/exchange/questionFormat.ts";
import { questionType } from "../domain/questionTypes.ts";
import type { Exam as ExamRow } from "../generated/prisma/client.ts";
import { decimalText } from "./decimal.ts";
import type { ExamQuestion, ExamQuestions, ExamSection } from "./examQuestions.ts";

/** An exam on its way into a file. */
export interface ExamToWrite {
  outline: ExamOutline;
  /** In the order of the exam, to which its places refer. */
  questions: { id: string; question: ImportedQuestion }[];
  /** What no file holds of it, a sentence each. */
  lost: string[];
}

/** An exam with its questions in the versions it has; of a draft, the newest ones, with the pools as they are now. */
export async function examToWrite(
  { db, examQuestions }: { db: Db; examQuestions: ExamQuestions },
  examId: string,
): Promise<ExamToWrite> {
  const exam = await db.exam.findUniqueOrThrow({ where: { id: examId } });
  const sections = await (exam.status === "DRAFT"
    ? examQuestions.withPools(examId)
    : examQuestions.sectionsNow(examId));
  const questions = sections.flatMap((section) => section.questions);
  const numberOf = new Map(questions.map((place, at) => [place, at + 1]));
  const outline: ExamOutline = {
    title: exam.title,
    durationMinutes: exam.durationMinutes,
    floor: exam.floor && decimalText(exam.floor),
    sections: sections.map((section) => ({
      title: section.title,
      drawCount: section.drawCount,
      isShuffled: section.shuffleQuestions ?? exam.shuffleQuestions,
      floor: section.floor,
      places: section.questions.map((place) => ({
        question: numberOf.get(place)!,
        points: place.points,
        isFixed: questionType(place.question.type).isUnmarked === true,
      })),
    })),
  };
  return {
    outline,
    questions: questions.map(toImported),
    lost: [...rulesLost(exam), ...placesLost(sections, numberOf)],
  };
}

const toImported = ({ question }: ExamQuestion): ExamToWrite["questions"][number] => {
  const { type, title, stem, stemFormat, definition, points, feedback, outcomeFeedback, tags } = question;
  const texts = { title, stem, stemFormat, feedback, outcomeFeedback };
  return { id: question.id, question: { ...texts, type, definition, points, tags } as ImportedQuestion };
};

function rulesLost(exam: ExamRow): string[] {
  const parts = [
    exam.description !== "" && "its description",
    (exam.opensAt || exam.closesAt) && "when it opens and closes",
    exam.attemptsAllowed > 1 && `that it allows ${exam.attemptsAllowed} attempts, and which of them counts`,
    exam.accessCodeHash !== null && "its access code",
    exam.allowedAddresses.length > 0 && "from where it may be taken",
    exam.passMarkPercent !== null && "its pass mark",
    Array.isArray(exam.gradeScale) && exam.gradeScale.length > 0 && "its grades",
    "what students see of results, and when",
    "what single students and groups get beyond its rules",
  ].filter((part) => typeof part === "string");
  const options = exam.shuffleOptions
    ? []
    : ["Options keep their order here; other programs shuffle those that are not pinned."];
  return [`Not in the file: ${parts.join(", ")}.`, ...options];
}

function placesLost(sections: readonly ExamSection[], numberOf: ReadonlyMap<ExamQuestion, number>): string[] {
  const draws = sections
    .filter(({ drawTag, drawFolderId, drawDifficulty }) => drawTag || drawFolderId || drawDifficulty)
    .map(
      ({ title, questions }) =>
        `"${title}" draws by tag, folder or difficulty; the file has the ${questions.length} questions of its pool, and not the rule.`,
    );
  const corrected = sections
    .flatMap(({ questions }) => questions)
    .filter(({ treatment, gradingVersion }) => treatment !== "NORMAL" || gradingVersion !== null)
    .map(
      (place) =>
        `Question ${numberOf.get(place)} was corrected after publication; the file has it as it was published.`,
    );
  return [...draws, ...corrected];
}
