import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { anEssayExam, type EssayExam, essayOf } from "../support/marking.ts";
import { aSchool, type Person, type School, somePeople } from "../support/school.ts";
import { statementsOf } from "../support/statements.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

/** The server is behind a proxy, so that a test may say where a request comes from. */
let app: TestApp;
let school: School;
let exam: EssayExam;
beforeAll(async () => {
  app = await startTestApp({ env: { TRUST_PROXY: "true" } });
  school = await aSchool(app.container, { students: 3 });
});
afterAll(() => app.close());

async function ask({ token }: Person, query: string, variables: object = {}, from = "192.0.2.10") {
  const response = await fetch(`${app.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}`, "x-forwarded-for": from },
    body: JSON.stringify({ query, variables }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
  return (await response.json()) as { data: any; errors?: { extensions: { code: string } }[] };
}

const ANSWERS = "query ($id: ID!) { attempt(id: $id) { answers { response } } }";
const EVERYTHING = `query ($id: ID!) { attempt(id: $id) {
  paper { questions { id } } answers { response } result { score questions { response } } } }`;
const CLAIM = `mutation ($examId: ID!, $questionId: ID!) { claimResponses(examId: $examId, questionId: $questionId, count: 1) { id response } }`;
const GRADE =
  'mutation ($id: ID!) { gradeResponse(input: { responseId: $id, rubric: [{ criterion: "argument", level: "fair" }] }) { points } }';
const LOG =
  "query ($id: ID!) { attemptLog(attemptId: $id, first: 100) { totalCount nodes { kind actor { id } sessionId address userAgent detail } } }";

/** The lines about what somebody who is not the student looked at, as the staff are told of them. */
async function viewsIn(attemptId: string, by: Person = school.teacher) {
  const { nodes } = (await ask(by, LOG, { id: attemptId })).data.attemptLog;
  const students = new Set(school.students.map(({ id }) => id));
  return nodes.filter(
    (line: { kind: string; actor: { id: string } }) => line.kind === "VIEWED" && !students.has(line.actor.id),
  );
}
const storedViews = (attemptId: string) =>
  app.container.db.attemptEvent.count({ where: { attemptId, kind: "VIEWED", sessionId: null } });

async function aMarker(): Promise<Person> {
  const [marker] = (await somePeople(app.container, 1, "INSTRUCTOR")) as [Person];
  await app.container.services.courses.enroll(school.teacher.actor, {
    courseId: school.courseId,
    students: [{ email: marker.email, extraTimePercent: 0, role: "INSTRUCTOR" }],
  });
  return marker;
}

describe("what staff look at", () => {
  it("is in the attempt's log once a minute, with who and from where, and not with the student's lines", async () => {
    exam = await anEssayExam(app.container, school);
    const id = exam.attemptIds[0]!;
    await ask(school.teacher, "query ($id: ID!) { attempt(id: $id) { status score: result { score } } }", { id });
    expect(await storedViews(id)).toBe(0); // nothing of what the student wrote
    const { data } = await ask(school.teacher, EVERYTHING, { id });
    expect(data.attempt.answers).toEqual([{ response: { text: essayOf(school.students[0]!) } }]);
    expect(await storedViews(id)).toBe(1); // now, and not when somebody asks for the log
    await ask(school.teacher, ANSWERS, { id });
    await ask(school.teacher, ANSWERS, { id }, "203.0.113.7");
    const views = await viewsIn(id);
    const line = { actor: { id: school.teacher.id }, sessionId: null, userAgent: null, detail: null };
    expect(views).toEqual(["192.0.2.10", "203.0.113.7"].map((address) => ({ ...line, kind: "VIEWED", address })));
    await ask(school.students[0]!, ANSWERS, { id });
    expect((await viewsIn(id)).length).toBe(views.length);
  });

  it("is written in one statement for all that a list shows", async () => {
    exam = await anEssayExam(app.container, school);
    const LIST =
      "query ($id: ID!) { examResults(examId: $id) { nodes { attempt { answers { response } paper { questions { id } } } } } }";
    const statements = await statementsOf(app, () => ask(school.teacher, LIST, { id: exam.examId }));
    expect(statements.filter((text) => text.includes("INSERT INTO attempt_events"))).toHaveLength(1);
    for (const id of exam.attemptIds) expect(await storedViews(id)).toBe(1);
  });

  it("is not shown where the line cannot be written", async () => {
    exam = await anEssayExam(app.container, school);
    const id = exam.attemptIds[0]!;
    const { db } = app.container;
    await db.$executeRaw`ALTER TABLE attempt_events ADD CONSTRAINT nothing_is_written CHECK (kind <> 'VIEWED') NOT VALID`;
    try {
      const { data, errors } = await ask(school.teacher, EVERYTHING, { id });
      expect(errors).toBeDefined();
      expect(JSON.stringify(data)).not.toContain("Essay of");
    } finally {
      await db.$executeRaw`ALTER TABLE attempt_events DROP CONSTRAINT nothing_is_written`;
    }
    expect((await ask(school.teacher, ANSWERS, { id })).data.attempt.answers).toHaveLength(1);
    expect(await storedViews(id)).toBe(1);
  });
});

describe("who marks out of the queue", () => {
  it("is in the log of the attempt, and does not find it there before the response has its points", async () => {
    exam = await anEssayExam(app.container, school);
    const marker = await aMarker();
    const { examId, questionId, attemptIds } = exam;
    const claimed = (await ask(marker, CLAIM, { examId, questionId })).data.claimResponses[0];
    await ask(marker, CLAIM, { examId, questionId });
    const at = school.students.findIndex((student) => essayOf(student) === claimed.response.text);
    const [whose] = attemptIds.splice(at, 1) as [string];
    expect(await storedViews(whose)).toBe(1);
    for (const id of attemptIds) expect(await storedViews(id)).toBe(0);

    const told = async (by: Person) => (await ask(by, LOG, { id: whose })).data.attemptLog;
    const before = await told(marker);
    expect(before.totalCount).toBe(before.nodes.length);
    for (const by of [marker, school.teacher]) expect(await viewsIn(whose, by)).toEqual([]);
    expect(JSON.stringify(before)).not.toContain(marker.id);

    await ask(marker, GRADE, { id: claimed.id });
    expect(await viewsIn(whose)).toEqual([
      {
        kind: "VIEWED",
        actor: { id: marker.id },
        sessionId: null,
        userAgent: null,
        address: "192.0.2.10",
        detail: { questionId, anonymous: true },
      },
    ]);
  });

  it("is told of when nobody can mark the response any more", async () => {
    exam = await anEssayExam(app.container, school);
    const marker = await aMarker();
    const { examId, questionId, attemptIds } = exam;
    const claimed = (await ask(marker, CLAIM, { examId, questionId })).data.claimResponses[0];
    const whose = attemptIds[school.students.findIndex((student) => essayOf(student) === claimed.response.text)]!;
    expect(await viewsIn(whose)).toEqual([]);
    await app.container.db.examQuestion.updateMany({ where: { examId, questionId }, data: { treatment: "DROPPED" } });
    expect(await viewsIn(whose)).toHaveLength(1);
  });
});

describe("the address a member of staff looked from", () => {
  it("is in their own file and not in the student's, and goes with their account", async () => {
    exam = await anEssayExam(app.container, school, { students: 1 });
    const marker = await aMarker();
    const id = exam.attemptIds[0]!;
    await ask(marker, ANSWERS, { id }, "198.51.100.77");
    const { services, db } = app.container;
    const fileOf = async ({ actor }: Person) => {
      const { jobId } = await services.privacy.exportMyData(actor);
      const { id: exportId } = await db.dataExport.findFirstOrThrow({ where: { jobId } });
      await services.privacy.exportData(exportId);
      return gunzipSync((await services.privacy.openExport(exportId))!.body).toString();
    };
    expect(JSON.parse(await fileOf(marker)).views).toEqual([
      expect.objectContaining({ exam: "Midterm", address: "198.51.100.77" }),
    ]);
    const students = await fileOf(school.students[0]!);
    expect(students).not.toContain("198.51.100.77");
    expect(JSON.parse(students).attemptLog.map(({ kind }: { kind: string }) => kind)).toContain("VIEWED");

    await db.user.update({ where: { id: marker.id }, data: { deletionDueAt: new Date(Date.now() - 1_000) } });
    await services.erasure.eraseAccount(marker.id);
    expect(await viewsIn(id)).toMatchObject([{ actor: { id: marker.id }, address: null }]);
    expect(await db.attemptEvent.count({ where: { address: "198.51.100.77" } })).toBe(0);
  });
});
