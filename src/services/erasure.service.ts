import type { Db, Transaction } from "../../prisma/client.ts";
import { questionTypes } from "../domain/questionTypes.ts";
import { Prisma } from "../generated/prisma/client.ts";
import { emailQueue } from "../queues/email.queue.ts";
import type { Outbox } from "../queues/outbox.ts";
import { userQueue } from "../queues/user.queue.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { AnswerFileRemoval } from "./answerFileRemoval.ts";
import type { AttemptService } from "./attempt.service.ts";
import { audit } from "./audit.ts";
import type { GradingService } from "./grading.service.ts";
import { sameAddress } from "./sameAddress.ts";
import { isStaffView } from "./staffViews.ts";

/** Types that are answered in the person's own words or files, which can tell anything. A choice or a number tells nobody's name. */
const IN_OWN_WORDS = Object.values(questionTypes)
  .filter(({ responseKind }) => ["text", "gaps", "files"].includes(responseKind))
  .map(({ name }) => name);

/** A table of everybody's jobs is searched, and an essay for each question of years may go. */
const transactionLimits = { maxWait: 5_000, timeout: 120_000 };

export type ErasureService = ReturnType<typeof createErasureService>;

/** Makes somebody unknown who asked for it: what is left says what was answered and earned, not by whom. */
export function createErasureService({
  db,
  cache,
  outbox,
  attempts,
  grading,
  answerFileRemoval,
  newId,
}: {
  db: Db;
  cache: Cache;
  outbox: Outbox;
  attempts: Pick<AttemptService, "handInAll">;
  grading: Pick<GradingService, "gradeAttempt">;
  answerFileRemoval: Pick<AnswerFileRemoval, "removeOf">;
  newId: () => string;
}) {
  /** Hands in and grades what is still open: the points must stand before the words they are for are gone. */
  async function finishAttempts(userId: string): Promise<void> {
    await attempts.handInAll(userId);
    const ungraded = await db.attempt.findMany({
      where: { userId, status: "SUBMITTED", score: null },
      select: { id: true },
    });
    for (const { id } of ungraded) await grading.gradeAttempt(id);
  }

  /** All or nothing. False when an attempt was begun meanwhile, and nothing was done. */
  async function erase(tx: Transaction, userId: string): Promise<boolean> {
    // This lock also holds up whoever would add a row that refers to the person.
    const [person] = await tx.$queryRaw<{ email: string }[]>`
      SELECT email FROM users
      WHERE id = ${userId}::uuid AND erased_at IS NULL AND deletion_due_at <= clock_timestamp() FOR UPDATE`;
    if (!person) return true; // undone, or done already
    const open = await tx.attempt.count({
      where: { userId, OR: [{ status: "IN_PROGRESS" }, { status: "SUBMITTED", score: null }] },
    });
    if (open > 0) return false;
    await eraseWords(tx, userId);
    await answerFileRemoval.removeOf(tx, userId);
    await eraseMails(tx, person.email);
    await tx.$executeRaw`
      UPDATE user_import_rows SET email = NULL WHERE ${sameAddress(Prisma.sql`email`, person.email)}`;
    await eraseDevices(tx, userId);
    await tx.session.deleteMany({ where: { userId } });
    await tx.oneTimeToken.deleteMany({ where: { userId } });
    await tx.recoveryCode.deleteMany({ where: { userId } });
    await tx.dataExport.deleteMany({ where: { userId } });
    await eraseFromResultFiles(tx, userId);
    await tx.watchProgress.deleteMany({ where: { userId } });
    await tx.examAccommodation.deleteMany({ where: { userId } });
    await tx.courseGroupMember.deleteMany({ where: { userId } });
    await tx.enrollment.updateMany({ where: { userId }, data: { status: "WITHDRAWN", extraTimePercent: 0 } });
    await tx.attempt.updateMany({ where: { userId }, data: { extraTimePercent: 0, extraMinutes: 0 } });
    await eraseProfile(tx, userId);
    await audit(tx, null, newId, { action: "user.erase", entityType: "User", entityId: userId });
    return true;
  }

  /** Mails to the address: their jobs go at once, and what Redis has of them as soon as a job comes to it. */
  async function eraseMails(tx: Transaction, address: string): Promise<void> {
    const mails = await tx.$queryRaw<{ id: string }[]>`
      DELETE FROM outbox_jobs
      WHERE queue = ${emailQueue.name}
        AND ${sameAddress(Prisma.sql`coalesce(payload ->> 'to', payload ->> 'email')`, address)}
      RETURNING id`;
    if (mails.length === 0) return;
    const jobIds = mails.map(({ id }) => id);
    await outbox.add(tx, userQueue, "forgetMails", { jobIds });
  }

  return {
    /**
     * Erases an account whose time to think it over is up: its person's data goes, and results stay without a name. What the person is
     * just writing is handed in and graded first. Does nothing for an account that is kept. Safe to repeat.
     */
    async eraseAccount(userId: string): Promise<void> {
      let isDone = false;
      while (!isDone) {
        if (await isDue(db, userId)) await finishAttempts(userId);
        isDone = await db.$transaction((tx) => erase(tx, userId), transactionLimits);
      }
      // On every delivery: an earlier run may have died between its commit and these lines.
      outbox.handOver();
      await cache.drop(CACHE_KEYS.USER_PROFILE(userId));
      await cache.drop(CACHE_KEYS.USER_ENROLLMENTS(userId));
    },

    /**
     * Asks once more for erasures that are overdue and whose job is gone, because somebody discarded it or a clock was set back.
     * Safe to repeat. @returns how many
     */
    async askForOverdue(): Promise<number> {
      const overdue = await db.$queryRaw<{ id: string }[]>`
        SELECT person.id FROM users person
        WHERE person.erased_at IS NULL AND person.deletion_due_at < clock_timestamp() - interval '10 minutes'
          AND NOT EXISTS (
            SELECT FROM outbox_jobs job WHERE job.queue = ${userQueue.name} AND job.name = 'eraseAccount'
              AND job.payload ->> 'userId' = person.id::text AND job.finished_at IS NULL)`;
      if (overdue.length === 0) return 0;
      await db.$transaction(async (tx) => {
        for (const { id: userId } of overdue)
          await outbox.add(tx, userQueue, "eraseAccount", { userId }, { ownerId: userId });
      });
      outbox.handOver();
      return overdue.length;
    },
  };
}

