import type { Transaction } from "../../prisma/client.ts";
import { badInput, conflict, notFound, unprocessable } from "../domain/errors.ts";
import { differencesInReading } from "../domain/keyCorrection.ts";
import type { Treatment } from "../domain/scores.ts";

/** By what a question of an exam is graded. */
export interface GradedBy {
  /** Of the version whose key holds; null: the pinned one. */
  version: number | null;
  versionId: string | null;
  treatment: Treatment;
}

/** What a regrading changes about one question. Plain JSON, kept with the regrading. */
export interface QuestionChange {
  questionId: string;
  title: string | null;
  before: GradedBy;
  after: GradedBy;
}

export interface AskedCorrection {
  questionId: string;
  version: number | null;
  treatment: Treatment;
}

/**
 * What asked corrections change of an exam that is locked.
 * @throws BAD_USER_INPUT for a question named twice, NOT_FOUND, UNPROCESSABLE (INCOMPATIBLE_VERSION)
 */
export async function changesFor(
  tx: Transaction,
  examId: string,
  asked: readonly AskedCorrection[],
): Promise<QuestionChange[]> {
  const ids = asked.map(({ questionId }) => questionId);
  if (new Set(ids).size < ids.length)
    throw badInput("A question is corrected twice.", [
      { path: "input.corrections", message: "names a question twice" },
    ]);
  const places = await tx.examQuestion.findMany({
    where: { examId, questionId: { in: ids } },
    include: { questionVersion: true, gradingVersion: true },
  });
  const versions = await tx.questionVersion.findMany({
    where: {
      OR: asked.flatMap(({ questionId, version }) => (version === null ? [] : [{ questionId, number: version }])),
    },
  });
  const placeOf = new Map(places.map((place) => [place.questionId, place]));
  const versionOf = new Map(versions.map((version) => [version.questionId, version]));
  return asked.map(({ questionId, version, treatment }) => {
    const place = placeOf.get(questionId);
    const pinned = place?.questionVersion;
    if (!place || !pinned) throw notFound("question in this exam");
    const wanted = version === null ? pinned : versionOf.get(questionId);
    if (!wanted) throw notFound(`version ${version} of this question`);
    const isPinned = wanted.id === pinned.id;
    const differences = isPinned ? [] : differencesInReading(pinned, wanted);
    if (differences.length > 0)
      throw unprocessable(
        "INCOMPATIBLE_VERSION",
        `Version ${version} of the question "${pinned.title ?? pinned.stem.slice(0, 60)}" cannot grade answers to version ${pinned.number}: ${differences.join("; ")}.`,
      );
    const { gradingVersion: now } = place;
    return {
      questionId,
      title: pinned.title,
      before: { version: now?.number ?? null, versionId: now?.id ?? null, treatment: place.treatment },
      after: { version: isPinned ? null : wanted.number, versionId: isPinned ? null : wanted.id, treatment },
    };
  });
}

/** Lets an exam that is locked be graded by what holds after these changes. Its attempts are graded again by a job. */
export async function changePolicy(tx: Transaction, examId: string, changes: readonly QuestionChange[]): Promise<void> {
  await tx.$executeRaw`
    UPDATE exam_questions place SET treatment = change.treatment::"Treatment", grading_version_id = change.version_id
    FROM unnest(
      ${changes.map(({ questionId }) => questionId)}::uuid[],
      ${changes.map(({ after }) => after.versionId)}::uuid[],
      ${changes.map(({ after }) => after.treatment)}::text[]) AS change(question_id, version_id, treatment)
    WHERE place.exam_id = ${examId}::uuid AND place.question_id = change.question_id`;
  await tx.exam.update({ where: { id: examId }, data: { policyNumber: { increment: 1 } } });
}

/**
 * One at a time for each exam, which is locked. A trial whose job was given up is none.
 * @throws CONFLICT (REGRADING_RUNNING)
 */
export async function requireNoneRunning(tx: Transaction, examId: string): Promise<void> {
  const running = await tx.$queryRaw<unknown[]>`
    SELECT FROM regradings regrading
    WHERE exam_id = ${examId}::uuid AND (state = 'APPLYING' OR state = 'CALCULATING' AND EXISTS (
      SELECT FROM outbox_jobs WHERE id = regrading.job_id AND finished_at IS NULL AND discarded_at IS NULL))
    LIMIT 1`;
  if (running.length > 0) throw conflict("This exam is being regraded. Wait for the end of it.", "REGRADING_RUNNING");
}
