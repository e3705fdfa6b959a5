import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { anExam, aSchool, choiceQuestion, essayQuestion, type Person, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
let student: Person;
let other: Person;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());
beforeEach(async () => {
  school = await aSchool(app.container, { students: 2 });
  [student, other] = school.students as [Person, Person];
});

const START = `mutation ($id: ID!, $code: String) { startAttempt(examId: $id, accessCode: $code) {
  id number status startedAt deadlineAt paper { questions { id position section stem options { id } } }
} }`;
const ACCOMMODATE =
  "mutation ($input: ExamAccommodationInput!) { setExamAccommodation(input: $input) { extraMinutes extraAttempts opensAt closesAt } }";
const RESULT = "query ($id: ID!) { attempt(id: $id) { status result { score maxScore passed questions { points } } } }";
const MINUTE = 60_000;
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * MINUTE).toISOString();

const start = async (id: string, person: Person, code?: string) => {
  const { data, errors } = await app.ask(START, { id, code }, person.token);
  if (errors) throw new Error(JSON.stringify(errors));
  return data.startAttempt;
};
const minutesGiven = ({ startedAt, deadlineAt }: { startedAt: string; deadlineAt: string }) =>
  Math.round((Date.parse(deadlineAt) - Date.parse(startedAt)) / MINUTE);
const enrollAgain = (person: Person, extraTimePercent: number) =>
  app.ask(
    "mutation ($input: EnrollStudentsInput!) { enrollStudents(input: $input) { enrolled { extraTimePercent } } }",
    { input: { courseId: school.courseId, students: [{ email: person.email, extraTimePercent }] } },
    school.teacher.token,
  );
const accommodate = (examId: string, person: Person, given: object) =>
  app.ask(ACCOMMODATE, { input: { examId, userId: person.id, ...given } }, school.teacher.token);

/** Answers, hands in and grades an attempt, as the server and the worker do. */
async function finish(person: Person, attempt: { id: string; paper: { questions: { id: string }[] } }, choice = "b") {
  const { answers, attempts, grading } = app.container.services;
  await answers.save(
    person.actor,
    attempt.id,
    attempt.paper.questions.map(({ id }) => ({ questionId: id, response: { choice }, revision: 1 })),
  );
  await attempts.submit(person.actor, attempt.id);
  await grading.gradeAttempt(attempt.id);
}
const resultFor = async (id: string, person: Person) =>
  (await app.ask(RESULT, { id }, person.token)).data.attempt.result;

describe("the time of an attempt", () => {
  it("is the exam's, longer by the person's share and by the minutes granted", async () => {
    const { examId } = await anExam(app.container, school);
    expect(minutesGiven(await start(examId, other))).toBe(30);
    await enrollAgain(student, 50);
    await accommodate(examId, student, { extraMinutes: 5 });
    expect(minutesGiven(await start(examId, student))).toBe(50);
  });

  it("ends with the window, which extra time moves for whoever has it", async () => {
    const { examId } = await anExam(app.container, school, { rules: { closesAt: inMinutes(10) } });
    expect(minutesGiven(await start(examId, other))).toBe(10);
    await accommodate(examId, student, { extraMinutes: 15 });
    expect(minutesGiven(await start(examId, student))).toBe(25);
  });

  it("is refused before the window and after it, but not to whom a window of their own is granted", async () => {
    const early = await anExam(app.container, school, { rules: { opensAt: inMinutes(10) } });
    const late = await anExam(app.container, school, { rules: { opensAt: inMinutes(-60), closesAt: inMinutes(-10) } });
    expect(await app.refusal(START, { id: early.examId }, student.token)).toBe("EXAM_NOT_OPEN");
    expect(await app.refusal(START, { id: late.examId }, student.token)).toBe("EXAM_CLOSED");
    await accommodate(early.examId, student, { opensAt: inMinutes(-1) });
    await accommodate(late.examId, student, { closesAt: inMinutes(20) });
    expect(minutesGiven(await start(early.examId, student))).toBe(30);
    expect(minutesGiven(await start(late.examId, student))).toBe(20);
    expect(await app.refusal(START, { id: late.examId }, other.token)).toBe("EXAM_CLOSED");
  });

  it("is set at the start: what is granted later counts for the next attempt", async () => {
    const { examId } = await anExam(app.container, school, { rules: { attemptsAllowed: 2 } });
    const first = await start(examId, student);
    await accommodate(examId, student, { extraMinutes: 20 });
    expect((await start(examId, student)).deadlineAt).toBe(first.deadlineAt);
    await finish(student, first);
    expect(minutesGiven(await start(examId, student))).toBe(50);
  });

  it("of somebody who is not in the course cannot be granted", async () => {
    const { examId } = await anExam(app.container, school);
    const stranger = (await aSchool(app.container)).students[0]!;
    const input = { examId, userId: stranger.id, extraMinutes: 5 };
    expect(await app.refusal(ACCOMMODATE, { input }, school.teacher.token)).toBe("NOT_FOUND");
    expect(
      await app.refusal(
        ACCOMMODATE,
        { input: { ...input, userId: student.id, extraMinutes: -1 } },
        school.teacher.token,
      ),
    ).toBe("BAD_USER_INPUT");
  });
});