async function isDue(db: Db, userId: string): Promise<boolean> {
  const [row] = await db.$queryRaw<unknown[]>`
    SELECT id FROM users
    WHERE id = ${userId}::uuid AND erased_at IS NULL AND deletion_due_at <= clock_timestamp()`;
  return row !== undefined;
}

/** What the person wrote, and what somebody wrote about it. Choices, numbers and all points stay. */
async function eraseWords(tx: Transaction, userId: string): Promise<void> {
  await tx.$executeRaw`
    UPDATE answers SET
      response = CASE WHEN version.type = ANY(${IN_OWN_WORDS}) THEN NULL ELSE response END,
      feedback = CASE WHEN version.type = ANY(${IN_OWN_WORDS}) OR graded_by_id IS NOT NULL THEN NULL ELSE answers.feedback END,
      rubric = ${withoutComments(Prisma.sql`answers.rubric`)}
    FROM attempts attempt, question_versions version
    WHERE answers.attempt_id = attempt.id AND attempt.user_id = ${userId}::uuid AND version.id = answers.question_version_id
      AND (version.type = ANY(${IN_OWN_WORDS}) OR graded_by_id IS NOT NULL)`;
  await tx.$executeRaw`
    UPDATE answer_marks mark SET feedback = NULL, reason = NULL, rubric = ${withoutComments(Prisma.sql`mark.rubric`)}
    FROM attempts attempt WHERE mark.attempt_id = attempt.id AND attempt.user_id = ${userId}::uuid`;
}

/** Which levels were chosen stays, as points do. */
const withoutComments = (rubric: Prisma.Sql) => Prisma.sql`(
  SELECT jsonb_agg(entry || '{"comment": null}' ORDER BY position) FROM jsonb_array_elements(${rubric}) WITH ORDINALITY AS levels(entry, position))`;

/** From where and on what the person took exams, and from where they looked at those of others. What they did, and when, stays with the result. */
async function eraseDevices(tx: Transaction, userId: string): Promise<void> {
  await tx.$executeRaw`
    UPDATE attempt_events SET address = NULL, user_agent = NULL, detail = detail #- '{from,address}' #- '{from,userAgent}'
    WHERE attempt_id IN (SELECT id FROM attempts WHERE user_id = ${userId}::uuid) AND actor_id = ${userId}::uuid
      AND (address IS NOT NULL OR user_agent IS NOT NULL OR kind = 'TAKEN_OVER')`;
  await tx.$executeRaw`
    UPDATE attempt_events event SET address = NULL WHERE actor_id = ${userId}::uuid AND ${isStaffView}`;
}

/** Files of results that may have the person's name in them: they can be made again, without it. */
async function eraseFromResultFiles(tx: Transaction, userId: string): Promise<void> {
  await tx.$executeRaw`
    DELETE FROM result_files WHERE actor_id = ${userId}::uuid
      OR exam_id IN (SELECT exam_id FROM attempts WHERE user_id = ${userId}::uuid)
      OR exam_id IN (
        SELECT exam.id FROM exams exam JOIN enrollments enrollment ON enrollment.course_id = exam.course_id
        WHERE enrollment.user_id = ${userId}::uuid)`;
}

/** An address under `.invalid` is nobody's: the domain is reserved for that (RFC 2606). */
async function eraseProfile(tx: Transaction, userId: string): Promise<void> {
  await tx.$executeRaw`
    UPDATE users SET
      name = 'Deleted person', email = ${`erased-${userId}@lectern.invalid`}, role = 'STUDENT', locale = DEFAULT,
      password_hash = NULL, email_verified_at = NULL, last_login_at = NULL,
      totp_secret = NULL, totp_confirmed_at = NULL, totp_last_step = NULL,
      extra_time_percent = 0, extra_minutes = 0,
      deletion_due_at = NULL, disabled_at = coalesce(disabled_at, clock_timestamp()), erased_at = clock_timestamp()
    WHERE id = ${userId}::uuid`;
}
