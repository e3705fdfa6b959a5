import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { aLinkFor } from "../support/links.ts";
import { somePeople } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ worker: true });
});
afterAll(() => app.close());

const LOGIN = `mutation ($email: String!, $password: String!) {
  login(email: $email, password: $password) { accessToken refreshToken user { id role } }
}`;
const PAPER = `query ($id: ID!) { attempt(id: $id) {
  status deadlineAt answers { questionId response revision }
  paper { questions { id position type responseKind stem points options { id text } prompts { id text } maxLength } }
} }`;
const SAVE = `mutation ($attemptId: ID!, $answers: [AnswerInput!]!) {
  saveAnswers(attemptId: $attemptId, answers: $answers) { savedAt deadlineAt receipts { questionId revision outcome message } }
}`;

const GIFT = `
::Capital:: What is the capital of France? { =Paris#Well done. ~London ~Rome ~Berlin }

::Primes:: Which are prime? { ~%50%2 ~%50%3 ~%-100%4 }

::Sky:: The sky is blue. {T}

::Author:: Who wrote Hamlet? { =Shakespeare =William Shakespeare }

::Pi:: What is pi? {#3.14:0.01}

::Essay:: Discuss Hamlet. {}

::Pairs:: Match. { =a -> 1 =b -> 2 =c -> 3 }

::Open:: Is it? { ~yes ~no }
`;

