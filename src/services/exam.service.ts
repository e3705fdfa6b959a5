import type { Db, Transaction } from "../../prisma/client.ts";
import { badInput, forbidden, notFound, unprocessable } from "../domain/errors.ts";
import type { AttemptGrading } from "../domain/finalResult.ts";
import type { GradeBand, ReviewMatrix } from "../domain/results.ts";
import type { Exam as ExamRow, Prisma } from "../generated/prisma/client.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { batched } from "./batched.ts";
import { type Connection, connectionOf, type PageArgs } from "./connection.ts";
import { databaseTime } from "./databaseTime.ts";
import { decimalText } from "./decimal.ts";
import type { ExamAddresses } from "./examAddresses.ts";
import {
  changedSections,
  examRules,
  examSearch,
  FIXED_BY_PUBLICATION,
  newExam,
  questionsToAdd,
  resultColumns,
  windowIsRight,
} from "./examInput.ts";
import { lockExam } from "./examLock.ts";
import { type ExamQuestions, type ExamSection, examTotals, pinQuestions } from "./examQuestions.ts";
import { appendQuestions, replaceSections, requireFolders } from "./examSections.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import { hashSecret } from "./passwords.ts";
import { escaped } from "./searchText.ts";

/** An exam as everybody of the course may see it: no questions, no access code. Instants are ISO strings. */
export interface Exam {
  __typename: "Exam";
  id: string;
  courseId: string;
  title: string;
  description: string;
  durationMinutes: number;
  opensAt: string | null;
  closesAt: string | null;
  attemptsAllowed: number;
  shuffleQuestions: boolean;
  shuffleOptions: boolean;
  passMarkPercent: string | null;
  resultsPolicy: "IMMEDIATE" | "AFTER_CLOSE" | "MANUAL";
  resultsReleaseAt: string | null;
  resultsReleasedAt: string | null;
  review: ReviewMatrix;
  gradeScale: readonly GradeBand[];
  attemptGrading: AttemptGrading;
  accessCodeRequired: boolean;
  status: "DRAFT" | "PUBLISHED" | "ARCHIVED";
  publishedAt: string | null;
  createdAt: string;
  questionCount: number;
  maxScore: string;
}

const toExam = (row: ExamRow, totals: { questionCount: number; maxScore: string }): Exam => ({
  __typename: "Exam",
  id: row.id,
  courseId: row.courseId,
  title: row.title,
  description: row.description,
  durationMinutes: row.durationMinutes,
  opensAt: row.opensAt?.toISOString() ?? null,
  closesAt: row.closesAt?.toISOString() ?? null,
  attemptsAllowed: row.attemptsAllowed,
  shuffleQuestions: row.shuffleQuestions,
  shuffleOptions: row.shuffleOptions,
  passMarkPercent: row.passMarkPercent && decimalText(row.passMarkPercent),
  resultsPolicy: row.resultsPolicy,
  resultsReleaseAt: row.resultsReleaseAt?.toISOString() ?? null,
  resultsReleasedAt: row.resultsReleasedAt?.toISOString() ?? null,
  review: { during: row.reviewDuring, afterSubmission: row.reviewAfterSubmission, afterClose: row.reviewAfterClose },
  gradeScale: row.gradeScale as unknown as GradeBand[],
  attemptGrading: row.attemptGrading,
  accessCodeRequired: row.accessCodeHash !== null,
  status: row.status,
  publishedAt: row.publishedAt?.toISOString() ?? null,
  createdAt: row.createdAt.toISOString(),
  ...totals,
});

export type ExamService = ReturnType<typeof createExamService>;

