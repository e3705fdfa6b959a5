import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { anExam, aSchool, choiceQuestion, type Person, type School } from "../support/school.ts";
import { subscribeTo } from "../support/subscriber.ts";
import { type GraphqlAnswer, startTestApp, type TestApp } from "../support/testApp.ts";

/** The server is behind a proxy, so that a test may say where a request comes from. */
let app: TestApp;
let school: School;
beforeAll(async () => {
  app = await startTestApp({ worker: true, env: { TRUST_PROXY: "true" } });
  school = await aSchool(app.container, { students: 2 });
});
afterAll(() => app.close());

interface Device {
  token: string;
  address?: string;
  agent?: string;
}

async function ask(device: Device, query: string, variables: object = {}) {
  const response = await fetch(`${app.url}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${device.token}`,
      "x-forwarded-for": device.address ?? "192.0.2.10",
      "user-agent": device.agent ?? "test",
    },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Pick<GraphqlAnswer, "data" | "errors">;
}

const START =
  "mutation ($id: ID!, $code: String) { startAttempt(examId: $id, accessCode: $code) { id isActiveHere answers { revision } } }";
const READ = "query ($id: ID!) { attempt(id: $id) { status isActiveHere paper { questions { id } } } }";
const SAVE = `mutation ($id: ID!, $answers: [AnswerInput!]!) { saveAnswers(attemptId: $id, answers: $answers) { receipts { outcome } } }`;
const SUBMIT = "mutation ($id: ID!) { submitAttempt(attemptId: $id) { status isActiveHere } }";
const LOG = `query ($id: ID!, $question: ID, $first: Int, $after: String) {
  attemptLog(attemptId: $id, questionId: $question, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { at kind actor { id } sessionId address userAgent detail }
  }
}`;

/** The person in another log-in: with a session of its own. */
async function anotherDevice({ actor }: Person, device: Omit<Device, "token"> = {}): Promise<Device> {
  const viewer = { userId: actor.userId, role: actor.role, secondFactorMissing: false };
  const { token } = await app.container.tokens.sign({ ...viewer, sessionId: app.container.newId() });
  return { token, ...device };
}

async function anExamInProgress(rules: object = {}) {
  const { examId, questionIds } = await anExam(app.container, school, {
    questions: [choiceQuestion(1), choiceQuestion(2)],
    rules,
  });
  const student = school.students[0]!;
  const laptop: Device = { token: student.token, address: "192.0.2.10", agent: "Laptop" };
  const { data } = await ask(laptop, START, { id: examId });
  const id = data.startAttempt.id as string;
  let revision = 0;
  const save = (device: Device, at = 0, choice = "b") =>
    ask(device, SAVE, { id, answers: [{ questionId: questionIds[at], response: { choice }, revision: ++revision }] });
  return { examId, questionIds, student, laptop, id, save };
}

const teacher = (): Device => ({ token: school.teacher.token });
const logOf = async (id: string, more: object = {}) => (await ask(teacher(), LOG, { id, ...more })).data.attemptLog;
const kinds = (log: { nodes: { kind: string }[] }) => log.nodes.map(({ kind }) => kind);
const refusal = (answer: Awaited<ReturnType<typeof ask>>) =>
  answer.errors?.[0]?.extensions.reason ?? answer.errors?.[0]?.extensions.code;

