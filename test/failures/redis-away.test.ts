import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { openSite, type Program, type Site } from "../support/processes.ts";
import { askAt, type SaveOutcome, savingStudent, textQuestion, wrongAnswers } from "../support/savingStudent.ts";
import { anExam, aSchool } from "../support/school.ts";

const AWAY_MS = 20_000;
const START = `mutation ($id: ID!) { startAttempt(examId: $id) { id } }`;
const SUBMIT = `mutation ($id: ID!) { submitAttempt(attemptId: $id) { status submittedBy } }`;

/** Generous: several servers start here, and the machine may be busy. */
jest.setTimeout(180_000);

let site: Site;
let server: Program;
let worker: Program;
beforeAll(async () => {
  site = await openSite({ own: ["redis"] });
  [server, worker] = await Promise.all([site.start("server"), site.start("worker")]);
});
afterAll(() => site.close());

describe("Redis is stopped for 20 seconds during saves and submissions", () => {
  it("acknowledges everything, loses nothing, and grades when it is back", async () => {
    const { container } = site;
    const school = await aSchool(container, { students: 40 });
    const { examId, questionIds } = await anExam(container, school, { questions: [1, 2, 3, 4, 5].map(textQuestion) });
    const start = async (token: string) => {
      const { data, errors } = await askAt(server.url, START, { id: examId }, token);
      expect(errors).toBeUndefined();
      return savingStudent({ attemptId: data.startAttempt.id, questionIds, token });
    };
    const submit = async ({ attemptId, token }: { attemptId: string; token: string }) => {
      const { data, errors } = await askAt(server.url, SUBMIT, { id: attemptId }, token);
      expect(errors).toBeUndefined();
      expect(data.submitAttempt).toEqual({ status: "SUBMITTED", submittedBy: "STUDENT" });
    };
    const early = await Promise.all(school.students.slice(0, 30).map(({ token }) => start(token)));
    const refusals: SaveOutcome[] = [];
    const ends = Date.now() + AWAY_MS + 5_000; // they save before, during and after
    const saving = early.slice(0, 20).map(async (one) => {
      while (Date.now() < ends) {
        const outcome = await one.save(server.url);
        if (outcome.kind !== "acknowledged") refusals.push(outcome);
        await pause(20); // time to think: the database must not be what this test loads
      }
    });

    await site.redis.stop();
    const away = pause(AWAY_MS);
    const late = await Promise.all(school.students.slice(30).map(({ token }) => start(token)));
    for (const one of [...early.slice(20), ...late]) {
      expect(await one.save(server.url)).toEqual({ kind: "acknowledged" });
      await submit(one);
    }
    for (const program of [server, worker]) {
      expect(await program.health("readyz")).toEqual({
        status: 503,
        body: { status: "not ready", problems: ["redis: does not answer"] },
      });
      expect((await program.health("healthz")).status).toBe(200);
    }
    await away;
    expect(await container.db.attempt.count({ where: { examId, status: "GRADED" } })).toBe(0);
    await site.redis.start();

    await Promise.all(saving);
    expect(refusals).toEqual([]);
    expect(await wrongAnswers(container, [...early, ...late])).toEqual([]);
    await Promise.all(early.slice(0, 20).map(submit));
    const isGraded = { where: { examId, status: "GRADED" as const } };
    await eventually("all are graded", async () => (await container.db.attempt.count(isGraded)) === 40, 60_000);
    for (const program of [server, worker]) {
      await eventually("it is ready again", async () => (await program.health("readyz")).status === 200);
      expect(program.isRunning).toBe(true);
    }
  });
});
