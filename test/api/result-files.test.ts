import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { parse } from "csv-parse/sync";
import { uuidv7 } from "uuidv7";
import { eventually } from "../support/eventually.ts";
import { gradedAttempts } from "../support/gradedAttempts.ts";
import { anExam, aSchool, choiceQuestion, type ExamMade, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
let exam: ExamMade;
beforeAll(async () => {
  app = await startTestApp({ worker: true });
  school = await aSchool(app.container, { students: 3 });
  const negative = choiceQuestion(1).definition.options.map((option) => ({
    ...option,
    fraction: option.id === "b" ? "1" : "-0.25",
  }));
  exam = await anExam(app.container, school, {
    questions: [
      { ...choiceQuestion(1), title: "=HYPERLINK(A1)", definition: { options: negative } },
      { ...choiceQuestion(2), points: "2" },
    ],
    rules: {
      attemptsAllowed: 2,
      passMarkPercent: "50",
      gradeScale: [
        { name: "+1", fromPercent: "90" },
        { name: "5", fromPercent: "0" },
      ],
    },
  });
  const [ada, bob] = school.students;
  await rename(ada!.id, '=cmd|"/C calc"!A1, "Ada"');
  await rename(bob!.id, "Bob\nÄöü");
  await attempt(0, ["b", "b"]);
  await attempt(0, ["a", "b"]);
  await attempt(1, ["a", null]);
}, 60_000);
afterAll(() => app.close());

const rename = (id: string, name: string) => app.container.db.user.update({ where: { id }, data: { name } });

async function attempt(of: number, choices: (string | null)[]) {
  const { attempts, answers, grading } = app.container.services;
  const { actor } = school.students[of]!;
  const { id } = await attempts.start(actor, exam.examId);
  const given = choices.flatMap((choice, at) =>
    choice === null ? [] : [{ questionId: exam.questionIds[at]!, response: { choice }, revision: 1 }],
  );
  await answers.save(actor, id, given);
  await attempts.submit(actor, id);
  await grading.gradeAttempt(id);
}

const ask = async (operation: string, variables: Record<string, unknown>) => {
  const { data, errors } = await app.ask(operation, variables, school.teacher.token);
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
};
const EXPORT = `mutation ($id: ID!, $format: ResultFileFormat!, $detail: ResultFileDetail!) {
  exportResults(examId: $id, format: $format, detail: $detail) { id jobId downloadUrl }
}`;
const FILE = "query ($id: ID!) { resultFile(id: $id) { rows failure finishedAt downloadUrl } }";
const look = async (id: string) => (await ask(FILE, { id })).resultFile;
const finished = (id: string) =>
  eventually("the file is finished", async () => {
    const file = await look(id);
    return file.finishedAt && file;
  });
/** A signed link as the client follows it: to the server of this test. */
const fetched = (url: string) => fetch(url.replace(/^https?:\/\/[^/]+/, app.url));

async function exported(format: "CSV" | "JSON", detail: "ATTEMPTS" | "QUESTIONS") {
  const { exportResults } = await ask(EXPORT, { id: exam.examId, format, detail });
  expect(exportResults.downloadUrl).toBeNull();
  const file = await finished(exportResults.id);
  expect(file).toMatchObject({ rows: 4, failure: null });
  const answer = await fetched(file.downloadUrl);
  return {
    id: exportResults.id as string,
    url: file.downloadUrl as string,
    answer,
    text: Buffer.from(await answer.arrayBuffer()).toString(),
  };
}
const recordsOf = (text: string) => parse(text, { columns: true, bom: true }) as Record<string, string>[];

describe("the results of an exam as a file", () => {
  it("are a table for a spreadsheet, in which nothing is a formula", async () => {
    const { answer, text } = await exported("CSV", "QUESTIONS");
    expect(answer.headers.get("content-disposition")).toBe('attachment; filename="results.csv"');
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(text.startsWith("\ufeffname,email,")).toBe(true);
    const records = recordsOf(text);
    const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);
    const whole = { maxScore: "3", status: "GRADED", submittedBy: "STUDENT", startedAt: instant, submittedAt: instant };
    const ada = { name: `'=cmd|"/C calc"!A1, "Ada"`, email: school.students[0]!.email, ...whole };
    const points = (one: string, two: string) => ({ "1. =HYPERLINK(A1)": one, "2. Question 2": two });
    expect(records).toEqual([
      {
        ...ada,
        attempt: "1",
        score: "3",
        percent: "100",
        passed: "true",
        grade: "'+1",
        counts: "true",
        ...points("1", "2"),
      },
      {
        ...ada,
        attempt: "2",
        score: "1.75",
        percent: "58.33",
        passed: "true",
        grade: "5",
        counts: "false",
        ...points("-0.25", "2"),
      },
      {
        ...whole,
        name: "Bob\nÄöü",
        email: school.students[1]!.email,
        ...{
          attempt: "1",
          score: "0",
          percent: "0",
          passed: "false",
          grade: "5",
          counts: "true",
          ...points("-0.25", "0"),
        },
      },
      {
        ...{ name: expect.stringContaining("STUDENT"), email: school.students[2]!.email, attempt: "", status: "" },
        ...{
          startedAt: "",
          submittedAt: "",
          submittedBy: "",
          score: "",
          maxScore: "",
          percent: "",
          passed: "",
          grade: "",
        },
        ...{ counts: "false", ...points("", "") },
      },
    ]);
  });

  it("are the same as JSON, with texts and decimals as they are", async () => {
    const { answer, text } = await exported("JSON", "QUESTIONS");
    expect(answer.headers.get("content-type")).toContain("application/json");
    const rows = JSON.parse(text);
    expect(rows).toHaveLength(4);
    expect(rows[1]).toMatchObject({
      name: '=cmd|"/C calc"!A1, "Ada"',
      attempt: 2,
      score: "1.75",
      passed: true,
      grade: "5",
      counts: false,
      questions: [
        { questionId: exam.questionIds[0], points: "-0.25", maxPoints: "1" },
        { questionId: exam.questionIds[1], points: "2", maxPoints: "2" },
      ],
    });
    expect(rows[3]).toMatchObject({ attempt: null, score: null, counts: false, questions: [] });
    const { text: short } = await exported("JSON", "ATTEMPTS");
    expect(JSON.parse(short)[1]).not.toHaveProperty("questions");
  });

  it("are nobody's without a good link, and nobody's any more when who asked is no staff or the file has expired", async () => {
    const { id, url } = await exported("CSV", "ATTEMPTS");
    const { db } = app.container;
    expect((await fetched(url.replace("signature=", "signature=x"))).status).toBe(403);
    const place = { courseId_userId: { courseId: school.courseId, userId: school.teacher.id } };
    await db.enrollment.update({ where: place, data: { status: "WITHDRAWN" } });
    expect((await fetched(url)).status).toBe(404);
    await db.enrollment.update({ where: place, data: { status: "ACTIVE" } });
    expect((await fetched(url)).status).toBe(200);
    await db.resultFile.update({ where: { id }, data: { expiresAt: new Date(Date.now() - 1_000) } });
    expect((await fetched(url)).status).toBe(404);
    const acts = { action: "exportResults", actorId: school.teacher.id, entityId: exam.examId };
    expect(await db.auditEntry.count({ where: acts })).toBeGreaterThan(0);
  });
});

