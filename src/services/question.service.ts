import { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import type { Difficulty } from "../domain/difficulty.ts";
import { notFound } from "../domain/errors.ts";
import type { OutcomeFeedback } from "../domain/outcomeFeedback.ts";
import { parseDefinition, questionType, questionTypes } from "../domain/questionTypes.ts";
import { searchWords } from "../domain/searchWords.ts";
import {
  Prisma,
  type Question as QuestionRow,
  type QuestionVersion as VersionRow,
} from "../generated/prisma/client.ts";
import type { Cache } from "../redis/cache.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { type Connection, connectionBy, type PageArgs } from "./connection.ts";
import { type DecimalLike, decimalText } from "./decimal.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import { keysOfExamsWith } from "./questionCaches.ts";
import { matching, NEWEST } from "./questionFilter.ts";
import { requireFolder } from "./questionFolder.service.ts";
import { changedQuestion, newQuestion, questionFilter } from "./questionInput.ts";
import { QUESTION_SORTS, questionOrder } from "./questionOrder.ts";
import { withSafeTexts } from "./safeTexts.ts";

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
  outcomeFeedback: OutcomeFeedback | null;
  tags: readonly string[];
  folderId: string | null;
  difficulty: Difficulty | null;
  archivedAt: string | null;
  /** Of a question that was just written: what was taken out of its texts. */
  sanitised?: readonly string[];
}

/** One of a question's versions, as a list of them shows it. */
export interface QuestionVersion {
  number: number;
  title: string | null;
  stem: string;
  points: string;
  createdAt: string;
}

export interface QuestionTypeInfo {
  name: string;
  description: string;
  responseKind: string;
  definitionSchema: unknown;
}

const listing = z.object({
  courseId: z.string(),
  filter: questionFilter.nullish(),
  sort: z.enum(QUESTION_SORTS).nullish(),
});

type OfQuestion = Pick<QuestionRow, "id" | "courseId" | "tags" | "folderId" | "difficulty" | "archivedAt">;
type OfVersion = Pick<VersionRow, "id" | "number" | "type" | "title" | "stem" | "stemFormat" | "feedback"> & {
  points: DecimalLike;
  definition: unknown;
  outcomeFeedback: unknown;
};

export function toQuestion(question: OfQuestion, version: OfVersion): Question {
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
    outcomeFeedback: version.outcomeFeedback as OutcomeFeedback | null,
    tags: question.tags,
    folderId: question.folderId,
    difficulty: question.difficulty,
    archivedAt: question.archivedAt?.toISOString() ?? null,
  };
}

/** A row of a statement of our own; `id` is the question's. */
type ListRow = OfQuestion & Omit<OfVersion, "id"> & { versionId: string; key: string };
const columns = Prisma.sql`
  question.id, question.course_id AS "courseId", question.tags, question.folder_id AS "folderId",
  question.difficulty::text, question.archived_at AS "archivedAt",
  version.id AS "versionId", version.number, version.type, version.title, version.stem, version.stem_format AS "stemFormat",
  version.definition, version.points, version.feedback,
  version.outcome_feedback AS "outcomeFeedback"`;

/** How many versions of a question are listed. */
const MAX_VERSIONS = 100;

export type QuestionService = ReturnType<typeof createQuestionService>;

