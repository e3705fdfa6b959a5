import type { Db } from "../../prisma/client.ts";
import { type AttemptToCount, type FinalScore, finalScore } from "../domain/finalResult.ts";
import { Prisma } from "../generated/prisma/client.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { type Connection, connectionBy, type Ordering, type PageArgs } from "./connection.ts";
import type { ExamService } from "./exam.service.ts";
import { isUuid, requireId } from "./ids.ts";
import { type ResultService, type Review, STAFF_REVIEW } from "./result.service.ts";
import type { ResultRules, RulesOfResults } from "./resultRules.ts";

/** What all attempts of a student come to. */
export interface FinalResult extends Omit<FinalScore, "countedIds"> {
  userId: string;
  attemptCount: number;
  countedAttemptIds: string[];
  review: Review;
}

export interface StudentRow {
  userId: string;
  attempts: AttemptToCount[];
}

/** Which part of an exam's students is read, by the ids of their accounts. */
interface StudentPage {
  bounds: { gt?: string; lt?: string };
  order: "asc" | "desc";
  take: number;
}

const BY_ACCOUNT: Ordering<string> = { direction: "asc", parse: (text) => (isUuid(text) ? text : null) };

const studentsOf = (examId: string, bounds: Prisma.Sql = Prisma.empty) => Prisma.sql`
  SELECT user_id FROM attempts WHERE exam_id = ${examId}::uuid ${bounds}
  UNION
  SELECT enrollment.user_id FROM enrollments enrollment JOIN exams exam ON exam.course_id = enrollment.course_id
  WHERE exam.id = ${examId}::uuid AND enrollment.role = 'STUDENT' AND enrollment.status = 'ACTIVE' ${bounds}`;

/** Everybody who is enrolled as a student or has an attempt, each with all attempts, in one statement. */
export async function readStudents(
  db: Db,
  examId: string,
  { bounds: { gt, lt }, order, take }: StudentPage,
): Promise<StudentRow[]> {
  const within = Prisma.sql`
    ${gt === undefined ? Prisma.empty : Prisma.sql`AND user_id > ${gt}::uuid`}
    ${lt === undefined ? Prisma.empty : Prisma.sql`AND user_id < ${lt}::uuid`}`;
  return db.$queryRaw<StudentRow[]>`
    SELECT student.user_id AS "userId", (
      SELECT coalesce(json_agg(json_build_object('id', attempt.id, 'number', attempt.number, 'status', attempt.status,
        'score', attempt.score::text, 'maxScore', attempt.max_score::text) ORDER BY attempt.number), '[]')
      FROM attempts attempt WHERE attempt.exam_id = ${examId}::uuid AND attempt.user_id = student.user_id) AS attempts
    FROM (${studentsOf(examId, within)}) student
    ORDER BY student.user_id ${order === "asc" ? Prisma.sql`ASC` : Prisma.sql`DESC`} LIMIT ${take}`;
}

/** How many students an exam has, those who left the course after an attempt among them. */
export async function countStudents(db: Db, examId: string): Promise<number> {
  const [row] = await db.$queryRaw<{ count: number }[]>`
    SELECT count(*)::int AS count FROM (${studentsOf(examId)}) student`;
  return row!.count;
}

const toFinalResult = ({ userId, attempts }: StudentRow, rules: ResultRules): Omit<FinalResult, "review"> => {
  const { countedIds, ...score } = finalScore(attempts, rules);
  return { userId, attemptCount: attempts.length, countedAttemptIds: countedIds, ...score };
};

export type FinalResultService = ReturnType<typeof createFinalResultService>;

/** What several attempts of a student come to, by the rule of the exam. */
export function createFinalResultService({
  db,
  access,
  exams,
  results,
  rulesOf,
}: {
  db: Db;
  access: Access;
  exams: Pick<ExamService, "get">;
  results: Pick<ResultService, "review">;
  rulesOf: RulesOfResults;
}) {
  return {
    /** One row for each student of an exam. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async list(actor: Actor, examIdGiven: string, page: PageArgs): Promise<Connection<FinalResult>> {
      const examId = requireId(examIdGiven, "exam");
      const rules = await rulesOf(examId);
      await access.requireStaff(db, actor, rules.courseId, "exam");
      return connectionBy(BY_ACCOUNT, page, {
        find: ({ where, orderBy, take }) =>
          readStudents(db, examId, { bounds: where.id ?? {}, order: orderBy.id, take }),
        count: () => countStudents(db, examId),
        id: ({ userId }) => userId,
        toNode: (row) => ({ ...toFinalResult(row, rules), review: STAFF_REVIEW }),
      });
    },

    /** The actor's own, as far as they may see it: what counts is graded, so its release and the review's MARK decide. @throws NOT_FOUND */
    async own(actor: Actor, examIdGiven: string): Promise<FinalResult> {
      const { id: examId } = await exams.get(actor, examIdGiven);
      const rows = await db.attempt.findMany({
        where: { examId, userId: actor.userId },
        select: { id: true, number: true, status: true, score: true, maxScore: true },
      });
      const attempts = rows.map((row) => ({
        ...row,
        score: row.score?.toString() ?? null,
        maxScore: row.maxScore.toString(),
      }));
      const final = toFinalResult({ userId: actor.userId, attempts }, await rulesOf(examId));
      const pending = attempts.some(({ status }) => status === "SUBMITTED") ? "SUBMITTED" : "IN_PROGRESS";
      const status = final.score === null ? pending : "GRADED";
      const review = await results.review(actor, { examId, userId: actor.userId, status });
      const isShown = status === "GRADED" && review.visible.includes("MARK");
      return isShown ? { ...final, review } : { ...final, ...KEPT_BACK, review: { ...review, visible: [] } };
    },
  };
}

/** Which attempts count tells which is the best. */
const KEPT_BACK = { score: null, maxScore: null, percent: null, passed: null, grade: null, countedAttemptIds: [] };
