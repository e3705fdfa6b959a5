import type { Transaction } from "../../prisma/client.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";

/**
 * The keys of the exams that show these questions, to be dropped after the commit: drafts, which show their newest versions, and
 * where tags, folders or the like have changed, which belong to no version, published exams too.
 */
export async function keysOfExamsWith(
  tx: Transaction,
  questionIds: readonly string[],
  { publishedToo }: { publishedToo: boolean },
): Promise<string[]> {
  const rows = await tx.$queryRaw<{ examId: string }[]>`
    SELECT DISTINCT exam_id AS "examId" FROM exam_questions
    WHERE question_id = ANY (${questionIds}::uuid[]) AND (${publishedToo} OR question_version_id IS NULL)`;
  return rows.flatMap(({ examId }) => [CACHE_KEYS.EXAM(examId), CACHE_KEYS.EXAM_QUESTIONS(examId)]);
}
