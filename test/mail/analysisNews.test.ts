import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { gradedAttempts } from "../support/gradedAttempts.ts";
import { type MailApp, startMailApp } from "../support/mailApp.ts";
import { anExam, aSchool, choiceQuestion, type School, somePeople } from "../support/school.ts";
import { nothingsId } from "../support/world.ts";

let app: MailApp;
let school: School;
beforeAll(async () => {
  app = await startMailApp();
  school = await aSchool(app.container);
});
afterAll(() => app.close());

/** The last one has no title. */
const questions = [...[1, 2, 3, 4].map(choiceQuestion), { ...choiceQuestion(5), title: null }];
/** Of thirty people, the later the better: the fourth question is got right by the others, the fifth by all. */
const isRight = (question: number, person: number) =>
  [person >= 10, person >= 15, person >= 20, person < 15, true][question]!;
/** Nothing to find fault with. */
const isFine = (question: number, person: number) => person >= 5 * (question + 1);

async function sat(answersRight: (question: number, person: number) => boolean, rules = {}) {
  const { examId, questionIds } = await anExam(app.container, school, { questions, rules });
  const places = await app.container.db.examQuestion.findMany({ where: { examId } });
  const versionOf = new Map(places.map(({ questionId, questionVersionId }) => [questionId, questionVersionId!]));
  const versionIds = questionIds.map((id) => versionOf.get(id)!);
  const papers = Array.from({ length: 30 }, (_none, person) =>
    versionIds.map((versionId, question) => ({
      versionId,
      points: answersRight(question, person) ? 1 : 0,
      response: null,
    })),
  );
  await gradedAttempts(app.container, { examId, maxScore: questions.length }, papers);
  return { examId, versionIds };
}

const run = (examId: string, isScheduled = true) =>
  app.container.services.analysis.run(
    { examId, attempts: "FIRST", isScheduled },
    { progress: async () => {}, signal: new AbortController().signal },
  );

/** The mails that were asked for, and are sent if there is somebody to send them to. */
const asked = (examId: string) =>
  app.container.db.outboxJob.count({ where: { name: "sendTemplate", payload: { path: ["examId"], equals: examId } } });

describe("an analysis by night", () => {
  it("is mailed to the instructors of the course, once, though its job is delivered twice", async () => {
    const { container, server } = app;
    const [colleague, gone, unconfirmed] = await somePeople(container, 3, "INSTRUCTOR");
    await container.services.courses.enroll(school.teacher.actor, {
      courseId: school.courseId,
      students: [colleague!, gone!, unconfirmed!].map(({ email }) => ({
        email,
        extraTimePercent: 0,
        role: "INSTRUCTOR",
      })),
    });
    await container.db.enrollment.updateMany({ where: { userId: gone!.id }, data: { status: "WITHDRAWN" } });
    await container.db.user.update({ where: { id: unconfirmed!.id }, data: { emailVerifiedAt: null } });
    const { examId } = await sat(isRight);
    const unfinished = () => container.db.outboxJob.count({ where: { finishedAt: null } });

    await container.services.analysis.requestNewlyGraded();
    const { mails } = server;
    await eventually("the mails are there", () => mails.length >= 2, 60_000);
    await Promise.all([run(examId), run(examId)]);

    expect(await asked(examId)).toBe(3);
    await eventually("every mail is seen to", async () => (await unfinished()) === 0, 60_000);
    expect(mails.flatMap(({ recipients }) => recipients).sort()).toEqual(
      [school.teacher.email, colleague!.email].sort(),
    );

    // Who has left the course before the mail is sent, and who never taught it.
    for (const { id: userId } of [gone!, school.students[0]!])
      await container.services.mails.sendTemplated(
        { template: "examAnalysed", userId, examId },
        { jobId: nothingsId(), signal: new AbortController().signal },
      );
    expect(mails).toHaveLength(2);

    const { subject, text } = mails[0]!;
    expect(subject).toBe("Midterm: 2 questions need a look");
    const words = text!.replace(/\s+/g, " ");
    expect(words).toContain(`the exam Midterm of the course Course of ${school.teacher.email}`);
    expect(words).toContain("30 graded attempts");
    expect(words).toContain("Question 4: who did well otherwise tended to get it wrong; is the key right?");
    expect(words).toContain("What is the answer to question 5?: nearly everybody got it right");
    expect(words).not.toMatch(/Question [123]/);
    expect(words).toContain("https://school.example");
  });

  it("asks for its mails once when it is worked out twice at the same time", async () => {
    const { examId } = await sat(isRight);
    await Promise.all([run(examId), run(examId)]);
    const instructors = { courseId: school.courseId, role: "INSTRUCTOR", status: "ACTIVE" } as const;
    expect(await asked(examId)).toBe(await app.container.db.enrollment.count({ where: instructors }));
  });
});

