import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import pg from "pg";
import { LIMITS } from "../../src/apollo/plugins/limits.ts";
import { aKeptLog } from "../support/logLines.ts";
import { anExam, aSchool, choiceQuestion, type School } from "../support/school.ts";
import { firstOf } from "../support/subscriber.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";
import { nothingsId } from "../support/world.ts";

const kept = aKeptLog();
let app: TestApp;
let school: School;
let examId: string;
let questionIds: string[];
let attemptId: string;
beforeAll(async () => {
  app = await startTestApp({ log: kept.log, env: { INTROSPECTION: "false", BODY_LIMIT_KB: "300" } });
  school = await aSchool(app.container);
  ({ examId, questionIds } = await anExam(app.container, school));
  attemptId = (await app.container.services.attempts.start(school.students[0]!.actor, examId)).id;
});
afterAll(() => app.close());

const student = (): string => school.students[0]!.token;
const teacher = (): string => school.teacher.token;

interface Raw {
  status: number;
  headers: Headers;
  text: string;
  errors: { message: string; extensions: Record<string, unknown> }[];
}

/** A request as it is given, and the answer as it comes. */
async function send(init: RequestInit & { path?: string }): Promise<Raw> {
  const response = await fetch(`${app.url}${init.path ?? "/graphql"}`, init);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    errors: text.startsWith("{") ? JSON.parse(text).errors : [],
  };
}
const post = (body: string, headers: Record<string, string> = {}) =>
  send({ method: "POST", body, headers: { "content-type": "application/json", ...headers } });

