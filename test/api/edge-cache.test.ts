import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { aLesson, aSection } from "../support/course.ts";
import { eventually } from "../support/eventually.ts";
import { anExam, aSchool, choiceQuestion, type ExamMade, type School, somePeople } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let here: TestApp;
let there: TestApp; // a second process of the same installation
let school: School;
let exam: ExamMade;
beforeAll(async () => {
  here = await startTestApp();
  there = await startTestApp({ beside: here });
});
afterAll(async () => {
  await there.close();
  await here.close();
});
beforeEach(async () => {
  school = await aSchool(here.container, { students: 2 });
  exam = await anExam(here.container, school);
});

const EXAM = "query ($id: ID!) { exam(id: $id) { title status course { title } } }";
const SECTIONS = "query ($id: ID!) { exam(id: $id) { title status sections { questions { question { stem } } } } }";
const isHit = ({ headers }: { headers: Headers }) => headers.get("x-lectern-cache") === "hit";

/** Asks until the answer comes from the edge, in both processes. */
async function warm(query: string, variables: Record<string, unknown>, token: string): Promise<void> {
  for (const app of [here, there])
    await eventually("the answer is stored", async () => isHit(await app.ask(query, variables, token)));
}

/** What both processes say at once after a write here, of which the other hears within a message's time. */
async function toldAfter(
  query: string,
  variables: Record<string, unknown>,
  token: string,
  isNew: (data: never) => boolean,
) {
  const first = await here.ask(query, variables, token);
  expect(isHit(first)).toBe(false);
  await eventually("the other process has dropped it too", async () => {
    const { data, errors } = await there.ask(query, variables, token);
    return isNew((data ?? { errors }) as never);
  });
  return first;
}

