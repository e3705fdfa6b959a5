import { MAX_QUESTIONS } from "../src/domain/exchange/limits.ts";
import { createRandom } from "../src/domain/random.ts";
import { addToBank } from "../src/services/bankQuestions.ts";
import { aSchool } from "../test/support/school.ts";
import { sample } from "./measure.ts";
import type { Report } from "./report.ts";
import type { Program, World } from "./world.ts";

const LIMIT_MS = 900_000;
/** Some ten times as long as most, which makes a package of tens of megabytes. */
const STEM_LENGTH = 4_500;
/** As many as a school uses: the index of the bank's search is for words that come again. */
const VOCABULARY = 50_000;
const MEGABYTE = 2 ** 20;

/** A package of QTI with as many questions as there may be, out of a bank and into it again, with the memory that it takes the worker. */
export async function exchange(world: World, report: Report): Promise<void> {
  const { actor, courseId } = await world.prepare(async (container) => {
    const { teacher, courseId } = await aSchool(container, { students: 1 });
    const random = createRandom(1);
    const place = { courseId, tags: [], folderId: null };
    for (let at = 0; at < MAX_QUESTIONS; at += 200) {
      const numbers = Array.from({ length: 200 }, (_, index) => at + index);
      const questions = numbers.map((number) => aQuestion(number, random.below));
      await addToBank(
        container.db,
        place,
        questions.map((question) => ({ id: crypto.randomUUID(), versionId: crypto.randomUUID(), question })),
      );
    }
    return { actor: teacher.actor, courseId };
  });

  const file = await measured(world, report, "out of a bank", (container) =>
    container.services.questionFiles.requestExport(actor, { courseId, format: "QTI_3_0" }),
  );
  await measured(world, report, "into a bank", async (container) => {
    const { questionFiles } = container.services;
    const asked = { courseId, format: "QTI_3_0", dryRun: false, tags: [] };
    const { id } = await questionFiles.requestImport(actor, asked);
    return questionFiles.receive(id, (await questionFiles.open(file)).bytes);
  });

  /** The id of the file. The worker is a new one each time, so that its most memory is that of this job. */
  async function measured(
    { startWorker, prepare, postgresCpu }: World,
    tell: Report,
    what: string,
    ask: (container: Parameters<Parameters<World["prepare"]>[0]>[0]) => Promise<{ id: string }>,
  ): Promise<string> {
    const worker: Program = await startWorker({ core: "server", probed: true });
    try {
      const before = await worker.probe!.peak();
      let made = { id: "", size: 0 };
      const { perSecond, cpuMicros } = await sample({ worker: worker.cpu, postgres: postgresCpu }, async () => {
        const start = performance.now();
        made = await prepare(async (container) => {
          const { id } = await ask(container);
          for (const deadline = start + LIMIT_MS; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
            const { finishedAt, failure, taken, refused } = await container.services.questionFiles.get(actor, id);
            if (failure || refused > 0) throw new Error(failure ?? `${refused} questions were refused`);
            if (finishedAt !== null && taken === MAX_QUESTIONS) break;
            if (performance.now() > deadline) throw new Error("the file was not done in time");
          }
          const [{ size } = { size: 0n }] = await container.db.$queryRaw<{ size: bigint }[]>`
            SELECT sum(length(bytes)) AS size FROM question_file_pieces WHERE file_id = ${id}::uuid`;
          return { id, size: Number(size ?? 0) };
        });
        return { done: MAX_QUESTIONS, seconds: (performance.now() - start) / 1000 };
      });
      const after = await worker.probe!.peak();
      tell({
        benchmark: "exchange",
        what: `${MAX_QUESTIONS} questions as a package of QTI ${what}`,
        value: perSecond,
        unit: "questions/s",
        cpu: cpuMicros,
        cpuUnit: "µs",
        more: {
          seconds: MAX_QUESTIONS / perSecond,
          packageMb: Math.round(made.size / MEGABYTE),
          peakMbBefore: Math.round(before.bytes / MEGABYTE),
          peakMbAfter: Math.round(after.bytes / MEGABYTE),
        },
      });
      return made.id;
    } finally {
      await worker.stop();
    }
  }
}

/** With four tags. */
function aQuestion(number: number, below: (limit: number) => number) {
  let stem = `Question ${number}:`;
  while (stem.length < STEM_LENGTH) stem += ` ${(below(VOCABULARY) * 7_919).toString(36)}`;
  return {
    type: "SINGLE_CHOICE" as const,
    title: `Question ${number}`,
    stem,
    stemFormat: "PLAIN" as const,
    points: "1",
    feedback: null,
    tags: [`week ${number % 14}`, `topic ${number % 300}`, `author ${number % 50}`, `number ${number}`],
    definition: {
      options: ["a", "b", "c", "d"].map((id) => ({
        id,
        text: `Answer ${id} of ${number}`,
        fraction: id === "a" ? "1" : "0",
      })),
    },
  };
}