describe("a student whose laptop dies", () => {
  it("goes on on a phone with all that was saved, and the laptop can save no more", async () => {
    const { examId, questionIds, student, laptop, id, save } = await anExamInProgress();
    await save(laptop);
    const changes = subscribeTo(
      app.url,
      "subscription ($id: ID!) { attemptChanged(attemptId: $id) { isActiveHere } }",
      { id },
      laptop.token,
    );
    expect((await changes.next()).value.data.attemptChanged).toEqual({ isActiveHere: true });

    const phone = await anotherDevice(student, { address: "2001:db8::7", agent: "Phone" });
    expect((await ask(phone, READ, { id })).data.attempt.isActiveHere).toBe(false);
    expect(refusal(await save(phone))).toBe("ATTEMPT_TAKEN_OVER"); // not before it says that it goes on here
    const { data } = await ask(phone, START, { id: examId });
    expect(data.startAttempt).toEqual({ id, isActiveHere: true, answers: [{ revision: 1 }] });
    expect((await changes.next()).value.data.attemptChanged).toEqual({ isActiveHere: false });
    await changes.return?.();
    expect((await save(phone)).data.saveAnswers.receipts).toEqual([{ outcome: "SAVED" }]);

    const late = await save(laptop);
    expect(late.errors).toMatchObject([
      { message: expect.stringContaining("startAttempt"), extensions: { code: "UNPROCESSABLE" } },
    ]);
    expect(refusal(late)).toBe("ATTEMPT_TAKEN_OVER");
    expect((await ask(laptop, READ, { id })).data.attempt.paper.questions).toHaveLength(2);

    const { nodes } = await logOf(id);
    const takenOver = nodes.find(({ kind }: { kind: string }) => kind === "TAKEN_OVER");
    expect(takenOver).toMatchObject({
      actor: { id: student.id },
      address: "2001:db8::7",
      userAgent: "Phone",
      detail: { from: { sessionId: student.actor.sessionId, address: "192.0.2.10", userAgent: "Laptop" } },
    });
    const refused = nodes.filter(({ kind }: { kind: string }) => kind === "SAVE_REFUSED");
    expect(refused.map(({ detail, address }: { detail: object; address: string }) => [detail, address])).toEqual([
      [{ reason: "TAKEN_OVER", refused: { [questionIds[0]!]: 2 } }, "2001:db8::7"],
      [{ reason: "TAKEN_OVER", refused: { [questionIds[0]!]: 4 } }, "192.0.2.10"],
    ]);
  });

  it("takes the attempt back, and hands in from either", async () => {
    const { examId, student, laptop, id, save } = await anExamInProgress();
    const phone = await anotherDevice(student);
    await ask(phone, START, { id: examId });
    await ask(laptop, START, { id: examId });
    expect((await save(laptop)).data.saveAnswers.receipts).toEqual([{ outcome: "SAVED" }]);
    expect(refusal(await save(phone))).toBe("ATTEMPT_TAKEN_OVER");
    expect((await ask(phone, SUBMIT, { id })).data.submitAttempt).toMatchObject({ isActiveHere: false });
    expect(refusal(await save(laptop))).toBe("ATTEMPT_CLOSED");
    expect(refusal(await save(phone))).toBe("ATTEMPT_CLOSED");
    expect(kinds(await logOf(id)).filter((kind) => kind === "TAKEN_OVER")).toHaveLength(2);
  });

  it("is asked for the access code again on the other device", async () => {
    const { examId } = await anExam(app.container, school, { rules: { accessCode: "room 101" } });
    const student = school.students[0]!;
    await ask({ token: student.token }, START, { id: examId, code: "room 101" });
    expect((await ask({ token: student.token }, START, { id: examId })).errors).toBeUndefined();
    const phone = await anotherDevice(student);
    expect(refusal(await ask(phone, START, { id: examId }))).toBe("WRONG_ACCESS_CODE");
    expect((await ask(phone, START, { id: examId, code: "room 101" })).data.startAttempt.isActiveHere).toBe(true);
  });

  it("goes on after a token was refreshed, and in a new log-in after startAttempt", async () => {
    const { db, services, clock } = app.container;
    const email = "refreshing@school.example";
    const password = "correct horse battery staple";
    const { id: userId } = await services.accounts.open({ email, password, name: "Rita", role: "STUDENT" });
    await db.user.update({ where: { id: userId }, data: { emailVerifiedAt: clock() } });
    await services.courses.enroll(school.teacher.actor, {
      courseId: school.courseId,
      students: [{ email, extraTimePercent: 0, role: "STUDENT" }],
    });
    const device = { ip: "192.0.2.10", userAgent: "Laptop" };
    const { examId, questionIds } = await anExam(app.container, school);
    const first = await services.sessions.login({ email, password }, device, "test");
    const { data } = await ask({ token: first.accessToken }, START, { id: examId });
    const answers = (revision: number) => ({
      id: data.startAttempt.id,
      answers: [{ questionId: questionIds[0], response: { choice: "b" }, revision }],
    });
    const next = await services.sessions.refresh(first.refreshToken, device, "test");
    expect((await ask({ token: next.accessToken }, SAVE, answers(1))).errors).toBeUndefined();
    await services.sessions.logout(next.refreshToken);
    const again = await services.sessions.login({ email, password }, device, "test");
    expect(refusal(await ask({ token: again.accessToken }, SAVE, answers(2)))).toBe("ATTEMPT_TAKEN_OVER");
    await ask({ token: again.accessToken }, START, { id: examId });
    expect((await ask({ token: again.accessToken }, SAVE, answers(3))).errors).toBeUndefined();
  });
});

