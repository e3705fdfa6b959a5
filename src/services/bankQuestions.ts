import type { Db, Transaction } from "../../prisma/client.ts";
import type { ImportedQuestion } from "../domain/exchange/questionFormat.ts";
import { searchWords } from "../domain/searchWords.ts";
import { Prisma } from "../generated/prisma/client.ts";
import { decimalText } from "./decimal.ts";

/** Read from the database at a time. */
const PAGE = 100;

export interface NewQuestion {
  id: string;
  versionId: string;
  question: ImportedQuestion;
}

/** Adds questions to a bank, each in its first version, all in one folder; `tags` besides their own. Part of the caller's transaction. */
export async function addToBank(
  tx: Db | Transaction,
  { courseId, tags, folderId }: { courseId: string; tags: readonly string[]; folderId: string | null },
  questions: readonly NewQuestion[],
): Promise<void> {
  await tx.question.createMany({
    data: questions.map(({ id, question }) => ({
      id,
      courseId,
      folderId,
      tags: [...new Set([...tags, ...question.tags])],
    })),
  });
  await tx.questionVersion.createMany({
    data: questions.map(({ id, versionId, question: { tags: _tags, definition, outcomeFeedback, ...rest } }) => ({
      ...rest,
      id: versionId,
      questionId: id,
      number: 1,
      definition: definition as Prisma.InputJsonValue,
      searchWords: searchWords({ ...rest, definition }),
      outcomeFeedback: outcomeFeedback ? { ...outcomeFeedback } : Prisma.DbNull,
    })),
  });
}

/** The questions of a bank in their newest version, oldest first, a page in memory at a time. */
export async function* newestVersions(
  db: Db,
  chosen: Prisma.QuestionWhereInput,
): AsyncGenerator<{ id: string; question: ImportedQuestion }> {
  for (let after: string | undefined; ; ) {
    const rows = await db.question.findMany({
      where: { AND: [chosen, after === undefined ? {} : { id: { gt: after } }] },
      orderBy: { id: "asc" },
      take: PAGE,
      include: { versions: { orderBy: { number: "desc" }, take: 1, omit: { searchWords: true } } },
    });
    for (const { id, tags, versions } of rows) {
      const { type, title, stem, stemFormat, definition, points, feedback, outcomeFeedback } = versions[0]!;
      const texts = { title, stem, stemFormat, feedback, outcomeFeedback };
      const question = { ...texts, type, definition, points: decimalText(points), tags };
      yield { id, question: question as ImportedQuestion };
    }
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.id;
  }
}
