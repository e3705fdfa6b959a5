import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { gradedAttempts } from "../support/gradedAttempts.ts";
import { holdRows } from "../support/heldRows.ts";
import { openSite, type Site } from "../support/processes.ts";
import { anExam, aSchool, choiceQuestion } from "../support/school.ts";

const PEOPLE = 450;

/** Generous: several servers start here, and the machine may be busy. */
jest.setTimeout(180_000);

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.close());

describe("kill -9 of the worker in the middle of a regrading", () => {
  it("regrades every attempt once, and reports what each of them had before", async () => {
    const { container, databaseUrl } = site;
    const { db, services } = container;
    const school = await aSchool(container);
    const { actor } = school.teacher;
    const { examId, questionIds } = await anExam(container, school, { questions: [choiceQuestion(1)] });
    const [section] = await services.exams.sections(actor, await services.exams.get(actor, examId));
    const { versionId } = section!.questions[0]!.question;
    const answers = (at: number) => ({ points: at % 2, response: { choice: at % 2 ? "b" : "a" } });
    await gradedAttempts(
      container,
      { examId, maxScore: 1 },
      Array.from({ length: PEOPLE }, (_, at) => [{ versionId, ...answers(at) }]),
    );
    await services.questions.update(actor, questionIds[0]!, {
      definition: {
        options: ["a", "b", "c", "d"].map((id) => ({ id, text: id, fraction: id === "a" ? "1" : "0" })),
      },
    });
    const { id } = await services.regradings.regrade(actor, {
      examId,
      corrections: [{ questionId: questionIds[0], version: 2 }],
      dryRun: false,
      reason: "It was a.",
    });
    const attempts = await db.attempt.findMany({ where: { examId }, orderBy: { id: "asc" }, select: { id: true } });
    const done = () => db.regradingEntry.count({ where: { regradingId: id } });

    // An attempt of the second chunk is held fast: the first is done, and the worker dies with the second half written.
    const held = await holdRows(databaseUrl, "SELECT 1 FROM attempts WHERE id = $1 FOR UPDATE", [attempts[300]!.id]);
    const worker = await site.start("worker");
    await eventually("the second chunk waits", async () => (await held.waiting()) > 0, 60_000);
    expect(await done()).toBe(200);
    await worker.kill();
    await held.endWaiting(); // PostgreSQL would finish the statement of the dead; this is a death a moment earlier
    await held.letGo();
    expect(await done()).toBe(200);

    await site.start("worker", worker);
    const ended = await eventually(
      "the regrading is applied",
      async () => {
        const found = await services.regradings.get(actor, id);
        return found.state === "APPLIED" ? found : null;
      },
      90_000,
    );
    const half = PEOPLE / 2;
    expect(ended.summary).toMatchObject({ attempts: PEOPLE, changed: PEOPLE, up: half, down: half });
    const scores = await db.attempt.groupBy({
      by: ["score"],
      where: { examId },
      _count: true,
      orderBy: { score: "asc" },
    });
    expect(scores.map(({ score, _count }) => [score?.toFixed(), _count])).toEqual([
      ["0", half],
      ["1", half],
    ]);
    const wrong = await db.$queryRaw<unknown[]>`
      SELECT FROM answers JOIN attempts ON attempts.id = attempt_id
      WHERE points <> (CASE response ->> 'choice' WHEN 'a' THEN 1 ELSE 0 END) OR points <> score`;
    expect(wrong).toEqual([]);
  });
});
