import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { uuidv7 } from "uuidv7";
import { anExam, aSchool, choiceQuestion, type Person, type School, somePeople } from "../support/school.ts";
import { statementsOf } from "../support/statements.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
beforeAll(async () => {
  app = await startTestApp();
  school = await aSchool(app.container, { students: 60 });
});
afterAll(() => app.close());

/** The statements of one request over HTTP, which has to succeed. */
async function countFor(operation: string, variables: Record<string, unknown>, person: Person): Promise<string[]> {
  return statementsOf(app, async () => {
    const { errors } = await app.ask(operation, variables, person.token);
    if (errors) throw new Error(JSON.stringify(errors));
  });
}

/** As after a restart of Redis and of every server. */
const emptyCaches = () => app.container.cache.dropPattern("*");

const START =
  "mutation ($id: ID!) { startAttempt(examId: $id) { id deadlineAt paper { questions { id stem options { text } } } } }";
const READ =
  "query ($id: ID!) { attempt(id: $id) { status deadlineAt paper { questions { id stem points options { id text } } } } }";
const SAVE = `mutation ($id: ID!, $answers: [AnswerInput!]!) {
  saveAnswers(attemptId: $id, answers: $answers) { receipts { outcome } }
}`;
const SUBMIT = "mutation ($id: ID!) { submitAttempt(attemptId: $id) { status } }";

async function anAttempt(count = 10) {
  const questions = Array.from({ length: count }, (_, index) => choiceQuestion(index));
  const { examId, questionIds } = await anExam(app.container, school, { questions });
  const student = school.students[0]!;
  const { id } = await app.container.services.attempts.start(student.actor, examId);
  await app.container.services.attempts.paper(id);
  return { id, examId, questionIds, student };
}

