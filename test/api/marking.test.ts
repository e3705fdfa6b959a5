import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { anEssayExam, type EssayExam } from "../support/marking.ts";
import { aSchool, choiceQuestion, type Person, type School, somePeople } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
let teacher: Person;
let second: Person;
beforeAll(async () => {
  app = await startTestApp();
  school = await aSchool(app.container);
  teacher = school.teacher;
  [second] = (await somePeople(app.container, 1, "INSTRUCTOR")) as [Person];
  await app.container.db.enrollment.create({
    data: { courseId: school.courseId, userId: second.id, role: "INSTRUCTOR" },
  });
});
afterAll(() => app.close());

const GRADE = `mutation ($input: GradeAnswerInput!) {
  gradeAnswer(input: $input) {
    status result { score complete questions { points feedback rubric { criterion title level text points maxPoints comment } } }
  }
}`;
const HISTORY = `query ($attemptId: ID!, $questionId: ID!) {
  answerHistory(attemptId: $attemptId, questionId: $questionId) {
    id points feedback reason replaced { points source } markedBy { id } markedAt rubric { level }
  }
}`;
const WITHDRAW = `mutation ($input: WithdrawMarkInput!) { withdrawMark(input: $input) { status result { score questions { points } } } }`;
const RESULT = `query ($id: ID!) { attempt(id: $id) { status result { score questions { points feedback rubric { level comment } } } } }`;

interface Answered {
  attemptId: string;
  questionId: string;
}
/** An attempt with an essay worth 5 points that waits, and an unanswered choice question worth 1, which the key gave 0. */
async function anAttempt(): Promise<{ exam: EssayExam; essay: Answered; choice: Answered }> {
  const exam = await anEssayExam(app.container, school, { beside: [choiceQuestion(1)] });
  const attemptId = exam.attemptIds[0]!;
  const [essay, choice] = exam.questionIds;
  return { exam, essay: { attemptId, questionId: essay! }, choice: { attemptId, questionId: choice! } };
}

const grade = async (answer: Answered, given: object, by = teacher) => {
  const { data, errors } = await app.ask(GRADE, { input: { ...answer, ...given } }, by.token);
  if (errors) throw new Error(JSON.stringify(errors));
  return data.gradeAnswer;
};
const refusal = (answer: Answered, given: object, by = teacher) =>
  app.refusal(GRADE, { input: { ...answer, ...given } }, by.token);
const history = async (answer: Answered) =>
  (await app.ask(HISTORY, { ...answer }, teacher.token)).data.answerHistory as Record<string, unknown>[];

