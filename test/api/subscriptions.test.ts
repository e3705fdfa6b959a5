import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { WebSocket } from "ws";
import { eventually } from "../support/eventually.ts";
import { anExam, aSchool, type School, somePeople } from "../support/school.ts";
import { firstOf, subscribeTo } from "../support/subscriber.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
let examId: string;
beforeAll(async () => {
  app = await startTestApp({ worker: true });
  school = await aSchool(app.container, { students: 2 });
  ({ examId } = await anExam(app.container, school, { rules: { attemptsAllowed: 100 } }));
});
afterAll(() => app.close());

const ATTEMPT = "subscription ($id: ID!) { attemptChanged(attemptId: $id) { id status submittedBy result { score } } }";
const JOB = "subscription ($queue: String!, $id: ID!) { jobChanged(queue: $queue, id: $id) { name state progress } }";

async function anAttempt() {
  const student = school.students[0]!;
  const { id } = await app.container.services.attempts.start(student.actor, examId);
  return { id, student };
}

/** How many processes listen to an attempt or job. */
async function listeners(topic: string): Promise<number> {
  const channels = (await app.container.cacheRedis.pubsub(
    "CHANNELS",
    `${app.config.REDIS_PREFIX}:events:*`,
  )) as string[];
  return channels.filter((channel) => channel.endsWith(topic)).length;
}

describe.each(["ws", "sse"] as const)("attemptChanged over %s", (over) => {
  it("begins with the state now and follows the attempt until it is graded", async () => {
    const { id, student } = await anAttempt();
    const seen: string[] = [];
    for await (const { data, errors } of subscribeTo(app.url, ATTEMPT, { id }, student.token, over)) {
      expect(errors).toBeUndefined();
      const { status, submittedBy, result } = data.attemptChanged;
      if (status !== seen.at(-1)) seen.push(status);
      if (status === "IN_PROGRESS") await app.container.services.attempts.submit(student.actor, id);
      else expect(submittedBy).toBe("STUDENT");
      if (status === "GRADED") {
        expect(result).toEqual({ score: "0" });
        break;
      }
    }
    // Grading may be done before the news of the handing in is read; what is told is always the state now.
    expect([
      ["IN_PROGRESS", "SUBMITTED", "GRADED"],
      ["IN_PROGRESS", "GRADED"],
    ]).toContainEqual(seen);
  });

  it("lets the staff of the course watch", async () => {
    const { id } = await anAttempt();
    const { data } = await firstOf(app.url, ATTEMPT, { id }, school.teacher.token, over);
    expect(data.attemptChanged).toMatchObject({ id, status: "IN_PROGRESS" });
  });

  it.each([
    ["a stranger", "NOT_FOUND", async () => (await somePeople(app.container, 1))[0]!.token],
    ["another student", "NOT_FOUND", async () => school.students[1]!.token],
    ["a visitor", "UNAUTHENTICATED", async () => undefined],
    ["somebody with a forged token", "UNAUTHENTICATED", async () => "eyJhbGciOiJub25lIn0.e30."],
  ])("refuses %s with %s", async (_who, code, token) => {
    const { id } = await anAttempt();
    const { errors } = await firstOf(app.url, ATTEMPT, { id }, await token(), over);
    expect(errors).toMatchObject([{ extensions: { code } }]);
    expect(await eventually("nobody listens", async () => (await listeners(id)) === 0)).toBe(true);
  });

  it("stops listening when the client leaves, though nothing happens any more", async () => {
    const { id, student } = await anAttempt();
    const happenings = subscribeTo(app.url, ATTEMPT, { id }, student.token, over);
    await happenings.next();
    expect(await listeners(id)).toBe(1);
    await happenings.return?.();
    expect(await eventually("nobody listens", async () => (await listeners(id)) === 0)).toBe(true);
  });
});