describe("an exam day", () => {
  it("goes from an empty school to a graded result over the API alone", async () => {
    const [teacher] = await somePeople(app.container, 1, "INSTRUCTOR");
    const password = "correct horse battery";
    const email = "Eve@School.example";
    const registered = await app.ask(
      `mutation ($input: RegisterInput!) { register(input: $input) { user { id email role } } }`,
      {
        input: { email, password, name: "Eve" },
      },
    );
    const { user } = registered.data.register;
    expect(user).toMatchObject({ email: "eve@school.example", role: "STUDENT" });
    await app.container.services.credentials.verifyEmail(await aLinkFor(app.container, user.id, "VERIFY_EMAIL"));
    const login = await app.ask(LOGIN, { email, password });
    const student = login.data.login.accessToken as string;

    const course = await app.ask(
      `mutation { createCourse(input: { title: "Letters & Numbers" }) { id slug viewerRole } }`,
      {},
      teacher!.token,
    );
    expect(course.data.createCourse).toMatchObject({ slug: "letters-numbers", viewerRole: "INSTRUCTOR" });
    const courseId = course.data.createCourse.id;
    const enrolled = await app.ask(
      `mutation ($input: EnrollStudentsInput!) { enrollStudents(input: $input) { enrolled { user { email } } unknownEmails } }`,
      { input: { courseId, students: [{ email }, { email: "nobody@school.example" }] } },
      teacher!.token,
    );
    expect(enrolled.data.enrollStudents).toEqual({
      enrolled: [{ user: { email: "eve@school.example" } }],
      unknownEmails: ["nobody@school.example"],
    });

    const report = await app.ask(
      `mutation ($input: ImportQuestionsInput!) { importQuestions(input: $input) {
        taken { line type title questionId } refused { line title reason }
      } }`,
      { input: { courseId, format: "GIFT", content: GIFT } },
      teacher!.token,
    );
    const { taken, refused } = report.data.importQuestions;
    expect(taken.map(({ type }: { type: string }) => type)).toEqual([
      "SINGLE_CHOICE",
      "MULTIPLE_CHOICE",
      "TRUE_FALSE",
      "SHORT_TEXT",
      "NUMERIC",
      "ESSAY",
      "MATCHING",
    ]);
    expect(refused).toMatchObject([{ line: 16, title: "Open" }]);

    const exam = await app.ask(
      `mutation ($input: CreateExamInput!) { createExam(input: $input) { id status accessCodeRequired } }`,
      {
        input: {
          courseId,
          title: "Final",
          durationMinutes: 60,
          passMarkPercent: 50,
          accessCode: "9 o'clock",
          shuffleQuestions: true,
        },
      },
      teacher!.token,
    );
    const examId = exam.data.createExam.id;
    expect(exam.data.createExam).toMatchObject({ status: "DRAFT", accessCodeRequired: true });
    const SEE = `query ($id: ID!) { exam(id: $id) { title status questionCount maxScore course { slug } } }`;
    expect(await app.refusal(SEE, { id: examId }, student)).toBe("NOT_FOUND");
    const questionIds = taken.map(({ questionId }: { questionId: string }) => questionId);
    await app.ask(
      `mutation ($input: AddQuestionsToExamInput!) { addQuestionsToExam(input: $input) { id } }`,
      { input: { examId, questionIds } },
      teacher!.token,
    );
    await app.ask(`mutation ($id: ID!) { publishExam(id: $id) { status } }`, { id: examId }, teacher!.token);
    expect((await app.ask(SEE, { id: examId }, student)).data.exam).toEqual({
      title: "Final",
      status: "PUBLISHED",
      questionCount: 7,
      maxScore: "7",
      course: { slug: "letters-numbers" },
    });

    const START = `mutation ($id: ID!, $code: String) { startAttempt(examId: $id, accessCode: $code) { id number status deadlineAt startedAt } }`;
    expect(await app.refusal(START, { id: examId, code: "guess" }, student)).toBe("WRONG_ACCESS_CODE");
    const started = await app.ask(START, { id: examId, code: "9 o'clock" }, student);
    const attemptId = started.data.startAttempt.id;
    expect(Date.parse(started.data.startAttempt.deadlineAt) - Date.parse(started.data.startAttempt.startedAt)).toBe(
      3_600_000,
    );

    const paper = await app.ask(PAPER, { id: attemptId }, student);
    const questions = paper.data.attempt.paper.questions as {
      id: string;
      type: string;
      options: { id: string; text: string }[];
      prompts: { id: string; text: string }[];
    }[];
    expect(questions).toHaveLength(7);
    expect(JSON.stringify(paper.data)).not.toMatch(/fraction|pattern|tolerance|"correct"/);

    const option = (type: string, text: string) =>
      questions.find((question) => question.type === type)!.options.find((one) => one.text === text)!.id;
    const responses: Record<string, object> = {
      SINGLE_CHOICE: { choice: option("SINGLE_CHOICE", "Paris") },
      MULTIPLE_CHOICE: { choices: [option("MULTIPLE_CHOICE", "2")] },
      TRUE_FALSE: { choice: "true" },
      SHORT_TEXT: { text: "  william shakespeare " },
      NUMERIC: { number: "3,15" },
      ESSAY: { text: "To be, or not to be." },
      MATCHING: {
        pairs: ["a1", "b2", "c3"].map(([prompt, text]) => ({
          prompt: questions.find(({ type }) => type === "MATCHING")!.prompts.find((one) => one.text === prompt)!.id,
          option: option("MATCHING", text!),
        })),
      },
    };
    const saved = await app.ask(
      SAVE,
      {
        attemptId,
        answers: [
          ...questions.map(({ id, type }) => ({ questionId: id, response: responses[type], revision: 1 })),
          { questionId: courseId, response: { text: "?" }, revision: 1 },
        ],
      },
      student,
    );
    expect(saved.data.saveAnswers.receipts.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      ...Array(7).fill("SAVED"),
      "REFUSED",
    ]);
    const reload = await app.ask(PAPER, { id: attemptId }, student);
    expect(reload.data.attempt.answers).toHaveLength(7);
    expect(reload.data.attempt.paper).toEqual(paper.data.attempt.paper);

    const RESULT = `query ($id: ID!) { attempt(id: $id) { status result { score maxScore percent passed complete questions { points feedback } } } }`;
    const submitted = await app.ask(
      `mutation ($id: ID!) { submitAttempt(attemptId: $id) { status submittedBy } }`,
      { id: attemptId },
      student,
    );
    expect(submitted.data.submitAttempt).toEqual({ status: "SUBMITTED", submittedBy: "STUDENT" });
    expect(
      await app.refusal(
        SAVE,
        {
          attemptId,
          answers: [{ questionId: questions[0]!.id, response: responses[questions[0]!.type], revision: 2 }],
        },
        student,
      ),
    ).toBe("ATTEMPT_CLOSED");

    const forStaff = await eventually("the server's part of the grading is done", async () => {
      const { data } = await app.ask(RESULT, { id: attemptId }, teacher!.token);
      return data.attempt.result;
    });
    expect(forStaff).toMatchObject({ score: "5.5", maxScore: "7", complete: false, passed: null });
    expect((await app.ask(RESULT, { id: attemptId }, student)).data.attempt.result).toBeNull();

    const essay = questions.find(({ type }) => type === "ESSAY")!.id;
    const GRADE = `mutation ($input: GradeAnswerInput!) { gradeAnswer(input: $input) { status } }`;
    expect(await app.refusal(GRADE, { input: { attemptId, questionId: essay, points: "1" } }, student)).toBe(
      "FORBIDDEN",
    );
    expect(await app.refusal(GRADE, { input: { attemptId, questionId: essay, points: "1.5" } }, teacher!.token)).toBe(
      "BAD_USER_INPUT",
    );
    const graded = await app.ask(
      GRADE,
      { input: { attemptId, questionId: essay, points: "0.25", feedback: "Short." } },
      teacher!.token,
    );
    expect(graded.data.gradeAnswer.status).toBe("GRADED");
    const result = await app.ask(RESULT, { id: attemptId }, student);
    expect(result.data.attempt.result).toMatchObject({ score: "5.75", percent: "82.14", passed: true, complete: true });
    expect(result.data.attempt.result.questions.map(({ feedback }: { feedback: string | null }) => feedback)).toEqual(
      expect.arrayContaining(["Well done.", "Short."]),
    );

    const all = await app.ask(
      `query ($id: ID!) { examResults(examId: $id) { totalCount nodes { score passed student { email } attempt { number } } } }`,
      { id: examId },
      teacher!.token,
    );
    expect(all.data.examResults).toEqual({
      totalCount: 1,
      nodes: [{ score: "5.75", passed: true, student: { email: "eve@school.example" }, attempt: { number: 1 } }],
    });
    expect(await app.refusal(START, { id: examId, code: "9 o'clock" }, student)).toBe("NO_ATTEMPTS_LEFT");
  });
});
