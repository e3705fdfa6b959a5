import type { Db } from "../../prisma/client.ts";
import { Exact } from "../domain/decimal.ts";
import { DomainError } from "../domain/errors.ts";
import { finalScore } from "../domain/finalResult.ts";
import type { PaperQuestion } from "../domain/paper.ts";
import { gradeFor, isPassed, percentOf } from "../domain/results.ts";
import { type ResultQuestion, type ResultRow, resultCsv, resultJson } from "../domain/resultTable.ts";
import { counted, type Treatment } from "../domain/scores.ts";
import type { JobContext } from "../queues/jobContext.ts";
import type { Access } from "./access.ts";
import { attemptFields, toAttempt } from "./attemptFields.ts";
import { decimalText } from "./decimal.ts";
import type { ExamQuestions } from "./examQuestions.ts";
import { inPieces } from "./filePieces.ts";
import { readStudents, type StudentRow, studentIds } from "./finalResult.service.ts";
import type { ResultRules, RulesOfResults } from "./resultRules.ts";
import { requireStillStaff } from "./stillStaff.ts";

/** Students read at a time: what is in memory does not grow with the exam, but for the ids of its students. */
const PAGE = 100;
const TITLE_LENGTH = 80;

type ColumnQuestion = ResultQuestion & { treatment: Treatment };
type Job = Pick<JobContext, "progress" | "signal">;

export type ResultFileRuns = ReturnType<typeof createResultFileRuns>;

