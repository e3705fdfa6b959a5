import { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import { badInput, notFound } from "../domain/errors.ts";
import { parseDefinition, questionType, questionTypes } from "../domain/questionTypes.ts";
import { type QuestionTexts, sanitiseQuestion } from "../domain/richText/sanitiseQuestion.ts";
import type { Prisma, Question as QuestionRow, QuestionVersion as VersionRow } from "../generated/prisma/client.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { type Connection, connectionOf, type PageArgs } from "./connection.ts";
import { type DecimalLike, decimalInput, decimalText } from "./decimal.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import { containing } from "./searchText.ts";

export type StemFormat = "PLAIN" | "HTML" | "MARKDOWN" | "MOODLE";

/** A question with its key, for staff. */
export interface Question {
  __typename: "Question";
  id: string;
  courseId: string;
  version: number;
  versionId: string;
  type: string;
  title: string | null;
  stem: string;
  stemFormat: StemFormat;
  definition: unknown;
  options: readonly { id: string; text: string }[];
  points: string;
  feedback: string | null;
  tags: readonly string[];
  /** Of a question that was just written: what was taken out of its texts. */
  sanitised?: readonly string[];
}

export interface QuestionTypeInfo {
  name: string;
  description: string;
  responseKind: string;
  definitionSchema: unknown;
}

const stemFormat = z.enum(["PLAIN", "HTML", "MARKDOWN", "MOODLE"]);
/** Of a question. */
export const tagList = z
  .array(z.string().trim().min(1, "is empty").max(100, "has at most 100 characters"))
  .max(50, "has at most 50 tags");
const content = {
  title: z.string().trim().max(300, "has at most 300 characters").nullish(),
  stem: z.string().trim().min(1, "is empty").max(20_000, "has at most 20,000 characters"),
  stemFormat,
  points: decimalInput({ min: 0, max: 10_000 }),
  feedback: z.string().max(20_000, "has at most 20,000 characters").nullish(),
  tags: tagList,
};
const newQuestion = z.object({ ...content, type: z.string(), definition: z.unknown() });
const changedQuestion = z.object({ ...content, definition: z.unknown().optional() }).partial();
const searching = z.object({
  tag: z.string().nullish(),
  search: z.string().max(300, "has at most 300 characters").nullish(),
});
type WithVersion = QuestionRow & { versions: VersionRow[] };

export function toQuestion(
  question: Pick<QuestionRow, "id" | "courseId" | "tags">,
  version: Omit<VersionRow, "points" | "definition" | "questionId" | "createdAt"> & {
    points: DecimalLike;
    definition: unknown;
  },
): Question {
  return {
    __typename: "Question",
    id: question.id,
    courseId: question.courseId,
    version: version.number,
    versionId: version.id,
    type: version.type,
    title: version.title,
    stem: version.stem,
    stemFormat: version.stemFormat as StemFormat,
    definition: version.definition,
    options: questionType(version.type).studentView(version.definition).options,
    points: decimalText(version.points),
    feedback: version.feedback,
    tags: question.tags,
  };
}

/** With every version that the row's `currentVersion` may mean; only that one is used. */
const newest = (row: WithVersion): Question =>
  toQuestion(row, row.versions.find(({ number }) => number === row.currentVersion)!);

const withNewest = { versions: { orderBy: { number: "desc" }, take: 1 } } satisfies Prisma.QuestionInclude;

/** What is written of a question, with what was taken out of its texts. @throws BAD_USER_INPUT if nothing is left of a text */
function withSafeTexts<Given extends QuestionTexts>(given: Given) {
  const { question, removed } = sanitiseQuestion(given);
  if (question.stem.trim() === "")
    throw badInput("Nothing of the stem may be shown.", [
      { path: "input.stem", message: `only held ${removed.join(", ")}` },
    ]);
  return { written: { ...question, definition: question.definition as Prisma.InputJsonValue }, sanitised: removed };
}

export type QuestionService = ReturnType<typeof createQuestionService>;

/** The question bank of a course; for its staff. */
export function createQuestionService({
  db,
  cache,
  access,
  newId,
}: {
  db: Db;
  cache: Cache;
  access: Access;
  newId: () => string;
}) {
  /** The questions of a bank whose newest version says it in title or stem. */
  async function idsWith(courseId: string, search: string): Promise<string[]> {
    const rows = await db.$queryRaw<{ id: string }[]>`
      SELECT question.id FROM questions question
      JOIN question_versions version ON version.question_id = question.id AND version.number = question.current_version
      WHERE question.course_id = ${courseId}::uuid
        AND (version.title ILIKE ${containing(search)} OR version.stem ILIKE ${containing(search)})`;
    return rows.map(({ id }) => id);
  }

  return {
    /** The question types this server knows. */
    types: (): QuestionTypeInfo[] =>
      Object.values(questionTypes).map(({ name, description, responseKind, definition }) => ({
        name,
        description,
        responseKind: responseKind.toUpperCase(),
        definitionSchema: z.toJSONSchema(definition, { io: "input", unrepresentable: "any" }),
      })),

    /** @throws NOT_FOUND, FORBIDDEN */
    async get(actor: Actor, questionId: string): Promise<Question> {
      const row = await db.question.findUnique({
        where: { id: requireId(questionId, "question") },
        include: withNewest,
      });
      if (!row) throw notFound("question");
      await access.requireStaff(db, actor, row.courseId, "question");
      return newest(row);
    },

    /** @throws NOT_FOUND, FORBIDDEN */
    async list(
      actor: Actor,
      filter: { courseId: string; tag?: string | null; search?: string | null },
      page: PageArgs,
    ): Promise<Connection<Question>> {
      const courseId = requireId(filter.courseId, "course");
      const { tag, search } = parseInput(searching, filter, { path: "" });
      await access.requireStaff(db, actor, courseId, "course");
      const matching: Prisma.QuestionWhereInput = {
        courseId,
        ...(tag && { tags: { has: tag } }),
        ...(search && { id: { in: await idsWith(courseId, search) } }),
      };
      return connectionOf(page, {
        find: ({ where, ...rest }) =>
          db.question.findMany({ where: { AND: [matching, where] }, ...rest, include: withNewest }),
        count: () => db.question.count({ where: matching }),
        id: ({ id }) => id,
        toNode: newest,
      });
    },

    /** @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async create(actor: Actor, courseIdGiven: string, input: unknown): Promise<Question> {
      const courseId = requireId(courseIdGiven, "course");
      const { tags, type, ...given } = parseInput(newQuestion, input);
      if (questionType(type).isUnmarked) given.points = "0";
      const { written, sanitised } = withSafeTexts({
        ...given,
        type,
        definition: parseDefinition(type, given.definition),
      });
      return db.$transaction(async (tx) => {
        await access.requireStaff(tx, actor, courseId, "course");
        const question = await tx.question.create({ data: { id: newId(), courseId, tags } });
        const version = await tx.questionVersion.create({
          data: { ...written, id: newId(), questionId: question.id, number: 1 },
        });
        return { ...toQuestion(question, version), sanitised };
      });
    },

    /**
     * Makes the next version; the versions before it stay as they are, with every exam and attempt that has them.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT
     */
    async update(actor: Actor, questionId: string, input: unknown): Promise<Question> {
      const id = requireId(questionId, "question");
      const given = parseInput(changedQuestion, input);
      const { question, drafts } = await db.$transaction(async (tx) => {
        await tx.$queryRaw`SELECT id FROM questions WHERE id = ${id}::uuid FOR UPDATE`; // two editors: the second builds on the first
        const row = await tx.question.findUnique({ where: { id }, include: withNewest });
        if (!row) throw notFound("question");
        await access.requireStaff(tx, actor, row.courseId, "question");
        const { tags = row.tags, definition, ...changes } = given;
        const { createdAt: _made, ...before } = row.versions[0]!;
        if (questionType(before.type).isUnmarked) changes.points = "0";
        const { written, sanitised } = withSafeTexts({
          ...before,
          ...changes,
          stemFormat: (changes.stemFormat ?? before.stemFormat) as StemFormat,
          definition: definition === undefined ? before.definition : parseDefinition(before.type, definition),
        });
        const version = await tx.questionVersion.create({
          data: { ...written, id: newId(), number: before.number + 1 },
        });
        const updated = await tx.question.update({ where: { id }, data: { tags, currentVersion: version.number } });
        const holding = await tx.examQuestion.findMany({
          where: { questionId: id, questionVersionId: null },
          select: { examId: true },
        });
        return {
          question: { ...toQuestion(updated, version), sanitised },
          drafts: holding.map(({ examId }) => examId),
        };
      });
      await cache.drop(...drafts.flatMap((examId) => [CACHE_KEYS.EXAM(examId), CACHE_KEYS.EXAM_QUESTIONS(examId)]));
      return question;
    },
  };
}
