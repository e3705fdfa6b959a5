import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Decimal } from "decimal.js";
import { rightKey, wrongKey } from "../support/corrected.ts";
import { eventually } from "../support/eventually.ts";
import { holdRows } from "../support/heldRows.ts";
import { anExam, aSchool, choiceQuestion, type ExamMade, essayQuestion, type School } from "../support/school.ts";
import { subscribeTo } from "../support/subscriber.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
beforeAll(async () => {
  app = await startTestApp({ worker: true });
  school = await aSchool(app.container, { students: 4 });
});
afterAll(() => app.close());

const REGRADING = `{ id state reason by { id } undoesId undoneById appliedAt finishedAt
  corrections { title before { version treatment } after { version treatment } }
  summary { attempts changed up down newlyPassed newlyFailed meanBefore meanAfter }
  entries(first: 10) { totalCount nodes { attemptId student { id } scoreBefore scoreAfter change maxScoreAfter passedBefore passedAfter } } }`;
const REGRADE = `mutation ($input: RegradeExamInput!) { regradeExam(input: $input) ${REGRADING} }`;
const APPLY = `mutation ($id: ID!) { applyRegrading(id: $id) ${REGRADING} }`;
const UNDO = `mutation ($id: ID!, $reason: String!) { undoRegrading(id: $id, reason: $reason) ${REGRADING} }`;
const LOOK = `query ($id: ID!) { regrading(id: $id) ${REGRADING} }`;
const RESULT = `query ($id: ID!) { attempt(id: $id) { status result {
  score maxScore percent passed adjustment sections { title points maxPoints adjustment }
  questions { points maxPoints treatment correctness feedback generalFeedback } } } }`;

const token = () => school.teacher.token;
type Correction = { questionId: string; version?: number | null; treatment?: string };

async function ended(id: string) {
  return eventually("the regrading is finished", async () => {
    const { data } = await app.ask(LOOK, { id }, token());
    return data.regrading.finishedAt && data.regrading;
  });
}
async function regraded(examId: string, corrections: Correction[], dryRun = false) {
  const input = { examId, corrections, dryRun, reason: "The key was wrong." };
  const { data, errors } = await app.ask(REGRADE, { input }, token());
  expect(errors).toBeUndefined();
  return ended(data.regradeExam.id);
}
const refusal = (input: object, by = token()) =>
  app.refusal(REGRADE, { input: { reason: "Why not?", corrections: [], ...input } }, by);

/** Hands in what was chosen in order; null for a question that is left out. */
async function sit({ examId, questionIds }: ExamMade, who: number, responses: (object | null)[]): Promise<string> {
  const { attempts, answers } = app.container.services;
  const { actor } = school.students[who]!;
  const { id } = await attempts.start(actor, examId);
  const given = responses.flatMap((response, at) =>
    response ? [{ questionId: questionIds[at]!, response: response as never, revision: 1 }] : [],
  );
  if (given.length > 0) await answers.save(actor, id, given);
  await attempts.submit(actor, id);
  await eventually("it has a score", async () => {
    const row = await app.container.db.attempt.findUniqueOrThrow({ where: { id }, select: { score: true } });
    return row.score;
  });
  return id;
}

/** What is kept of grades, to the last digit. */
const grades = (examId: string) => app.container.db.$queryRaw`
  SELECT attempt.id, status::text, score::text, max_score::text, answer.points::text, answer.feedback, answer.graded_by_id
  FROM attempts attempt LEFT JOIN answers answer ON answer.attempt_id = attempt.id
  WHERE exam_id = ${examId}::uuid ORDER BY attempt.id, question_version_id`;

const resultOf = async (id: string, by = token()) => (await app.ask(RESULT, { id }, by)).data.attempt.result;