/** The job that makes a file of an exam's results. */
export function createResultFileRuns({
  db,
  access,
  examQuestions,
  rulesOf,
  clock,
  newId,
}: {
  db: Db;
  access: Access;
  examQuestions: ExamQuestions;
  rulesOf: RulesOfResults;
  clock: () => Date;
  newId: () => string;
}) {
  async function questionsOf(examId: string): Promise<ColumnQuestion[]> {
    const sections = await examQuestions.sections(examId);
    return sections.flatMap(({ questions }) =>
      questions.map(({ treatment, question: { id, title, stem } }) => ({
        questionId: id,
        title: (title ?? stem).replace(/\s+/g, " ").slice(0, TITLE_LENGTH),
        treatment,
      })),
    );
  }

  /** The rows of a page of students, each with all attempts. */
  async function rowsOf(
    students: readonly StudentRow[],
    rules: ResultRules,
    questions: readonly ColumnQuestion[],
  ): Promise<ResultRow[]> {
    const withQuestions = questions.length > 0;
    const treatments = new Map(questions.map(({ questionId, treatment }) => [questionId, treatment]));
    const userIds = students.map(({ userId }) => userId);
    const people = await db.user.findMany({
      where: { id: { in: userIds } },
      select: { id: true, name: true, email: true },
    });
    const attempts = await db.attempt.findMany({
      where: { id: { in: students.flatMap((student) => student.attempts.map(({ id }) => id)) } },
      select: {
        ...attemptFields,
        ...(withQuestions && { paper: true, answers: { select: { questionVersionId: true, points: true } } }),
      },
    });
    const personById = new Map(people.map((person) => [person.id, person]));
    const attemptById = new Map(attempts.map((attempt) => [attempt.id, attempt]));
    return students.flatMap(({ userId, attempts: read }): ResultRow[] => {
      const person = personById.get(userId);
      if (!person) return []; // gone since the order was read
      const { name, email } = person;
      const counting = new Set(finalScore(read, rules).countedIds);
      if (read.length === 0) return [{ name, email, ...NO_ATTEMPT }];
      return read.flatMap(({ id }) => {
        const row = attemptById.get(id);
        if (!row) return []; // gone since the page was read
        const { number, status, score, maxScore, ...attempt } = toAttempt(row);
        const worth = score === null ? null : { score, maxScore };
        const verdict = status === "GRADED" ? worth : null;
        return [
          {
            name,
            email,
            attempt: number,
            status,
            startedAt: attempt.startedAt,
            submittedAt: attempt.submittedAt,
            submittedBy: attempt.submittedBy,
            score,
            maxScore,
            percent: worth && percentOf(worth),
            passed: verdict && isPassed({ ...verdict, passMarkPercent: rules.passMarkPercent }),
            grade: verdict && gradeFor(verdict, rules.gradeScale),
            counts: counting.has(id),
            questions: worth && "paper" in row ? pointsOf(row as unknown as WithAnswers, treatments) : [],
          },
        ];
      });
    });
  }

  async function* pagesOf(
    examId: string,
    questions: readonly ColumnQuestion[],
    { progress, signal }: Job,
    onRows: (n: number) => void,
  ) {
    const rules = await rulesOf(examId);
    // The order is read once: somebody whose name changes meanwhile is neither left out nor there twice.
    const inOrder = await studentIds(db, examId);
    for (let from = 0; from < inOrder.length; from += PAGE) {
      signal.throwIfAborted();
      const students = await readStudents(db, examId, inOrder.slice(from, from + PAGE));
      const rows = await rowsOf(students, rules, questions);
      onRows(rows.length);
      yield rows;
      await progress((Math.min(from + PAGE, inOrder.length) / inOrder.length) * 100);
    }
  }

  /** Once: the first run that is through is the one whose pieces are the file. */
  async function finish(fileId: string, data: { run: string; rows: number } | { failure: string }): Promise<void> {
    await db.$transaction(async (tx) => {
      await tx.resultFile.updateMany({
        where: { id: fileId, finishedAt: null },
        data: { ...data, finishedAt: clock() },
      });
      await tx.$executeRaw`
        DELETE FROM result_file_pieces piece USING result_files file
        WHERE file.id = ${fileId}::uuid AND piece.file_id = file.id AND piece.run IS DISTINCT FROM file.run`;
    });
  }

  async function make(file: { id: string; examId: string; format: "CSV" | "JSON"; detail: string }, job: Job) {
    const questions = file.detail === "QUESTIONS" ? await questionsOf(file.examId) : [];
    let rows = 0;
    const pages = pagesOf(file.examId, questions, job, (count) => {
      rows += count;
    });
    const run = newId();
    let number = 0;
    for await (const piece of inPieces((file.format === "CSV" ? resultCsv : resultJson)(pages, questions))) {
      const kept = await db.$executeRaw`
        INSERT INTO result_file_pieces (file_id, run, number, bytes)
        SELECT id, ${run}::uuid, ${number}, ${piece} FROM result_files WHERE id = ${file.id}::uuid AND finished_at IS NULL`;
      if (kept === 0) return; // another run was faster, or the file is gone with somebody who was erased
      number += 1;
    }
    await finish(file.id, { run, rows });
  }

  return {
    /** Makes a file, a page of students at a time. Safe to repeat, also at the same moment: each run writes pieces of its own. */
    async export(fileId: string, job: Job): Promise<void> {
      const file = await db.resultFile.findFirst({
        where: { id: fileId, finishedAt: null },
        include: { exam: { select: { courseId: true } } },
      });
      if (!file) return;
      try {
        await requireStillStaff(db, access, { actorId: file.actorId, courseId: file.exam.courseId });
        await make(file, job);
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        await finish(fileId, { failure: error.message }); // a rule that says no says it again next time
      }
    },
  };
}

const NO_ATTEMPT = {
  attempt: null,
  status: null,
  startedAt: null,
  submittedAt: null,
  submittedBy: null,
  score: null,
  maxScore: null,
  percent: null,
  passed: null,
  grade: null,
  counts: false,
  questions: [],
};

interface WithAnswers {
  paper: PaperQuestion[];
  answers: { questionVersionId: string; points: { toString(): string } | null }[];
}

/** What counts of every question on a paper; what was not answered has no row and earns nothing. */
function pointsOf({ paper, answers }: WithAnswers, treatments: ReadonlyMap<string, Treatment>) {
  const given = new Map(answers.map(({ questionVersionId, points }) => [questionVersionId, points]));
  return paper.map(({ questionId, versionId, points: most }) => {
    const points = given.get(versionId);
    const earned = points === null ? null : new Exact(points?.toString() ?? 0);
    const { points: counting, maxPoints } = counted(treatments.get(questionId)!, earned, new Exact(most));
    return { questionId, points: counting && decimalText(counting), maxPoints: decimalText(maxPoints) };
  });
}
