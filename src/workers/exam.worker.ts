import type { Handlers } from "../queues/defineQueue.ts";
import type { examQueue } from "../queues/exam.queue.ts";

export interface ExamJobs {
  attempts: { expire(attemptId: string): Promise<void>; sweep(): Promise<number> };
  grading: { gradeAttempt(attemptId: string): Promise<void> };
}

export const examHandlers = ({ attempts, grading }: ExamJobs): Handlers<typeof examQueue> => ({
  /** May run twice: a graded attempt is left as it is. */
  gradeAttempt: ({ attemptId }) => grading.gradeAttempt(attemptId),
  /** May run twice: an attempt already handed in is left as it is. */
  expireAttempt: ({ attemptId }) => attempts.expire(attemptId),
  /** May run twice: what the first run set going, the second does not find any more. */
  sweepAttempts: () => attempts.sweep(),
});
