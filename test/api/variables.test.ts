import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { anExam, aSchool, essayQuestion, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
beforeAll(async () => {
  app = await startTestApp();
  school = await aSchool(app.container);
});
afterAll(() => app.close());

const messageOf = async (query: string, variables: object) => {
  const { errors } = await app.ask(query, variables as Record<string, unknown>, school.teacher.token);
  return errors?.[0]?.message;
};

describe("a variable that was not sent", () => {
  const RENAME = `mutation ($id: ID!, $title: String, $code: String, $closesAt: DateTime) {
    updateExam(id: $id, input: { title: $title, accessCode: $code, closesAt: $closesAt }) { title accessCodeRequired closesAt }
  }`;

  it("leaves what it stands for as it was", async () => {
    const closesAt = "2037-01-01T00:00:00.000Z";
    const rules = { accessCode: "nine o'clock", closesAt };
    const { examId: id } = await anExam(app.container, school, { publish: false, rules });
    const renamed = await app.ask(RENAME, { id, title: "Final" }, school.teacher.token);
    expect(renamed.data.updateExam).toEqual({ title: "Final", accessCodeRequired: true, closesAt });
    const cleared = await app.ask(RENAME, { id, code: null, closesAt: null }, school.teacher.token);
    expect(cleared.data.updateExam).toEqual({ title: "Final", accessCodeRequired: false, closesAt: null });
  });

  it("gives way to the default of its field", async () => {
    const IMPORT = `mutation ($id: ID!, $content: String!, $dryRun: Boolean, $tags: [String!]) {
      importQuestions(input: { courseId: $id, format: GIFT, content: $content, dryRun: $dryRun, tags: $tags }) { dryRun }
    }`;
    const { data } = await app.ask(IMPORT, { id: school.courseId, content: "Sky {T}" }, school.teacher.token);
    expect(data.importQuestions).toEqual({ dryRun: false });
  });

  it("gives way to its own default, also where it may not be null", async () => {
    const EXAMS =
      "query ($first: Int! = 1, $courseId: ID!) { exams(first: $first, filter: { courseId: $courseId }) { nodes { title } } }";
    for (const title of ["One", "Two"]) await anExam(app.container, school, { rules: { title } });
    const { data } = await app.ask(EXAMS, { courseId: school.courseId }, school.teacher.token);
    expect(data.exams.nodes).toHaveLength(1);
  });

  it("keeps the feedback of an answer that is graded again", async () => {
    const { examId, questionIds } = await anExam(app.container, school, { questions: [essayQuestion] });
    const { attempts } = app.container.services;
    const { actor } = school.students[0]!;
    const attempt = await attempts.start(actor, examId);
    await attempts.submit(actor, attempt.id);
    const GRADE = `mutation ($a: ID!, $q: ID!, $points: Decimal!, $feedback: String) {
      gradeAnswer(input: { attemptId: $a, questionId: $q, points: $points, feedback: $feedback }) {
        result { questions { points feedback } }
      }
    }`;
    const grade = async (given: object) => {
      const variables = { a: attempt.id, q: questionIds[0]!, ...given };
      return (await app.ask(GRADE, variables, school.teacher.token)).data.gradeAnswer.result.questions;
    };
    await grade({ points: "2", feedback: "Well argued." });
    expect(await grade({ points: "2" })).toEqual([{ points: "2", feedback: "Well argued." }]);
    expect(await grade({ points: "2", feedback: null })).toEqual([{ points: "2", feedback: null }]);
  });
});

describe("a variable that is wrong", () => {
  it("is named with the way to the field", async () => {
    const SAVE = `mutation ($a: ID!, $x: [AnswerInput!]!) { saveAnswers(attemptId: $a, answers: $x) { savedAt } }`;
    const right = { questionId: "q", response: { choice: "a" }, revision: 1 };
    const answers = [right, { ...right, revision: "8" }];
    expect(await messageOf(SAVE, { a: "a", x: answers })).toMatch(/"\$x".*"x\[1\]\.revision"/);
    const CREATE = `mutation ($id: ID!, $i: CreateExamInput!) { createExam(input: $i) { id } }`.replace(
      "$id: ID!, ",
      "",
    );
    const exam = { courseId: school.courseId, title: "Final", durationMinutes: 60 };
    expect(await messageOf(CREATE, { i: { ...exam, opensAt: "2027-13-45" } })).toMatch(/"i\.opensAt".*time zone/);
    expect(await messageOf(CREATE, { i: { ...exam, passMarkPercent: "many" } })).toMatch(
      /"i\.passMarkPercent".*"2\.5"/,
    );
  });

  it("counts in the limit of list entries", async () => {
    const LIST = `query ($n: Int!) { courses(first: $n) { nodes { enrollments(first: $n) { nodes { role } } } } }`;
    expect(await messageOf(LIST, { n: 90 })).toBeUndefined();
    expect(await messageOf(LIST, { n: 200 })).toMatch(/40200 list entries/);
  });
});
