import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { holdAnswers, holdRows } from "../support/heldRows.ts";
import { openSite, type Program, type Site } from "../support/processes.ts";
import { type SavingStudent, savingStudent, textQuestion, wrongAnswers } from "../support/savingStudent.ts";
import { anExam, aSchool } from "../support/school.ts";

let site: Site;
beforeAll(async () => {
  site = await openSite({ own: ["postgres", "redis"], env: { SHUTDOWN_SECONDS: "8" } });
});
afterAll(() => site.close());

async function someStudents(count: number): Promise<SavingStudent[]> {
  const { container } = site;
  const school = await aSchool(container, { students: count });
  const { examId, questionIds } = await anExam(container, school, { questions: [1, 2, 3].map(textQuestion) });
  return Promise.all(
    school.students.map(async ({ actor, token }) => {
      const { id } = await container.services.attempts.start(actor, examId);
      return savingStudent({ attemptId: id, questionIds, token });
    }),
  );
}

/** A program that does not end within its limit ends itself with another code. */
const WELL = "exit code 0";

const takesNothingNew = (program: Program) =>
  program.health("readyz").then(
    ({ status }) => status === 503,
    () => true, // it does not listen any more
  );

describe("SIGTERM to the server", () => {
  it("finishes the saves it took under load, stores all it acknowledged, and exits 0", async () => {
    const students = await someStudents(50);
    const server = await site.start("server");
    let saves = 0;
    const unexpected: unknown[] = [];
    const saving = students.map(async (student) => {
      for (;;) {
        const outcome = await student.save(server.url);
        if (outcome.kind === "broken") return; // the connection was closed, or is refused
        if (outcome.kind === "acknowledged") saves += 1;
        else if (outcome.answer.status !== 503 && outcome.status !== 503) unexpected.push(outcome.answer);
      }
    });
    await eventually("everybody has saved", () => saves > 500, 30_000);
    expect(await server.terminate()).toBe(WELL);
    await Promise.all(saving);
    expect(unexpected).toEqual([]);
    expect(await wrongAnswers(site.container, students)).toEqual([]);
  });

  it("answers a save that is on its way, although it takes no new ones", async () => {
    const [student] = await someStudents(1);
    const server = await site.start("server");
    expect(await student!.save(server.url)).toEqual({ kind: "acknowledged" });
    const held = await holdRows(site.databaseUrl, "SELECT 1 FROM attempts WHERE id = $1 FOR UPDATE", [
      student!.attemptId,
    ]);
    const saving = student!.save(server.url);
    await eventually("the save has reached the database", async () => (await held.waiting()) === 1);
    const terminated = server.terminate();
    await eventually("the server takes nothing new", () => takesNothingNew(server));
    await held.letGo();
    expect(await saving).toEqual({ kind: "acknowledged" });
    expect(await terminated).toBe(WELL);
    expect(await wrongAnswers(site.container, [student!])).toEqual([]);
  });
});

const statusOf = async (id: string) => (await site.container.db.attempt.findUniqueOrThrow({ where: { id } })).status;

/** A worker in the middle of grading one attempt. */
async function aGradeInProgress() {
  const { services } = site.container;
  const school = await aSchool(site.container);
  const [{ actor }] = school.students as [(typeof school.students)[0]];
  const { examId, questionIds } = await anExam(site.container, school);
  const { id } = await services.attempts.start(actor, examId);
  await services.answers.save(actor, id, [{ questionId: questionIds[0]!, response: { choice: "b" }, revision: 1 }]);
  const held = await holdAnswers(site.databaseUrl, [id]);
  await services.attempts.submit(actor, id);
  const worker = await site.start("worker");
  await eventually("the attempt is being graded", async () => (await held.waiting()) === 1, 30_000);
  return { attemptId: id, held, worker };
}

describe("SIGTERM to the worker", () => {
  it("finishes the job in progress and exits 0", async () => {
    const { attemptId, held, worker } = await aGradeInProgress();
    const terminated = worker.terminate();
    await eventually("the worker takes nothing new", () => takesNothingNew(worker));
    await held.letGo();
    expect(await terminated).toBe(WELL);
    expect(await statusOf(attemptId)).toBe("GRADED");
    expect(await site.container.queues.use("exam", (queue) => queue.getActiveCount())).toBe(0);
  });

  it("puts a job back that does not end in time, and the next worker does it", async () => {
    const { attemptId, held, worker } = await aGradeInProgress();
    await worker.terminate();
    await held.letGo();
    const counts = await site.container.queues.use("exam", (queue) => queue.getJobCounts("active", "wait", "failed"));
    expect(counts).toEqual({ active: 0, wait: 1, failed: 0 });
    const next = await site.start("worker", worker);
    await eventually("it is graded", async () => (await statusOf(attemptId)) === "GRADED", 30_000);
    await next.kill();
  });
});

describe("SIGTERM while a server is away", () => {
  it.each(["redis", "postgres"] as const)("ends both programs in time without %s", async (away) => {
    const programs = await Promise.all([site.start("server"), site.start("worker")]);
    await site[away].stop();
    const ends = await Promise.all(programs.map((program) => program.terminate()));
    await site[away].start();
    expect(ends).toEqual([WELL, WELL]);
  });
});