describe("a refusal", () => {
  const SAVE =
    "mutation ($id: ID!, $answers: [AnswerInput!]!) { saveAnswers(attemptId: $id, answers: $answers) { savedAt } }";

  it.each<[string, number, string | undefined, string, () => Record<string, unknown>, () => string | undefined]>([
    ["BAD_USER_INPUT", 400, undefined, 'mutation { createCourse(input: { title: " " }) { id } }', () => ({}), teacher],
    ["UNAUTHENTICATED", 401, undefined, "{ courses { totalCount } }", () => ({}), () => undefined],
    [
      "UNAUTHENTICATED",
      401,
      "WRONG_CREDENTIALS",
      `mutation { login(email: "a@b.example", password: "x") { accessToken } }`,
      () => ({}),
      () => undefined,
    ],
    [
      "FORBIDDEN",
      403,
      undefined,
      "mutation ($id: ID!) { publishExam(id: $id) { id } }",
      () => ({ id: examId }),
      student,
    ],
    ["NOT_FOUND", 404, undefined, "query ($id: ID!) { exam(id: $id) { id } }", () => ({ id: nothingsId() }), student],
    [
      "CONFLICT",
      409,
      "SLUG_TAKEN",
      `mutation { createCourse(input: { title: "x", slug: "taken" }) { id } }`,
      () => ({}),
      teacher,
    ],
    [
      "UNPROCESSABLE",
      422,
      "EXAM_PUBLISHED",
      "mutation ($id: ID!) { updateExam(id: $id, input: { durationMinutes: 1 }) { id } }",
      () => ({ id: examId }),
      teacher,
    ],
  ])("is %s with the status %s and the reason %s", async (code, status, reason, operation, variables, token) => {
    if (reason === "SLUG_TAKEN")
      await app.container.services.courses.create(school.teacher.actor, { title: "x", slug: "taken" });
    const { errors, headers } = await app.ask(operation, variables(), token());
    expect(errors).toHaveLength(1);
    expect(errors![0]!.extensions).toMatchObject({ code, status });
    expect(errors![0]!.extensions.reason).toBe(reason);
    expect(headers.get("x-request-id")).toMatch(/^[\w-]{8,64}$/);
  });

  it.each([
    [
      "registering",
      "mutation ($input: RegisterInput!) { register(input: $input) { jobId } }",
      { input: { email: "no", password: "short", name: "" } },
      ["input.email", "input.password", "input.name"],
    ],
    ["a page", "query { courses(first: 0) { totalCount } }", {}, ["first"]],
    ["a cursor", `query { courses(after: "nonsense") { totalCount } }`, {}, ["after"]],
  ])("names the fields that are wrong in %s", async (_what, operation, variables, fields) => {
    const { errors } = await app.ask(operation, variables, teacher());
    const named = errors![0]!.extensions.fields as { path: string; message: string }[];
    expect(named.map(({ path }) => path)).toEqual(fields);
    for (const { message } of named) expect(message).not.toBe("");
  });

  it("names the place in the definition of a question that is wrong", async () => {
    const input = { ...choiceQuestion(1), definition: { options: [{ text: "only one" }] } };
    const { errors } = await app.ask(
      "mutation ($id: ID!, $input: QuestionInput!) { createQuestion(courseId: $id, input: $input) { id } }",
      { id: school.courseId, input },
      teacher(),
    );
    expect(errors![0]!.extensions).toMatchObject({ code: "BAD_USER_INPUT", fields: [{ path: "definition.options" }] });
  });

  it.each([
    "",
    "x",
    "1",
    "019aa000-0000-7000-8000-00000000000g",
    "'; DROP TABLE exams; --",
    "\u0000",
    "🦉".repeat(100),
  ])("is NOT_FOUND for %j where an id should be, as for an id that nothing has", async (id) => {
    expect(await app.refusal("query ($id: ID!) { exam(id: $id) { id } }", { id }, student())).toBe("NOT_FOUND");
    expect(await app.refusal("query ($id: ID!) { attempt(id: $id) { id } }", { id }, student())).toBe("NOT_FOUND");
    expect(
      await app.refusal("query ($id: ID!) { course(id: $id) { id enrollments { totalCount } } }", { id }, teacher()),
    ).toBe("NOT_FOUND");
    expect(await app.refusal("mutation ($id: ID!) { submitAttempt(attemptId: $id) { id } }", { id }, student())).toBe(
      "NOT_FOUND",
    );
    expect(await app.refusal("mutation ($id: ID!) { publishExam(id: $id) { id } }", { id }, teacher())).toBe(
      "NOT_FOUND",
    );
    expect((await app.ask("query ($id: ID!) { node(id: $id) { id } }", { id }, student())).data).toEqual({
      node: null,
    });
  });

  const NUL = "a\u0000b";
  it.each([
    [
      "register",
      'mutation ($text: String!) { register(input: { email: "nul@school.example", password: "long enough it is", name: $text }) { jobId } }',
    ],
    ["login", "mutation ($text: String!) { login(email: $text, password: $text) { accessToken } }"],
    ["refreshSession", "mutation ($text: String!) { refreshSession(refreshToken: $text) { accessToken } }"],
    ["createCourse", "mutation ($text: String!) { createCourse(input: { title: $text }) { id } }"],
    [
      "enrollStudents",
      "mutation ($text: String!, $course: ID!) { enrollStudents(input: { courseId: $course, students: [{ email: $text }] }) { unknownEmails } }",
    ],
    [
      "createExam",
      "mutation ($text: String!, $course: ID!) { createExam(input: { courseId: $course, title: $text, durationMinutes: 1 }) { id } }",
    ],
    [
      "updateExam",
      "mutation ($text: String!, $exam: ID!) { updateExam(id: $exam, input: { description: $text }) { id } }",
    ],
    [
      "createQuestion",
      `mutation ($text: String!, $course: ID!) { createQuestion(courseId: $course, input: { type: TRUE_FALSE, stem: $text, definition: { correct: true } }) { id } }`,
    ],
    [
      "importQuestions",
      "mutation ($text: String!, $course: ID!) { importQuestions(input: { courseId: $course, format: GIFT, content: $text }) { dryRun } }",
    ],
    ["exams", "query ($text: String!) { exams(filter: { search: $text }) { totalCount } }"],
    [
      "questions",
      "query ($text: String!, $course: ID!) { questions(courseId: $course, filter: { tags: [$text], search: $text }) { totalCount } }",
    ],
    ["job", "query ($text: String!, $course: ID!) { job(queue: $text, id: $course) { id } }"],
  ])("or an answer, but no fault, is what %s gives for a text with a NUL in it", async (_name, operation) => {
    const all = { text: NUL, course: school.courseId, exam: examId };
    const variables = Object.fromEntries(Object.entries(all).filter(([name]) => operation.includes(`$${name}`)));
    for (const text of [NUL, "\ud800", "x".repeat(200_000)]) {
      const { errors } = await app.ask(operation, { ...variables, text }, teacher());
      expect(errors?.[0]?.extensions.code).not.toBe("INTERNAL_SERVER_ERROR");
    }
  });

  it("is in the receipt for a response with a NUL, and the others are saved", async () => {
    const answers = [
      { questionId: questionIds[0], response: { choice: NUL }, revision: 1 },
      { questionId: questionIds[1], response: { choice: "b" }, revision: 1 },
    ];
    const { data } = await app.ask(
      SAVE.replace("savedAt", "receipts { outcome }"),
      { id: attemptId, answers },
      student(),
    );
    expect(data.saveAnswers.receipts).toEqual([{ outcome: "REFUSED" }, { outcome: "SAVED" }]);
  });

  it.each([
    ["two members", { choice: "a", text: "b" }],
    ["no member", {}],
    ["a member that is null", { choice: null }],
  ])("is what a response with %s gets", async (_what, response) => {
    const answers = [{ questionId: questionIds[0], response, revision: 1 }];
    const saved = await app.ask(SAVE.replace("savedAt", "receipts { outcome }"), { id: attemptId, answers }, student());
    // As a variable it gets as far as its receipt, where it is refused beside answers that are right.
    expect(saved.data.saveAnswers.receipts).toEqual([{ outcome: "REFUSED" }]);
    const literal = JSON.stringify(response).replace(/"(\w+)":/g, "$1:");
    const inQuery = `mutation { saveAnswers(attemptId: "${attemptId}", answers: [{ questionId: "${questionIds[0]}", response: ${literal}, revision: 1 }]) { savedAt } }`;
    const { status, errors } = await app.ask(inQuery, {}, student());
    expect(status).toBe(400);
    expect(errors![0]!.extensions).toMatchObject({ code: "BAD_USER_INPUT", status: 400 });
  });

  it.each([
    ["an Int that is a text", { first: "three" }],
    ["an Int that is too large", { first: 3_000_000_000 }],
    ["an object", { first: { a: 1 } }],
  ])("is BAD_USER_INPUT for a variable with %s", async (_what, variables) => {
    const { errors } = await app.ask(
      "query ($first: Int) { courses(first: $first) { totalCount } }",
      variables,
      student(),
    );
    expect(errors![0]!.extensions).toMatchObject({ code: "BAD_USER_INPUT", status: 400 });
  });
});

