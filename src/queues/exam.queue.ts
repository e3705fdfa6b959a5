import { z } from "zod";
import { defineQueue } from "./defineQueue.ts";

/** Which of a student's graded attempts an analysis takes. */
export const attemptChoices = ["FIRST", "LAST", "BEST", "ALL"] as const;

const attempt = z.object({ attemptId: z.uuid() });

const questionFile = z.object({ fileId: z.uuid() });

export const examQueue = defineQueue({
  name: "exam",
  concurrency: 8,
  jobs: {
    gradeAttempt: { payload: attempt, attempts: 8 }, // about four minutes of tries: a restart of the database needs no operator
    expireAttempt: { payload: attempt, attempts: 10 }, // nobody is there to press the button again
    analyzeExam: {
      payload: z.object({
        examId: z.uuid(),
        attempts: z.enum(attemptChoices),
        isScheduled: z.boolean().default(false),
      }),
    },
    regradeExam: { payload: z.object({ regradingId: z.uuid() }), attempts: 8 }, // goes on where the last try stopped
    analyzeNewlyGraded: { payload: z.object({}) },
    importQuestionFile: { payload: questionFile, attempts: 8 }, // goes on where the last try stopped
    exportQuestionFile: { payload: questionFile },
    exportResultFile: { payload: z.object({ fileId: z.uuid() }), attempts: 8 }, // about four minutes: a regrading may be under way
    removeAnswerFiles: { payload: z.object({ fileIds: z.array(z.uuid()) }), attempts: 8 }, // nobody else knows of them any more
    sweepAttempts: { payload: z.object({}) },
  },
  schedules: [
    { job: "sweepAttempts", everyMs: 30_000 },
    { job: "analyzeNewlyGraded", cron: "40 2 * * *" },
  ],
});