describe("a wrong key that is found after the exam", () => {
  it("takes its words along when a person gives other points", async () => {
    const exam = await anExam(app.container, school, { questions: [wrongKey] });
    const attemptId = await sit(exam, 0, [{ choice: "c" }]);
    expect((await resultOf(attemptId)).questions).toMatchObject([{ points: "0.9999", feedback: "You chose c." }]);
    const given = { attemptId, questionId: exam.questionIds[0], points: "3", reason: "c is right as well." };
    await app.container.services.marking.gradeAnswer(school.teacher.actor, given);
    expect((await resultOf(attemptId)).questions).toMatchObject([{ points: "3", feedback: null }]);
  });

  it("is tried, corrected and taken back, and every grade is again what it was, to the last digit", async () => {
    const exam = await anExam(app.container, school, {
      questions: [wrongKey, choiceQuestion(2), essayQuestion],
      rules: { passMarkPercent: "50" },
    });
    const { examId, questionIds } = exam;
    const essay = { text: "Well." };
    const ids = [
      await sit(exam, 0, [{ choice: "b" }, { choice: "b" }, null]), // 3 + 1
      await sit(exam, 1, [{ choice: "c" }, { choice: "b" }, essay]), // 0.9999 + 1, and 3.25 by hand
      await sit(exam, 2, [{ choice: "a" }, null, essay]), // -1.5 + 0 + what nobody has graded: 0
      await sit(exam, 3, []),
    ];
    await app.container.services.marking.gradeAnswer(school.teacher.actor, {
      attemptId: ids[1],
      questionId: questionIds[2],
      points: "3.25",
      feedback: "Not bad.",
    });
    const before = await grades(examId);
    const { version } = (
      await app.ask(
        "mutation ($id: ID!, $input: UpdateQuestionInput!) { updateQuestion(id: $id, input: $input) { version } }",
        { id: questionIds[0], input: rightKey },
        token(),
      )
    ).data.updateQuestion;

    const trial = await regraded(examId, [{ questionId: questionIds[0]!, version }], true);
    expect(trial).toMatchObject({
      state: "CALCULATED",
      appliedAt: null,
      corrections: [
        {
          title: "Question 1",
          before: { version: null, treatment: "NORMAL" },
          after: { version, treatment: "NORMAL" },
        },
      ],
      summary: {
        attempts: 4,
        changed: 2,
        up: 1,
        down: 1,
        newlyPassed: 0,
        newlyFailed: 0,
        meanBefore: "2.3125",
        meanAfter: "1.8125",
      },
    });
    const expected = [
      { attemptId: ids[0], scoreBefore: "4", scoreAfter: "0", change: "-4", passedBefore: false, passedAfter: false },
      { attemptId: ids[1], scoreBefore: "5.2499", scoreAfter: "7.25", change: "2.0001" },
    ];
    expect(trial.entries.nodes).toMatchObject(expected);
    expect(await grades(examId)).toEqual(before);

    const happenings = subscribeTo(
      app.url,
      "subscription ($id: ID!) { attemptChanged(attemptId: $id) { result { score } } }",
      { id: ids[1] },
      school.students[1]!.token,
    );
    expect((await happenings.next()).value!.data.attemptChanged.result.score).toBe("5.2499");
    const applied = await ended((await app.ask(APPLY, { id: trial.id }, token())).data.applyRegrading.id);
    expect(applied).toMatchObject({
      id: trial.id,
      state: "APPLIED",
      summary: trial.summary,
      by: { id: school.teacher.id },
    });
    expect(applied.entries.nodes).toMatchObject(expected);
    expect((await happenings.next()).value!.data.attemptChanged.result.score).toBe("7.25");
    await happenings.return?.();
    expect(await resultOf(ids[1]!, school.students[1]!.token)).toMatchObject({
      score: "7.25",
      questions: [
        { points: "3", feedback: "c it is?", generalFeedback: rightKey.feedback },
        { points: "1" },
        { points: "3.25", feedback: "Not bad." },
      ],
    });
    const { attempt, attemptLog } = (
      await app.ask(
        "query ($id: ID!) { attempt(id: $id) { result { questions { key correctness } } } attemptLog(attemptId: $id, last: 10) { nodes { kind detail } } }",
        { id: ids[1] },
        token(),
      )
    ).data;
    expect(attempt.result.questions[0]).toEqual({ key: { choice: ["c"] }, correctness: "RIGHT" });
    const regradings = attemptLog.nodes.filter(({ kind }: { kind: string }) => kind === "REGRADED");
    expect(regradings).toEqual([{ kind: "REGRADED", detail: { regradingId: trial.id } }]);
    // Whoever hands in from now on is graded by it from the start.
    const { sections } = (
      await app.ask(
        "query ($id: ID!) { exam(id: $id) { sections { questions { gradingVersion question { version } } } } }",
        { id: examId },
        token(),
      )
    ).data.exam;
    expect(sections[0].questions[0]).toEqual({ gradingVersion: version, question: { version: 1 } });

    const UNDONE = { id: trial.id, reason: "It was right after all." };
    const undoing = await ended((await app.ask(UNDO, UNDONE, token())).data.undoRegrading.id);
    expect(undoing).toMatchObject({ state: "APPLIED", undoesId: trial.id, summary: { up: 1, down: 1 } });
    expect((await app.ask(LOOK, { id: trial.id }, token())).data.regrading).toMatchObject({
      state: "UNDONE",
      undoneById: undoing.id,
    });
    expect(await grades(examId)).toEqual(before);

    const { nodes } = (
      await app.ask("query ($id: ID!) { regradings(examId: $id) { nodes { id } } }", { id: examId }, token())
    ).data.regradings;
    expect(nodes).toEqual([{ id: undoing.id }, { id: trial.id }]);
    const acts = await app.container.db.auditEntry.findMany({ where: { entityId: examId }, orderBy: { id: "asc" } });
    expect(acts.map(({ action }) => action).slice(-2)).toEqual(["regradeExam", "undoRegrading"]);
    expect(acts.at(-1)!.after).toMatchObject({ reason: UNDONE.reason });
    expect(await app.refusal(UNDO, UNDONE, token())).toBe("NOT_APPLIED");
    expect(await app.refusal(UNDO, { id: undoing.id, reason: "Again." }, token())).toBe("NOT_APPLIED");
    expect(await app.refusal(APPLY, { id: trial.id }, token())).toBe("REGRADING_OUT_OF_DATE");
  });
});