describe("the edge cache", () => {
  it("answers the same question of the same viewer with the same bytes", async () => {
    const ask = () => here.ask(EXAM, { id: exam.examId }, school.teacher.token);
    const first = await ask();
    expect(isHit(first)).toBe(false);
    const second = await ask();
    expect(isHit(second)).toBe(true);
    expect(second.data).toEqual(first.data);
    expect(second.headers.get("content-type")).toBe(first.headers.get("content-type"));
    expect(second.headers.get("cache-control")).toBe("no-store");
    expect(second.headers.get("x-request-id")).not.toBe(first.headers.get("x-request-id"));
  });

  it("never gives a viewer what another was answered", async () => {
    const { examId: draft } = await anExam(here.container, school, { publish: false });
    await warm(SECTIONS, { id: exam.examId }, school.teacher.token);
    await warm(EXAM, { id: draft }, school.teacher.token);
    const [one, two] = school.students;
    expect(await here.refusal(SECTIONS, { id: exam.examId }, one!.token)).toBe("FORBIDDEN");
    expect(await here.refusal(EXAM, { id: draft }, one!.token)).toBe("NOT_FOUND");
    expect(await here.refusal(EXAM, { id: draft })).toBe("UNAUTHENTICATED");
    const ME = "{ me { id } }";
    await warm(ME, {}, one!.token);
    expect((await here.ask(ME, {}, two!.token)).data.me.id).toBe(two!.id);
    expect((await here.ask(ME)).data.me).toBeNull();
    expect((await here.ask(ME, {}, "forged.token.here")).data.me).toBeNull();
  });

  it("does not give an answer in another form than was asked for", async () => {
    const body = JSON.stringify({ query: "{ questionTypes { name } }" });
    const types = new Set<string>();
    for (const accept of ["application/json", "application/graphql-response+json", "application/json"]) {
      const headers = { "content-type": "application/json", authorization: `Bearer ${school.teacher.token}`, accept };
      const response = await fetch(`${here.url}/graphql`, { method: "POST", headers, body });
      types.add(response.headers.get("content-type")!);
      expect(response.headers.get("content-type")).toContain(accept);
    }
    expect(types.size).toBe(2);
  });

  it.each([
    ["updateExam", `mutation ($id: ID!) { updateExam(id: $id, input: { title: "New title" }) { title } }`, "New title"],
    ["archiveExam", "mutation ($id: ID!) { archiveExam(id: $id) { status } }", "ARCHIVED"],
  ])("forgets an exam in every process with %s", async (_name, mutation, expected) => {
    const variables = { id: exam.examId };
    const student = school.students[0]!.token;
    await warm(EXAM, variables, student);
    await here.ask(mutation, variables, school.teacher.token);
    const told = (data: object) => JSON.stringify(data).includes(expected);
    const { data } = await toldAfter(EXAM, variables, student, told);
    expect(told(data)).toBe(true);
  });

  it("forgets a draft with updateQuestion, addQuestionsToExam and publishExam", async () => {
    const { examId, questionIds } = await anExam(here.container, school, {
      publish: false,
      questions: [choiceQuestion(1)],
    });
    const added = await here.container.services.questions.create(school.teacher.actor, school.courseId, {
      ...choiceQuestion(2),
      stem: "Added later",
    });
    const teacher = school.teacher.token;
    const writes: [string, Record<string, unknown>, string][] = [
      [
        `mutation ($id: ID!) { updateQuestion(id: $id, input: { stem: "Another stem" }) { id } }`,
        { id: questionIds[0] },
        "Another stem",
      ],
      [
        "mutation ($input: AddQuestionsToExamInput!) { addQuestionsToExam(input: $input) { id } }",
        { input: { examId, questionIds: [added.id] } },
        "Added later",
      ],
      ["mutation ($id: ID!) { publishExam(id: $id) { id } }", { id: examId }, "PUBLISHED"],
    ];
    for (const [mutation, variables, expected] of writes) {
      await warm(SECTIONS, { id: examId }, teacher);
      expect((await here.ask(mutation, variables, teacher)).errors).toBeUndefined();
      const { data } = await toldAfter(SECTIONS, { id: examId }, teacher, (told) =>
        JSON.stringify(told).includes(expected),
      );
      expect(JSON.stringify(data)).toContain(expected);
    }
  });

  it("shows a student nothing of an exam from the moment of the withdrawal", async () => {
    const student = school.students[0]!;
    const variables = { id: exam.examId };
    await warm(EXAM, variables, student.token);
    await here.ask(
      "mutation ($course: ID!, $user: ID!) { withdrawStudent(courseId: $course, userId: $user) { id } }",
      { course: school.courseId, user: student.id },
      school.teacher.token,
    );
    expect(await here.refusal(EXAM, variables, student.token)).toBe("NOT_FOUND");
    await eventually(
      "the other process refuses too",
      async () => (await there.refusal(EXAM, variables, student.token)) === "NOT_FOUND",
    );
    await here.ask(
      "mutation ($input: EnrollStudentsInput!) { enrollStudents(input: $input) { unknownEmails } }",
      { input: { courseId: school.courseId, students: [{ email: student.email }] } },
      school.teacher.token,
    );
    expect((await here.ask(EXAM, variables, student.token)).errors).toBeUndefined();
  });

  it("shows the contents of a course as they are after every change of them", async () => {
    const CONTENTS =
      "query ($id: ID!) { course(id: $id) { contents { title lessons { title text exam { title } } } } }";
    const variables = { id: school.courseId };
    const { sections, lessons } = here.container.services;
    const section = await aSection(here.container, school);
    const lesson = await aLesson(here.container, school, section, { examId: exam.examId });
    const writes: [() => Promise<unknown>, string][] = [
      [() => lessons.update(school.teacher.actor, lesson, { title: "Renamed" }), "Renamed"],
      [() => sections.rename(school.teacher.actor, section, "Retitled"), "Retitled"],
      [() => here.container.services.exams.update(school.teacher.actor, exam.examId, { title: "Final" }), "Final"],
      [() => aLesson(here.container, school, section, { text: "Added" }), "Added"],
      [() => lessons.remove(school.teacher.actor, lesson), '"exam":null'],
    ];
    for (const [write, expected] of writes) {
      await warm(CONTENTS, variables, school.students[0]!.token);
      await write();
      const told = (data: object) => JSON.stringify(data).includes(expected);
      const { data } = await toldAfter(CONTENTS, variables, school.students[0]!.token, told);
      expect(told(data)).toBe(true);
    }
  });

  it("shows a person's new part in a course at once", async () => {
    const COURSE = "query ($id: ID!) { course(id: $id) { viewerRole } }";
    const [colleague] = await somePeople(here.container, 1, "INSTRUCTOR");
    const variables = { id: school.courseId };
    const enrollAs = (role: string) =>
      here.ask(
        "mutation ($input: EnrollStudentsInput!) { enrollStudents(input: $input) { unknownEmails } }",
        { input: { courseId: school.courseId, students: [{ email: colleague!.email, role }] } },
        school.teacher.token,
      );
    await enrollAs("STUDENT");
    await warm(COURSE, variables, colleague!.token);
    await enrollAs("INSTRUCTOR");
    const { data } = await toldAfter(COURSE, variables, colleague!.token, (told) =>
      JSON.stringify(told).includes("INSTRUCTOR"),
    );
    expect(data.course.viewerRole).toBe("INSTRUCTOR");
  });

  it.each([
    ["the clock", "{ serverTime }", () => ({})],
    [
      "the clock beside an exam",
      "query ($id: ID!) { exam(id: $id) { title } serverTime }",
      () => ({ id: exam.examId }),
    ],
    ["a list of exams", "{ exams { totalCount nodes { title } } }", () => ({})],
    ["one's attempts", "{ myAttempts { totalCount } }", () => ({})],
    [
      "who is enrolled",
      "query ($id: ID!) { course(id: $id) { enrollments { totalCount } } }",
      () => ({ id: school.courseId }),
    ],
    [
      "signed links and what was watched",
      "query ($id: ID!) { course(id: $id) { contents { lessons { video { playback { hlsUrl } progress { percent } } } } } }",
      () => ({ id: school.courseId }),
    ],
    ["an error", "query ($id: ID!) { exam(id: $id) { title } }", () => ({ id: school.courseId })],
    ["a mutation", "mutation ($id: ID!) { publishExam(id: $id) { id } }", () => ({ id: exam.examId })],
    [
      "something behind a fragment",
      "query ($id: ID!) { exam(id: $id) { ...A } } fragment A on Exam { title }",
      () => ({ id: exam.examId }),
    ],
  ])("stores nothing of %s", async (_what, query, variables) => {
    for (let round = 0; round < 3; round++) {
      const answer = await here.ask(query, variables(), school.teacher.token);
      expect(answer.headers.get("x-lectern-cache")).toBe("miss");
    }
  });

  it("stores nothing of an attempt", async () => {
    const student = school.students[0]!;
    const { id } = await here.container.services.attempts.start(student.actor, exam.examId);
    for (const query of [
      "query ($id: ID!) { attempt(id: $id) { status paper { questions { id } } } }",
      "query ($id: ID!) { node(id: $id) { id } }",
    ])
      for (let round = 0; round < 3; round++) expect(isHit(await here.ask(query, { id }, student.token))).toBe(false);
  });

  it("does not answer a token that has expired, though it was answered before", async () => {
    const short = await startTestApp({ env: { ACCESS_TOKEN_SECONDS: "5" } });
    try {
      const own = await aSchool(short.container);
      const { token, expiresAt } = await short.container.tokens.sign(own.teacher.actor);
      const COURSE = "query ($id: ID!) { course(id: $id) { title } }";
      const variables = { id: own.courseId };
      await short.ask(COURSE, variables, token);
      expect(isHit(await short.ask(COURSE, variables, token))).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, expiresAt.getTime() - Date.now() + 5));
      expect(await short.refusal(COURSE, variables, token)).toBe("UNAUTHENTICATED");
    } finally {
      await short.close();
    }
  });
});
