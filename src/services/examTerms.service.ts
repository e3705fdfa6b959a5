import type { Db } from "../../prisma/client.ts";
import { type TimeLimit, timeLimit } from "../domain/deadline.ts";
import type { Actor } from "./actor.ts";
import { createEligibility, type Eligibility, type ExamGrant, startRefusal } from "./eligibility.ts";

/** The rules of an exam as they are for one student. */
export interface ExamTerms {
  opensAt: Date | null;
  closesAt: Date | null;
  /** Null when it has closed. */
  timeLimit: TimeLimit | null;
  attemptsAllowed: number;
  attemptsLeft: number;
  /** The attempt in progress. */
  attemptId: string | null;
  grants: ExamGrant[];
  refusal: { reason: string; message: string } | null;
}

export type ExamTermsService = ReturnType<typeof createExamTermsService>;

/** What students can know before they start. */
export function createExamTermsService({ db, unverifiedMayStart }: { db: Db; unverifiedMayStart: boolean }) {
  const eligibilityOf = createEligibility(db);

  return {
    /** What an exam that the actor has been given is for them; null for who is no student of its course. */
    async of(actor: Actor, examId: string): Promise<ExamTerms | null> {
      const eligible = await eligibilityOf({ examId, userId: actor.userId });
      if (eligible?.row.role !== "STUDENT") return null;
      const { row, window, grants, attemptsAllowed } = eligible;
      const refusal = row.open_attempt_id ? null : startRefusal(eligible, { unverifiedMayStart });
      return {
        opensAt: window.opensAt,
        closesAt: window.closesAt,
        timeLimit: limitOf(eligible),
        attemptsAllowed,
        attemptsLeft: Math.max(0, attemptsAllowed - row.last_number),
        attemptId: row.open_attempt_id,
        grants: grants.filter(givesSomething),
        refusal: refusal && { reason: refusal.reason ?? refusal.code, message: refusal.message },
      };
    },
  };
}

function limitOf({ row, granted, times, window: { opensAt, closesAt } }: Eligibility): TimeLimit | null {
  const startedAt = opensAt && opensAt > row.now ? opensAt : row.now;
  if (closesAt && closesAt <= startedAt) return null;
  const given = { baseMinutes: row.duration_minutes, ...granted, pausedSeconds: 0, creditSeconds: 0 };
  return timeLimit(given, { startedAt, deadlineAt: times(startedAt).deadlineAt });
}

const givesSomething = ({ source: _source, ...given }: ExamGrant): boolean => Object.values(given).some(Boolean);