describe("an exam with a list of addresses", () => {
  const room = { allowedAddresses: ["192.0.2.0/24", "2001:db8:1::/48"] };
  const update = (id: string, input: object) =>
    ask(
      teacher(),
      "mutation ($id: ID!, $input: UpdateExamInput!) { updateExam(id: $id, input: $input) { allowedAddresses } }",
      { id, input },
    );

  it("is neither started, read nor answered from home, but handed in", async () => {
    const { id, student, save, laptop } = await anExamInProgress(room);
    const home = { ...laptop, address: "203.0.113.7" };
    const refused = await save(home);
    expect(refusal(refused)).toBe("ADDRESS_NOT_ALLOWED");
    expect(refused.errors![0]!.message).toContain("203.0.113.7");
    expect(refusal(await ask(home, READ, { id }))).toBe("ADDRESS_NOT_ALLOWED");
    expect((await ask(home, "query ($id: ID!) { attempt(id: $id) { status } }", { id })).data.attempt.status).toBe(
      "IN_PROGRESS",
    );
    expect((await save({ ...laptop, address: "2001:db8:1::5" })).errors).toBeUndefined();
    expect((await ask(home, SUBMIT, { id })).errors).toBeUndefined();
    expect((await ask(home, READ, { id })).data.attempt.paper.questions).toHaveLength(2); // a review is no exam
    const other = { ...room, title: "Another" };
    const { examId } = await anExam(app.container, school, { rules: other });
    expect(refusal(await ask({ token: student.token, address: "::ffff:203.0.113.7" }, START, { id: examId }))).toBe(
      "ADDRESS_NOT_ALLOWED",
    );
    const { nodes } = await logOf(id);
    const turnedAway = nodes.filter(({ kind }: { kind: string }) => kind === "ADDRESS_REFUSED");
    expect(turnedAway).toMatchObject([{ address: "203.0.113.7" }]); // once a minute
  });

  it("lets somebody in as soon as staff have put the address on the list, and only then", async () => {
    const { examId, laptop, save } = await anExamInProgress(room);
    const home = { ...laptop, address: "203.0.113.7" };
    expect(refusal(await save(home))).toBe("ADDRESS_NOT_ALLOWED");
    const { data } = await update(examId, { allowedAddresses: [...room.allowedAddresses, "203.0.113.7"] });
    expect(data.updateExam.allowedAddresses).toEqual([...room.allowedAddresses, "203.0.113.7"]);
    expect((await save(home)).errors).toBeUndefined();
    await update(examId, { allowedAddresses: ["198.51.100.1"] });
    expect(refusal(await save(laptop))).toBe("ADDRESS_NOT_ALLOWED");
    expect((await update(examId, { allowedAddresses: [] })).data.updateExam.allowedAddresses).toBeNull();
    expect((await save(home)).errors).toBeUndefined();
    const audited = await app.container.db.auditEntry.findMany({
      where: { entityId: examId, action: "updateExam" },
      orderBy: { id: "asc" },
    });
    expect(audited).toMatchObject([
      { before: room },
      { after: { allowedAddresses: ["198.51.100.1"] } },
      { after: { allowedAddresses: [] } },
    ]);
  });

  it("is refused with the entry that is wrong", async () => {
    const { examId } = await anExam(app.container, school);
    const { errors } = await update(examId, { allowedAddresses: ["192.0.2.1", "room 101"] });
    expect(errors).toMatchObject([
      {
        extensions: {
          code: "BAD_USER_INPUT",
          fields: [{ path: "input.allowedAddresses.1", message: expect.stringContaining("room 101") }],
        },
      },
    ]);
  });
});

