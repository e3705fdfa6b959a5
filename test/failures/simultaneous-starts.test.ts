import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { openSite, type Program, type Site } from "../support/processes.ts";
import { askAt } from "../support/savingStudent.ts";
import { anExam, aSchool } from "../support/school.ts";

const START = `mutation ($id: ID!) { startAttempt(examId: $id) { id number status } }`;

let site: Site;
let servers: Program[];
beforeAll(async () => {
  site = await openSite();
  servers = await Promise.all([site.start("server"), site.start("server")]);
});
afterAll(() => site.close());

describe("startAttempt at two servers at once", () => {
  it.each([2, 20])("gives each student one attempt for %i simultaneous requests", async (requests) => {
    const { db } = site.container;
    const school = await aSchool(site.container, { students: 10 });
    const { examId } = await anExam(site.container, school, { rules: { attemptsAllowed: 3 } });
    const answers = await Promise.all(
      school.students.map(({ token }) =>
        Promise.all(
          Array.from({ length: requests }, (_none, at) => askAt(servers[at % 2]!.url, START, { id: examId }, token)),
        ),
      ),
    );
    for (const [at, { id: userId }] of school.students.entries()) {
      const [attempt, ...more] = await db.attempt.findMany({ where: { userId } });
      expect(more).toEqual([]);
      const given = answers[at]!.map(({ data, errors }) => errors ?? data.startAttempt);
      expect(given).toEqual(Array(requests).fill({ id: attempt!.id, number: 1, status: "IN_PROGRESS" }));
      expect(await db.outboxJob.count({ where: { name: "expireAttempt", ownerId: userId } })).toBe(1);
    }
  });
});
