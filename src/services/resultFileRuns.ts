import type { Db } from "../../prisma/client.ts";
import { Exact } from "../domain/decimal.ts";
import { DomainError, notFound } from "../domain/errors.ts";
import { finalScore } from "../domain/finalResult.ts";
import type { PaperQuestion } from "../domain/paper.ts";
import { gradeFor, isPassed, percentOf } from "../domain/results.ts";
import { type ResultQuestion, type ResultRow, resultCsv, resultJson } from "../domain/resultTable.ts";
import { counted, type Treatment } from "../domain/scores.ts";
import type { JobContext } from "../queues/jobContext.ts";
import type { Access } from "./access.ts";
import { type AttemptFields, attemptColumns, toAttempt } from "./attemptFields.ts";
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
type Job = Pick<JobContext, "progress" | "signal" | "isLastTry">;

/** Tried again: a file has every attempt graded alike. */
class BeingRegraded extends Error {
  constructor() {
    super("The exam was being regraded, and that took long. Ask for the file once more when it is done.");
  }
}

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
    const sections = await examQuestions.sectionsNow(examId);
    return sections.flatMap(({ questions }) =>
      questions.map(({ treatment, question: { id, title, stem } }) => ({
        questionId: id,
        title: (title ?? stem).replace(/\s+/g, " ").slice(0, TITLE_LENGTH),
        treatment,
      })),
    );
  }

  /** Attempts, each with its paper and points where these are asked for: in one statement, so that a score is that of its points. */
  async function readAttempts(ids: readonly string[], withPoints: boolean): Promise<(AttemptFields & WithPoints)[]> {
    return db.$queryRaw`
      SELECT ${attemptColumns},
        CASE WHEN ${withPoints}::boolean THEN paper ELSE '[]' END AS paper,
        CASE WHEN ${withPoints}::boolean THEN (
          SELECT coalesce(json_agg(json_build_object('versionId', question_version_id, 'points', points::text)), '[]')
          FROM answers WHERE attempt_id = attempts.id) ELSE '[]' END AS answers
      FROM attempts WHERE id = ANY (${ids}::uuid[])`;
  }

  /** The rows of a page of students, each with all attempts. */
  async function rowsOf(
    students: readonly StudentRow[],
    rules: ResultRules,
    questions: readonly ColumnQuestion[],
  ): Promise<ResultRow[]> {
    const treatments = new Map(questions.map(({ questionId, treatment }) => [questionId, treatment]));
    const userIds = students.map(({ userId }) => userId);
    const people = await db.user.findMany({
      where: { id: { in: userIds } },
      select: { id: true, name: true, email: true },
    });
    const rows = await readAttempts(
      students.flatMap(({ attempts }) => attempts.map(({ id }) => id)),
      questions.length > 0,
    );
    const personById = new Map(people.map((person) => [person.id, person]));
    const rowById = new Map(rows.map((row) => [row.id, row]));
    return students.flatMap(({ userId, attempts: read }): ResultRow[] => {
      const person = personById.get(userId);
      if (!person) return []; // gone since the order was read
      const { name, email } = person;
      if (read.length === 0) return [{ name, email, ...NO_ATTEMPT }];
      const found = read.flatMap(({ id }) => rowById.get(id) ?? []); // others are gone since the page was read
      const attempts = found.map((row) => ({ ...toAttempt(row), paper: row.paper, answers: row.answers }));
      const counting = new Set(finalScore(attempts, rules).countedIds);
      return attempts.map(({ id, number, status, score, maxScore, ...attempt }) => {
        const worth = score === null ? null : { score, maxScore };
        const verdict = status === "GRADED" ? worth : null;
        return {
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
          questions: worth ? pointsOf(attempt, treatments) : [],
        };
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
    const policyNumber = await settledPolicy(db, file.examId);
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
    if ((await settledPolicy(db, file.examId)) !== policyNumber) throw new BeingRegraded();
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
        // A rule that says no says it again next time; a regrading comes to an end, or needs somebody to look at it.
        const isForGood = error instanceof DomainError || (error instanceof BeingRegraded && job.isLastTry);
        if (!isForGood) throw error;
        await finish(fileId, { failure: error.message });
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

/** The number of the policy by which all attempts of an exam are graded. @throws BeingRegraded */
async function settledPolicy(db: Db, examId: string): Promise<number> {
  const [exam] = await db.$queryRaw<{ policyNumber: number; isRegraded: boolean }[]>`
    SELECT policy_number AS "policyNumber",
      EXISTS (SELECT FROM regradings WHERE exam_id = exam.id AND state = 'APPLYING') AS "isRegraded"
    FROM exams exam WHERE id = ${examId}::uuid`;
  if (!exam) throw notFound("exam");
  if (exam.isRegraded) throw new BeingRegraded();
  return exam.policyNumber;
}

interface WithPoints {
  paper: readonly PaperQuestion[];
  answers: readonly { versionId: string; points: string | null }[];
}

/** What counts of every question on a paper; what was not answered has no row and earns nothing. */
function pointsOf({ paper, answers }: WithPoints, treatments: ReadonlyMap<string, Treatment>) {
  const given = new Map(answers.map(({ versionId, points }) => [versionId, points]));
  return paper.map(({ questionId, versionId, points: most }) => {
    const points = given.get(versionId);
    const earned = points === null ? null : new Exact(points ?? 0);
    const { points: counting, maxPoints } = counted(treatments.get(questionId)!, earned, new Exact(most));
    return { questionId, points: counting && decimalText(counting), maxPoints: decimalText(maxPoints) };
  });
}
