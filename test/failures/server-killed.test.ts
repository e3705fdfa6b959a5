import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { holdRows } from "../support/heldRows.ts";
import { openSite, type Program, type Site } from "../support/processes.ts";
import { savingStudent, textQuestion, wrongAnswers } from "../support/savingStudent.ts";
import { anExam, aSchool } from "../support/school.ts";

const SAVE_CONNECTIONS = 2;

/** Generous: several servers start here, and the machine may be busy. */
jest.setTimeout(180_000);

let site: Site;
beforeAll(async () => {
  site = await openSite({ env: { SAVE_CONNECTIONS: String(SAVE_CONNECTIONS) } });
});
afterAll(() => site.close());

describe("kill -9 of the server while 200 students save", () => {
  it("loses no acknowledged answer and stores none that was not sent", async () => {
    const { container, databaseUrl } = site;
    const school = await aSchool(container, { students: 200 });
    const { examId, questionIds } = await anExam(container, school, { questions: [1, 2, 3, 4, 5].map(textQuestion) });
    const students = await Promise.all(
      school.students.map(async ({ actor, token }) => {
        const { id } = await container.services.attempts.start(actor, examId);
        return savingStudent({ attemptId: id, questionIds, token });
      }),
    );

    let server: Program | undefined;
    for (let kills = 0; kills < 2; kills += 1) {
      server = await site.start("server", server);
      const { url, kill } = server;
      let saves = 0;
      let broken = 0;
      const saving = students.map(async (student) => {
        for (;;) {
          const outcome = await student.save(url);
          if (outcome.kind === "broken") {
            broken += 1;
            return;
          }
          expect(outcome).toEqual({ kind: "acknowledged" });
          saves += 1;
        }
      });
      await eventually("all students have saved a few times", () => saves > 600, 60_000);
      // The second time while the database lets nobody through, so that the server dies with its hands full of saves.
      const held =
        kills === 1
          ? await holdRows(databaseUrl, "SELECT 1 FROM attempts WHERE exam_id = $1 FOR UPDATE", [examId])
          : null;
      if (held) await eventually("no save gets through", async () => (await held.waiting()) === SAVE_CONNECTIONS);
      await kill();
      await held?.letGo();
      await Promise.all(saving);
      expect(broken).toBe(200);
      expect(await wrongAnswers(container, students)).toEqual([]);
    }

    // What was on its way is sent again, as a browser does, and everybody ends with their newest text.
    const { url } = await site.start("server", server);
    const outcomes = await Promise.all(students.map((student) => student.save(url)));
    expect(outcomes).toEqual(students.map(() => ({ kind: "acknowledged" })));
    expect(await wrongAnswers(container, students)).toEqual([]);
  });
});
