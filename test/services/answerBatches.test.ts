import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import pg from "pg";
import { type AnswerBatches, createAnswerBatches, type SaveRequest } from "../../src/services/answerBatches.ts";
import { anExam, aSchool, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let pool: pg.Pool;
let school: School;
let requests: SaveRequest[];
beforeAll(async () => {
  app = await startTestApp();
  pool = new pg.Pool({ connectionString: app.config.DATABASE_URL, max: 2 });
  school = await aSchool(app.container, { students: 12 });
});
afterAll(async () => {
  await pool.end();
  await app.close();
});

/** A good request of every student, at an exam that is new for each test. */
beforeEach(async () => {
  const { examId } = await anExam(app.container, school);
  requests = await Promise.all(
    school.students.map(async ({ actor }) => {
      const { id } = await app.container.services.attempts.start(actor, examId);
      const { paper } = await app.container.db.attempt.findUniqueOrThrow({ where: { id }, select: { paper: true } });
      const answers = (paper as { questionId: string; versionId: string }[]).map(({ questionId, versionId }) => ({
        questionId,
        versionId,
        response: { choice: "b" },
        revision: 1,
      }));
      return { attemptId: id, userId: actor.userId, sessionId: actor.sessionId, ip: null, answers };
    }),
  );
});

const batchesOf = (options: { connections?: number; maxRows?: number } = {}): AnswerBatches =>
  createAnswerBatches({ pool, connections: 1, graceSeconds: 1, ...options });

/** Sends all in the same moment, so that they share a batch, and tells how each ended. */
const saveAll = (batches: AnswerBatches, all: SaveRequest[]) =>
  Promise.all(
    all.map((request) =>
      batches.save(request).then(
        (verdict) => verdict.state,
        () => "FAILED",
      ),
    ),
  );

const storedOf = (request: SaveRequest) => app.container.db.answer.count({ where: { attemptId: request.attemptId } });

const NIL = "00000000-0000-4000-8000-000000000000";
const SPOILT: [string, (request: SaveRequest) => SaveRequest][] = [
  ["a text PostgreSQL cannot store", (one) => withAnswer(one, { response: { text: "nul \0 inside" } })],
  ["a question that is not there", (one) => withAnswer(one, { versionId: NIL })],
  ["a revision beyond an integer", (one) => withAnswer(one, { revision: 2 ** 40 })],
  ["an attempt id that is none", (one) => ({ ...one, attemptId: "not an id" })],
];

function withAnswer(request: SaveRequest, change: object): SaveRequest {
  const [first, ...rest] = request.answers;
  return { ...request, answers: [{ ...first!, ...change }, ...rest] };
}

describe("a batch of saves", () => {
  it.each(SPOILT)("saves the others when one request has %s", async (_what, spoil) => {
    const sent = requests.map((request, at) => (at === 5 ? spoil(request) : request));
    expect(await saveAll(batchesOf(), sent)).toEqual(requests.map((_request, at) => (at === 5 ? "FAILED" : "OPEN")));
    const counts = await Promise.all(requests.map(storedOf));
    expect(counts).toEqual(requests.map((_request, at) => (at === 5 ? 0 : 3)));
  });

  it("saves the others when several requests are bad in different ways", async () => {
    const sent = requests.map((request, at) => SPOILT[at - 2]?.[1](request) ?? request);
    const isSpoilt = (at: number) => at >= 2 && at < 2 + SPOILT.length;
    expect(await saveAll(batchesOf(), sent)).toEqual(
      requests.map((_request, at) => (isSpoilt(at) ? "FAILED" : "OPEN")),
    );
  });

  it("tells each student their own verdict", async () => {
    const [closed, foreign, gone] = requests;
    await app.container.services.attempts.submit(school.students[0]!.actor, closed!.attemptId);
    const sent = [
      closed!,
      { ...foreign!, userId: school.students[3]!.id },
      { ...gone!, attemptId: NIL },
      ...requests.slice(3),
    ];
    expect(await saveAll(batchesOf(), sent)).toEqual(["CLOSED", "NOT_FOUND", "NOT_FOUND", ...Array(9).fill("OPEN")]);
    expect(await Promise.all(requests.slice(0, 3).map(storedOf))).toEqual([0, 0, 0]);
  });

  it("is one statement for as many saves as arrive together", async () => {
    const statements: never[] = [];
    const counting = {
      query(statement: never) {
        statements.push(statement);
        return pool.query(statement);
      },
    };
    const batches = createAnswerBatches({ pool: counting as unknown as pg.Pool, connections: 1, graceSeconds: 1 });
    await saveAll(batches, requests);
    expect(statements).toHaveLength(1);
  });

  it("keeps the order of two saves of one attempt, also when a batch is full", async () => {
    const batches = batchesOf({ maxRows: 4 });
    const newer = requests.map((request) => ({
      ...request,
      answers: request.answers.map((answer) => ({ ...answer, response: { choice: "c" }, revision: 2 })),
    }));
    const verdicts = await Promise.all([...requests, ...newer].map((request) => batches.save(request)));
    // In order, the first of an attempt is never superseded by the second.
    expect(verdicts.every((verdict) => verdict.state === "OPEN" && verdict.saved.every(Boolean))).toBe(true);
    const rows = await app.container.db.answer.findMany({
      where: { attemptId: { in: requests.map((one) => one.attemptId) } },
    });
    expect(rows.map(({ revision }) => revision)).toEqual(Array(36).fill(2));
  });

  it("finishes what it took when it is closed, and takes no more", async () => {
    const batches = batchesOf({ maxRows: 4 });
    const saving = saveAll(batches, requests);
    await batches.close();
    expect(await Promise.all(requests.map(storedOf))).toEqual(requests.map(() => 3));
    expect(await saving).toEqual(requests.map(() => "OPEN"));
    await expect(batches.save(requests[0]!)).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
  });
});
