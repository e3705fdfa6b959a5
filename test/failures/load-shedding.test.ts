import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { holdRows } from "../support/heldRows.ts";
import { savingStudent, textQuestion, wrongAnswers } from "../support/savingStudent.ts";
import { anExam, aSchool } from "../support/school.ts";
import { firstOf } from "../support/subscriber.ts";
import { type GraphqlAnswer, startTestApp, type TestApp } from "../support/testApp.ts";

/** Generous: a level begins and ends after seconds, and the machine may be busy. */
jest.setTimeout(180_000);
const WITHIN_MS = 60_000;

const COURSES = "query { courses { totalCount } }";
const CREATE = `mutation ($input: CreateCourseInput!) { createCourse(input: $input) { title } }`;
const SUBMIT = "mutation ($id: ID!) { submitAttempt(attemptId: $id) { status } }";
const CHANGES = "subscription ($id: ID!) { attemptChanged(attemptId: $id) { status } }";
const ME = "query { me { email } }";

const isShed = ({ errors }: Pick<GraphqlAnswer, "errors">) => errors?.[0]?.extensions.reason === "OVERLOADED";

const shedAnswer = (answer: GraphqlAnswer) => (isShed(answer) ? answer : null);

/** A refusal has all that a client needs to come back, in the header and in the error. */
function expectRefusal({ status, headers, data, errors }: GraphqlAnswer): void {
  const { retryAfter } = errors![0]!.extensions;
  expect({ status, data, errors }).toEqual({
    status: 503,
    data: undefined,
    errors: [
      {
        message: expect.stringContaining("too much to do"),
        extensions: { code: "SERVICE_UNAVAILABLE", status: 503, reason: "OVERLOADED", retryAfter },
      },
    ],
  });
  expect([1, 2, 3, 4, 5]).toContain(retryAfter);
  expect(headers.get("retry-after")).toBe(String(retryAfter));
  expect(headers.get("cache-control")).toBe("no-store");
}

/** Two students in the middle of an exam, one of whom has saved before. */
async function anExamInProgress(app: TestApp) {
  const { container } = app;
  const school = await aSchool(container, { students: 2 });
  const { examId, questionIds } = await anExam(container, school, { questions: [1, 2].map(textQuestion) });
  const students = await Promise.all(
    school.students.map(async ({ actor, token }) => {
      const { id } = await container.services.attempts.start(actor, examId);
      return savingStudent({ attemptId: id, questionIds, token });
    }),
  );
  for (const student of students) expect(await student.save(app.url)).toEqual({ kind: "acknowledged" });
  return { school, students };
}

const submit = (app: TestApp, { attemptId, token }: { attemptId: string; token: string }) =>
  app.ask(SUBMIT, { id: attemptId }, token);

/** Asks as long as it takes until the answer is stored: a cache must have seen the parts twice. */
const untilStored = (app: TestApp, query: string, token: string) =>
  eventually("the answer is stored", async () => {
    const { headers } = await app.ask(query, {}, token);
    return headers.get("x-lectern-cache") === "hit";
  });

