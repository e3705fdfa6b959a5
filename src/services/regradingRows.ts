import type { RegradingEntry as EntryRow, Regrading as RegradingRow } from "../generated/prisma/client.ts";
import type { RegradingState } from "../generated/prisma/enums.ts";
import { decimalText } from "./decimal.ts";
import type { QuestionChange } from "./policyChanges.ts";

/** What a regrading does to the attempts that have a score. */
export interface RegradingSummary {
  attempts: number;
  /** Score, maximum or passing differs. */
  changed: number;
  up: number;
  down: number;
  newlyPassed: number;
  newlyFailed: number;
  /** Null where no attempt has a score. */
  meanBefore: string | null;
  meanAfter: string | null;
}

/** A regrading, as the staff of its exam see it. */
export interface Regrading {
  id: string;
  examId: string;
  actorId: string;
  reason: string;
  state: RegradingState;
  corrections: QuestionChange[];
  summary: RegradingSummary | null;
  undoesId: string | null;
  undoneById: string | null;
  jobId: string;
  createdAt: string;
  appliedAt: string | null;
  finishedAt: string | null;
}

/** What a regrading changes for one attempt. */
export interface RegradingEntry {
  attemptId: string;
  userId: string;
  scoreBefore: string;
  scoreAfter: string;
  change: string;
  maxScoreBefore: string;
  maxScoreAfter: string;
  passedBefore: boolean | null;
  passedAfter: boolean | null;
}

export const changesOf = ({ corrections }: Pick<RegradingRow, "corrections">) =>
  corrections as unknown as QuestionChange[];

export const withUndoing = { undoneBy: { select: { id: true } } } as const;
type RowWithUndoing = RegradingRow & { undoneBy?: { id: string } | null };

export const toRegrading = (row: RowWithUndoing): Regrading => ({
  id: row.id,
  examId: row.examId,
  actorId: row.actorId,
  reason: row.reason,
  state: row.state,
  corrections: changesOf(row),
  summary: row.summary as unknown as RegradingSummary | null,
  undoesId: row.undoesId,
  undoneById: row.undoneBy?.id ?? null,
  jobId: row.jobId,
  createdAt: row.createdAt.toISOString(),
  appliedAt: row.appliedAt?.toISOString() ?? null,
  finishedAt: row.finishedAt?.toISOString() ?? null,
});

export const withStudent = { attempt: { select: { userId: true } } } as const;

export const toEntry = (row: EntryRow & { attempt: { userId: string } }): RegradingEntry => ({
  attemptId: row.attemptId,
  userId: row.attempt.userId,
  scoreBefore: decimalText(row.scoreBefore),
  scoreAfter: decimalText(row.scoreAfter),
  change: decimalText(row.scoreAfter.minus(row.scoreBefore)),
  maxScoreBefore: decimalText(row.maxScoreBefore),
  maxScoreAfter: decimalText(row.maxScoreAfter),
  passedBefore: row.passedBefore,
  passedAfter: row.passedAfter,
});