describe("jobChanged", () => {
  async function aGradingJob() {
    const [student] = await somePeople(app.container, 1);
    const email = student!.email;
    await app.container.services.courses.enroll(school.teacher.actor, {
      courseId: school.courseId,
      students: [{ email, extraTimePercent: 0, role: "STUDENT" }],
    });
    const { id } = await app.container.services.attempts.start(student!.actor, examId);
    await app.container.services.attempts.submit(student!.actor, id);
    const job = await app.container.db.outboxJob.findFirstOrThrow({
      where: { name: "gradeAttempt", ownerId: student!.id },
    });
    return { student: student!, job: { queue: job.queue, id: job.id } };
  }

  it.each(["ws", "sse"] as const)("follows one's own job over %s until it is done, and ends there", async (over) => {
    const { student, job } = await aGradingJob();
    const states = [];
    for await (const { data } of subscribeTo(app.url, JOB, job, student.token, over)) states.push(data.jobChanged);
    expect(states.at(-1)).toEqual({ name: "gradeAttempt", state: "COMPLETED", progress: 100 });
  });

  it("knows nothing of somebody else's job", async () => {
    const { job } = await aGradingJob();
    const { errors } = await firstOf(app.url, JOB, job, school.students[1]!.token);
    expect(errors).toMatchObject([{ extensions: { code: "NOT_FOUND" } }]);
  });
});

describe("event streams", () => {
  const stream = (query: string) =>
    fetch(`${app.url}/graphql/stream`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify({ query }),
    });

  const broken = [
    ["does not parse", "subscription {"],
    ["asks for a field that does not exist", "subscription { examChanged }"],
    ["leaves a needed argument out", "subscription { attemptChanged { id } }"],
    ["asks for too much under other names", `query { ${"a: serverTime ".repeat(31)} }`],
  ] as const;

  it.each(broken)("refuse an operation over SSE that %s, and the server lives on", async (_what, query) => {
    const response = await stream(query);
    expect(await response.text()).toContain("BAD_USER_INPUT");
    expect((await app.ask("{ serverTime }")).status).toBe(200);
  });

  it.each(broken)("refuse an operation over WebSocket that %s, and the server lives on", async (_what, query) => {
    const { errors } = await firstOf(app.url, query, {}, school.teacher.token);
    expect(errors?.[0]?.extensions).toMatchObject({ code: "BAD_USER_INPUT", status: 400 });
    expect((await app.ask("{ serverTime }")).status).toBe(200);
  });

  async function heartbeatOverSse() {
    const { id, student } = await anAttempt();
    const response = await fetch(
      `${app.url}/graphql/stream?${new URLSearchParams({ query: ATTEMPT, variables: JSON.stringify({ id }) })}`,
      { headers: { authorization: `Bearer ${student.token}`, accept: "text/event-stream" } },
    );
    const reader = response.body!.getReader();
    let beats = 0;
    while (beats < 2) {
      const text = new TextDecoder().decode((await reader.read()).value);
      beats += text.match(/^:$/gm)?.length ?? 0; // one to open the stream, the next keeps it open
    }
    await reader.cancel();
    return "sse";
  }

  async function heartbeatOverWebSocket() {
    const socket = new WebSocket(`${app.url.replace("http", "ws")}/graphql/ws`, "graphql-transport-ws");
    await new Promise((resolve, reject) => {
      socket.on("open", () => socket.send(JSON.stringify({ type: "connection_init" })));
      socket.on("ping", resolve);
      socket.on("error", reject);
    });
    socket.close();
    return "ws";
  }

  it("send heartbeats", async () => {
    expect(await Promise.all([heartbeatOverSse(), heartbeatOverWebSocket()])).toEqual(["sse", "ws"]);
  }, 30_000);

  it("do not keep a server from stopping", async () => {
    const another = await startTestApp({ beside: app });
    const { id, student } = await anAttempt();
    const overWs = subscribeTo(another.url, ATTEMPT, { id }, student.token, "ws");
    const overSse = subscribeTo(another.url, ATTEMPT, { id }, student.token, "sse");
    await Promise.all([overWs.next(), overSse.next()]);
    const ends = Promise.allSettled([overWs.next(), overSse.next()]);
    await another.close(); // would not end before the subscriptions do
    await ends;
  });
});