describe("the attempts of a student", () => {
  it("are as many as the exam allows and the person is granted", async () => {
    const { examId } = await anExam(app.container, school, { rules: { attemptsAllowed: 2 } });
    for (const number of [1, 2]) {
      const attempt = await start(examId, student);
      expect(attempt.number).toBe(number);
      await finish(student, attempt);
    }
    expect(await app.refusal(START, { id: examId }, student.token)).toBe("NO_ATTEMPTS_LEFT");
    await accommodate(examId, student, { extraAttempts: 1 });
    expect((await start(examId, student)).number).toBe(3);
  });

  it("begin with the access code, where one is asked for", async () => {
    const { examId } = await anExam(app.container, school, { rules: { accessCode: "open sesame" } });
    for (const code of [undefined, "", "open", "Open Sesame"])
      expect(await app.refusal(START, { id: examId, code }, student.token)).toBe("WRONG_ACCESS_CODE");
    const attempt = await start(examId, student, "open sesame");
    expect((await start(examId, student)).id).toBe(attempt.id); // a reload asks for no code
    const CHANGE =
      "mutation ($id: ID!, $code: String) { updateExam(id: $id, input: { accessCode: $code }) { accessCodeRequired } }";
    const changed = await app.ask(CHANGE, { id: examId, code: null }, school.teacher.token);
    expect(changed.data.updateExam.accessCodeRequired).toBe(false);
    expect((await start(examId, other)).number).toBe(1);
  });

  it("go on in an archived exam, and no new ones begin", async () => {
    const { examId } = await anExam(app.container, school);
    const attempt = await start(examId, student);
    const ARCHIVE = "mutation ($id: ID!) { archiveExam(id: $id) { status } }";
    for (let round = 0; round < 2; round++)
      expect((await app.ask(ARCHIVE, { id: examId }, school.teacher.token)).data.archiveExam.status).toBe("ARCHIVED");
    expect((await start(examId, student)).id).toBe(attempt.id);
    expect(await app.refusal(START, { id: examId }, other.token)).toBe("EXAM_ARCHIVED");
    await finish(student, attempt);
    expect(await resultFor(attempt.id, student)).toMatchObject({ score: "3" });
    expect(
      await app.refusal("mutation ($id: ID!) { publishExam(id: $id) { id } }", { id: examId }, school.teacher.token),
    ).toBe("EXAM_ARCHIVED");
  });
});

