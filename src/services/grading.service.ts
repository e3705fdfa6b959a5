import type { Db } from "../../prisma/client.ts";
import { notFound, unprocessable } from "../domain/errors.ts";
import type { Events } from "../redis/pubsub.ts";
import { gradeOf, readToGrade, writeGrade } from "./grades.ts";
import type { Papers } from "./papers.ts";

export type GradingService = ReturnType<typeof createGradingService>;

/** Points by the key. */
export function createGradingService({ db, papers, events }: { db: Db; papers: Papers; events: Events }) {
  return {
    /**
     * Grades an attempt that was handed in. Safe to repeat: the same answers get the same points.
     * The event goes out on every delivery, because an earlier run may have died between its commit and this line.
     * @throws NOT_FOUND, UNPROCESSABLE (ATTEMPT_IN_PROGRESS)
     */
    async gradeAttempt(attemptId: string): Promise<void> {
      const entries = await papers.entriesOfAttempt(attemptId);
      for (;;) {
        const toGrade = await readToGrade(db, attemptId);
        if (!toGrade) throw notFound("attempt");
        if (toGrade.status === "IN_PROGRESS")
          throw unprocessable("ATTEMPT_IN_PROGRESS", "The attempt was not handed in yet.");
        if (toGrade.status === "GRADED") break;
        if (await writeGrade(db, attemptId, toGrade, gradeOf(entries, toGrade))) break;
        // somebody graded an answer by hand meanwhile: once more, with those points
      }
      await events.publish("attemptChanged", { attemptId });
    },
  };
}