describe("the log of an attempt", () => {
  it("settles when each revision of an answer came, and what became of it", async () => {
    const { id, questionIds, laptop } = await anExamInProgress();
    const [one, two] = questionIds as [string, string];
    const send = (...answers: [string, number, object][]) =>
      ask(laptop, SAVE, {
        id,
        answers: answers.map(([questionId, revision, response]) => ({ questionId, revision, response })),
      });
    await send([one, 1, { choice: "a" }], [two, 1, { choice: "a" }]);
    await send([one, 3, { choice: "b" }], [one, 2, { choice: "c" }]);
    await send([one, 2, { choice: "c" }]);
    await send([one, 4, { text: "not a choice" }], [two, 2, { choice: "b" }]);
    await ask(laptop, SUBMIT, { id });
    await send([one, 5, { choice: "d" }]);
    const { nodes, totalCount } = await logOf(id, { question: one });
    expect(nodes.map(({ kind, detail }: { kind: string; detail: object }) => [kind, detail])).toEqual([
      ["SAVED", { saved: { [one]: 1, [two]: 1 } }],
      ["SAVED", { saved: { [one]: 3 }, superseded: { [one]: 2 } }],
      ["SAVED", { saved: {}, superseded: { [one]: 2 } }],
      ["SAVED", { saved: { [two]: 2 }, refused: { [one]: 4 } }],
      ["SAVE_REFUSED", { reason: "CLOSED", refused: { [one]: 5 } }],
    ]);
    expect(totalCount).toBe(5);
    expect(nodes.map(({ at }: { at: string }) => at)).toEqual(nodes.map(({ at }: { at: string }) => at).toSorted());
    expect(JSON.stringify(nodes)).not.toContain("choice");
  });

  it("tells of the start, the reading, every act of staff and the end, page by page", async () => {
    const { examId, student, id, questionIds, laptop, save } = await anExamInProgress();
    await save(laptop);
    await ask(laptop, READ, { id });
    await ask(laptop, READ, { id });
    const { services } = app.container;
    const asked = { examId, reason: "The fire alarm." };
    await services.examTime.extend(school.teacher.actor, { ...asked, minutes: 5 });
    await services.examTime.pause(school.teacher.actor, asked);
    expect(refusal(await save(laptop))).toBeUndefined(); // in flight: within the grace
    await services.examTime.resume(school.teacher.actor, asked);
    await services.examTime.stop(school.teacher.actor, asked);
    await services.grading.gradeAttempt(id);
    await services.marking.gradeAnswer(school.teacher.actor, {
      attemptId: id,
      questionId: questionIds[0],
      points: "1",
    });

    const whole = await logOf(id, { first: 100 });
    expect(kinds(whole).toSorted()).toEqual(
      ["STARTED", "SAVED", "VIEWED", "EXTENDED", "PAUSED", "SAVED", "RESUMED", "STOPPED", "MARKED"].toSorted(),
    );
    const byKind = Object.fromEntries(whole.nodes.map((node: { kind: string }) => [node.kind, node]));
    expect(byKind.STARTED).toMatchObject({ actor: { id: student.id }, address: "192.0.2.10", userAgent: "Laptop" });
    expect(byKind.VIEWED).toMatchObject({ sessionId: student.actor.sessionId, address: "192.0.2.10" });
    expect(byKind.EXTENDED).toMatchObject({
      actor: { id: school.teacher.id },
      sessionId: null,
      address: null,
      detail: { minutes: 5 },
    });
    expect(byKind.MARKED).toMatchObject({ detail: { questionId: questionIds[0] } });

    const paged: string[] = [];
    for (let after: string | null = null; ; ) {
      const { nodes, pageInfo } = await logOf(id, { first: 2, after });
      paged.push(...kinds({ nodes }));
      if (!pageInfo.hasNextPage) break;
      after = pageInfo.endCursor;
    }
    expect(paged).toEqual(kinds(whole));
    expect(refusal(await ask(teacher(), LOG, { id, after: Buffer.from("1.x").toString("base64url") }))).toBe(
      "BAD_USER_INPUT",
    );
  });

  it("tells whether a student or the deadline handed it in", async () => {
    const { id, laptop } = await anExamInProgress();
    await ask(laptop, SUBMIT, { id });
    expect(kinds(await logOf(id))).toContain("SUBMITTED");
    const other = await anExamInProgress();
    await app.container.db
      .$executeRaw`UPDATE attempts SET deadline_at = now() - interval '1 hour' WHERE id = ${other.id}::uuid`;
    await app.container.services.attempts.expire(other.id);
    const { nodes } = await logOf(other.id);
    expect(nodes.at(-1)).toMatchObject({ kind: "EXPIRED", actor: null, address: null });
  });

  it("writes the views it has gathered when the server stops", async () => {
    const { id, student } = await anExamInProgress();
    const beside = await startTestApp({ beside: app });
    await beside.ask(READ, { id }, (await anotherDevice(student)).token);
    await beside.close();
    expect(await app.container.db.attemptEvent.count({ where: { attemptId: id, kind: "VIEWED" } })).toBeGreaterThan(0);
  });

  it("is for the staff of the course", async () => {
    const { id, laptop } = await anExamInProgress();
    expect(refusal(await ask(laptop, LOG, { id }))).toBe("FORBIDDEN");
    const stranger = (await aSchool(app.container)).teacher;
    expect(refusal(await ask({ token: stranger.token }, LOG, { id }))).toBe("NOT_FOUND");
  });
});
