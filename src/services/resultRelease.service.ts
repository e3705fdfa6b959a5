import type { Db, Transaction } from "../../prisma/client.ts";
import type { Exam as ExamRow, Prisma } from "../generated/prisma/client.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { databaseTime } from "./databaseTime.ts";
import type { Exam, ExamService } from "./exam.service.ts";
import { withdrawal } from "./examInput.ts";
import { lockExam } from "./examLock.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";

/** What is written of an act: to the exam, and to the audit log. */
interface Act {
  data: Prisma.ExamUpdateInput;
  after: Prisma.InputJsonValue;
}

export type ResultReleaseService = ReturnType<typeof createResultReleaseService>;

/** What staff decide about an exam's results as a whole, whatever its policy says. */
export function createResultReleaseService({
  db,
  cache,
  access,
  exams,
  newId,
}: {
  db: Db;
  cache: Cache;
  access: Access;
  exams: Pick<ExamService, "get">;
  newId: () => string;
}) {
  /** Does and writes down what is to be done of one exam, locked for its staff, if anything is. */
  async function act(
    actor: Actor,
    examId: string,
    action: string,
    decide: (exam: ExamRow, tx: Transaction) => Promise<Act | null>,
  ): Promise<Exam> {
    const id = requireId(examId, "exam");
    await db.$transaction(async (tx) => {
      const decided = await decide(await lockExam(tx, access, actor, id), tx);
      if (!decided) return;
      await tx.exam.update({ where: { id }, data: decided.data });
      await audit(tx, actor, newId, { action, entityType: "Exam", entityId: id, after: decided.after });
    });
    await cache.drop(CACHE_KEYS.EXAM(id));
    return exams.get(actor, id);
  }

  return {
    /**
     * Lets students see their results from now on, or from a later time on; also after a withdrawal. Safe to repeat.
     * @throws NOT_FOUND, FORBIDDEN
     */
    release(actor: Actor, examId: string, at?: Date | null): Promise<Exam> {
      return act(actor, examId, "releaseResults", async (exam, tx) => {
        if (exam.resultsReleasedAt) return null;
        const now = await databaseTime(tx);
        if (!at || at <= now)
          return {
            data: { resultsReleasedAt: now, resultsWithdrawnAt: null },
            after: { resultsReleasedAt: now.toISOString() },
          };
        if (!exam.resultsWithdrawnAt && exam.resultsReleaseAt?.getTime() === at.getTime()) return null;
        return {
          data: { resultsReleaseAt: at, resultsWithdrawnAt: null },
          after: { resultsReleaseAt: at.toISOString() },
        };
      });
    },

    /** Takes results back until they are released again. Safe to repeat. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async withdraw(actor: Actor, input: unknown): Promise<Exam> {
      const { examId, reason } = parseInput(withdrawal, input, { path: "" });
      return act(actor, examId, "withdrawResults", async (exam, tx) =>
        exam.resultsWithdrawnAt
          ? null
          : { data: { resultsWithdrawnAt: await databaseTime(tx), resultsReleasedAt: null }, after: { reason } },
      );
    },
  };
}
