import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { AnswerInput } from "../../src/services/answer.service.ts";
import { anExam, aSchool, type Person, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
let examId: string;
let questionIds: string[];
let student: Person;
let attemptId: string;
beforeAll(async () => {
  app = await startTestApp();
  school = await aSchool(app.container, { students: 20 });
  ({ examId, questionIds } = await anExam(app.container, school));
});
afterAll(() => app.close());
beforeEach(async () => {
  student = school.students.pop()!;
  attemptId = (await app.container.services.attempts.start(student.actor, examId)).id;
});

const answer = (revision: number, choice: string, question = 0): AnswerInput => ({
  questionId: questionIds[question]!,
  response: { choice },
  revision,
});

async function save(...answers: AnswerInput[]): Promise<string[]> {
  const { receipts } = await app.container.services.answers.save(student.actor, attemptId, answers);
  return receipts.map(({ outcome }) => outcome);
}

/** What is stored of the first question, with the time it was stored. */
const stored = () =>
  app.container.db.answer.findFirst({
    where: { attemptId, questionVersion: { questionId: questionIds[0]! } },
    select: { revision: true, response: true, savedAt: true },
  });

describe("answers.save", () => {
  it("changes nothing when an old revision is replayed", async () => {
    await save(answer(1, "a"));
    await save(answer(3, "b"));
    const before = await stored();
    expect(await save(answer(2, "c"))).toEqual(["SUPERSEDED"]);
    expect(await save(answer(1, "a"))).toEqual(["SUPERSEDED"]);
    expect(await stored()).toEqual(before);
    expect(before).toMatchObject({ revision: 3, response: { choice: "b" } });
  });

  it("keeps the first response of two with the same revision", async () => {
    expect(await save(answer(1, "a"))).toEqual(["SAVED"]);
    const before = await stored();
    expect(await save(answer(1, "b"))).toEqual(["SUPERSEDED"]);
    expect(await stored()).toEqual(before);
  });

  it("saves the newest of several revisions in one request, whatever their order", async () => {
    expect(await save(answer(2, "b"), answer(4, "d"), answer(3, "c"), answer(4, "a"))).toEqual([
      "SUPERSEDED",
      "SAVED",
      "SUPERSEDED",
      "SUPERSEDED",
    ]);
    expect(await stored()).toMatchObject({ revision: 4, response: { choice: "d" } });
  });

  it("ends with the newest when many saves of one attempt are sent at once", async () => {
    const revisions = Array.from({ length: 40 }, (_none, at) => ((at * 17) % 40) + 1);
    const outcomes = await Promise.all(revisions.map((revision) => save(answer(revision, "abcd"[revision % 4]!))));
    expect(outcomes.flat().every((outcome) => outcome === "SAVED" || outcome === "SUPERSEDED")).toBe(true);
    expect(outcomes[revisions.indexOf(40)]).toEqual(["SAVED"]);
    expect(await stored()).toMatchObject({ revision: 40, response: { choice: "a" } });
  });

  it("takes an answer back with a null response of a higher revision", async () => {
    await save(answer(1, "b"));
    expect(await save({ questionId: questionIds[0]!, response: null, revision: 2 })).toEqual(["SAVED"]);
    expect(await stored()).toMatchObject({ revision: 2, response: null });
  });

  it("refuses a response its question cannot take and saves the others", async () => {
    expect(await save(answer(1, "no such option"), answer(1, "b", 1))).toEqual(["REFUSED", "SAVED"]);
    expect(await stored()).toBeNull();
  });

  it("answers with receipts when it refuses every response", async () => {
    expect(await save(answer(1, "no such option"), answer(0, "b", 1))).toEqual(["REFUSED", "REFUSED"]);
  });

  it("says that the attempt is closed, also when every response would be refused", async () => {
    await app.container.services.attempts.submit(student.actor, attemptId);
    await expect(save(answer(1, "b"))).rejects.toMatchObject({ reason: "ATTEMPT_CLOSED" });
    await expect(save(answer(1, "no such option"))).rejects.toMatchObject({ reason: "ATTEMPT_CLOSED" });
    expect(await stored()).toBeNull();
  });

  it("refuses a save after the deadline and its grace, before anything was handed in", async () => {
    await app.container.db.$executeRaw`
      UPDATE attempts SET deadline_at = clock_timestamp() - interval '1 minute' WHERE id = ${attemptId}::uuid`;
    await expect(save(answer(1, "b"))).rejects.toMatchObject({ reason: "ATTEMPT_CLOSED" });
    expect(await stored()).toBeNull();
  });

  it("knows no attempt of somebody else's", async () => {
    const { actor } = school.students[0]!;
    await expect(app.container.services.answers.save(actor, attemptId, [answer(1, "b")])).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    expect(await stored()).toBeNull();
  });
});
