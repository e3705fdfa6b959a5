import pg from "pg";
import { createRandom } from "../src/domain/random.ts";
import { gradedAttempts } from "../test/support/gradedAttempts.ts";
import { sample } from "./measure.ts";
import type { Report } from "./report.ts";
import { aBenchSchool } from "./school.ts";
import type { World } from "./world.ts";

const PEOPLE = 2_000;
const LIMIT_MS = 120_000;

/** The analysis of 100,000 answers, from the outbox to the stored result, with the memory that it takes the worker. The limit is the bare read of the answers. */
export async function analysis(world: World, report: Report): Promise<void> {
  const { examId, teacherId, answers } = await world.prepare(async (container) => {
    const school = await aBenchSchool(container, { students: 1 });
    const { actor } = school.teacher;
    const { services } = container;
    const sections = await services.exams.sections(actor, await services.exams.get(actor, school.exam.examId));
    const versions = sections.flatMap(({ questions }) => questions.map(({ question }) => question));
    const random = createRandom(1);
    const chance = () => random.below(1_000_000) / 1_000_000;
    const papers = Array.from({ length: PEOPLE }, () => {
      const ability = 2 * (chance() + chance() + chance()) - 3;
      return versions.map(({ versionId, options }, at) => {
        const isRight = chance() < 1 / (1 + Math.exp((at - versions.length / 2) / 15 - ability));
        return { versionId, points: isRight ? 1 : 0, response: { choice: options[isRight ? 1 : 0]!.id } };
      });
    });
    await gradedAttempts(container, { examId: school.exam.examId, maxScore: versions.length }, papers);
    return { examId: school.exam.examId, teacherId: actor.userId, answers: PEOPLE * versions.length };
  });
  const database = new pg.Client(world.databaseUrl);
  await database.connect();
  const worker = await world.startWorker({ core: "server", probed: true });
  try {
    const begun = performance.now();
    await database.query("SELECT attempt_id, question_version_id, points, response FROM answers");
    const bareSeconds = (performance.now() - begun) / 1000;
    const before = await worker.probe!.peak();
    const measured = await sample(
      { worker: worker.cpu, postgres: world.postgresCpu, redis: world.redisCpu },
      async () => {
        const start = performance.now();
        await world.prepare(async ({ services }) => {
          const actor = {
            userId: teacherId,
            role: "ADMIN" as const,
            sessionId: "",
            secondFactorMissing: false,
            requestId: "bench",
          };
          await services.analysis.request(actor as never, examId, "FIRST");
        });
        for (const deadline = start + LIMIT_MS; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
          const { rowCount } = await database.query("SELECT FROM exam_analyses WHERE exam_id = $1", [examId]);
          if (rowCount) break;
          if (performance.now() > deadline) throw new Error("the analysis was not done in time");
        }
        return { done: answers, seconds: (performance.now() - start) / 1000 };
      },
    );
    const after = await worker.probe!.peak();
    report({
      benchmark: "analysis",
      what: `${answers} answers analysed`,
      value: measured.perSecond,
      unit: "answers/s",
      cpu: measured.cpuMicros,
      cpuUnit: "µs",
      limit: { what: "bare SELECT of the answers", value: answers / bareSeconds },
      more: { seconds: answers / measured.perSecond, peakMbBefore: mb(before), peakMbAfter: mb(after) },
    });
  } finally {
    await database.end();
    await worker.stop();
  }
}

const mb = ({ bytes }: { bytes: number }) => Math.round(bytes / 2 ** 20);
