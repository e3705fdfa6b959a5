import type { Db } from "../../prisma/client.ts";
import { notFound, unprocessable } from "../domain/errors.ts";
import type { Events } from "../redis/pubsub.ts";
import { batched, batchedWrites } from "./batched.ts";
import { gradeOf, readToGrade, writeGrades } from "./grades.ts";
import type { Papers } from "./papers.ts";

export type GradingService = ReturnType<typeof createGradingService>;

/** Points by the key. */
export function createGradingService({ db, papers, events }: { db: Db; papers: Papers; events: Events }) {
  // Jobs that run at the same time are read and written together.
  const toGradeOf = batched((ids: readonly string[]) => readToGrade(db, ids));
  const write = batchedWrites((grades: Parameters<typeof writeGrades>[1]) => writeGrades(db, grades));

  return {
    /**
     * Grades an attempt that was handed in. Safe to repeat: the same answers get the same points.
     * The event goes out on every delivery, because an earlier run may have died between its commit and this line.
     * @throws NOT_FOUND, UNPROCESSABLE (ATTEMPT_IN_PROGRESS)
     */
    async gradeAttempt(attemptId: string): Promise<void> {
      for (;;) {
        const toGrade = await toGradeOf(attemptId);
        if (!toGrade) throw notFound("attempt");
        if (toGrade.status === "IN_PROGRESS")
          throw unprocessable("ATTEMPT_IN_PROGRESS", "The attempt was not handed in yet.");
        if (toGrade.status === "GRADED") break;
        const entries = await papers.entries(toGrade);
        if (await write({ toGrade, grade: gradeOf([...entries.values()], toGrade) })) break;
        // somebody graded an answer by hand meanwhile: once more, with those points
      }
      await events.publish("attemptChanged", { attemptId });
    },
  };
}
