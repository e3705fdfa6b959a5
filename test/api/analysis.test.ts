import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createRandom } from "../../src/domain/random.ts";
import { eventually } from "../support/eventually.ts";
import { gradedAttempts } from "../support/gradedAttempts.ts";
import { anExam, aSchool, choiceQuestion, type School } from "../support/school.ts";
import { firstOf, subscribeTo } from "../support/subscriber.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
beforeAll(async () => {
  app = await startTestApp({ worker: true });
  school = await aSchool(app.container, { students: 3 });
});
afterAll(() => app.close());

const STATISTICS = `query ($id: ID!) { examStatistics(examId: $id) {
  attempts persons maxTotal mean median standardDeviation skewness kurtosisExcess alpha standardErrorOfMeasurement
  items { title type persons mean facility warnings pointBiserial discriminationIndex effectiveWeight
    responses { optionId text low middle high } rasch { difficulty difficultyError discrimination } twoParameters { difficulty } }
  rasch { converged } twoParameters { converged }
} }`;
const ANALYZE =
  "mutation ($id: ID!, $attempts: AttemptChoice!) { analyzeExam(examId: $id, attempts: $attempts) { queued jobId } }";
const JOB = 'query ($jobId: ID!) { job(queue: "exam", id: $jobId) { state progress } }';

async function analysed(id: string, attempts = "FIRST") {
  const { token } = school.teacher;
  const { data } = await app.ask(ANALYZE, { id, attempts }, token);
  const { jobId } = data.analyzeExam;
  await eventually("the analysis is done", async () => {
    const job = (await app.ask(JOB, { jobId }, token)).data.job;
    return job.state === "COMPLETED";
  });
  return (await app.ask(STATISTICS, { id }, token)).data.examStatistics;
}

/** The first option is wrong, the second right: as the questions of the tests' schools are. */
async function sit(examId: string, who: number, choices: (string | null)[]): Promise<void> {
  const { attempts, answers } = app.container.services;
  const { actor } = school.students[who]!;
  const { id } = await attempts.start(actor, examId);
  const { questions } = await attempts.paper(id);
  const given = questions.flatMap(({ id: questionId, title }) => {
    const choice = choices[Number(title?.slice(-1)) - 1];
    return choice ? [{ questionId, response: { choice }, revision: 1 }] : [];
  });
  if (given.length > 0) await answers.save(actor, id, given);
  await attempts.submit(actor, id);
  await eventually("it is graded", async () => (await attempts.get(actor, id)).status === "GRADED");
}

