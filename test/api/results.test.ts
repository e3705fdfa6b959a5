import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { anExam, aSchool, choiceQuestion, essayQuestion, type Person, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
let student: Person;
beforeAll(async () => {
  app = await startTestApp();
  school = await aSchool(app.container, { students: 2 });
  student = school.students[0]!;
});
afterAll(() => app.close());

const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

async function ask(operation: string, variables: Record<string, unknown>, person: Person) {
  const { data, errors } = await app.ask(operation, variables, person.token);
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

const LOOK = `query ($id: ID!) { attempt(id: $id) {
  status
  review { visible reason availableAt }
  answers { response }
  result { score percent passed grade complete questions { response correctness points maxPoints feedback generalFeedback key } }
} }`;
const look = async (attemptId: string, person = student) => (await ask(LOOK, { id: attemptId }, person)).attempt;

const UPDATE = "mutation ($id: ID!, $input: UpdateExamInput!) { updateExam(id: $id, input: $input) { id } }";
const update = (id: string, input: object) => ask(UPDATE, { id, input }, school.teacher);
const RELEASE =
  "mutation ($id: ID!, $at: DateTime) { releaseResults(examId: $id, at: $at) { resultRelease { state at } } }";
const release = async (id: string, at?: string) =>
  (await ask(RELEASE, { id, at }, school.teacher)).releaseResults.resultRelease;
const WITHDRAW = `mutation ($id: ID!) { withdrawResults(examId: $id, reason: "A wrong key.") { resultRelease { state } } }`;
const withdraw = async (id: string) => (await ask(WITHDRAW, { id }, school.teacher)).withdrawResults.resultRelease;

/** Right, half right, wrong, unanswered. */
const OPTIONS = ["a", "b", "c"].map((id, at) => ({
  id,
  text: `Option ${id}`,
  fraction: ["1", "0.5", "0"][at],
  feedback: `On ${id}.`,
}));
const questions = [1, 2, 3, 4].map((number) => ({
  ...choiceQuestion(number),
  feedback: `On question ${number}.`,
  definition: { options: OPTIONS },
}));
const CHOICES = ["a", "b", "c", null];

async function anAttempt(rules: object, given: { questions?: object[]; choices?: (string | null)[] } = {}) {
  const made = await anExam(app.container, school, { questions: given.questions ?? questions, rules });
  const attemptId = await answered(made, given.choices ?? CHOICES);
  return { ...made, attemptId };
}
async function answered({ examId, questionIds }: Awaited<ReturnType<typeof anExam>>, choices: (string | null)[]) {
  const { attempts, answers } = app.container.services;
  const { id } = await attempts.start(student.actor, examId);
  const given = choices.flatMap((choice, at) =>
    choice === null ? [] : [{ questionId: questionIds[at]!, response: { choice }, revision: 1 }],
  );
  if (given.length > 0) await answers.save(student.actor, id, given);
  return id;
}
async function handIn(attemptId: string) {
  const { attempts, grading } = app.container.services;
  await attempts.submit(student.actor, attemptId);
  await grading.gradeAttempt(attemptId);
}

describe("a teacher who holds results back", () => {
  it("schedules, releases, withdraws and releases them again, and the student is told what to wait for", async () => {
    const { examId, attemptId } = await anAttempt({ resultsPolicy: "MANUAL", passMarkPercent: "25" });
    const state = async () => {
      const { resultRelease } = (
        await ask("query ($id: ID!) { exam(id: $id) { title resultRelease { state at } } }", { id: examId }, student)
      ).exam;
      const { review, result } = await look(attemptId);
      return [resultRelease.state, review.reason, review.availableAt, result?.score ?? null];
    };
    expect((await look(attemptId)).review).toEqual({ visible: [], reason: "NOT_SUBMITTED", availableAt: null });
    await handIn(attemptId);
    expect(await state()).toEqual(["HELD", "HELD", null, null]);

    const at = inMinutes(60);
    expect(await release(examId, at)).toEqual({ state: "SCHEDULED", at });
    expect(await state()).toEqual(["SCHEDULED", "SCHEDULED", at, null]);
    await update(examId, { resultsReleaseAt: inMinutes(-1) });
    expect(await state()).toEqual(["RELEASED", null, null, "1.5"]);

    expect(await withdraw(examId)).toEqual({ state: "WITHDRAWN" });
    expect(await state()).toEqual(["WITHDRAWN", "WITHDRAWN", null, null]);
    await update(examId, { resultsPolicy: "IMMEDIATE" }); // no policy undoes a withdrawal
    expect(await state()).toEqual(["WITHDRAWN", "WITHDRAWN", null, null]);
    expect(await withdraw(examId)).toEqual({ state: "WITHDRAWN" });
    expect((await look(attemptId, school.teacher)).result).toMatchObject({ score: "1.5", passed: true });

    expect(await release(examId)).toEqual({ state: "RELEASED", at: null });
    expect(await state()).toEqual(["RELEASED", null, null, "1.5"]);
    const acts = await app.container.db.auditEntry.findMany({ where: { entityId: examId }, orderBy: { id: "asc" } });
    expect(acts.map(({ action, after }) => [action, after])).toEqual([
      ["publishExam", null],
      ["releaseResults", { resultsReleaseAt: at }],
      ["updateExam", { resultsReleaseAt: expect.any(String) }],
      ["withdrawResults", { reason: "A wrong key." }],
      ["updateExam", { resultsPolicy: "IMMEDIATE" }],
      ["releaseResults", { resultsReleasedAt: expect.any(String) }],
    ]);
  });

  it("can schedule them again after a withdrawal, under every policy", async () => {
    const { examId, attemptId } = await anAttempt({ resultsPolicy: "IMMEDIATE" });
    await handIn(attemptId);
    await withdraw(examId);
    const at = inMinutes(60);
    expect(await release(examId, at)).toEqual({ state: "SCHEDULED", at });
    expect((await look(attemptId)).result).toBeNull();
  });
});

describe("the review of an attempt", () => {
  const shown = {
    RESPONSE: { response: { choice: "b" } },
    CORRECTNESS: { correctness: "PARTLY" },
    MARK: { points: "0.5" },
    KEY: { key: { choice: ["a"] } },
    FEEDBACK: { feedback: "On b.", generalFeedback: "On question 2." },
  };
  const hidden = { response: null, correctness: null, points: null, key: null, feedback: null, generalFeedback: null };
  type Part = keyof typeof shown;

  it.each(Object.keys(shown) as Part[])(
    "shows %s after the hand-in and nothing else, if that is all it says",
    async (part) => {
      const review = { afterSubmission: [part], afterClose: [] };
      const { attemptId } = await anAttempt({
        review,
        passMarkPercent: "25",
        gradeScale: [{ name: "A", fromPercent: "0" }],
      });
      expect((await look(attemptId)).result).toBeNull();
      await handIn(attemptId);
      const { review: seen, result, answers } = await look(attemptId);
      expect(seen).toEqual({ visible: [part], reason: null, availableAt: null });
      expect(result.questions[1]).toEqual({ maxPoints: "1", ...hidden, ...shown[part] });
      const { score, percent, passed, grade } = result;
      const mark = { score: "1.5", percent: "37.5", passed: true, grade: "A" };
      const none = { score: null, percent: null, passed: null, grade: null };
      expect({ score, percent, passed, grade }).toEqual(part === "MARK" ? mark : none);
      expect(answers).toHaveLength(part === "RESPONSE" ? 3 : 0);
    },
  );

  it("tells right from partly right, wrong and unanswered", async () => {
    const { attemptId } = await anAttempt({});
    await handIn(attemptId);
    const { result } = await look(attemptId);
    const all = result.questions.map(({ correctness }: { correctness: string }) => correctness);
    expect(all).toEqual(["RIGHT", "PARTLY", "WRONG", "UNANSWERED"]);
  });

  it("takes what was emptied again for unanswered: it earns and costs nothing, says nothing and waits for nobody", async () => {
    const options = ["a", "b", "c", "d"].map((id) => ({ id, text: id, correct: id === "a" }));
    const outcomeFeedback = { correct: "All.", partlyCorrect: "Part.", incorrect: "None." };
    const kinds: [string, object, object, object][] = [
      ["MULTIPLE_CHOICE", { options, scoring: "proportional" }, { choices: ["b"] }, { choices: [] }],
      ["NUMERIC", { answers: [{ value: 1 }], penalty: "1" }, { number: "2" }, { number: "" }],
      ["ORDERING", { items: [{ text: "1" }, { text: "2" }], penalty: "1" }, { order: [] }, { order: [] }],
      ["ESSAY", {}, { text: "Well." }, { text: " \n" }],
    ];
    const questions = kinds.map(([type, definition]) => ({
      ...{ ...essayQuestion, points: "1" },
      ...{ type, definition, ...(type !== "ESSAY" && { outcomeFeedback }) },
    }));
    const { examId, questionIds, attemptId } = await anAttempt({ floor: "-10" }, { questions, choices: [] });
    const save = (which: 2 | 3, revision: number) => {
      const given = kinds.map((kind, at) => ({ questionId: questionIds[at]!, response: kind[which], revision }));
      return app.container.services.answers.save(student.actor, attemptId, given);
    };
    await save(2, 1);
    const { receipts } = await save(3, 2);
    expect(receipts.map(({ outcome }) => outcome)).toEqual(kinds.map(() => "SAVED"));
    await handIn(attemptId);
    const { status, result } = await look(attemptId);
    expect([status, result.score]).toEqual(["GRADED", "0"]);
    expect(result.questions).toMatchObject(
      kinds.map((kind) => ({ response: kind[3], correctness: "UNANSWERED", points: "0", feedback: null })),
    );
    const waiting = await app.container.services.markingQueue.list(school.teacher.actor, examId);
    expect(waiting).toMatchObject([{ waiting: 0, claimed: 0, done: 0 }]);
  });

  it("gives the key when the exam has closed for everybody, and takes it back with the results", async () => {
    const closesAt = inMinutes(60);
    const review = { afterClose: ["MARK", "KEY"] };
    const { examId, attemptId } = await anAttempt({ review, closesAt });
    await handIn(attemptId);
    const key = async () => {
      const { review, result } = await look(attemptId);
      return [review.reason, review.availableAt, result?.questions[0].key ?? null];
    };
    expect(await key()).toEqual(["EXAM_NOT_CLOSED", closesAt, null]);
    const { accommodations } = app.container.services;
    const grants = { examId, userId: school.students[1]!.id, extraTimePercent: 0, extraAttempts: 0 };
    await accommodations.set(school.teacher.actor, { ...grants, extraMinutes: 20 });
    await update(examId, { closesAt: inMinutes(-10) });
    expect(await key()).toEqual(["EXAM_NOT_CLOSED", expect.any(String), null]); // still open for the other
    await accommodations.set(school.teacher.actor, { ...grants, extraMinutes: 0 });
    expect(await key()).toEqual([null, null, { choice: ["a"] }]);
    await withdraw(examId);
    expect(await key()).toEqual(["WITHDRAWN", null, null]);
    await release(examId);
    expect(await key()).toEqual([null, null, { choice: ["a"] }]);
    await update(examId, { review: { afterClose: ["MARK"] } });
    expect(await key()).toEqual([null, null, null]);
  });

  it("grades a practice attempt while it is written, whoever holds the results, and stores nothing of it", async () => {
    const review = { during: ["CORRECTNESS", "FEEDBACK"] };
    const made = await anAttempt({ review, resultsPolicy: "MANUAL" }, { choices: ["b"] });
    const seen = async () =>
      (await look(made.attemptId)).result.questions.map(
        ({ correctness, feedback, points, key }: Record<string, unknown>) => [correctness, feedback, points, key],
      );
    expect(await seen()).toEqual([
      ["PARTLY", "On b.", null, null],
      ...Array.from({ length: 3 }, () => ["UNANSWERED", null, null, null]),
    ]);
    const better = { questionId: made.questionIds[0]!, response: { choice: "a" }, revision: 2 };
    await app.container.services.answers.save(student.actor, made.attemptId, [better]);
    expect((await seen())[0]).toEqual(["RIGHT", "On a.", null, null]);
    const { db } = app.container;
    expect(await db.answer.findMany({ where: { attemptId: made.attemptId } })).toMatchObject([{ points: null }]);
    expect((await look(made.attemptId, school.teacher)).result).toBeNull();
    await handIn(made.attemptId);
    expect(await look(made.attemptId)).toMatchObject({ result: null, review: { reason: "HELD" } });
  });

  it("counts what waits for a person as nothing yet while a practice attempt is written", async () => {
    const review = { during: ["MARK", "CORRECTNESS"] };
    const given = { questions: [questions[0]!, essayQuestion], choices: ["a"] };
    const { attemptId, questionIds } = await anAttempt({ review }, given);
    await app.container.services.answers.save(student.actor, attemptId, [
      { questionId: questionIds[1]!, response: { text: "Well." }, revision: 1 },
    ]);
    const { result } = await look(attemptId);
    expect(result).toMatchObject({ score: "1", percent: "16.67", complete: false, passed: null, grade: null });
    expect(result.questions).toMatchObject([{ points: "1" }, { points: null, correctness: "PENDING" }]);
  });
});

describe("the settings of results", () => {
  const SETTINGS = `query ($id: ID!) { exam(id: $id) {
    resultsPolicy resultsReleaseAt attemptGrading gradeScale { name fromPercent }
    review { during afterSubmission afterClose } resultRelease { state }
  } }`;

  it("are what they always were where nobody says anything", async () => {
    const { examId } = await anExam(app.container, school);
    const parts = ["RESPONSE", "CORRECTNESS", "MARK", "FEEDBACK"];
    expect((await ask(SETTINGS, { id: examId }, student)).exam).toEqual({
      resultsPolicy: "IMMEDIATE",
      resultsReleaseAt: null,
      attemptGrading: "BEST",
      gradeScale: [],
      review: { during: [], afterSubmission: parts, afterClose: parts },
      resultRelease: { state: "RELEASED" },
    });
  });

  it("change after publication, one row at a time, and the audit log says from what to what", async () => {
    const { examId } = await anExam(app.container, school);
    const gradeScale = [
      { name: "1,0", fromPercent: "95" },
      { name: "5,0", fromPercent: "0" },
    ];
    await update(examId, { review: { during: ["MARK", "RESPONSE"] }, gradeScale, attemptGrading: "MEAN" });
    expect((await ask(SETTINGS, { id: examId }, student)).exam).toMatchObject({
      attemptGrading: "MEAN",
      gradeScale,
      review: { during: ["RESPONSE", "MARK"], afterClose: ["RESPONSE", "CORRECTNESS", "MARK", "FEEDBACK"] },
    });
    const act = await app.container.db.auditEntry.findFirstOrThrow({
      where: { entityId: examId, action: "updateExam" },
    });
    expect(act.before).toEqual({ reviewDuring: [], gradeScale: [], attemptGrading: "BEST" });
    expect(act.after).toEqual({ reviewDuring: ["RESPONSE", "MARK"], gradeScale, attemptGrading: "MEAN" });
  });

  it("are refused where a scale does not go down", async () => {
    const { examId } = await anExam(app.container, school);
    const gradeScale = [
      { name: "5,0", fromPercent: "0" },
      { name: "1,0", fromPercent: "95" },
    ];
    const { errors } = await app.ask(UPDATE, { id: examId, input: { gradeScale } }, school.teacher.token);
    expect(errors?.[0]).toMatchObject({
      message: expect.stringContaining("does not go from the highest grade down"),
      extensions: { code: "BAD_USER_INPUT" },
    });
  });
});

describe("the final result", () => {
  const FINAL = `fragment final on FinalResult {
    attemptCount countedAttemptIds complete score maxScore percent passed grade review { visible reason }
  }`;
  const own = async (id: string) =>
    (await ask(`query ($id: ID!) { myResult(examId: $id) { ...final } } ${FINAL}`, { id }, student)).myResult;
  const all = async (id: string, page = "first: 10") => {
    const operation = `query ($id: ID!) {
      finalResults(examId: $id, ${page}) { totalCount pageInfo { hasNextPage endCursor } nodes { student { id } ...final } }
    } ${FINAL}`;
    return (await ask(operation, { id }, school.teacher)).finalResults;
  };

  const rename = async (...names: string[]) => {
    for (const [at, name] of names.entries())
      await app.container.db.user.update({ where: { id: school.students[at]!.id }, data: { name } });
  };
  beforeAll(() => rename("ada", "Bea"));

  it("is the best of a student's attempts or their mean, with a row for who has none", async () => {
    const gradeScale = [
      { name: "good", fromPercent: "75" },
      { name: "enough", fromPercent: "50" },
    ];
    const rules = { attemptsAllowed: 3, passMarkPercent: "50", gradeScale };
    const made = await anExam(app.container, school, { questions, rules });
    const { examId } = made;
    expect(await own(examId)).toMatchObject({ attemptCount: 0, score: null, review: { reason: "NOT_SUBMITTED" } });
    const first = await answered(made, ["a", "a", "a", "a"]);
    await handIn(first);
    const second = await answered(made, ["a", "b", "c", "c"]);
    await handIn(second);
    const best = {
      attemptCount: 2,
      countedAttemptIds: [first],
      complete: true,
      score: "4",
      passed: true,
      grade: "good",
    };
    expect(await own(examId)).toMatchObject(best);
    const { nodes, totalCount } = await all(examId);
    expect(totalCount).toBe(2);
    expect(nodes).toMatchObject([
      { student: { id: student.id }, ...best },
      { student: { id: school.students[1]!.id }, attemptCount: 0, score: null, complete: false },
    ]);

    await update(examId, { attemptGrading: "MEAN" });
    const mean = { score: "2.75", maxScore: "4", percent: "68.75", grade: "enough", passed: true };
    expect(await own(examId)).toMatchObject({ ...mean, countedAttemptIds: [first, second] });
    const third = await answered(made, []);
    expect(await own(examId)).toMatchObject({ ...mean, complete: false, passed: null, grade: null, attemptCount: 3 });
    await handIn(third);
    expect(await own(examId)).toMatchObject({ score: "1.8333", percent: "45.83", complete: true, passed: false });

    await withdraw(examId);
    expect(await own(examId)).toMatchObject({
      score: null,
      passed: null,
      countedAttemptIds: [],
      review: { visible: [], reason: "WITHDRAWN" },
    });
    await release(examId);
    await update(examId, { review: { afterSubmission: ["FEEDBACK"] } });
    expect(await own(examId)).toMatchObject({ score: null, percent: null, grade: null, review: { visible: [] } });
    expect((await all(examId)).nodes[0]).toMatchObject({ score: "1.8333" });
  });

  it.each([
    { names: ["zoe", "Bea"], order: [1, 0] },
    { names: ["ada", "Bea"], order: [0, 1] },
    { names: ["Kim", "kim"], order: [0, 1] },
  ])("goes through students called $names by name, then by account, page by page", async ({ names, order }) => {
    await rename(...names);
    const { examId } = await anExam(app.container, school);
    const one = await all(examId, "first: 1");
    expect(one.pageInfo.hasNextPage).toBe(true);
    const two = await all(examId, `first: 1, after: "${one.pageInfo.endCursor}"`);
    const back = await all(examId, `last: 1, before: "${two.pageInfo.endCursor}"`);
    expect([one, two].map(({ nodes }) => nodes[0].student.id)).toEqual(order.map((at) => school.students[at]!.id));
    expect(two.pageInfo.hasNextPage).toBe(false);
    expect(back.nodes).toEqual(one.nodes);
  });
});