describe("gradeAnswer", () => {
  it("gives points by the rubric, which the student sees with the result", async () => {
    const { essay } = await anAttempt();
    const rubric = [{ criterion: "argument", level: "fair", comment: "Nearly." }];
    const graded = await grade(essay, { rubric, feedback: "Read on." });
    expect(graded).toMatchObject({ status: "GRADED", result: { score: "3.75", complete: true } });
    const words = { title: "Argument", text: "It follows.", points: "3", maxPoints: "4" };
    expect(graded.result.questions[0]).toEqual({
      points: "3.75",
      feedback: "Read on.",
      rubric: [{ ...rubric[0], ...words }],
    });
    const seen = await app.ask(RESULT, { id: essay.attemptId }, school.students[0]!.token);
    expect(seen.data.attempt.result.questions).toEqual([
      { points: "3.75", feedback: "Read on.", rubric: [{ level: "fair", comment: "Nearly." }] },
      { points: "0", feedback: null, rubric: [] },
    ]);
  });

  it.each([
    ["more points than the question has", { points: "5.0001" }],
    ["points below 0", { points: "-1" }],
    ["more than 4 decimal places", { points: "1.00001" }],
    ["neither points nor levels", {}],
    ["points and levels", { points: "1", rubric: [{ criterion: "argument", level: "fair" }] }],
    ["a level that is not there", { rubric: [{ criterion: "argument", level: "best" }] }],
    ["a criterion without a level", { rubric: [] }],
  ])("refuses %s", async (_what, given) => {
    const { essay } = await anAttempt();
    expect(await refusal(essay, given)).toBe("BAD_USER_INPUT");
    expect(await history(essay)).toEqual([]);
  });

  it("refuses levels for a question without a rubric", async () => {
    const { choice } = await anAttempt();
    expect(await refusal(choice, { rubric: [{ criterion: "argument", level: "fair" }] })).toBe("BAD_USER_INPUT");
  });

  it("wants a reason for points instead of others, the key's or a person's, and keeps all in the history", async () => {
    const { essay, choice } = await anAttempt();
    expect(await refusal(choice, { points: "1" })).toBe("REASON_REQUIRED");
    await grade(choice, { points: "1", reason: "The question was not clear." });
    expect(await history(choice)).toMatchObject([
      { points: "1", reason: "The question was not clear.", replaced: { points: "0", source: "KEY" } },
    ]);
    await grade(essay, { points: "2", feedback: "Short." });
    expect(await refusal(essay, { points: "3", reason: "  " }, second)).toBe("REASON_REQUIRED");
    await grade(essay, { points: "3", reason: "Counted again." }, second);
    await grade(essay, { points: "3", feedback: "Short, but right." }, second); // no other points: no reason needed
    expect(await history(essay)).toMatchObject([
      { points: "3", feedback: "Short, but right.", reason: null, replaced: { points: "3", source: "PERSON" } },
      {
        points: "3",
        feedback: "Short.",
        reason: "Counted again.",
        replaced: { points: "2", source: "PERSON" },
        markedBy: { id: second.id },
      },
      { points: "2", feedback: "Short.", reason: null, replaced: null, markedBy: { id: teacher.id } },
    ]);
  });

  it("does nothing the second time, also when both arrive at once", async () => {
    const { essay } = await anAttempt();
    const given = { points: "2", feedback: "Short.", replaces: null };
    await Promise.all([grade(essay, given), grade(essay, given)]);
    await grade(essay, given);
    expect(await history(essay)).toHaveLength(1);
    expect(await app.container.db.auditEntry.count({ where: { entityId: essay.attemptId } })).toBe(1);
    expect(await refusal(essay, given, second)).toBe("MARK_CHANGED");
  });

  it("changes nothing that its sender has not seen", async () => {
    const { essay } = await anAttempt();
    await grade(essay, { points: "2" });
    const [seen] = await history(essay);
    await grade(essay, { points: "3", reason: "Counted again." }, second);
    const late = { points: "4", reason: "Too strict.", replaces: seen!.id };
    const answer = await app.ask(GRADE, { input: { ...essay, ...late } }, teacher.token);
    expect(answer.errors).toMatchObject([{ extensions: { code: "CONFLICT", reason: "MARK_CHANGED" } }]);
    const [newest] = await history(essay);
    await grade(essay, { ...late, replaces: newest!.id });
    expect(await history(essay)).toHaveLength(3);
  });
});

describe("withdrawMark", () => {
  const withdraw = async (answer: Answered) => {
    const input = { ...answer, reason: "On the wrong answer." };
    return (await app.ask(WITHDRAW, { input }, teacher.token)).data.withdrawMark;
  };

  it("lets an essay wait again, and its attempt with it", async () => {
    const { exam, essay } = await anAttempt();
    await grade(essay, { rubric: [{ criterion: "argument", level: "good" }], feedback: "Well argued." });
    expect(await withdraw(essay)).toMatchObject({
      status: "SUBMITTED",
      result: { score: "0", questions: [{ points: null }, { points: "0" }] },
    });
    const seen = await app.ask(RESULT, { id: essay.attemptId }, teacher.token);
    expect(seen.data.attempt.result.questions[0]).toEqual({ points: null, feedback: null, rubric: [] });
    expect(await withdraw(essay)).toMatchObject({ status: "SUBMITTED" });
    expect(await history(essay)).toMatchObject([
      { points: null, reason: "On the wrong answer.", replaced: { points: "5", source: "PERSON" } },
      { points: "5", feedback: "Well argued.", rubric: [{ level: "good" }], replaced: null },
    ]);
    const { markingQueue } = app.container.services;
    const claimed = await markingQueue.claim(second.actor, { ...exam, count: 1 });
    expect(claimed).toHaveLength(1);
    await grade(essay, { points: "1" }, second);
    expect(await history(essay)).toHaveLength(3);
  });

  it("lets the key's points stand again, to the last digit", async () => {
    const { essay, choice } = await anAttempt();
    await grade(essay, { points: "0.3333" });
    await grade(choice, { points: "0.5", reason: "Half of it was right." });
    expect(await withdraw(choice)).toMatchObject({ status: "GRADED", result: { score: "0.3333" } });
    await grade(choice, { points: "0.5", reason: "It was, after all." });
    expect(await history(choice)).toMatchObject([{ replaced: { points: "0", source: "KEY" } }, {}, {}]);
  });

  it("is refused where the key has nothing to judge any more", async () => {
    const { essay } = await anAttempt();
    await grade(essay, { points: "4" });
    const where = { id: school.students[0]!.id };
    await app.container.db.user.update({ where, data: { erasedAt: new Date() } });
    const input = { ...essay, reason: "On the wrong answer." };
    expect(await app.refusal(WITHDRAW, { input }, teacher.token)).toBe("STUDENT_ERASED");
    await app.container.db.user.update({ where, data: { erasedAt: null } });
  });
});
