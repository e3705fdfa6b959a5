import type { Db } from "../../prisma/client.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { AnswerFileRemoval } from "./answerFileRemoval.ts";
import type { ErasureService } from "./erasure.service.ts";
import type { OneTimeTokens } from "./oneTimeTokens.ts";
import type { SessionService } from "./session.service.ts";

/** Rows one statement removes: its locks are held for milliseconds. */
const BATCH = 1_000;
const EXPORTS_BATCH = 50; // each has a file
const IMPORT_DAYS = 30;

export type CleanUpService = ReturnType<typeof createCleanUpService>;

/** Removes what nobody needs any more. */
export function createCleanUpService({
  db,
  cache,
  sessions,
  oneTimeTokens,
  erasure,
  answerFileRemoval,
  unverifiedDays,
  attemptLogDays,
}: {
  db: Db;
  cache: Cache;
  sessions: Pick<SessionService, "removeExpiredSessions">;
  oneTimeTokens: Pick<OneTimeTokens, "removeExpired">;
  erasure: Pick<ErasureService, "askForOverdue">;
  answerFileRemoval: Pick<AnswerFileRemoval, "removeUnnamed">;
  unverifiedDays: number;
  attemptLogDays: number;
}) {
  const removeExports = () =>
    inBatches(
      EXPORTS_BATCH,
      () => db.$executeRaw`
        DELETE FROM data_exports WHERE id IN (
          SELECT id FROM data_exports WHERE expires_at < clock_timestamp() LIMIT ${EXPORTS_BATCH} FOR UPDATE SKIP LOCKED)`,
    );

  /** The rows first, because an import may have fifty thousand. */
  async function removeImports(): Promise<number> {
    await inBatches(
      BATCH,
      () => db.$executeRaw`
        DELETE FROM user_import_rows WHERE (import_id, line) IN (
          SELECT line.import_id, line.line FROM user_import_rows line JOIN user_imports file ON file.id = line.import_id
          WHERE file.created_at < clock_timestamp() - make_interval(days => ${IMPORT_DAYS})
          LIMIT ${BATCH} FOR UPDATE OF line SKIP LOCKED)`,
    );
    return db.$executeRaw`
      DELETE FROM user_imports WHERE created_at < clock_timestamp() - make_interval(days => ${IMPORT_DAYS})`;
  }

  const removeQuestionFiles = () =>
    inBatches(
      EXPORTS_BATCH,
      () => db.$executeRaw`
        DELETE FROM question_files WHERE id IN (
          SELECT id FROM question_files WHERE created_at < clock_timestamp() - make_interval(days => ${IMPORT_DAYS})
          LIMIT ${EXPORTS_BATCH} FOR UPDATE SKIP LOCKED)`,
    );

  const removeResultFiles = () =>
    inBatches(
      EXPORTS_BATCH,
      () => db.$executeRaw`
        DELETE FROM result_files WHERE id IN (
          SELECT id FROM result_files WHERE expires_at < clock_timestamp() LIMIT ${EXPORTS_BATCH} FOR UPDATE SKIP LOCKED)`,
    );

  /** Ids tell when an attempt was begun, so a log goes as a whole, and its one index finds it. */
  const removeAttemptEvents = () =>
    inBatches(
      BATCH,
      () => db.$executeRaw`
        DELETE FROM attempt_events WHERE (attempt_id, at, id) IN (
          SELECT attempt_id, at, id FROM attempt_events
          WHERE attempt_id < (lpad(to_hex((1000 * extract(epoch FROM clock_timestamp() - make_interval(days => ${attemptLogDays})))::bigint),
                                   12, '0') || '70008000000000000000')::uuid
          LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`,
    );

  /**
   * Accounts of students that never came to anything. Staff were made by somebody on purpose. What would keep an account is looked for
   * again once it is locked, so that somebody who is enrolled or verified in that moment stays.
   */
  async function removeUnverifiedBatch(): Promise<number> {
    const removed = await db.$transaction(async (tx) => {
      const candidates = await tx.$queryRaw<{ id: string }[]>`
        SELECT id FROM users person
        WHERE role = 'STUDENT' AND email_verified_at IS NULL AND erased_at IS NULL
          AND created_at < clock_timestamp() - make_interval(days => ${unverifiedDays})
          AND NOT EXISTS (SELECT FROM enrollments WHERE user_id = person.id)
          AND NOT EXISTS (SELECT FROM attempts WHERE user_id = person.id)
          AND NOT EXISTS (SELECT FROM user_imports WHERE actor_id = person.id)
          AND NOT EXISTS (SELECT FROM audit_entries WHERE actor_id = person.id)
          AND NOT EXISTS (SELECT FROM audit_entries WHERE entity_type = 'User' AND entity_id = person.id)
          AND NOT EXISTS (
            SELECT FROM one_time_tokens
            WHERE user_id = person.id AND purpose = 'INVITE' AND used_at IS NULL AND expires_at > clock_timestamp())
        LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`;
      return tx.$queryRaw<{ id: string }[]>`
        DELETE FROM users person
        WHERE id = ANY(${candidates.map(({ id }) => id)}::uuid[])
          AND NOT EXISTS (SELECT FROM enrollments WHERE user_id = person.id)
          AND NOT EXISTS (SELECT FROM attempts WHERE user_id = person.id)
          AND NOT EXISTS (
            SELECT FROM one_time_tokens
            WHERE user_id = person.id AND purpose = 'INVITE' AND used_at IS NULL AND expires_at > clock_timestamp())
        RETURNING id`;
    });
    if (removed.length > 0) await cache.drop(...removed.map(({ id }) => CACHE_KEYS.USER_PROFILE(id)));
    return removed.length;
  }

  const parts = {
    sessions: () => sessions.removeExpiredSessions(),
    oneTimeTokens: () => oneTimeTokens.removeExpired(),
    exports: removeExports,
    imports: removeImports,
    questionFiles: removeQuestionFiles,
    resultFiles: removeResultFiles,
    answerFiles: () => answerFileRemoval.removeUnnamed(),
    attemptEvents: removeAttemptEvents,
    unverifiedAccounts: () => inBatches(BATCH, removeUnverifiedBatch),
    overdueErasures: () => erasure.askForOverdue(),
  };
  type Part = keyof typeof parts;

  return {
    /**
     * Does every part, also when another fails, and tells how many things each found. Safe to repeat.
     * @throws AggregateError at the end, with what went wrong in which part
     */
    async removeExpired(): Promise<Record<Part, number>> {
      const found: [string, number][] = [];
      const failures: Error[] = [];
      for (const [part, remove] of Object.entries(parts)) {
        try {
          found.push([part, await remove()]);
        } catch (cause) {
          failures.push(new Error(`${part} could not be cleaned up`, { cause }));
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, failures.map(({ message }) => message).join("; "));
      return Object.fromEntries(found) as Record<Part, number>;
    },
  };
}

/** Again and again until a batch was not full. @returns how many in all */
async function inBatches(size: number, removeBatch: () => Promise<number>): Promise<number> {
  let total = 0;
  for (;;) {
    const removed = await removeBatch();
    total += removed;
    if (removed < size) return total;
  }
}