export function createExamService({
  db,
  cache,
  access,
  examQuestions,
  addresses,
  newId,
}: {
  db: Db;
  cache: Cache;
  access: Access;
  examQuestions: ExamQuestions;
  addresses: ExamAddresses;
  newId: () => string;
}) {
  const load = batched(async (ids: readonly string[]) => {
    const rows = await db.exam.findMany({ where: { id: { in: [...ids] } } });
    const totals = await examTotals(db, [...ids]);
    const byId = new Map(rows.map((row) => [row.id, toExam(row, totals.get(row.id)!)]));
    return ids.map((id) => byId.get(id) ?? null);
  });

  /** An exam by id, whoever asks; through the cache. */
  async function find(actor: Actor, id: string): Promise<Exam | null> {
    return cache.getOrSetCache(CACHE_KEYS.EXAM(id), () => load(id), { reads: actor.reads });
  }

  /**
   * Runs one change of one exam, locked for its staff, and drops after the commit everything that shows the exam.
   * @throws NOT_FOUND, FORBIDDEN
   */
  async function change(
    actor: Actor,
    examId: string,
    act: (tx: Transaction, exam: ExamRow) => Promise<void>,
  ): Promise<Exam> {
    const id = requireId(examId, "exam");
    await db.$transaction(async (tx) => act(tx, await lockExam(tx, access, actor, id)));
    // Before anything else that could fail.
    await cache.drop(CACHE_KEYS.EXAM(id), CACHE_KEYS.EXAM_QUESTIONS(id), CACHE_KEYS.EXAM_ADDRESSES(id));
    const row = await db.exam.findUniqueOrThrow({ where: { id } });
    return toExam(row, (await examTotals(db, [id])).get(id)!);
  }

  /** The same for what only a draft allows. @throws NOT_FOUND, FORBIDDEN, UNPROCESSABLE (EXAM_PUBLISHED) */
  const changeDraft: typeof change = (actor, examId, act) =>
    change(actor, examId, async (tx, exam) => {
      if (exam.status !== "DRAFT")
        throw unprocessable("EXAM_PUBLISHED", "The questions of a published exam are fixed.");
      await act(tx, exam);
    });

  return {
    /** @throws NOT_FOUND for an exam the actor may not know of */
    async get(actor: Actor, examId: string): Promise<Exam> {
      const exam = await find(actor, requireId(examId, "exam"));
      const standing = exam && (await access.standingIn(actor, exam.courseId));
      if (!exam || !standing || (standing === "STUDENT" && exam.status === "DRAFT")) throw notFound("exam");
      return exam;
    },

    /** The questions of an exam, with their keys. @throws FORBIDDEN for who is not staff of its course */
    async sections(actor: Actor, exam: Exam): Promise<ExamSection[]> {
      if ((await access.standingIn(actor, exam.courseId)) !== "STAFF")
        throw forbidden("This is for the staff of the course.");
      return examQuestions.sections(exam.id, actor.reads);
    },

    /** From where an exam may be taken; null: from everywhere. @throws FORBIDDEN for who is not staff of its course */
    async allowedAddresses(actor: Actor, exam: Exam): Promise<string[] | null> {
      if ((await access.standingIn(actor, exam.courseId)) !== "STAFF")
        throw forbidden("This is for the staff of the course.");
      const entries = await addresses.allowed(exam.id, actor.reads);
      return entries.length > 0 ? [...entries] : null;
    },

    /** The exams of the actor's courses, newest first; drafts for staff only. */
    async list(
      actor: Actor,
      filter: { courseId?: string | null; status?: Exam["status"] | null; search?: string | null },
      page: PageArgs,
    ): Promise<Connection<Exam>> {
      const { search } = parseInput(examSearch, { search: filter.search }, { path: "filter" });
      const mine = await access.courseIds(actor);
      const matching: Prisma.ExamWhereInput = {
        AND: [
          mine
            ? { OR: [{ courseId: { in: mine.asStaff } }, { courseId: { in: mine.all }, status: { not: "DRAFT" } }] }
            : {},
          filter.courseId ? { courseId: requireId(filter.courseId, "course") } : {},
          filter.status ? { status: filter.status } : {},
          search ? { title: { contains: escaped(search), mode: "insensitive" } } : {},
        ],
      };
      let totals = new Map<string, { questionCount: number; maxScore: string }>();
      return connectionOf(page, {
        find: async ({ where, ...rest }) => {
          const rows = await db.exam.findMany({ where: { AND: [matching, where] }, ...rest });
          totals = await examTotals(
            db,
            rows.map(({ id }) => id),
          );
          return rows;
        },
        count: () => db.exam.count({ where: matching }),
        id: ({ id }) => id,
        toNode: (row) => toExam(row, totals.get(row.id)!),
      });
    },

    /** Makes a draft. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async create(actor: Actor, input: unknown): Promise<Exam> {
      const {
        courseId: courseIdGiven,
        sections,
        accessCode,
        review,
        gradeScale,
        ...given
      } = parseInput(newExam, input);
      const courseId = requireId(courseIdGiven, "course");
      const accessCodeHash = accessCode ? await hashSecret(accessCode) : null;
      const id = newId();
      const row = await db.$transaction(async (tx) => {
        await access.requireStaff(tx, actor, courseId, "course");
        await requireFolders(tx, courseId, sections ?? []);
        const exam = await tx.exam.create({
          data: { ...given, ...resultColumns({ review, gradeScale }), id, courseId, accessCodeHash },
        });
        await tx.examSection.createMany({
          data: (sections ?? [{ title: "Questions" }]).map((one, position) => ({
            ...one,
            id: newId(),
            examId: id,
            position,
          })),
        });
        return exam;
      });
      return toExam(row, { questionCount: 0, maxScore: "0" });
    },

    /** Changes what is given. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (EXAM_PUBLISHED) */
    async update(actor: Actor, examId: string, input: unknown): Promise<Exam> {
      const { accessCode, review, gradeScale, ...given } = parseInput(examRules.partial(), input);
      const changed = { ...given, ...resultColumns({ review, gradeScale }) };
      const accessCodeHash =
        accessCode === undefined ? undefined : accessCode === null ? null : await hashSecret(accessCode);
      return change(actor, examId, async (tx, exam) => {
        const fixed = FIXED_BY_PUBLICATION.filter(
          (field) => given[field] !== undefined && given[field] !== exam[field],
        );
        if (exam.status !== "DRAFT" && fixed.length > 0)
          throw unprocessable("EXAM_PUBLISHED", `Publication has fixed: ${fixed.join(", ")}.`);
        const after = { ...exam, ...given };
        if (!windowIsRight(after))
          throw badInput("closesAt is not after opensAt.", [
            { path: "input.closesAt", message: "is not after opensAt" },
          ]);
        await tx.exam.update({ where: { id: exam.id }, data: { ...changed, accessCodeHash } });
        await audit(tx, actor, newId, {
          action: "updateExam",
          entityType: "Exam",
          entityId: exam.id,
          before: JSON.parse(
            JSON.stringify(
              Object.fromEntries(
                Object.entries(changed).flatMap(([key, to]) =>
                  to === undefined ? [] : [[key, exam[key as keyof ExamRow]]],
                ),
              ),
            ),
          ),
          after: JSON.parse(JSON.stringify(changed)),
        });
      });
    },

    /** Puts questions of the bank into a draft. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (EXAM_PUBLISHED, QUESTION_ARCHIVED) */
    async addQuestions(actor: Actor, input: unknown): Promise<Exam> {
      const given = parseInput(questionsToAdd, input);
      return changeDraft(actor, given.examId, (tx, exam) => appendQuestions(tx, exam, given));
    },

    /** Takes questions out of a draft. Safe to repeat. @throws NOT_FOUND, FORBIDDEN, UNPROCESSABLE (EXAM_PUBLISHED) */
    async removeQuestions(actor: Actor, examId: string, questionIds: readonly string[]): Promise<Exam> {
      return changeDraft(actor, examId, async (tx, exam) => {
        const ids = questionIds.map((id) => requireId(id, "question"));
        await tx.examQuestion.deleteMany({ where: { examId: exam.id, questionId: { in: ids } } });
      });
    },

    /**
     * The sections of a draft as they shall be, in order, with their questions; see `replaceSections`. Safe to repeat but for new sections.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (EXAM_PUBLISHED, QUESTION_ARCHIVED)
     */
    async updateSections(actor: Actor, examId: string, sections: unknown): Promise<Exam> {
      const wanted = parseInput(changedSections, sections, { path: "sections" });
      return changeDraft(actor, examId, (tx, exam) => replaceSections(tx, exam, wanted, newId));
    },

    /**
     * Fixes the questions in their newest versions and shows the exam. Safe to repeat.
     * @throws NOT_FOUND, FORBIDDEN, UNPROCESSABLE (EXAM_EMPTY, POOL_TOO_SMALL, EXAM_ARCHIVED)
     */
    async publish(actor: Actor, examId: string): Promise<Exam> {
      return change(actor, examId, async (tx, exam) => {
        if (exam.status === "PUBLISHED") return;
        if (exam.status === "ARCHIVED") throw unprocessable("EXAM_ARCHIVED", "An archived exam cannot be published.");
        await pinQuestions(tx, exam.id);
        await tx.exam.update({
          where: { id: exam.id },
          data: { status: "PUBLISHED", publishedAt: await databaseTime(tx) },
        });
        await audit(tx, actor, newId, { action: "publishExam", entityType: "Exam", entityId: exam.id });
      });
    },

    /** Stops new attempts. Safe to repeat. @throws NOT_FOUND, FORBIDDEN */
    async archive(actor: Actor, examId: string): Promise<Exam> {
      return change(actor, examId, async (tx, exam) => {
        if (exam.status === "ARCHIVED") return;
        await tx.exam.update({ where: { id: exam.id }, data: { status: "ARCHIVED" } });
        await audit(tx, actor, newId, { action: "archiveExam", entityType: "Exam", entityId: exam.id });
      });
    },
  };
}