describe("the statements of an exam", () => {
  it("are at most five for a start, the hand-over of its job included", async () => {
    const { examId } = await anAttempt();
    const statements = await countFor(START, { id: examId }, school.students[1]!);
    expect(statements.join("\n")).toContain("INSERT INTO attempts");
    expect(statements.length).toBeLessThanOrEqual(5);
  });

  it("are at most five of its own for a start that finds the caches empty", async () => {
    const { examId } = await anAttempt();
    await emptyCaches();
    const statements = await countFor(START, { id: examId }, school.students[1]!);
    const handOver = statements.findIndex((text) => text.includes("FOR UPDATE SKIP LOCKED"));
    expect(handOver).toBeGreaterThan(0);
    expect(statements.length - 3).toBeLessThanOrEqual(5); // BEGIN, the hand-over, COMMIT: shared by all who start meanwhile
  });

  it("are far fewer than the starts when many students start at once", async () => {
    const { examId } = await anAttempt();
    const { attempts } = app.container.services;
    let ids: string[] = [];
    const statements = await statementsOf(app, async () => {
      const begun = await Promise.all(school.students.map(({ actor }) => attempts.start(actor, examId)));
      ids = begun.map(({ id }) => id);
    });
    expect(new Set(ids).size).toBe(60);
    expect(statements.length).toBeLessThanOrEqual(12); // rules and starts in groups, and the hand-overs of their jobs
    const papers = await app.container.db.attempt.findMany({ where: { id: { in: ids } }, select: { paper: true } });
    expect(papers).toHaveLength(60);
    const jobs = await app.container.db.outboxJob.findMany({ where: { name: "expireAttempt" } });
    const ofJobs = jobs.map(({ payload }) => (payload as { attemptId: string }).attemptId);
    expect(ofJobs).toEqual(expect.arrayContaining(ids));
  });

  it("are far fewer than the attempts when many are graded at once", async () => {
    const { examId } = await anAttempt();
    const { attempts, grading } = app.container.services;
    const begun = await Promise.all(school.students.map(({ actor }) => attempts.start(actor, examId)));
    await Promise.all(begun.map(({ id }, at) => attempts.submit(school.students[at]!.actor, id)));
    const statements = await statementsOf(app, () => Promise.all(begun.map(({ id }) => grading.gradeAttempt(id))));
    expect(statements.length).toBeLessThanOrEqual(6);
    const graded = await app.container.db.attempt.count({ where: { examId, status: "GRADED" } });
    expect(graded).toBe(60);
  });

  it("are one for a second start, of an attempt in progress, besides finding it", async () => {
    const { examId, student } = await anAttempt();
    expect((await countFor(START, { id: examId }, student)).length).toBeLessThanOrEqual(2);
  });

  it("are at most one for reading a paper while the caches are warm", async () => {
    const { id, student } = await anAttempt();
    const statements = await countFor(READ, { id }, student);
    expect(statements).toHaveLength(1);
    expect(statements[0]).toContain("FROM attempts");
  });

  it.each([1, 50])(
    "do not grow with the paper for a result of %s questions while the caches are warm",
    async (count) => {
      const { id, student } = await anAttempt(count);
      await app.container.services.attempts.submit(student.actor, id);
      await app.container.services.grading.gradeAttempt(id);
      const resultWith = (fields: string) => `query ($id: ID!) { attempt(id: $id) { result { ${fields} } } }`;
      const whole = resultWith("score passed");
      const parts = resultWith("score sections { points } adjustment questions { points feedback key }");
      await countFor(parts, { id }, student);
      expect(await countFor(whole, { id }, student)).toHaveLength(2); // the attempt, and the rules
      expect(await countFor(parts, { id }, student)).toHaveLength(3); // and the grade with its parts
    },
  );

  it.each([1, 10, 50])("are one for a save of %s answers", async (count) => {
    const { id, questionIds, student } = await anAttempt(count);
    const answers = questionIds.map((questionId) => ({ questionId, response: { choice: "b" }, revision: 1 }));
    const statements = await countFor(SAVE, { id, answers }, student);
    expect(statements).toHaveLength(1);
    expect(statements[0]).toContain("INSERT INTO answers");
  });

  it("are far fewer than the saves when many students save at once", async () => {
    const { examId, questionIds } = await anAttempt();
    const { attempts } = app.container.services;
    const ids = await Promise.all(school.students.map(({ actor }) => attempts.start(actor, examId)));
    await Promise.all(ids.map(({ id }) => attempts.paper(id)));
    const answers = [{ questionId: questionIds[0], response: { choice: "b" }, revision: 1 }];
    const statements = await statementsOf(app, () =>
      Promise.all(
        ids.map(({ id }, at) => app.container.services.answers.save(school.students[at]!.actor, id, answers as never)),
      ),
    );
    expect(ids).toHaveLength(60);
    expect(statements.length).toBeLessThanOrEqual(app.config.SAVE_CONNECTIONS);
  });

  it.each([1, 50])("do not grow with the paper for handing in %s answers", async (count) => {
    const { id, questionIds, student } = await anAttempt(count);
    await app.container.services.answers.save(
      student.actor,
      id,
      questionIds.map((questionId) => ({ questionId, response: { choice: "b" }, revision: 1 })),
    );
    const statements = await countFor(SUBMIT, { id }, student);
    // BEGIN, lock, read, job, update, COMMIT, and the hand-over's three.
    expect(statements.length).toBeLessThanOrEqual(9);
  });

  it.each([1, 50])("do not grow with the paper for grading %s answers", async (count) => {
    const { id, questionIds, student } = await anAttempt(count);
    await app.container.services.answers.save(
      student.actor,
      id,
      questionIds.map((questionId) => ({ questionId, response: { choice: "b" }, revision: 1 })),
    );
    await app.container.services.attempts.submit(student.actor, id);
    const statements = await statementsOf(app, () => app.container.services.grading.gradeAttempt(id));
    expect(statements.length).toBeLessThanOrEqual(7);
  });
});

