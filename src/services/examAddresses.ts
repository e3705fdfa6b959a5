import type { Db } from "../../prisma/client.ts";
import { unprocessable } from "../domain/errors.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Actor, Reads } from "./actor.ts";
import { addressMatcher, plainAddress } from "./addressList.ts";
import type { AttemptVisits } from "./attemptVisits.ts";
import { batched } from "./batched.ts";

type Matcher = ReturnType<typeof addressMatcher>;

export type ExamAddresses = ReturnType<typeof createExamAddresses>;

/** From where each exam may be taken. Known by the cache, so that a save need not ask the database; a change of the exam drops it. */
export function createExamAddresses({ db, cache, visits }: { db: Db; cache: Cache; visits: AttemptVisits }) {
  const load = batched(async (examIds: readonly string[]): Promise<string[][]> => {
    const rows = await db.exam.findMany({
      where: { id: { in: [...examIds] } },
      select: { id: true, allowedAddresses: true },
    });
    const byId = new Map(rows.map(({ id, allowedAddresses }) => [id, allowedAddresses]));
    return examIds.map((id) => byId.get(id) ?? []);
  });
  // Cached values are frozen and shared, so what is made of them can be kept for as long as they are.
  const matchers = new WeakMap<readonly string[], Matcher>();

  /** Empty: from everywhere. */
  async function allowed(examId: string, reads?: Reads): Promise<readonly string[]> {
    return cache.getOrSetCache(CACHE_KEYS.EXAM_ADDRESSES(examId), () => load(examId), { reads });
  }

  return {
    allowed,

    /**
     * @param attemptId whose log is to tell of a refusal
     * @throws UNPROCESSABLE (ADDRESS_NOT_ALLOWED), which names the actor's address so that staff can put it on the list
     */
    async requireAllowed(actor: Actor, examId: string, attemptId?: string): Promise<void> {
      const entries = await allowed(examId, actor.reads);
      if (entries.length === 0) return;
      const matches = matchers.get(entries) ?? addressMatcher(entries);
      matchers.set(entries, matches);
      if (matches(actor.ip)) return;
      if (attemptId) visits.note("ADDRESS_REFUSED", actor, attemptId);
      const address = actor.ip === null ? "which is not known" : plainAddress(actor.ip);
      throw unprocessable(
        "ADDRESS_NOT_ALLOWED",
        `This exam cannot be taken from your address, ${address}. Tell the invigilator.`,
      );
    },
  };
}
