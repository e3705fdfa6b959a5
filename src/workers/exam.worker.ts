import type { Handlers } from "../queues/defineQueue.ts";
import type { examQueue } from "../queues/exam.queue.ts";
import type { AnalysisService } from "../services/analysis.service.ts";
import type { AnswerFileRemoval } from "../services/answerFileRemoval.ts";
import type { QuestionFileRuns } from "../services/questionFileRuns.ts";
import type { RegradingRuns } from "../services/regradingRuns.ts";
import type { ResultFileRuns } from "../services/resultFileRuns.ts";

export interface ExamJobs {
  attempts: { expire(attemptId: string): Promise<void>; sweep(): Promise<number> };
  grading: { gradeAttempt(attemptId: string): Promise<void> };
  questionFileRuns: QuestionFileRuns;
  resultFileRuns: ResultFileRuns;
  regradingRuns: RegradingRuns;
  analysis: Pick<AnalysisService, "run" | "requestNewlyGraded">;
  answerFileRemoval: Pick<AnswerFileRemoval, "removeStored">;
}

export const examHandlers = ({
  attempts,
  grading,
  analysis,
  questionFileRuns,
  resultFileRuns,
  regradingRuns,
  answerFileRemoval,
}: ExamJobs): Handlers<typeof examQueue> => ({
  /** May run twice: a graded attempt is left as it is. */
  gradeAttempt: ({ attemptId }) => grading.gradeAttempt(attemptId),
  /** May run twice: an attempt already handed in is left as it is. */
  expireAttempt: ({ attemptId }) => attempts.expire(attemptId),
  /** May run twice: the later result stands, and remembers what was told. */
  analyzeExam: (asked, job) => analysis.run(asked, job),
  /** May run twice: attempts that are written down are not graded again. */
  regradeExam: ({ regradingId }, job) => regradingRuns.run(regradingId, job),
  /** May run twice: an exam whose analysis is waiting gets no second one. */
  analyzeNewlyGraded: () => analysis.requestNewlyGraded(),
  /** May run twice: what is written down as done is not done again. */
  importQuestionFile: ({ fileId }, job) => questionFileRuns.import(fileId, job),
  /** May run twice: a file that is finished stays, another is begun anew. */
  exportQuestionFile: ({ fileId }, job) => questionFileRuns.export(fileId, job),
  /** May run twice, also at once: the file is that of the run that is through first. */
  exportResultFile: ({ fileId }, job) => resultFileRuns.export(fileId, job),
  /** May run twice: what is removed once is gone. */
  removeAnswerFiles: ({ fileIds }) => answerFileRemoval.removeStored(fileIds),
  /** May run twice: what the first run set going, the second does not find any more. */
  sweepAttempts: () => attempts.sweep(),
});
