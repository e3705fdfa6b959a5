import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { holdAnswers } from "../support/heldRows.ts";
import { openSite, type Program, type Site } from "../support/processes.ts";
import {
  askAt,
  type SaveOutcome,
  type SavingStudent,
  savingStudent,
  textQuestion,
  wrongAnswers,
} from "../support/savingStudent.ts";
import { anExam, aSchool, type School } from "../support/school.ts";

const AWAY_MS = 10_000;
const OPERATIONS = {
  startAttempt: `mutation ($exam: ID!) { startAttempt(examId: $exam) { id } }`,
  submitAttempt: `mutation ($attempt: ID!) { submitAttempt(attemptId: $attempt) { status } }`,
  attempt: `query ($attempt: ID!) { attempt(id: $attempt) { status deadlineAt } }`,
  myAttempts: `query { myAttempts { totalCount } }`,
};

/** Generous: several servers start here, and the machine may be busy. */
jest.setTimeout(180_000);

let site: Site;
let server: Program;
let worker: Program;
let school: School;
let examId: string;
let students: SavingStudent[];
beforeAll(async () => {
  site = await openSite({ own: ["postgres"] });
  [server, worker] = await Promise.all([site.start("server"), site.start("worker")]);
  school = await aSchool(site.container, { students: 100 });
  const exam = await anExam(site.container, school, { questions: [1, 2, 3, 4, 5].map(textQuestion) });
  examId = exam.examId;
  students = await Promise.all(
    school.students.map(async ({ actor, token }) => {
      const { id } = await site.container.services.attempts.start(actor, examId);
      return savingStudent({ attemptId: id, questionIds: exam.questionIds, token });
    }),
  );
});
afterAll(() => site.close());

/** Everybody saves until told to stop; gives what the server said, one entry for each kind of outcome. */
function everybodySaves() {
  const counts = new Map<string, number>();
  const say = (outcome: SaveOutcome) =>
    outcome.kind === "refused" ? `${outcome.code} ${outcome.status}` : outcome.kind;
  let isOver = false;
  const done = students.map(async (student) => {
    while (!isOver) {
      const said = say(await student.save(server.url));
      counts.set(said, (counts.get(said) ?? 0) + 1);
      if (said !== "acknowledged") await pause(200); // as a client does before it tries again
    }
  });
  return {
    count: (outcome: string) => counts.get(outcome) ?? 0,
    async stop(): Promise<string[]> {
      isOver = true;
      await Promise.all(done);
      return [...counts.keys()].sort();
    },
  };
}

/** The test's own connections compete with everybody's for a server that has just been started, and may be refused at first. */
const untilAnswered = () =>
  eventually("the database answers the test", async () => {
    try {
      return await site.container.db.$queryRaw`SELECT 1`;
    } catch {
      return null;
    }
  });

describe("PostgreSQL is stopped for 10 seconds", () => {
  it("refuses with SERVICE_UNAVAILABLE, acknowledges nothing false, and goes on without a restart", async () => {
    const [early] = students.splice(0, 1);
    expect(await early!.save(server.url)).toEqual({ kind: "acknowledged" });
    const held = await holdAnswers(site.databaseUrl, [early!.attemptId]);
    await askAt(server.url, OPERATIONS.submitAttempt, { attempt: early!.attemptId }, early!.token);
    await eventually("an attempt is being graded", async () => (await held.waiting()) === 1);
    const saving = everybodySaves();
    await eventually("everybody has saved", () => saving.count("acknowledged") > 300, 60_000);
    await site.postgres.stop();
    const away = pause(AWAY_MS);
    const acknowledged = saving.count("acknowledged");

    const [, bystander] = students;
    for (const [operation, query] of Object.entries(OPERATIONS)) {
      const { errors, data } = await askAt(
        server.url,
        query,
        { exam: examId, attempt: bystander!.attemptId },
        bystander!.token,
      );
      expect({ operation, data, code: errors?.[0]?.extensions.code, status: errors?.[0]?.extensions.status }).toEqual({
        operation,
        data: null,
        code: "SERVICE_UNAVAILABLE",
        status: 503,
      });
    }
    for (const program of [server, worker]) {
      expect((await program.health("readyz")).body.problems).toContain("database: does not answer");
      expect((await program.health("healthz")).status).toBe(200);
    }
    await away;
    expect(saving.count("acknowledged")).toBe(acknowledged);
    await site.postgres.start();

    await eventually("everybody saves again", () => saving.count("acknowledged") > acknowledged + 300, 60_000);
    expect(await saving.stop()).toEqual(["SERVICE_UNAVAILABLE 503", "acknowledged"]);
    await untilAnswered();
    expect(await wrongAnswers(site.container, students)).toEqual([]);
    for (const program of [server, worker]) {
      await eventually("it is ready again", async () => (await program.health("readyz")).status === 200);
      expect(program.isRunning).toBe(true);
    }
    const attempt = { where: { id: early!.attemptId } };
    await eventually(
      "the grade that was cut off is given after all",
      async () => (await site.container.db.attempt.findUnique(attempt))?.status === "GRADED",
      60_000,
    );
  });
});

describe("kill -9 of PostgreSQL while students save", () => {
  it("has every acknowledged answer when it is back", async () => {
    const saving = everybodySaves();
    await eventually("everybody has saved", () => saving.count("acknowledged") > 300, 60_000);
    await site.postgres.kill();
    const acknowledged = saving.count("acknowledged");
    await eventually("somebody is refused", () => saving.count("SERVICE_UNAVAILABLE 503") > 0);
    await site.postgres.start();
    await untilAnswered();
    expect(await wrongAnswers(site.container, students)).toEqual([]);
    await eventually("everybody saves again", () => saving.count("acknowledged") > acknowledged + 300, 60_000);
    expect(await saving.stop()).toEqual(["SERVICE_UNAVAILABLE 503", "acknowledged"]);
    await untilAnswered();
    expect(await wrongAnswers(site.container, students)).toEqual([]);
  });

  it("grades with the same worker what is handed in afterwards", async () => {
    for (const { attemptId, token } of students.slice(0, 20)) {
      const { data } = await askAt(server.url, OPERATIONS.submitAttempt, { attempt: attemptId }, token);
      expect(data.submitAttempt).toEqual({ status: "SUBMITTED" });
    }
    const isGraded = { where: { examId, status: "GRADED" as const } };
    await eventually("they are graded", async () => (await site.container.db.attempt.count(isGraded)) === 21, 60_000);
    expect([server.isRunning, worker.isRunning]).toEqual([true, true]);
  });
});
