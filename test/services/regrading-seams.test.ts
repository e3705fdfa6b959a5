import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { aJob, correcting, handedIn, rightKey, wrongKey } from "../support/corrected.ts";
import { allText } from "../support/databaseText.ts";
import { eventually } from "../support/eventually.ts";
import { gradedAttempts } from "../support/gradedAttempts.ts";
import { holdRows } from "../support/heldRows.ts";
import { anExam, aSchool, choiceQuestion, type ExamMade, essayQuestion, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
let corrections: ReturnType<typeof correcting>;
beforeAll(async () => {
  app = await startTestApp(); // without a worker: the test says when a regrading goes on
  school = await aSchool(app.container, { students: 4 });
  corrections = correcting(app.container, school);
});
afterAll(() => app.close());

const sit = (exam: ExamMade, who: number, responses: (object | null)[], of = school) =>
  handedIn(app.container, of, exam, who, responses);

/** An exam whose first question has a wrong key, with the version that corrects it. */
async function aWrongExam(...others: object[]) {
  const exam = await anExam(app.container, school, { questions: [wrongKey, ...others], rules: { floor: null } });
  const questionId = exam.questionIds[0]!;
  const { version } = await app.container.services.questions.update(school.teacher.actor, questionId, rightKey);
  return { ...exam, toRight: { questionId, version }, toWrong: { questionId, version: 1 } };
}

const gradeOf = async (id: string) => {
  const { status, score, answers } = await app.container.db.attempt.findUniqueOrThrow({
    where: { id },
    include: { answers: { include: { questionVersion: { select: { type: true } } } } },
  });
  const points = Object.fromEntries(
    answers.map((answer) => [answer.questionVersion.type, answer.points?.toFixed() ?? null]),
  );
  return { status, score: score?.toFixed(), ...points };
};

describe("a key that is corrected", () => {
  it("from A to B and back to A by another correction leaves every grade bit by bit as it was", async () => {
    const exam = await aWrongExam(choiceQuestion(2), essayQuestion);
    for (const [who, choice] of ["a", "b", "c"].entries())
      await sit(exam, who, [{ choice }, { choice: "b" }, { text: "Hm." }]);
    await sit(exam, 3, []);
    const before = await corrections.bits(exam.examId);
    await corrections.finish(await corrections.begin(exam.examId, [exam.toRight]));
    expect(await corrections.bits(exam.examId)).not.toEqual(before);
    const back = await corrections.finish(await corrections.begin(exam.examId, [exam.toWrong]));
    expect(back).toMatchObject({ state: "APPLIED", undoesId: null, summary: { attempts: 4, changed: 2 } });
    expect(await corrections.bits(exam.examId)).toEqual(before);
  });
});

describe("what people give and take back between a regrading and its undo", () => {
  it("stays, and what they took back is the key's again", async () => {
    const exam = await aWrongExam(essayQuestion);
    const [choice, essay] = exam.questionIds as [string, string];
    const { marking } = app.container.services;
    const { actor } = school.teacher;
    const give = (attemptId: string, questionId: string, points: string) =>
      marking.gradeAnswer(actor, { attemptId, questionId, points, reason: "Read once more." });
    const given = await sit(exam, 0, [{ choice: "b" }, { text: "Because." }]);
    const taken = await sit(exam, 1, [{ choice: "c" }, { text: "Therefore." }]);
    await give(taken, choice, "2");
    await give(taken, essay, "4");
    expect(await gradeOf(taken)).toEqual({ status: "GRADED", score: "6", SINGLE_CHOICE: "2", ESSAY: "4" });

    const id = await corrections.begin(exam.examId, [exam.toRight]);
    await give(given, essay, "3"); // before the regrading has come to it
    expect(await gradeOf(given)).toEqual({ status: "GRADED", score: "1.5", SINGLE_CHOICE: "-1.5", ESSAY: "3" });
    const { summary } = await corrections.finish(id);
    expect(summary).toMatchObject({ attempts: 2, changed: 0 });
    expect(await gradeOf(taken)).toMatchObject({ score: "6", SINGLE_CHOICE: "2" });
    await give(given, choice, "1.25");
    for (const questionId of [choice, essay])
      await marking.withdrawMark(actor, { attemptId: taken, questionId, reason: "By mistake." });
    expect(await gradeOf(taken)).toEqual({ status: "SUBMITTED", score: "3", SINGLE_CHOICE: "3", ESSAY: null });

    await corrections.finish(await corrections.beginUndo(id));
    expect(await gradeOf(given)).toEqual({ status: "GRADED", score: "4.25", SINGLE_CHOICE: "1.25", ESSAY: "3" });
    expect(await gradeOf(taken)).toEqual({
      status: "SUBMITTED",
      score: "0.9999",
      SINGLE_CHOICE: "0.9999",
      ESSAY: null,
    });
  });
});

describe("somebody who is erased", () => {
  it("before a regrading or in the middle of it keeps the points that were given, and nothing of the person comes back", async () => {
    const { db, services } = app.container;
    const own = await aSchool(app.container, { students: 2 });
    const exam = await anExam(app.container, own, {
      questions: [wrongKey, choiceQuestion(2), essayQuestion],
      rules: { floor: null },
    });
    const [key, full] = exam.questionIds as [string, string];
    const { version } = await services.questions.update(own.teacher.actor, key, rightKey);
    const said = ["CANARY of the first", "CANARY of the second"];
    const [early, late] = [
      await sit(exam, 0, [{ choice: "c" }, null, { text: said[0] }], own),
      await sit(exam, 1, [{ choice: "b" }, { choice: "a" }, { text: said[1] }], own),
    ];
    const erase = async (who: number) => {
      const { id } = own.students[who]!;
      await db.user.update({ where: { id }, data: { deletionDueAt: new Date(Date.now() - 1_000) } });
      await services.erasure.eraseAccount(id);
    };
    const teacher = correcting(app.container, own);
    await erase(0);
    const before = await corrections.bits(exam.examId);
    const id = await teacher.begin(exam.examId, [
      { questionId: key, version },
      { questionId: full, treatment: "FULL_MARKS" },
    ]);
    await erase(1);
    const applied = await teacher.finish(id);
    expect(applied).toMatchObject({ state: "APPLIED", summary: { attempts: 2, changed: 2, up: 2 } });
    expect(await gradeOf(early)).toMatchObject({ status: "SUBMITTED", score: "1.9999" }); // and what is theirs for nothing
    expect(await gradeOf(late)).toMatchObject({ status: "SUBMITTED", score: "4" });
    await teacher.finish(await teacher.beginUndo(id));
    expect(await corrections.bits(exam.examId)).toEqual(before);
    const personal = new RegExp([...said, ...own.students.map(({ email }) => email)].join("|"), "i");
    expect((await allText(app.container)).filter(({ text }) => personal.test(text))).toEqual([]);
  });
});

describe("a regrading whose job is delivered once more while it is running", () => {
  it("is done once, whichever of the two writes a chunk", async () => {
    const PEOPLE = 230;
    const { db } = app.container;
    const exam = await anExam(app.container, school, { questions: [choiceQuestion(1)] });
    const { questionVersionId } = await db.examQuestion.findFirstOrThrow({ where: { examId: exam.examId } });
    const papers = Array.from({ length: PEOPLE }, (_, at) => [
      { versionId: questionVersionId!, points: at % 2, response: { choice: at % 2 ? "b" : "a" } },
    ]);
    await gradedAttempts(app.container, { examId: exam.examId, maxScore: 1 }, papers);
    const attempts = await db.attempt.findMany({ where: { examId: exam.examId }, orderBy: { userId: "asc" } });
    const id = await corrections.begin(exam.examId, [{ questionId: exam.questionIds[0]!, treatment: "FULL_MARKS" }]);

    // Both have read the first chunk and graded it when one of its attempts lets them go on.
    const lock = "SELECT 1 FROM attempts WHERE id = $1 FOR UPDATE";
    const held = await holdRows(app.config.DATABASE_URL, lock, [attempts[100]!.id]);
    const percents: number[] = [];
    const job = { ...aJob(), progress: async (percent: number) => void percents.push(percent) };
    const runs = [1, 2].map(() => app.container.services.regradingRuns.run(id, job));
    await eventually("both wait", async () => (await held.waiting()) === 2);
    await held.letGo();
    await Promise.all(runs);

    expect(await app.container.services.regradings.get(school.teacher.actor, id)).toMatchObject({
      state: "APPLIED",
      summary: { attempts: PEOPLE, changed: PEOPLE / 2, up: PEOPLE / 2, meanBefore: "0.5", meanAfter: "1" },
    });
    const ids = attempts.map(({ id }) => id);
    const logged = await db.attemptEvent.findMany({ where: { attemptId: { in: ids }, kind: "REGRADED" } });
    expect(logged).toHaveLength(PEOPLE / 2);
    expect(new Set(logged.map(({ attemptId }) => attemptId)).size).toBe(PEOPLE / 2);
    expect(await db.regradingEntry.count({ where: { regradingId: id } })).toBe(PEOPLE);
    expect(await db.attempt.count({ where: { examId: exam.examId, score: 1 } })).toBe(PEOPLE);
    expect(Math.max(...percents)).toBeLessThanOrEqual(95);

    const { finishedAt } = await app.container.services.regradings.get(school.teacher.actor, id);
    await corrections.run(id); // and a third one, after the end
    expect(await app.container.services.regradings.get(school.teacher.actor, id)).toMatchObject({ finishedAt });
  });
});
