import type { Db } from "../../prisma/client.ts";
import { type AttemptToCount, type FinalScore, finalScore } from "../domain/finalResult.ts";
import { Prisma } from "../generated/prisma/client.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { type Connection, connectionBy, type Ordering, type PageArgs, type PageQuery } from "./connection.ts";
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

interface KeyedStudentRow extends StudentRow {
  key: string;
}

const UUID_LENGTH = 36;
/** By name whatever its case, and by account where those are alike; a cursor holds both. */
const BY_NAME: Ordering<string> = {
  direction: "asc",
  parse: (text) => (isUuid(text.slice(0, UUID_LENGTH)) ? text : null),
};
const NAME_THEN_ID = Prisma.sql`(lower(person.name), person.id)`;
const asValue = (key: string) => Prisma.sql`(${key.slice(UUID_LENGTH)}::text, ${key.slice(0, UUID_LENGTH)}::uuid)`;

/** Everybody who is enrolled as a student or has an attempt. */
const studentsOf = (examId: string) => Prisma.sql`
  SELECT user_id FROM attempts WHERE exam_id = ${examId}::uuid
  UNION
  SELECT enrollment.user_id FROM enrollments enrollment JOIN exams exam ON exam.course_id = enrollment.course_id
  WHERE exam.id = ${examId}::uuid AND enrollment.role = 'STUDENT' AND enrollment.status = 'ACTIVE'`;

/** @param students with `user_id`, `key` and `place`, by which they come */
const withAttempts = (examId: string, students: Prisma.Sql) => Prisma.sql`
  SELECT student.user_id AS "userId", student.key, (
    SELECT coalesce(json_agg(json_build_object('id', attempt.id, 'number', attempt.number, 'status', attempt.status,
      'score', attempt.score::text, 'maxScore', attempt.max_score::text) ORDER BY attempt.number), '[]')
    FROM attempts attempt WHERE attempt.exam_id = ${examId}::uuid AND attempt.user_id = student.user_id) AS attempts
  FROM (${students}) student ORDER BY student.place`;

/** A page of an exam's students by name, each with all attempts, in one statement. */
async function studentsPage(
  db: Db,
  examId: string,
  { where: { id: { gt, lt } = {} }, orderBy, take }: PageQuery,
): Promise<KeyedStudentRow[]> {
  const direction = orderBy.id === "asc" ? Prisma.sql`ASC` : Prisma.sql`DESC`;
  return db.$queryRaw<KeyedStudentRow[]>(
    withAttempts(
      examId,
      Prisma.sql`
        SELECT user_id, user_id::text || name AS key, row_number() OVER (ORDER BY name ${direction}, user_id ${direction}) AS place
        FROM (
          SELECT person.id AS user_id, lower(person.name) AS name
          FROM (${studentsOf(examId)}) student JOIN users person ON person.id = student.user_id
          WHERE true ${gt === undefined ? Prisma.empty : Prisma.sql`AND ${NAME_THEN_ID} > ${asValue(gt)}`}
            ${lt === undefined ? Prisma.empty : Prisma.sql`AND ${NAME_THEN_ID} < ${asValue(lt)}`}
          ORDER BY lower(person.name) ${direction}, person.id ${direction} LIMIT ${take}) page`,
    ),
  );
}

/** All students of an exam by name, those who left the course after an attempt among them: nothing but their ids. */
export async function studentIds(db: Db, examId: string): Promise<string[]> {
  const rows = await db.$queryRaw<{ id: string }[]>`
    SELECT person.id FROM (${studentsOf(examId)}) student JOIN users person ON person.id = student.user_id
    ORDER BY lower(person.name), person.id`;
  return rows.map(({ id }) => id);
}

/** These students in this order, each with all attempts at the exam. */
export const readStudents = (db: Db, examId: string, userIds: readonly string[]): Promise<StudentRow[]> =>
  db.$queryRaw<StudentRow[]>(
    withAttempts(
      examId,
      Prisma.sql`
        SELECT user_id, NULL AS key, place FROM unnest(${userIds}::uuid[]) WITH ORDINALITY AS asked (user_id, place)`,
    ),
  );

/** How many students an exam has, those who left the course after an attempt among them. */
async function countStudents(db: Db, examId: string): Promise<number> {
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
    /** One row for each student of an exam, by name. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async list(actor: Actor, examIdGiven: string, page: PageArgs): Promise<Connection<FinalResult>> {
      const examId = requireId(examIdGiven, "exam");
      const rules = await rulesOf(examId);
      await access.requireStaff(db, actor, rules.courseId, "exam");
      return connectionBy(BY_NAME, page, {
        find: (query) => studentsPage(db, examId, query),
        count: () => countStudents(db, examId),
        id: ({ key }) => key,
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