describe("the analysis of an exam", () => {
  it("tells a teacher how each question worked, from the students' first attempts", async () => {
    const information = { ...choiceQuestion(9), type: "INFORMATION", title: "Read this", definition: {} };
    const { examId } = await anExam(app.container, school, {
      questions: [choiceQuestion(1), information, choiceQuestion(2), choiceQuestion(3)],
      rules: { attemptsAllowed: 2 },
    });
    expect((await app.ask(STATISTICS, { id: examId }, school.teacher.token)).data.examStatistics).toBeNull();
    await sit(examId, 0, ["b", "b", "b"]);
    await sit(examId, 1, ["b", "b", "a"]);
    await sit(examId, 2, ["b", "c", null]);
    await sit(examId, 2, ["b", "b", "b"]);

    const first = await analysed(examId);
    expect(first).toMatchObject({
      attempts: "FIRST",
      persons: 3,
      maxTotal: 3,
      mean: 2,
      median: 2,
      standardDeviation: 1,
      skewness: 0,
      kurtosisExcess: null,
      rasch: null,
    });
    expect(first.alpha).toBeCloseTo(0.5, 12);
    expect(first.items.map(({ title }: { title: string }) => title)).toEqual([
      "Question 1",
      "Question 2",
      "Question 3",
    ]);
    expect(first.items[0]).toMatchObject({ facility: 1, pointBiserial: null, warnings: [] });
    expect(first.items[2].facility).toBeCloseTo(1 / 3, 12);
    const responses = Object.fromEntries(
      first.items[2].responses.map(({ optionId, low, middle, high }: never) => [optionId, [low, middle, high]]),
    );
    expect(responses).toEqual({ a: [0, 1, 0], b: [0, 0, 1], c: [0, 0, 0], d: [0, 0, 0], null: [1, 0, 0] });

    expect(await analysed(examId, "BEST")).toMatchObject({ attempts: "BEST", persons: 3, mean: 8 / 3 });
    expect(await analysed(examId, "ALL")).toMatchObject({ persons: 4 });
    expect(await app.refusal(STATISTICS, { id: examId }, school.students[0]!.token)).toBe("FORBIDDEN");
  });

  it("takes the best attempt by its share of what could be had, and says a reliability below 0 as it is", async () => {
    const { examId } = await anExam(app.container, school, {
      questions: [1, 2, 3].map(choiceQuestion),
      rules: { attemptsAllowed: 2 },
    });
    await sit(examId, 0, ["b", "a", "a"]);
    await sit(examId, 1, ["a", "b", "a"]);
    await sit(examId, 2, ["a", "b", "b"]);
    await sit(examId, 0, ["a", "b", "b"]);
    // As of a paper that a draw made longer: more points than the first time, and a smaller share of them.
    const second = { examId_userId_number: { examId, userId: school.students[0]!.id, number: 2 } };
    await app.container.db.attempt.update({ where: second, data: { maxScore: 10 } });

    const best = await analysed(examId, "BEST");
    expect(best).toMatchObject({ persons: 3, mean: 4 / 3 });
    expect(best.alpha).toBeCloseTo(-3, 12);
    expect(best.standardErrorOfMeasurement).toBeCloseTo(2 / Math.sqrt(3), 12);
  });

  it("fits models where enough people sat the exam, and has no reliability where papers differ", async () => {
    const { examId } = await anExam(app.container, school, { questions: [1, 2, 3, 4].map(choiceQuestion) });
    const sections = await app.container.services.exams.sections(
      school.teacher.actor,
      await app.container.services.exams.get(school.teacher.actor, examId),
    );
    const versions = sections.flatMap(({ questions }) => questions.map(({ question }) => question.versionId));
    // As the Rasch model has it, with an ability for each person and difficulties of -1.5, -0.5, 0.5 and 1.5.
    const random = createRandom(1);
    const uniform = () => random.below(1_000_000) / 1_000_000;
    const papers = Array.from({ length: 300 }, () => {
      const ability = 2 * (uniform() + uniform() + uniform()) - 3;
      return versions.map((versionId, at) => {
        const isRight = uniform() < 1 / (1 + Math.exp(at - 1.5 - ability));
        return { versionId, points: isRight ? 1 : 0, response: { choice: isRight ? "b" : "a" } };
      });
    });
    await gradedAttempts(app.container, { examId, maxScore: 4 }, papers);
    const whole = await analysed(examId);
    expect(whole).toMatchObject({ persons: 300, rasch: { converged: true }, twoParameters: { converged: true } });
    const difficulties = whole.items.map(({ rasch }: never) => (rasch as { difficulty: number }).difficulty);
    expect([...difficulties].sort((a, b) => a - b)).toEqual(difficulties);
    for (const { rasch } of whole.items) expect(rasch.difficultyError).toBeGreaterThan(0);
    expect(whole.items.map(({ warnings }: never) => warnings)).toEqual([[], [], [], []]);

    await gradedAttempts(
      app.container,
      { examId, maxScore: 4 },
      papers.slice(0, 20).map((paper) => paper.slice(0, 2)),
    );
    const drawn = await analysed(examId);
    expect(drawn).toMatchObject({ persons: 320, alpha: null, maxTotal: null });
    expect(drawn.items.map(({ persons }: never) => persons)).toEqual([320, 320, 300, 300]);
  });

  it("reaches the staff who listen, though nobody asked for it, and no student", async () => {
    const CHANGED = "subscription ($id: ID!) { examAnalysisChanged(examId: $id) { attempts persons } }";
    const { examId } = await anExam(app.container, school);
    const refused = await firstOf(app.url, CHANGED, { id: examId }, school.students[0]!.token);
    expect(refused.errors).toMatchObject([{ extensions: { code: "FORBIDDEN" } }]);

    const changes = subscribeTo(app.url, CHANGED, { id: examId }, school.teacher.token);
    expect((await changes.next()).value).toEqual({ data: { examAnalysisChanged: null } });
    await sit(examId, 0, ["b", "a", "a"]);
    await app.container.services.analysis.requestNewlyGraded();
    expect((await changes.next()).value.data.examAnalysisChanged).toEqual({ attempts: "FIRST", persons: 1 });
    await app.ask(ANALYZE, { id: examId, attempts: "ALL" }, school.teacher.token);
    expect((await changes.next()).value.data.examAnalysisChanged).toEqual({ attempts: "ALL", persons: 1 });
    await changes.return?.();
  });

  it("is asked for every night where attempts were graded since", async () => {
    const { analysis } = app.container.services;
    const { examId } = await anExam(app.container, school);
    const stored = () => app.container.db.examAnalysis.findUnique({ where: { examId } });
    await analysis.requestNewlyGraded();
    expect(await stored()).toBeNull();
    await sit(examId, 0, ["b", "a", "a"]);
    expect(await analysis.requestNewlyGraded()).toBeGreaterThanOrEqual(1);
    await eventually("it was analysed", stored);
    expect(await analysis.requestNewlyGraded()).toBe(0);
  });
});
