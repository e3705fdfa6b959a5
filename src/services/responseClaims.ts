import type { Db, Transaction } from "../../prisma/client.ts";
import { unprocessable } from "../domain/errors.ts";
import { type Answer, Prisma, type ResponseClaim } from "../generated/prisma/client.ts";

/** Others may claim a response when its marker has done nothing for so long. */
export const CLAIM_MINUTES = 30;

/** One question of one exam, in the version that the exam has. */
export interface QuestionInExam {
  examId: string;
  versionId: string;
}

export interface HeldResponse {
  id: string;
  attemptId: string;
  response: unknown;
  claimedUntil: Date;
}

const newEnd = Prisma.sql`clock_timestamp() + make_interval(mins => ${CLAIM_MINUTES}::int)`;

/**
 * What waits for a person: answers that were graded with nothing said about them. No index finds it, for that would make every grading
 * dearer: the queue goes through the attempts of one exam. The words of somebody erased are gone, and nobody can mark them.
 */
export const isWaiting = Prisma.sql`attempt.status = 'SUBMITTED' AND answer.points IS NULL AND answer.graded_at IS NOT NULL AND answer.response IS NOT NULL`;
/**
 * Extends what a marker has of a question and gives it back, in the order of the ids, which are random. Like `claimFree` it touches a claim
 * only with its answer locked, and passes over what others have locked: so nobody waits for each other.
 */
export async function heldResponses(
  tx: Transaction,
  userId: string,
  { examId, versionId }: QuestionInExam,
): Promise<HeldResponse[]> {
  const held = await tx.$queryRaw<HeldResponse[]>`
    WITH held AS MATERIALIZED (
      SELECT claim.id, answer.response
      FROM response_claims claim
      JOIN answers answer
        ON answer.attempt_id = claim.attempt_id AND answer.question_version_id = claim.question_version_id
      JOIN attempts attempt ON attempt.id = answer.attempt_id AND attempt.exam_id = ${examId}::uuid
      WHERE claim.claimed_by_id = ${userId}::uuid AND claim.question_version_id = ${versionId}::uuid AND ${isWaiting}
      FOR NO KEY UPDATE OF answer SKIP LOCKED
    )
    UPDATE response_claims claim SET claimed_until = ${newEnd} FROM held
    WHERE claim.id = held.id AND claim.claimed_by_id = ${userId}::uuid
    RETURNING claim.id, claim.attempt_id AS "attemptId", held.response, claim.claimed_until AS "claimedUntil"`;
  return held.sort((one, other) => (one.id < other.id ? -1 : 1));
}

/**
 * Claims responses that nobody has, drawn at random, so that no two markers see the same sequence and nothing tells when or by whom they
 * were given. What another one is just claiming is passed over; that no response is claimed twice is the unique index's doing.
 */
export async function claimFree(
  tx: Transaction,
  userId: string,
  { examId, versionId }: QuestionInExam,
  count: number,
): Promise<void> {
  let left = count;
  for (let lost = 1; lost > 0 && left > 0; ) {
    const [outcome] = await tx.$queryRaw<{ found: number; claimed: number }[]>`
      WITH found AS MATERIALIZED (
        SELECT answer.attempt_id, answer.question_version_id
        FROM answers answer
        JOIN attempts attempt ON attempt.id = answer.attempt_id
        LEFT JOIN response_claims claim
          ON claim.attempt_id = answer.attempt_id AND claim.question_version_id = answer.question_version_id
        WHERE answer.question_version_id = ${versionId}::uuid AND attempt.exam_id = ${examId}::uuid AND ${isWaiting}
          AND (claim.claimed_by_id IS NULL OR claim.claimed_until <= clock_timestamp())
        ORDER BY random() LIMIT ${left}
        FOR NO KEY UPDATE OF answer SKIP LOCKED
      ), claimed AS (
        INSERT INTO response_claims AS claim (attempt_id, question_version_id, claimed_by_id, claimed_until)
        SELECT attempt_id, question_version_id, ${userId}::uuid, ${newEnd} FROM found
        ON CONFLICT (attempt_id, question_version_id) DO UPDATE
          SET claimed_by_id = excluded.claimed_by_id, claimed_until = excluded.claimed_until
          WHERE claim.claimed_by_id IS NULL OR claim.claimed_until <= clock_timestamp()
        RETURNING claim.id
      )
      SELECT (SELECT count(*) FROM found)::int AS found, (SELECT count(*) FROM claimed)::int AS claimed`;
    left -= outcome!.claimed;
    lost = outcome!.found - outcome!.claimed; // claimed by somebody after this statement had looked: look again
  }
}

/** Lets go of a response, if the person has it. */
export async function release(db: Db, userId: string, responseId: string): Promise<void> {
  await db.responseClaim.updateMany({ where: { id: responseId, claimedById: userId }, data: { claimedById: null } });
}

/** Ends the claim of a response that was marked, and extends what else its marker has: who works keeps what he has claimed. */
export async function finishClaim(
  tx: Transaction,
  userId: string,
  { attemptId, questionVersionId }: { attemptId: string; questionVersionId: string },
): Promise<void> {
  await tx.$executeRaw`
    UPDATE response_claims SET claimed_until = least(claimed_until, clock_timestamp())
    WHERE attempt_id = ${attemptId}::uuid AND question_version_id = ${questionVersionId}::uuid`;
  // A claim that is locked is being marked or extended by the same person in another request.
  await tx.$executeRaw`
    UPDATE response_claims SET claimed_until = ${newEnd}
    WHERE id IN (
      SELECT id FROM response_claims WHERE claimed_by_id = ${userId}::uuid AND claimed_until > clock_timestamp()
      FOR UPDATE SKIP LOCKED)`;
}

type ClaimedAnswer = Pick<Answer, "points" | "gradedById"> & { claim: ResponseClaim | null };

const isClaimed = () => unprocessable("RESPONSE_CLAIMED", "Somebody else is marking this response.");

/** For who marks a response of the queue: also after his claim ran out, unless somebody else came. */
export function requireHeld(userId: string, answer: ClaimedAnswer | null): void {
  const holder = answer?.claim?.claimedById ?? null;
  if (holder === null) throw unprocessable("RESPONSE_NOT_CLAIMED", "Claim the response before you mark it.");
  if (holder !== userId) throw isClaimed();
  if (answer!.points !== null && answer!.gradedById !== userId)
    throw unprocessable("RESPONSE_MARKED", "The response got its points elsewhere meanwhile.");
}

/** For who marks an answer that he did not take from the queue. */
export function requireFree(userId: string, answer: ClaimedAnswer | null, now: Date): void {
  const claim = answer?.points === null ? answer.claim : null; // what has points is in nobody's hands
  if (claim && claim.claimedById !== null && claim.claimedById !== userId && claim.claimedUntil > now)
    throw isClaimed();
}