/** Everything a list can show, read with empty caches: the worst there is. */
const LISTS: { name: string; operation: string; first?: string }[] = [
  {
    name: "courses",
    operation: "query ($first: Int) { courses(first: $first) { totalCount nodes { title viewerRole } } }",
  },
  {
    name: "questions",
    operation:
      "query ($first: Int, $course: ID!) { questions(courseId: $course, first: $first) { totalCount nodes { stem definition options { text } tags folder { path } versions { number } } } }",
  },
  {
    name: "enrollments",
    operation:
      "query ($first: Int, $course: ID!) { course(id: $course) { enrollments(first: $first) { totalCount nodes { role user { name email } } } } }",
  },
  {
    name: "courseGroups",
    operation:
      "query ($first: Int, $course: ID!) { courseGroups(courseId: $course, first: $first) { totalCount nodes { name memberCount } } }",
  },
  {
    name: "examAccommodations",
    operation:
      "query ($first: Int, $exam: ID!) { examAccommodations(examId: $exam, first: $first) { totalCount nodes { student { name } group { name memberCount } } } }",
  },
  {
    name: "exams",
    operation:
      "query ($first: Int) { exams(first: $first) { totalCount nodes { title questionCount maxScore course { title viewerRole } myTerms { closesAt refusal { reason } } } } }",
  },
  {
    name: "myAttempts",
    operation: `query ($first: Int) { myAttempts(first: $first) { totalCount nodes {
      number exam { title course { title } } student { name } paper { questions { stem } } answers { response }
      result { score passed questions { points feedback key } } review { visible reason }
    } } }`,
  },
  {
    name: "examResults",
    operation: `query ($first: Int, $exam: ID!) { examResults(examId: $exam, first: $first) { totalCount nodes {
      score passed student { name } attempt { number student { name } exam { title } answers { response } paper { questions { stem } }
      result { score questions { points } } }
    } } }`,
  },
  {
    name: "finalResults",
    operation: `query ($first: Int, $exam: ID!) { finalResults(examId: $exam, first: $first) { totalCount nodes {
      score percent passed grade complete countedAttemptIds student { name } review { visible }
    } } }`,
  },
];

/** How often each statement was sent. */
function tally(statements: string[]): Record<string, number> {
  const times: Record<string, number> = {};
  for (const text of statements) times[text.slice(0, 200)] = (times[text.slice(0, 200)] ?? 0) + 1;
  return times;
}

describe("the statements of a list", () => {
  const ROWS = 50;
  const BUNCHES = 4;
  let viewer: Person; // teaches fifty courses, and has taken fifty exams as a student of another
  let variables: Record<string, unknown>;

  beforeAll(async () => {
    const { services, db } = app.container;
    [viewer] = (await somePeople(app.container, 1, "INSTRUCTOR")) as [Person];
    const exams: { examId: string; questionIds: string[] }[] = [];
    for (let index = 0; index < ROWS; index++) {
      const course = await services.courses.create(school.teacher.actor, { title: `Course ${index} ${viewer.id}` });
      const own = { ...school, courseId: course.id };
      await db.enrollment.create({ data: { courseId: course.id, userId: viewer.id, role: "STUDENT" } });
      const policy = ["IMMEDIATE", "AFTER_CLOSE", "MANUAL"][index % 3];
      const closesAt = new Date(Date.now() + 3_600_000).toISOString();
      exams.push(
        await anExam(app.container, own, {
          questions: [choiceQuestion(1)],
          rules: { resultsPolicy: policy, closesAt },
        }),
      );
    }
    await emptyCaches();
    for (const { examId, questionIds } of exams) {
      const { id } = await services.attempts.start(viewer.actor, examId);
      await services.answers.save(viewer.actor, id, [
        { questionId: questionIds[0]!, response: { choice: "b" }, revision: 1 },
      ]);
      await services.attempts.submit(viewer.actor, id);
      await services.grading.gradeAttempt(id);
    }
    const questions = Array.from({ length: ROWS }, (_, index) => choiceQuestion(index));
    const { examId } = await anExam(app.container, school, { questions });
    for (const { actor } of school.students.slice(0, ROWS)) {
      const { id } = await services.attempts.start(actor, examId);
      await services.attempts.submit(actor, id);
      await services.grading.gradeAttempt(id);
    }
    for (let index = 0; index < ROWS; index++) {
      const group = await db.courseGroup.create({
        data: { id: uuidv7(), courseId: school.courseId, name: `Group ${index}` },
      });
      await db.examAccommodation.create({ data: { id: uuidv7(), examId, groupId: group.id } });
    }
    variables = { course: school.courseId, exam: examId };
  }, 60_000);

  it.each(LISTS)("$name are as many for fifty rows as for two", async ({ name, operation }) => {
    const forStaff = ["questions", "enrollments", "courseGroups", "examAccommodations", "examResults", "finalResults"];
    const person = forStaff.includes(name) ? school.teacher : viewer;
    const used = Object.fromEntries(Object.entries(variables).filter(([key]) => operation.includes(`$${key}`)));
    const count = async (first: number) => {
      await emptyCaches();
      return countFor(operation, { ...used, first }, person);
    };
    const few = tally(await count(2));
    const many = tally(await count(ROWS));
    // The misses of fifty rows come back from Redis in a few bunches, each loaded at once.
    const grown = Object.entries(many).filter(([text, times]) => times > (few[text] ?? 0) + BUNCHES);
    expect(grown).toEqual([]);
  });
});
