import type { Transaction } from "../../prisma/client.ts";
import { badInput, notFound, unprocessable } from "../domain/errors.ts";
import type { ExamQuestion as PlaceRow, Prisma, ExamSection as SectionRow } from "../generated/prisma/client.ts";
import { type ChangedSection, type QuestionsToAdd, sectionProblem } from "./examInput.ts";
import { requireId } from "./ids.ts";
import { requireFolder } from "./questionFolder.service.ts";

/**
 * Makes the sections of a draft, which the caller has locked, what they shall be. What is not said of a section that is there already,
 * and of a question that is, stays as it was.
 * @throws NOT_FOUND, BAD_USER_INPUT, UNPROCESSABLE (QUESTION_ARCHIVED)
 */
export async function replaceSections(
  tx: Transaction,
  { id: examId, courseId }: { id: string; courseId: string },
  wanted: readonly ChangedSection[],
  newId: () => string,
): Promise<void> {
  const before = await tx.examSection.findMany({
    where: { examId },
    include: { questions: { orderBy: { position: "asc" } } },
  });
  const sectionById = new Map(before.map((section) => [section.id, section]));
  const placeOf = new Map(before.flatMap(({ questions }) => questions.map((place) => [place.questionId, place])));
  const given = wanted.map((section) => ({
    ...section,
    id: section.id ? requireId(section.id, "section") : null,
    questionIds: section.questionIds?.map((id) => requireId(id, "question")),
  }));
  const asked = given.flatMap(({ questionIds }) => questionIds ?? []);
  const named = new Set(asked);
  if (named.size < asked.length)
    throw badInput("A question has one place in an exam.", [{ path: "sections", message: "name a question twice" }]);

  const sections: Prisma.ExamSectionCreateManyInput[] = [];
  const places: PlaceRow[] = [];
  for (const [position, { questionIds, id, ...changes }] of given.entries()) {
    const known = id === null ? undefined : sectionById.get(id);
    if (id !== null && (!known || sections.some((section) => section.id === id)))
      throw notFound("section of this exam");
    const { questions = [], ...old } = known ?? {};
    const section = { ...(old as SectionRow), ...changes, id: id ?? newId(), examId, position };
    const problem = sectionProblem(section);
    if (problem)
      throw badInput(`Section ${position + 1}: ${problem.message}`, [
        { path: `sections.${position}.${problem.path}`, message: problem.message },
      ]);
    sections.push(section);
    const staying = questions.filter(({ questionId }) => !named.has(questionId)).map(({ questionId }) => questionId);
    for (const questionId of questionIds ?? staying) {
      const place = placeOf.get(questionId) ?? { points: null, questionVersionId: null };
      places.push({ ...(place as PlaceRow), examId, questionId, sectionId: section.id, position: places.length });
    }
  }
  await requireFolders(tx, courseId, sections);
  await requireQuestions(
    tx,
    courseId,
    places.flatMap(({ questionId }) => (placeOf.has(questionId) ? [] : [questionId])),
  );
  // Taken out and put in again, because a position belongs to one section at any moment.
  await tx.examSection.deleteMany({ where: { examId } });
  await tx.examSection.createMany({ data: sections });
  await tx.examQuestion.createMany({ data: places });
}

/**
 * Puts questions of the bank behind those that a section of a draft, which the caller has locked, or else its first section has.
 * @throws NOT_FOUND, UNPROCESSABLE (QUESTION_ARCHIVED)
 */
export async function appendQuestions(
  tx: Transaction,
  { id: examId, courseId }: { id: string; courseId: string },
  { sectionId, questionIds, points }: QuestionsToAdd,
): Promise<void> {
  const sections = await tx.examSection.findMany({ where: { examId }, orderBy: { position: "asc" } });
  const section = sectionId ? sections.find(({ id }) => id === sectionId) : sections[0];
  if (!section) throw notFound("section of this exam");
  const ids = questionIds.map((id) => requireId(id, "question"));
  await requireQuestions(tx, courseId, ids);
  const last = await tx.examQuestion.aggregate({ where: { examId }, _max: { position: true } });
  const next = (last._max.position ?? -1) + 1;
  await tx.examQuestion.createMany({
    data: ids.map((questionId, index) => ({
      examId,
      questionId,
      sectionId: section.id,
      position: next + index,
      points: points ?? null,
    })),
    skipDuplicates: true,
  });
}

/** Holds the folders that sections draw from. @throws NOT_FOUND */
export async function requireFolders(
  tx: Transaction,
  courseId: string,
  sections: readonly { drawFolderId?: string | null | undefined }[],
): Promise<void> {
  for (const folderId of new Set(sections.flatMap(({ drawFolderId }) => drawFolderId ?? [])))
    await requireFolder(tx, courseId, folderId);
}

/** Holds questions of a bank that an exam is to get. @throws NOT_FOUND, UNPROCESSABLE (QUESTION_ARCHIVED) */
async function requireQuestions(tx: Transaction, courseId: string, ids: readonly string[]): Promise<void> {
  const held = await tx.$queryRaw<{ archived: boolean }[]>`
    SELECT archived_at IS NOT NULL AS archived FROM questions
    WHERE id = ANY (${[...ids]}::uuid[]) AND course_id = ${courseId}::uuid ORDER BY id FOR KEY SHARE`;
  if (held.length < new Set(ids).size) throw notFound("question in this course");
  const archived = held.filter((question) => question.archived).length;
  if (archived > 0)
    throw unprocessable("QUESTION_ARCHIVED", `${archived} of these questions are archived. Take them back first.`);
}