/** The questions of a course's bank; for its staff. */
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
  return {
    /** The question types this server knows. */
    types: (): QuestionTypeInfo[] =>
      Object.values(questionTypes).map(({ name, description, responseKind, definition }) => ({
        name,
        description,
        responseKind: responseKind.toUpperCase(),
        definitionSchema: z.toJSONSchema(definition, { io: "input", unrepresentable: "any" }),
      })),

    /** In its newest version, or the one of that number. @throws NOT_FOUND, FORBIDDEN */
    async get(actor: Actor, questionId: string, number?: number | null): Promise<Question> {
      const id = requireId(questionId, "question");
      const row = await db.question.findUnique({ where: { id } });
      if (!row) throw notFound("question");
      await access.requireStaff(db, actor, row.courseId, "question");
      const key = { questionId: id, number: number ?? row.currentVersion };
      const version = await db.questionVersion.findUnique({
        where: { questionId_number: key },
        omit: { searchWords: true },
      });
      if (!version) throw notFound("version of this question");
      return toQuestion(row, version);
    },

    /** The newest versions of each of these questions, which the caller has been given; for loaders. */
    async versions(questionIds: readonly string[]): Promise<QuestionVersion[][]> {
      const rows = await db.$queryRaw<(Omit<VersionRow, "points"> & { points: DecimalLike })[]>`
        SELECT question.id AS "questionId", version.number, version.title, version.stem, version.points, version.created_at AS "createdAt"
        FROM questions question JOIN question_versions version
          ON version.question_id = question.id AND version.number > question.current_version - ${MAX_VERSIONS}
        WHERE question.id = ANY (${questionIds}::uuid[]) ORDER BY version.number DESC`;
      const byQuestion = new Map(questionIds.map((id) => [id, [] as QuestionVersion[]]));
      for (const { questionId, number, title, stem, points, createdAt } of rows)
        byQuestion
          .get(questionId)!
          .push({ number, title, stem, points: decimalText(points), createdAt: createdAt.toISOString() });
      return questionIds.map((id) => byQuestion.get(id)!);
    },

    /** @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async list(actor: Actor, given: unknown, page: PageArgs): Promise<Connection<Question>> {
      const { courseId: courseIdGiven, filter, sort } = parseInput(listing, given, { path: "" });
      const courseId = requireId(courseIdGiven, "course");
      await access.requireStaff(db, actor, courseId, "course");
      const where = matching(courseId, filter ?? {});
      const order = questionOrder(sort ?? "NEWEST");
      return connectionBy(order.ordering, page, {
        find: (query) =>
          db.$queryRaw<ListRow[]>`
            SELECT ${columns}, ${order.key} AS key FROM ${NEWEST} WHERE ${where} ${order.page(query)}`,
        count: async () => {
          const [row] = await db.$queryRaw<{ count: number }[]>`
            SELECT count(*)::int AS count FROM ${NEWEST} WHERE ${where}`;
          return row!.count;
        },
        id: ({ key }) => key,
        toNode: (row) => toQuestion(row, { ...row, id: row.versionId }),
      });
    },

    /** Every tag of a bank, the most frequent first; archived questions do not count. @throws NOT_FOUND, FORBIDDEN */
    async tags(actor: Actor, courseIdGiven: string): Promise<{ tag: string; questionCount: number }[]> {
      const courseId = requireId(courseIdGiven, "course");
      await access.requireStaff(db, actor, courseId, "course");
      return db.$queryRaw`
        SELECT tag, count(*)::int AS "questionCount" FROM questions, unnest(tags) AS tag
        WHERE course_id = ${courseId}::uuid AND archived_at IS NULL GROUP BY tag ORDER BY count(*) DESC, tag`;
    },

    /** @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async create(actor: Actor, courseIdGiven: string, input: unknown): Promise<Question> {
      const courseId = requireId(courseIdGiven, "course");
      const { tags, folderId, difficulty, type, ...given } = parseInput(newQuestion, input);
      if (questionType(type).isUnmarked) given.points = "0";
      const { written, sanitised } = withSafeTexts({
        ...given,
        type,
        definition: parseDefinition(type, given.definition),
      });
      return db.$transaction(async (tx) => {
        await access.requireStaff(tx, actor, courseId, "course");
        if (folderId) await requireFolder(tx, courseId, folderId);
        const question = await tx.question.create({ data: { id: newId(), courseId, tags, folderId, difficulty } });
        const version = await tx.questionVersion.create({
          data: { ...written, searchWords: searchWords(written), id: newId(), questionId: question.id, number: 1 },
        });
        return { ...toQuestion(question, version), sanitised };
      });
    },

    /**
     * Makes the next version; the versions before it stay as they are, with every exam and attempt that has them. Tags, folder and
     * difficulty belong to the question: a change of nothing else makes no version.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT
     */
    async update(actor: Actor, questionId: string, input: unknown): Promise<Question> {
      const id = requireId(questionId, "question");
      const { tags, folderId, difficulty, definition, ...changes } = parseInput(changedQuestion, input);
      const place = Object.fromEntries(
        Object.entries({ tags, folderId, difficulty }).filter(([, value]) => value !== undefined),
      );
      const isNewVersion = definition !== undefined || Object.keys(changes).length > 0;
      const { question, keys } = await db.$transaction(async (tx) => {
        await tx.$queryRaw`SELECT id FROM questions WHERE id = ${id}::uuid FOR UPDATE`; // two editors: the second builds on the first
        const row = await tx.question.findUnique({ where: { id } });
        if (!row) throw notFound("question");
        await access.requireStaff(tx, actor, row.courseId, "question");
        if (folderId) await requireFolder(tx, row.courseId, folderId);
        let version = await tx.questionVersion.findUniqueOrThrow({
          where: { questionId_number: { questionId: id, number: row.currentVersion } },
        });
        let sanitised: readonly string[] = [];
        if (isNewVersion) {
          const { createdAt: _made, ...before } = version;
          if (questionType(before.type).isUnmarked) changes.points = "0";
          const { written, sanitised: removed } = withSafeTexts({
            ...before,
            ...changes,
            outcomeFeedback:
              changes.outcomeFeedback === undefined
                ? (before.outcomeFeedback as OutcomeFeedback | null)
                : changes.outcomeFeedback,
            stemFormat: (changes.stemFormat ?? before.stemFormat) as StemFormat,
            definition: definition === undefined ? before.definition : parseDefinition(before.type, definition),
          });
          sanitised = removed;
          version = await tx.questionVersion.create({
            data: { ...written, searchWords: searchWords(written), id: newId(), number: before.number + 1 },
          });
        }
        const updated = await tx.question.update({ where: { id }, data: { ...place, currentVersion: version.number } });
        const publishedToo = Object.keys(place).length > 0;
        return {
          question: { ...toQuestion(updated, version), sanitised },
          keys: await keysOfExamsWith(tx, [id], { publishedToo }),
        };
      });
      await cache.drop(...keys);
      return question;
    },
  };
}