describe("the result of an attempt", () => {
  it("is seen as soon as it is graded under the policy IMMEDIATE", async () => {
    const { examId } = await anExam(app.container, school, { rules: { passMarkPercent: "50" } });
    const attempt = await start(examId, student);
    expect(await resultFor(attempt.id, student)).toBeNull();
    await finish(student, attempt);
    expect(await resultFor(attempt.id, student)).toMatchObject({ score: "3", maxScore: "3", passed: true });
  });

  it("is seen under AFTER_CLOSE when the exam has closed for the last student", async () => {
    const { examId } = await anExam(app.container, school, {
      rules: { resultsPolicy: "AFTER_CLOSE", closesAt: inMinutes(60) },
    });
    const attempt = await start(examId, student);
    await finish(student, attempt);
    expect(await resultFor(attempt.id, student)).toBeNull();
    expect(await resultFor(attempt.id, school.teacher)).toMatchObject({ score: "3" });
    const UPDATE = "mutation ($id: ID!, $at: DateTime) { updateExam(id: $id, input: { closesAt: $at }) { closesAt } }";
    await accommodate(examId, other, { extraMinutes: 20 });
    await app.ask(UPDATE, { id: examId, at: inMinutes(-10) }, school.teacher.token);
    expect(await resultFor(attempt.id, student)).toBeNull(); // still open for the other
    await accommodate(examId, other, { extraMinutes: 0 });
    expect(await resultFor(attempt.id, student)).toMatchObject({ score: "3" });
  });

  it("is seen under MANUAL when staff release it", async () => {
    const { examId } = await anExam(app.container, school, { rules: { resultsPolicy: "MANUAL" } });
    const attempt = await start(examId, student);
    await finish(student, attempt);
    expect(await resultFor(attempt.id, student)).toBeNull();
    const RELEASE = "mutation ($id: ID!) { releaseResults(examId: $id) { resultsReleasedAt } }";
    const first = await app.ask(RELEASE, { id: examId }, school.teacher.token);
    const second = await app.ask(RELEASE, { id: examId }, school.teacher.token);
    expect(second.data).toEqual(first.data);
    expect(await resultFor(attempt.id, student)).toMatchObject({ score: "3" });
  });

  it("is not seen while a person has to grade a part of it", async () => {
    const { examId } = await anExam(app.container, school, { questions: [choiceQuestion(1), essayQuestion] });
    const attempt = await start(examId, student);
    const { services } = app.container;
    const essay = attempt.paper.questions[1]!.id;
    await services.answers.save(student.actor, attempt.id, [
      { questionId: essay, response: { text: "Well." }, revision: 1 },
    ]);
    await services.attempts.submit(student.actor, attempt.id);
    await services.grading.gradeAttempt(attempt.id);
    expect(await resultFor(attempt.id, student)).toBeNull();
    const GRADE = "mutation ($input: GradeAnswerInput!) { gradeAnswer(input: $input) { status } }";
    await app.ask(GRADE, { input: { attemptId: attempt.id, questionId: essay, points: "4.5" } }, school.teacher.token);
    expect(await resultFor(attempt.id, student)).toMatchObject({ score: "4.5", maxScore: "6" });
  });
});

describe("a published exam", () => {
  const UPDATE =
    "mutation ($id: ID!, $input: UpdateQuestionInput!) { updateQuestion(id: $id, input: $input) { version } }";
  const rightIs = (right: string) => ({
    options: ["a", "b", "c", "d"].map((id) => ({ id, text: `Now ${id}`, fraction: id === right ? "1" : "0" })),
  });

  it("keeps the versions it was published with, on the paper and in the score", async () => {
    const { examId, questionIds } = await anExam(app.container, school);
    const before = await start(examId, student);
    for (const id of questionIds) {
      const input = { stem: "Another stem", points: "7", definition: rightIs("c") };
      expect((await app.ask(UPDATE, { id, input }, school.teacher.token)).data.updateQuestion.version).toBe(2);
    }
    await app.container.cache.dropPattern("*"); // what counts is what PostgreSQL has
    const after = await start(examId, other);
    expect(after.paper).toEqual(before.paper);
    await finish(student, before);
    await finish(other, after, "c");
    expect(await resultFor(before.id, student)).toMatchObject({ score: "3", maxScore: "3" });
    expect(await resultFor(after.id, other)).toMatchObject({ score: "0", maxScore: "3" });
  });

  it("takes the newest versions at the moment of publication", async () => {
    const { examId, questionIds } = await anExam(app.container, school, {
      publish: false,
      questions: [choiceQuestion(1)],
    });
    await app.ask(UPDATE, { id: questionIds[0], input: { stem: "The newest stem" } }, school.teacher.token);
    await app.ask("mutation ($id: ID!) { publishExam(id: $id) { id } }", { id: examId }, school.teacher.token);
    expect((await start(examId, student)).paper.questions[0].stem).toBe("The newest stem");
  });

  it.each([
    [
      "addQuestionsToExam",
      "mutation ($id: ID!, $q: ID!) { addQuestionsToExam(input: { examId: $id, questionIds: [$q] }) { id } }",
    ],
    [
      "removeQuestionsFromExam",
      "mutation ($id: ID!, $q: ID!) { removeQuestionsFromExam(examId: $id, questionIds: [$q]) { id } }",
    ],
  ])("cannot be changed by %s", async (_name, operation) => {
    const { examId, questionIds } = await anExam(app.container, school);
    expect(await app.refusal(operation, { id: examId, q: questionIds[0] }, school.teacher.token)).toBe(
      "EXAM_PUBLISHED",
    );
  });

  it("has questions", async () => {
    const { examId } = await anExam(app.container, school, { publish: false, questions: [] });
    expect(
      await app.refusal("mutation ($id: ID!) { publishExam(id: $id) { id } }", { id: examId }, school.teacher.token),
    ).toBe("EXAM_EMPTY");
  });
});