describe("a server with more to do than it can", () => {
  /** How long whoever joins the line would wait, in milliseconds. */
  const wait = { pool: 0, saves: 0 };
  /** Lines that serve one each millisecond, so that as many wait as the wait has milliseconds. */
  const line = (name: keyof typeof wait) => ({ waiting: () => wait[name], served: () => performance.now() });
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ env: { LOAD_SHEDDING: "true" }, lines: { pool: line("pool"), saves: line("saves") } });
  });
  afterAll(() => app?.close());

  it("refuses reads, then saves, and never a submission; and nothing once it has less to do", async () => {
    const { school, students } = await anExamInProgress(app);
    const [early, late] = students as [(typeof students)[0], (typeof students)[0]];
    const { token } = school.teacher;
    const read = () => app.ask(COURSES, {}, token);
    const create = () => app.ask(CREATE, { input: { title: "Made under load" } }, token);
    const follow = (over: "ws" | "sse") => firstOf(app.url, CHANGES, { id: late.attemptId }, late.token, over);
    await untilStored(app, ME, token);

    wait.pool = 3_000;
    expectRefusal(await eventually("reads are refused", async () => shedAnswer(await read()), WITHIN_MS));
    for (const over of ["ws", "sse"] as const) expect(isShed(await follow(over))).toBe(true);
    expect(await early.save(app.url)).toEqual({ kind: "acknowledged" });
    expect((await create()).data).toEqual({ createCourse: { title: "Made under load" } });

    wait.saves = 6_000;
    await eventually("changes are refused", async () => isShed(await create()), WITHIN_MS);
    expect(await early.save(app.url)).toMatchObject({ kind: "refused", code: "SERVICE_UNAVAILABLE", status: 503 });
    expectRefusal(await read());
    expect((await submit(app, early)).data).toEqual({ submitAttempt: { status: "SUBMITTED" } });
    for (const page of ["/healthz", "/readyz", "/.well-known/jwks.json"])
      expect([page, (await fetch(app.url + page)).status]).toEqual([page, 200]);

    [wait.pool, wait.saves] = [0, 0];
    await eventually("saves are taken", async () => (await late.save(app.url)).kind === "acknowledged", WITHIN_MS);
    await eventually("reads are answered", async () => !isShed(await read()), WITHIN_MS);
    expect((await read()).status).toBe(200);
    expect((await submit(app, late)).data).toEqual({ submitAttempt: { status: "SUBMITTED" } });
    expect(await wrongAnswers(app.container, students)).toEqual([]);
  });
});

describe("a server whose database connections are all held", () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ env: { LOAD_SHEDDING: "true", DATABASE_POOL_MAX: "2" } });
  });
  afterAll(() => app?.close());

  it("refuses reads at once, acknowledges saves, and submissions go through when it gets on", async () => {
    const { school, students } = await anExamInProgress(app);
    const [submitting, saving] = students as [(typeof students)[0], (typeof students)[0]];
    const { token } = school.teacher;
    await untilStored(app, ME, token);

    const held = await holdRows(app.config.DATABASE_URL, "LOCK TABLE courses IN ACCESS EXCLUSIVE MODE", []);
    const asked: Promise<GraphqlAnswer>[] = [];
    try {
      const refused = await eventually(
        "reads are refused",
        async () => {
          asked.push(app.ask(COURSES, {}, token)); // whoever asks now waits for a connection, and some until they give up
          const latest = await Promise.race([asked.at(-1)!, new Promise<null>((go) => setTimeout(go, 200, null))]);
          return latest && shedAnswer(latest);
        },
        WITHIN_MS,
      );
      expectRefusal(refused);
      expect(await saving.save(app.url)).toEqual({ kind: "acknowledged" });
      expect((await app.ask(ME, {}, token)).headers.get("x-lectern-cache")).toBe("hit");
      expect((await fetch(`${app.url}/healthz`)).status).toBe(200);
      asked.push(submit(app, submitting));
      expectRefusal(await app.ask(COURSES, {}, token));
    } finally {
      await held.letGo();
    }
    expect((await asked.pop()!).data).toEqual({ submitAttempt: { status: "SUBMITTED" } });
    const codes = (await Promise.all(asked)).map(({ errors }) => errors?.[0]?.extensions.code ?? "answered");
    expect(codes).toContain("answered");
    expect(codes.filter((code) => code !== "answered" && code !== "SERVICE_UNAVAILABLE")).toEqual([]);

    await eventually("reads are answered", async () => (await app.ask(COURSES, {}, token)).status === 200, WITHIN_MS);
    expect(await saving.save(app.url)).toEqual({ kind: "acknowledged" });
    expect((await submit(app, saving)).data).toEqual({ submitAttempt: { status: "SUBMITTED" } });
    expect(await wrongAnswers(app.container, students)).toEqual([]);
  });
});