describe("the job that makes a file of results", () => {
  const STUDENTS = 450;
  let large: ExamMade;
  beforeAll(async () => {
    large = await anExam(app.container, school, {
      questions: Array.from({ length: 10 }, (_, at) => choiceQuestion(at)),
    });
    const versions = await app.container.db.examQuestion.findMany({ where: { examId: large.examId } });
    const answers = versions.map(({ questionVersionId }) => ({
      versionId: questionVersionId!,
      points: 1,
      response: null,
    }));
    const papers = Array.from({ length: STUDENTS }, () => answers);
    await gradedAttempts(app.container, { examId: large.examId, maxScore: 10 }, papers);
  }, 60_000);

  async function aFile() {
    const id = uuidv7();
    const { db } = app.container;
    const asked = { actorId: school.teacher.id, examId: large.examId, jobId: uuidv7() };
    const expiresAt = new Date(Date.now() + 3_600_000);
    await db.resultFile.create({ data: { id, ...asked, format: "CSV", detail: "ATTEMPTS", expiresAt } });
    return id;
  }
  const job = () => ({ signal: new AbortController().signal, progress: async () => {}, isLastTry: false });
  const textOf = async (id: string) => (await fetched((await look(id)).downloadUrl)).text();
  /** One row for each student with an attempt, and one for each who is only enrolled. */
  const whole = STUDENTS + 3;

  it("may die half-way and be delivered twice, and makes one whole file", async () => {
    const { services, db } = app.container;
    const id = await aFile();
    const dies = new AbortController();
    const killed = { ...job(), signal: dies.signal, progress: async () => dies.abort() };
    await expect(services.resultFileRuns.export(id, killed)).rejects.toThrow();
    expect(await look(id)).toMatchObject({ finishedAt: null, downloadUrl: null });
    await Promise.all([services.resultFileRuns.export(id, job()), services.resultFileRuns.export(id, job())]);
    expect(await look(id)).toMatchObject({ rows: whole, failure: null });
    const records = recordsOf(await textOf(id));
    expect(new Set(records.map(({ email }) => email)).size).toBe(whole);
    expect(records.filter(({ score }) => score === "10")).toHaveLength(STUDENTS);
    const runs = await db.resultFilePiece.groupBy({ by: ["run"], where: { fileId: id } });
    expect(runs).toHaveLength(1);
    await services.resultFileRuns.export(id, job());
    expect(await look(id)).toMatchObject({ rows: whole });
  });

  it("says no for somebody who is no staff any more", async () => {
    const id = await aFile();
    const { services, db } = app.container;
    await db.resultFile.update({ where: { id }, data: { actorId: school.students[0]!.id } });
    await services.resultFileRuns.export(id, job());
    const file = await db.resultFile.findUniqueOrThrow({ where: { id } });
    expect(file).toMatchObject({ failure: expect.stringContaining("staff"), run: null });
  });
});