describe("whoever teaches", () => {
  beforeAll(async () => {
    school = await aSchool(app.container);
  });

  it("is not told what somebody asked for", async () => {
    const { examId } = await sat(isRight);
    await run(examId, false);
    expect(await asked(examId)).toBe(0);
    await run(examId);
    expect(await asked(examId)).toBe(1);
  });

  it("is told again when another question needs a look, and not when fewer do", async () => {
    const { examId, versionIds } = await sat(isRight);
    const { answer } = app.container.db;
    const toLookAt = async () => {
      const { items } = (await app.container.services.analysis.get(school.teacher.actor, examId))!;
      return items.flatMap(({ warnings }, at) => (warnings.length > 0 ? [at + 1] : []));
    };
    await run(examId);
    await run(examId);
    expect(await toLookAt()).toEqual([4, 5]);
    expect(await asked(examId)).toBe(1);

    await answer.updateMany({ where: { questionVersionId: versionIds[0]! }, data: { points: 0 } });
    await run(examId);
    expect(await toLookAt()).toEqual([1, 2, 4, 5]);
    expect(await asked(examId)).toBe(2);

    const ofTheFirstHalf = { questionVersionId: versionIds[4]!, attempt: { seed: { lt: 15 } } };
    await answer.updateMany({ where: ofTheFirstHalf, data: { points: 0 } });
    await run(examId);
    expect(await toLookAt()).toEqual([1, 4]);
    expect(await asked(examId)).toBe(2);
  });

  it("is told nothing while the exam is being regraded, and the night does not look at it", async () => {
    const { services, db } = app.container;
    const { examId } = await sat(isRight);
    const corrections = [{ questionId: (await db.examQuestion.findFirstOrThrow({ where: { examId } })).questionId }];
    const asking = { examId, corrections, dryRun: true, reason: "Unclear." };
    const { id } = await services.regradings.regrade(school.teacher.actor, {
      ...asking,
      corrections: [{ ...corrections[0]!, treatment: "FULL_MARKS" }],
    });
    await eventually(
      "it is tried",
      async () => (await services.regradings.get(school.teacher.actor, id)).state === "CALCULATED",
    );
    await db.regrading.update({ where: { id }, data: { state: "APPLYING" } });
    await services.analysis.requestNewlyGraded();
    const analyses = () =>
      db.outboxJob.count({ where: { name: "analyzeExam", payload: { path: ["examId"], equals: examId } } });
    expect(await analyses()).toBe(0);
    await run(examId);
    expect(await asked(examId)).toBe(0);

    await db.regrading.update({ where: { id }, data: { state: "APPLIED" } });
    await run(examId);
    expect(await asked(examId)).toBe(1);
  });

  it("is told when the exam has closed, though no question needs a look, and not before", async () => {
    const inAnHour = new Date(Date.now() + 3_600_000);
    const { examId } = await sat(isFine, { closesAt: inAnHour });
    await run(examId);
    expect(await asked(examId)).toBe(0);
    await app.container.db.exam.update({ where: { id: examId }, data: { closesAt: new Date(Date.now() - 1_000) } });
    await run(examId);
    await run(examId);
    expect(await asked(examId)).toBe(1);
  });

  it("is not told of exams that were graded long ago", async () => {
    const { examId } = await sat(isRight);
    const gradedAt = new Date(Date.now() - 8 * 86_400_000);
    await app.container.db.attempt.updateMany({ where: { examId }, data: { gradedAt } });
    await run(examId);
    expect(await asked(examId)).toBe(0);
  });
});
