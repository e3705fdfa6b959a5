import { createRandom } from "../src/domain/random.ts";
import { gradedAttempts } from "../test/support/gradedAttempts.ts";
import { sample } from "./measure.ts";
import type { Report } from "./report.ts";
import { aBenchSchool } from "./school.ts";
import type { World } from "./world.ts";

const PEOPLE = 5_000;
const LIMIT_MS = 300_000;

/** A question with a wrong key: all attempts are graded again and half of them change, from the outbox to the report, with the memory that it takes the worker. */
export async function regrading(world: World, report: Report): Promise<void> {
  const { examId, teacherId, questionId, questions } = await world.prepare(async (container) => {
    const school = await aBenchSchool(container, { students: 1 });
    const { actor } = school.teacher;
    const { services } = container;
    const sections = await services.exams.sections(actor, await services.exams.get(actor, school.exam.examId));
    const asked = sections.flatMap((section) => section.questions.map(({ question }) => question));
    const random = createRandom(1);
    const papers = Array.from({ length: PEOPLE }, () =>
      asked.map(({ versionId, options }) => {
        const right = random.below(2);
        return { versionId, points: right, response: { choice: options[right]!.id } };
      }),
    );
    await gradedAttempts(container, { examId: school.exam.examId, maxScore: asked.length }, papers);
    const [first] = asked;
    const { options } = first!.definition as { options: object[] };
    const definition = { options: options.map((option, at) => ({ ...option, fraction: at === 0 ? "1" : "0" })) };
    await services.questions.update(actor, first!.id, { definition });
    return { examId: school.exam.examId, teacherId: actor.userId, questionId: first!.id, questions: asked.length };
  });
  const worker = await world.startWorker({ core: "server", probed: true });
  try {
    const before = await worker.probe!.peak();
    const measured = await sample(
      { worker: worker.cpu, postgres: world.postgresCpu, redis: world.redisCpu },
      async () => {
        const start = performance.now();
        const actor = {
          userId: teacherId,
          role: "ADMIN",
          sessionId: "",
          secondFactorMissing: false,
          requestId: "bench",
        } as never;
        await world.prepare(async ({ services }) => {
          const asked = { examId, corrections: [{ questionId, version: 2 }], dryRun: false, reason: "bench" };
          const { id } = await services.regradings.regrade(actor, asked);
          for (const deadline = start + LIMIT_MS; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
            if ((await services.regradings.get(actor, id)).state === "APPLIED") break;
            if (performance.now() > deadline) throw new Error("the regrading was not done in time");
          }
        });
        return { done: PEOPLE, seconds: (performance.now() - start) / 1000 };
      },
    );
    const after = await worker.probe!.peak();
    report({
      benchmark: "regrading",
      what: `${PEOPLE} attempts with ${questions} answers regraded`,
      value: measured.perSecond,
      unit: "attempts/s",
      cpu: measured.cpuMicros,
      cpuUnit: "µs",
      more: { seconds: PEOPLE / measured.perSecond, peakMbBefore: mb(before), peakMbAfter: mb(after) },
    });
  } finally {
    await worker.stop();
  }
}

const mb = ({ bytes }: { bytes: number }) => Math.round(bytes / 2 ** 20);
