import type { Report } from "./report.ts";
import { aBenchSchool, EXAM_QUERY } from "./school.ts";
import type { World } from "./world.ts";

const EXAMS = 200;
const MEGABYTE = 2 ** 20;

/**
 * What a cached exam of 50 questions × 4 options costs in the server's memory, as a value and as a finished answer together,
 * after a garbage collection. The limit is the answer's JSON in bytes, once.
 */
export async function memory(world: World, report: Report): Promise<void> {
  const { token, examIds } = await world.prepare(async (container) => {
    const school = await aBenchSchool(container, { students: 1 });
    const { teacher, courseId, exam } = school;
    const examIds = [exam.examId];
    while (examIds.length <= EXAMS) {
      const { id } = await container.services.exams.create(teacher.actor, {
        courseId,
        title: `Exam ${examIds.length}`,
        description: "",
        durationMinutes: 60,
        attemptsAllowed: 1,
        shuffleQuestions: false,
        shuffleOptions: false,
        resultsPolicy: "IMMEDIATE",
      });
      await container.services.exams.addQuestions(teacher.actor, { examId: id, questionIds: exam.questionIds });
      await container.services.exams.publish(teacher.actor, id);
      examIds.push(id);
    }
    return { token: teacher.token, examIds };
  });
  const server = await world.startServer({ probed: true, env: { CACHE_MEMORY_MB: "512" } });

  async function ask(id: string, query = EXAM_QUERY): Promise<{ bytes: number; cache: string | null }> {
    const response = await fetch(`http://127.0.0.1:${server.port}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables: { id } }),
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`a read failed: ${text}`);
    return { bytes: Buffer.byteLength(text), cache: response.headers.get("x-lectern-cache") };
  }

  const [first, ...others] = examIds;
  for (let i = 0; i < 30; i++) await ask(first!, `${EXAM_QUERY}${" ".repeat(i % 3)}`); // compiled, and its buffers made
  const before = await server.probe!.memory();
  let json = 0;
  for (const id of others) json += (await ask(id)).bytes;
  const after = await server.probe!.memory();
  for (const id of others) if ((await ask(id)).cache !== "hit") throw new Error("an exam was not kept in the cache");

  const used = ({ heapUsed, external }: typeof before) => heapUsed + external;
  report({
    benchmark: "memory",
    what: "one cached exam",
    value: (used(after) - used(before)) / EXAMS,
    unit: "bytes of heap and buffers",
    limit: { what: "its JSON", value: json / EXAMS },
    // What the system counts (RSS) moves with garbage not collected yet, so the share of one exam is taken from what is in use.
    more: { exams: EXAMS, rssMbBefore: mb(before.rss), rssMbAfter: mb(after.rss), usedMbAfter: mb(used(after)) },
  });
  await server.stop();
}

const mb = (bytes: number): number => Math.round(bytes / MEGABYTE);