describe("a question that is treated otherwise after the exam", () => {
  const sumOf = ({
    sections,
    adjustment,
  }: {
    sections: { points: string; adjustment: string }[];
    adjustment: string;
  }) => sections.reduce((sum, part) => sum.plus(part.points).plus(part.adjustment), new Decimal(adjustment)).toFixed();

  it("counts as it was decided, also for who left it out, and the parts are always the score", async () => {
    const exam = await anExam(app.container, school, {
      questions: [wrongKey, { ...wrongKey, title: "Again" }, choiceQuestion(3), essayQuestion],
      rules: { passMarkPercent: "50", floor: "-0.25", sections: [{ title: "All", floor: "-1" }] },
    });
    const { examId, questionIds } = exam;
    const wrong = await sit(exam, 0, [{ choice: "a" }, { choice: "a" }, { choice: "a" }, null]);
    const waiting = await sit(exam, 1, [null, { choice: "b" }, { choice: "b" }, { text: "Hm." }]);
    const before = await grades(examId);
    expect(await resultOf(wrong)).toMatchObject({
      score: "-0.25",
      maxScore: "12",
      percent: "-2.08",
      passed: false,
      sections: [{ title: "All", points: "-3", maxPoints: "12", adjustment: "2" }],
      adjustment: "0.75",
    });

    const [one, two, three, essay] = questionIds as [string, string, string, string];
    const treated = await regraded(examId, [
      { questionId: one, treatment: "FULL_MARKS" },
      { questionId: two, treatment: "BONUS" },
      { questionId: three, treatment: "DROPPED" },
      { questionId: essay, treatment: "DROPPED" },
    ]);
    expect(treated.summary).toMatchObject({ attempts: 2, changed: 2, newlyPassed: 2 });
    expect(await resultOf(wrong)).toMatchObject({ score: "3", maxScore: "3", percent: "100", passed: true });
    const { data } = await app.ask(RESULT, { id: waiting }, token());
    expect(data.attempt).toMatchObject({ status: "GRADED", result: { score: "6", maxScore: "3", percent: "200" } });
    expect(data.attempt.result.questions).toMatchObject([
      { points: "3", maxPoints: "3", treatment: "FULL_MARKS", correctness: "RIGHT" },
      { points: "3", maxPoints: "0", treatment: "BONUS", correctness: "RIGHT" },
      { points: "0", maxPoints: "0", treatment: "DROPPED", correctness: null },
      { points: "0", maxPoints: "0", treatment: "DROPPED", correctness: null },
    ]);
    for (const id of [wrong, waiting]) expect(sumOf(await resultOf(id))).toBe((await resultOf(id)).score);
    const late = await sit(exam, 2, []);
    expect(await resultOf(late)).toMatchObject({ score: "3", maxScore: "3" });

    const again = await regraded(examId, [{ questionId: three, treatment: "NORMAL" }]);
    expect(await app.refusal(UNDO, { id: treated.id, reason: "No." }, token())).toBe("NOT_THE_NEWEST");
    for (const { id } of [again, treated])
      await ended((await app.ask(UNDO, { id, reason: "No." }, token())).data.undoRegrading.id);
    await app.container.db.attempt.delete({ where: { id: late } });
    expect(await grades(examId)).toEqual(before);
  });

  it("is left out of an analysis, which is out of date until it is made again", async () => {
    const exam = await anExam(app.container, school);
    await sit(exam, 0, [{ choice: "b" }, { choice: "b" }, { choice: "a" }]);
    const { analysis } = app.container.services;
    const { actor } = school.teacher;
    const analysed = async (persons: number) => {
      await analysis.request(actor, exam.examId, "ALL");
      return eventually("it is analysed", async () => {
        const found = await analysis.get(actor, exam.examId);
        return found?.isOutOfDate === false && found.persons === persons ? found : null;
      });
    };
    expect((await analysed(1)).items).toHaveLength(3);
    await regraded(exam.examId, [{ questionId: exam.questionIds[2]!, treatment: "DROPPED" }]);
    expect(await analysis.get(actor, exam.examId)).toMatchObject({ isOutOfDate: true });
    expect(await analysed(1)).toMatchObject({ maxTotal: 2, mean: 2 });
  });
});