describe("a request that is none", () => {
  it.each([
    ["is no JSON", "{"],
    ["is empty", ""],
    ["is a JSON text", '"x"'],
    ["is null", "null"],
    ["holds no query", "{}"],
    ["holds a query that is no text", '{"query": 1}'],
    ["is a batch", '[{"query":"{ serverTime }"}]'],
    ["does not parse", '{"query":"{"}'],
    ["asks for a field that does not exist", '{"query":"{ nothing }"}'],
    ["names an operation that is not there", '{"query":"query A { serverTime }","operationName":"B"}'],
  ])("is BAD_USER_INPUT when it %s", async (_what, body) => {
    const { status, errors, headers } = await post(body);
    expect(errors[0]).toMatchObject({ extensions: { code: "BAD_USER_INPUT", status: 400 } });
    expect(status).toBe(400);
    expect(headers.get("x-request-id")).toBeTruthy();
  });

  const times = (count: number, text: (at: number) => string) =>
    Array.from({ length: count }, (_, at) => text(at)).join(" ");
  it.each([
    ["depth", "{ courses { nodes { enrollments { nodes { user { id } } } } } }", 200],
    ["depth", `{ courses ${"{ nodes ".repeat(LIMITS.depth + 1)}{ id }${" }".repeat(LIMITS.depth + 1)} }`, 400],
    ["aliases", `{ ${times(LIMITS.aliases, (at) => `a${at}: serverTime`)} }`, 200],
    ["aliases", `{ ${times(LIMITS.aliases + 1, (at) => `a${at}: serverTime`)} }`, 400],
    ["token", `{ ${times(LIMITS.tokens / 4, () => "serverTime")} }`, 200],
    ["token", `{ ${times(LIMITS.tokens + 1, () => "serverTime")} }`, 400],
    ["entries", "{ courses(first: 200) { nodes { id enrollments(first: 49) { nodes { role } } } } }", 200],
    ["entries", "{ courses(first: 200) { nodes { id enrollments(first: 50) { nodes { role } } } } }", 400],
  ])("is measured by the limit of %s", async (limit, query, expected) => {
    const { status, errors } = await post(JSON.stringify({ query }), { authorization: `Bearer ${teacher()}` });
    expect({ status, said: status === expected ? "" : errors?.[0]?.message }).toEqual({ status: expected, said: "" });
    if (expected === 200) return;
    expect(errors[0]!.extensions).toMatchObject({ code: "BAD_USER_INPUT", status: 400 });
    expect(errors.map(({ message }) => message).join()).toMatch(new RegExp(limit, "i"));
  });

  it("is told what is wrong with a variable, but not the variable, which may hold a password", async () => {
    const query = "mutation ($input: RegisterInput!) { register(input: $input) { jobId } }";
    const input = { email: 5, password: 'canary; at "x"; password', nam: 1 };
    const { errors, text } = await post(JSON.stringify({ query, variables: { input } }));
    expect(errors.map(({ message }) => message).join("\n")).toMatch(
      /Variable "\$input" is not right.*(name|nam|email)/,
    );
    expect(text).not.toContain("canary");
  });

  it("is 413 when its body is too large", async () => {
    const { status, errors } = await post(JSON.stringify({ query: `{ serverTime } # ${"x".repeat(400_000)}` }));
    expect(status).toBe(413);
    expect(errors[0]!.extensions).toMatchObject({ code: "BAD_USER_INPUT", status: 413 });
    expect(errors[0]!.message).toMatch(/larger than \d+ KB/);
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])(
    "is refused as %s, which a foreign page could send",
    async (type) => {
      const { status, text } = await post('{"query":"{ serverTime }"}', { "content-type": type });
      expect([400, 415]).toContain(status);
      expect(text).not.toContain('"data"');
    },
  );

  it("is refused as a GET without a header that a foreign page cannot send", async () => {
    const { status, text } = await send({ path: "/graphql?query=%7BserverTime%7D" });
    expect(status).toBe(400);
    expect(text).not.toContain('"data"');
  });

  it("is refused when a GET asks for a mutation", async () => {
    const query = encodeURIComponent('mutation { logout(refreshToken: "x") }');
    const { status, text } = await send({
      path: `/graphql?query=${query}`,
      headers: { "apollo-require-preflight": "1" },
    });
    expect(status).toBe(405);
    expect(text).not.toContain('"data":{');
  });

  it.each(["{ __schema { types { name } } }", '{ __type(name: "Question") { fields { name } } }'])(
    "is refused while introspection is off: %s",
    async (query) => {
      const { status, errors } = await post(JSON.stringify({ query }));
      expect(status).toBe(400);
      expect(errors[0]!.extensions.code).toBe("BAD_USER_INPUT");
      for (const over of ["ws", "sse"] as const) {
        const { data, errors } = await firstOf(app.url, query, {}, undefined, over);
        expect(data?.__schema ?? data?.__type).toBeUndefined();
        expect(errors![0]!.extensions.code).toBe("BAD_USER_INPUT");
      }
    },
  );
});

