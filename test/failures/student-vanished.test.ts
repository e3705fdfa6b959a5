import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { openSite, type Program, type Site } from "../support/processes.ts";
import { askAt, savingStudent, textQuestion } from "../support/savingStudent.ts";
import { anExam, aSchool } from "../support/school.ts";

const START = `mutation ($id: ID!) { startAttempt(examId: $id) { id } }`;
const GRACE_MS = 1_000;

let site: Site;
let server: Program;
let worker: Program;
beforeAll(async () => {
  site = await openSite({ own: ["redis"] });
  [server, worker] = await Promise.all([site.start("server"), site.start("worker")]);
});
afterAll(() => site.close());

/** A student who starts, saves answers to two of five questions, and is never seen again. */
async function aVanishingStudent({ closesInMs }: { closesInMs: number }): Promise<string> {
  const school = await aSchool(site.container);
  const { examId, questionIds } = await anExam(site.container, school, {
    questions: [1, 2, 3, 4, 5].map(textQuestion),
    rules: { closesAt: new Date(Date.now() + closesInMs).toISOString() },
  });
  const { token } = school.students[0]!;
  const { data } = await askAt(server.url, START, { id: examId }, token);
  const student = savingStudent({ attemptId: data.startAttempt.id, questionIds, token });
  expect(await student.save(server.url)).toEqual({ kind: "acknowledged" });
  return student.attemptId;
}

const graded = (attemptId: string) =>
  eventually(
    "the attempt is handed in and graded",
    async () => {
      const row = await site.container.db.attempt.findUniqueOrThrow({ where: { id: attemptId } });
      return row.status === "GRADED" ? row : null;
    },
    45_000,
  );

describe("an attempt whose student vanished", () => {
  it("is handed in at its deadline and grace with what was saved", async () => {
    const attemptId = await aVanishingStudent({ closesInMs: 8_000 });
    const { submittedBy, submittedAt, deadlineAt, score } = await graded(attemptId);
    expect({ submittedBy, score: score?.toString() }).toEqual({ submittedBy: "DEADLINE", score: "2" });
    const late = submittedAt!.getTime() - deadlineAt.getTime();
    expect(late).toBeGreaterThanOrEqual(GRACE_MS);
    expect(late).toBeLessThan(15_000); // the job did it: the sweeper comes no earlier than that
  });

  it("is handed in at the new time when its deadline was moved", async () => {
    const attemptId = await aVanishingStudent({ closesInMs: 8_000 });
    await site.container.db.$executeRaw`
      UPDATE attempts SET deadline_at = deadline_at + interval '3 seconds' WHERE id = ${attemptId}::uuid`;
    const { submittedBy, submittedAt, deadlineAt } = await graded(attemptId);
    expect(submittedBy).toBe("DEADLINE");
    expect(submittedAt!.getTime() - deadlineAt.getTime()).toBeGreaterThanOrEqual(GRACE_MS);
  });

  it("is found by the sweeper when Redis has lost its job", async () => {
    const attemptId = await aVanishingStudent({ closesInMs: 60_000 });
    await worker.kill();
    await site.container.queueRedis.flushall();
    await site.container.db.$executeRaw`
      UPDATE attempts SET deadline_at = clock_timestamp() - interval '1 minute' WHERE id = ${attemptId}::uuid`;
    worker = await site.start("worker", worker);
    const { submittedBy, score } = await graded(attemptId);
    expect({ submittedBy, score: score?.toString() }).toEqual({ submittedBy: "DEADLINE", score: "2" });
  });
});