describe("a file of results that is asked for while its exam is being regraded", () => {
  it("waits for the end of it, and has the new scores", async () => {
    const { examId, questionIds } = await anExam(app.container, school, { questions: [choiceQuestion(1)] });
    const attemptId = await sit({ examId, questionIds }, 0, [{ choice: "a" }]);
    const lock = "SELECT 1 FROM attempts WHERE id = $1 FOR UPDATE";
    const held = await holdRows(app.config.DATABASE_URL, lock, [attemptId]);
    const corrections = [{ questionId: questionIds[0], treatment: "FULL_MARKS" }];
    const input = { examId, corrections, dryRun: false, reason: "Unclear." };
    const { regradeExam } = (await app.ask(REGRADE, { input }, token())).data;
    await eventually("the regrading is in the middle of it", async () => (await held.waiting()) > 0);

    const EXPORT = "mutation ($id: ID!) { exportResults(examId: $id, format: JSON) { id jobId } }";
    const { exportResults } = (await app.ask(EXPORT, { id: examId }, token())).data;
    const JOB = 'query ($id: ID!) { job(queue: "exam", id: $id) { state } }';
    await eventually("the file waits", async () => {
      const { data } = await app.ask(JOB, { id: exportResults.jobId }, token());
      return data.job.state === "DELAYED";
    });
    await held.letGo();
    await ended(regradeExam.id);
    const file = await eventually("the file is made", async () => {
      const FILE = "query ($id: ID!) { resultFile(id: $id) { finishedAt failure downloadUrl } }";
      const { resultFile } = (await app.ask(FILE, { id: exportResults.id }, token())).data;
      return resultFile.finishedAt && resultFile;
    });
    expect(file.failure).toBeNull();
    const answer = await fetch(file.downloadUrl.replace(/^https?:\/\/[^/]+/, app.url));
    const rows = (await answer.json()) as { attempt: number | null }[];
    expect(rows.filter(({ attempt }) => attempt !== null)).toMatchObject([{ score: "1" }]);
  });
});