describe("GraphQL over HTTP", () => {
  const accept = { accept: "application/graphql-response+json" };
  it("answers a GET with the header that a simple request cannot have", async () => {
    const { status, text } = await send({
      path: "/graphql?query=%7BserverTime%7D",
      headers: { "apollo-require-preflight": "1" },
    });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ data: { serverTime: expect.any(String) } });
  });

  it.each([
    ["what does not parse", "{", 400],
    ["what is not valid", "{ nothing }", 400],
    ["what can be executed", "{ serverTime }", 200],
    ["what is refused by a field that must have a value", "{ courses { totalCount } }", 200],
  ])("gives application/graphql-response+json, when asked for it, to %s", async (_what, query, status) => {
    const answer = await post(JSON.stringify({ query }), accept);
    expect(answer.headers.get("content-type")).toMatch(/^application\/graphql-response\+json/);
    expect(answer.status).toBe(status);
  });

  it("returns the request id it is given, and makes one where it is given none or nonsense", async () => {
    expect(
      (await post('{"query":"{ serverTime }"}', { "x-request-id": "given-by-proxy-1" })).headers.get("x-request-id"),
    ).toBe("given-by-proxy-1");
    const made = await post('{"query":"{ serverTime }"}', { "x-request-id": "no id\tat all" });
    expect(made.headers.get("x-request-id")).toMatch(/^[\w-]{8,64}$/);
  });
});

describe("a fault of the server", () => {
  let broken: TestApp;
  beforeAll(async () => {
    broken = await startTestApp({ log: kept.log });
    const client = new pg.Client(broken.config.DATABASE_URL);
    await client.connect();
    await client.query("ALTER TABLE courses RENAME TO courses_gone");
    await client.end();
  });
  afterAll(() => broken.close());

  it("is told as a request id alone, under which the log has it", async () => {
    const { tokens } = broken.container;
    const { token } = await tokens.sign({
      userId: nothingsId(),
      role: "ADMIN",
      sessionId: nothingsId(),
      secondFactorMissing: false,
    });
    const { status, errors, headers, data } = await broken.ask("{ courses { nodes { id } } }", {}, token);
    expect(status).toBe(200);
    expect(data).toBeNull();
    expect(errors).toMatchObject([
      {
        message: "Something went wrong on the server. Name the request id when you report it.",
        path: ["courses"],
        extensions: { code: "INTERNAL_SERVER_ERROR", status: 500, requestId: headers.get("x-request-id") },
      },
    ]);
    const logged = kept.lines.filter(
      ({ requestId, level }) => requestId === headers.get("x-request-id") && level >= 50,
    );
    expect(logged).toHaveLength(1);
    expect(JSON.stringify(logged)).toContain("courses");
  });
});