describe("a section that draws", () => {
  const PUBLISH = "mutation ($id: ID!) { publishExam(id: $id) { status questionCount maxScore } }";

  async function aPool(size: number, drawCount: number) {
    const { questions, exams } = app.container.services;
    for (let at = 0; at < size; at++)
      await questions.create(school.teacher.actor, school.courseId, { ...choiceQuestion(at), tags: ["pool"] });
    await questions.create(school.teacher.actor, school.courseId, choiceQuestion(99));
    return exams.create(school.teacher.actor, {
      courseId: school.courseId,
      title: "Drawn",
      description: "",
      durationMinutes: 30,
      attemptsAllowed: 10,
      shuffleQuestions: false,
      shuffleOptions: false,
      resultsPolicy: "IMMEDIATE",
      sections: [{ title: "Pool", drawTag: "pool", drawCount }],
    });
  }

  it("gives every attempt as many questions of the tag, and not always the same", async () => {
    const { id } = await aPool(8, 3);
    expect((await app.ask(PUBLISH, { id }, school.teacher.token)).data.publishExam).toEqual({
      status: "PUBLISHED",
      questionCount: 3,
      maxScore: "3",
    });
    const papers = new Set<string>();
    for (let round = 0; round < 8; round++) {
      const attempt = await start(id, student);
      expect(attempt.paper.questions).toHaveLength(3);
      expect(new Set(attempt.paper.questions.map((question: { id: string }) => question.id)).size).toBe(3);
      for (const { stem, section } of attempt.paper.questions) {
        expect(stem).not.toContain("99");
        expect(section).toBe("Pool");
      }
      papers.add(JSON.stringify(attempt.paper.questions.map((question: { id: string }) => question.id)));
      await finish(student, attempt);
    }
    expect(papers.size).toBeGreaterThan(1); // eight equal draws of 56 possible ones: once in 10^12 runs
  });

  it("cannot be published when the pool is too small", async () => {
    const { id } = await aPool(2, 3);
    expect(await app.refusal(PUBLISH, { id }, school.teacher.token)).toBe("POOL_TOO_SMALL");
    const { data } = await app.ask(
      "query ($id: ID!) { exam(id: $id) { status sections { questions { position } } } }",
      { id },
      school.teacher.token,
    );
    expect(data.exam).toEqual({ status: "DRAFT", sections: [{ questions: [] }] });
  });

  it("does not grow with questions that get the tag after publication", async () => {
    const { id } = await aPool(3, 3);
    await app.ask(PUBLISH, { id }, school.teacher.token);
    await app.container.services.questions.create(school.teacher.actor, school.courseId, {
      ...choiceQuestion(77),
      tags: ["pool"],
    });
    const { data } = await app.ask(
      "query ($id: ID!) { exam(id: $id) { sections { questions { position } } } }",
      { id },
      school.teacher.token,
    );
    expect(data.exam.sections[0].questions).toHaveLength(3);
  });
});

describe("a shuffled paper", () => {
  it("differs between students and stays as it is for each, also after every cache is lost", async () => {
    const questions = Array.from({ length: 12 }, (_, at) => choiceQuestion(at));
    const { examId } = await anExam(app.container, school, {
      questions,
      rules: { shuffleQuestions: true, shuffleOptions: true },
    });
    const mine = await start(examId, student);
    const theirs = await start(examId, other);
    expect(mine.paper).not.toEqual(theirs.paper);
    const options = mine.paper.questions.map((question: { options: { id: string }[] }) =>
      question.options.map(({ id }) => id).join(""),
    );
    expect(new Set(options).size).toBeGreaterThan(1);
    const READ =
      "query ($id: ID!) { attempt(id: $id) { paper { questions { id position section stem options { id } } } } }";
    await app.container.cache.dropPattern("*");
    expect((await app.ask(READ, { id: mine.id }, student.token)).data.attempt.paper).toEqual(mine.paper);
    expect((await start(examId, student)).paper).toEqual(mine.paper);
  });
});