describe("a regrading that cannot be", () => {
  it("is refused with what stands against it", async () => {
    const numeric = {
      ...choiceQuestion(2),
      type: "NUMERIC",
      definition: { answers: [{ value: "1" }], units: [{ unit: "m", factor: "1" }] },
    };
    const exam = await anExam(app.container, school, { questions: [choiceQuestion(1), numeric] });
    const draft = await anExam(app.container, school, { publish: false });
    const { examId, questionIds } = exam;
    const [choice, number] = questionIds as [string, string];
    const { questions } = app.container.services;
    const { actor } = school.teacher;
    const others = { options: ["a", "e"].map((id) => ({ id, text: id, fraction: id === "e" ? "1" : "0" })) };
    await questions.update(actor, choice, { definition: others });
    await questions.update(actor, number, { definition: { answers: [{ value: "1" }] } });

    const answer = await app.ask(
      REGRADE,
      { input: { examId, corrections: [{ questionId: choice, version: 2 }], reason: "x" } },
      token(),
    );
    expect(answer.errors).toMatchObject([{ extensions: { code: "UNPROCESSABLE", reason: "INCOMPATIBLE_VERSION" } }]);
    expect(answer.errors![0]!.message).toBe(
      'Version 2 of the question "Question 1" cannot grade answers to version 1: it does not have the option "b"; it does not have the option "c"; it does not have the option "d"; it has the option "e", which the papers do not have.',
    );
    const essays = await anExam(app.container, school, { questions: [essayQuestion] });
    await questions.update(actor, essays.questionIds[0]!, { definition: { guidance: "Look for the date." } });
    const ofEssay = [{ questionId: essays.questionIds[0], version: 2 }];
    expect(await refusal({ examId: essays.examId, corrections: ofEssay })).toBe("INCOMPATIBLE_VERSION");
    const corrections = [{ questionId: choice }];
    expect(await refusal({ examId, corrections: [{ questionId: number, version: 2 }] })).toBe("INCOMPATIBLE_VERSION");
    expect(await refusal({ examId, corrections: [{ questionId: choice, version: 9 }] })).toBe("NOT_FOUND");
    expect(await refusal({ examId, corrections: [{ questionId: draft.questionIds[0] }] })).toBe("NOT_FOUND");
    expect(await refusal({ examId, corrections: [] })).toBe("BAD_USER_INPUT");
    expect(await refusal({ examId, corrections: [...corrections, ...corrections] })).toBe("BAD_USER_INPUT");
    expect(await refusal({ examId, corrections, reason: " " })).toBe("BAD_USER_INPUT");
    expect(await refusal({ examId: draft.examId, corrections: [{ questionId: draft.questionIds[0] }] })).toBe(
      "EXAM_NOT_PUBLISHED",
    );
    expect(await refusal({ examId, corrections }, school.students[0]!.token)).toBe("FORBIDDEN");
    const stranger = (await aSchool(app.container)).teacher.token;
    expect(await refusal({ examId, corrections }, stranger)).toBe("NOT_FOUND");
  });

  it("waits for none that is under way, and is out of date after another", async () => {
    const { examId, questionIds } = await anExam(app.container, school);
    const corrections = [{ questionId: questionIds[0]!, treatment: "DROPPED" }];
    const first = await regraded(examId, corrections, true);
    await app.container.queues.use("exam", (queue) => queue.pause());
    try {
      const input = { examId, corrections, dryRun: false, reason: "Now." };
      const { data } = await app.ask(REGRADE, { input }, token());
      expect(data.regradeExam.state).toBe("APPLYING");
      expect(await refusal({ examId, corrections })).toBe("REGRADING_RUNNING");
      expect(await app.refusal(APPLY, { id: first.id }, token())).toBe("REGRADING_RUNNING");
      expect(await app.refusal(UNDO, { id: data.regradeExam.id, reason: "No." }, token())).toBe("REGRADING_RUNNING");
      await app.container.queues.use("exam", (queue) => queue.resume());
      await ended(data.regradeExam.id);
    } finally {
      await app.container.queues.use("exam", (queue) => queue.resume());
    }
    expect(await app.refusal(APPLY, { id: first.id }, token())).toBe("REGRADING_OUT_OF_DATE");
  });
});
