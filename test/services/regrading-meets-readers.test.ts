import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { parse } from "csv-parse/sync";
import { Decimal } from "decimal.js";
import { aJob, correcting, handedIn, rightKey, wrongKey } from "../support/corrected.ts";
import { gradedAttempts } from "../support/gradedAttempts.ts";
import { anExam, aSchool, choiceQuestion, essayQuestion, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
let corrections: ReturnType<typeof correcting>;
beforeAll(async () => {
  app = await startTestApp(); // without a worker: the test says how far a regrading has come
  school = await aSchool(app.container, { students: 3 });
  corrections = correcting(app.container, school);
});
afterAll(() => app.close());

const READ = `query ($id: ID!) { attempt(id: $id) { status result { score maxScore ...Parts } } }
  fragment Parts on AttemptResult { adjustment sections { points maxPoints adjustment } ... on AttemptResult {
    questions { points maxPoints treatment correctness feedback generalFeedback key } } }`;

type Amounts = { points: string | null; maxPoints: string }[];
interface ShownResult {
  score: string;
  maxScore: string;
  adjustment: string;
  sections: { points: string; maxPoints: string; adjustment: string }[];
  questions: (Amounts[number] & { treatment: string; generalFeedback: string; key: unknown })[];
}

const sum = (amounts: (string | null)[]) =>
  amounts.reduce<Decimal>((total, amount) => total.plus(amount ?? 0), new Decimal(0)).toFixed();
const sumOf = (parts: Amounts) => [sum(parts.map(({ points }) => points)), sum(parts.map((part) => part.maxPoints))];

/** An attempt as its staff and its student see it, whose parts are the whole. */
async function shown(attemptId: string, who: number): Promise<{ status: string; result: ShownResult }> {
  const [forStaff, forStudent] = await Promise.all(
    [school.teacher, school.students[who]!].map(({ token }) => app.ask(READ, { id: attemptId }, token)),
  );
  expect(forStaff!.errors ?? forStudent!.errors).toBeUndefined();
  const { attempt } = forStaff!.data;
  const { score, maxScore, adjustment, sections, questions } = attempt.result as ShownResult;
  const adjustments = [adjustment, ...sections.map((section) => section.adjustment)];
  expect(sumOf(sections)).toEqual(sumOf(questions));
  expect([sum([sumOf(questions)[0]!, ...adjustments]), sumOf(questions)[1]]).toEqual([score, maxScore]);
  if (attempt.status === "GRADED") expect(forStudent!.data.attempt.result).toMatchObject({ score, sections });
  return attempt;
}

async function fileOf(examId: string, format: "CSV" | "JSON") {
  const { resultFiles, resultFileRuns } = app.container.services;
  const { id } = await resultFiles.request(school.teacher.actor, { examId, format, detail: "QUESTIONS" });
  const made = (job = aJob()) => resultFileRuns.export(id, job);
  const file = () => resultFiles.get(school.teacher.actor, id);
  async function text(): Promise<string> {
    const pieces: Uint8Array[] = [];
    for await (const piece of (await resultFiles.open(id)).bytes) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  }
  return { made, file, text };
}

/** The scores in both kinds of file, in whose every row the points of the questions are the score. */
async function scoresInFiles(examId: string): Promise<(string | null)[]> {
  const [asJson, asCsv] = [await fileOf(examId, "JSON"), await fileOf(examId, "CSV")];
  await Promise.all([asJson.made(), asCsv.made()]);
  const rows: { score: string | null; maxScore: string | null; questions: Amounts }[] = JSON.parse(await asJson.text());
  for (const { score, maxScore, questions } of rows) expect(sumOf(questions)).toEqual([score ?? "0", maxScore ?? "0"]);
  const records = parse(await asCsv.text(), { bom: true, from: 2 }) as string[][];
  for (const record of records) expect(sum(record.slice(13).map((points) => points || null))).toBe(record[7] || "0");
  expect(records.map((record) => record[7] || null)).toEqual(rows.map(({ score }) => score));
  return rows.map(({ score }) => score).sort();
}

/** Four questions, each of which is corrected in another way. */
async function aCorrectedExam() {
  const exam = await anExam(app.container, school, {
    questions: [wrongKey, choiceQuestion(2), choiceQuestion(3), essayQuestion],
    rules: { floor: null, attemptsAllowed: 2 },
  });
  const [key, full, dropped, bonus] = exam.questionIds as [string, string, string, string];
  const { version } = await app.container.services.questions.update(school.teacher.actor, key, rightKey);
  const asked = [
    { questionId: key, version },
    { questionId: full, treatment: "FULL_MARKS" as const },
    { questionId: dropped, treatment: "DROPPED" as const },
    { questionId: bonus, treatment: "BONUS" as const },
  ];
  const mark = (attemptId: string, points: string) =>
    app.container.services.marking.gradeAnswer(school.teacher.actor, {
      ...{ attemptId, questionId: bonus, points, reason: "Read once more." },
    });
  return { ...exam, asked, mark };
}

const OLD = { treatments: ["NORMAL", "NORMAL", "NORMAL", "NORMAL"], key: { choice: ["b"] }, said: wrongKey.feedback };
const NEW = {
  treatments: ["NORMAL", "FULL_MARKS", "DROPPED", "BONUS"],
  key: { choice: ["c"] },
  said: rightKey.feedback,
};
const rulesIn = ({ result: { questions } }: { result: ShownResult }) => ({
  treatments: questions.map(({ treatment }) => treatment),
  key: questions[0]!.key,
  said: questions[0]!.generalFeedback,
});

describe("a result that is read while its exam is being regraded", () => {
  it("is by what held until the regrading, or whoever grades it, has come to it, and its parts are the whole", async () => {
    const exam = await aCorrectedExam();
    const { examId, asked, mark } = exam;
    const { container } = app;
    const waits = await handedIn(container, school, exam, 0, [{ choice: "a" }, null, { choice: "b" }, { text: "Hm." }]);
    const marked = await handedIn(container, school, exam, 1, [
      { choice: "c" },
      { choice: "b" },
      null,
      { text: "So!" },
    ]);
    await mark(waits, "2");
    await mark(marked, "3");
    const before = [await shown(waits, 0), await shown(marked, 1)];
    expect(before.map(rulesIn)).toEqual([OLD, OLD]);
    expect(before.map(({ result }) => [result.score, result.maxScore])).toEqual([
      ["1.5", "10"],
      ["4.9999", "10"],
    ]);

    const id = await corrections.begin(examId, asked);
    expect([await shown(waits, 0), await shown(marked, 1)]).toEqual(before);
    await mark(marked, "4");
    expect(rulesIn(await shown(marked, 1))).toEqual(NEW);
    const late = await handedIn(container, school, exam, 2, [{ choice: "c" }, null, null, null]);
    const ofLate = await shown(late, 2);
    expect(rulesIn(ofLate)).toEqual(NEW);
    expect(await shown(waits, 0)).toEqual(before[0]);

    await corrections.finish(id);
    const after = [await shown(waits, 0), await shown(marked, 1), await shown(late, 2)];
    expect(after.map(rulesIn)).toEqual([NEW, NEW, NEW]);
    expect(after.map(({ result }) => [result.score, result.maxScore])).toEqual([
      ["1.5", "4"],
      ["8", "4"],
      ["4", "4"],
    ]);
    expect(after[2]).toEqual(ofLate);

    const undoing = await corrections.beginUndo(id);
    expect(await shown(waits, 0)).toEqual(after[0]);
    await mark(marked, "3");
    expect([await shown(marked, 1), await shown(waits, 0)]).toEqual([before[1], after[0]]);
    await corrections.finish(undoing);
    expect([await shown(waits, 0), await shown(marked, 1)]).toEqual(before);
    expect(rulesIn(await shown(late, 2))).toEqual(OLD);
  });

  it("has its whole from the moment of its parts, however long ago the attempt was read", async () => {
    const exam = await aCorrectedExam();
    const { attempts, results } = app.container.services;
    const id = await handedIn(app.container, school, exam, 0, [{ choice: "c" }, null, { choice: "b" }, null]);
    const { actor } = school.students[0]!;
    const earlier = await attempts.get(actor, id);
    await corrections.finish(await corrections.begin(exam.examId, exam.asked));
    const result = await results.of(actor, earlier, { withParts: true });
    const questions = await results.questions(actor, result!);
    expect(sumOf(questions)).toEqual([result!.score, result!.maxScore]);
    expect([earlier.score, result!.score]).toEqual(["1.9999", "4"]);
  });

  it("counts in a final result beside attempts that are graded alike", async () => {
    const STUDENTS = 130;
    const { container } = app;
    const { db, services } = container;
    const exam = await anExam(container, school, { questions: [choiceQuestion(1), choiceQuestion(2)] });
    const { examId } = exam;
    const places = await db.examQuestion.findMany({ where: { examId }, orderBy: { position: "asc" } });
    const paper = (...points: number[]) =>
      places.map(({ questionId, questionVersionId }, at) => ({
        ...{ questionId, versionId: questionVersionId!, points: points[at]! },
        response: { choice: points[at] ? "b" : "a" },
      }));
    const papersOf = (count: number, ...points: number[]) => Array.from({ length: count }, () => paper(...points));
    // All first attempts are older than all second ones, and the first student has no second: a chunk would end amid another's.
    const people = await gradedAttempts(container, { examId, maxScore: 2 }, papersOf(STUDENTS, 1, 0));
    const others = people.slice(1);
    await gradedAttempts(container, { examId, maxScore: 2, number: 2, by: others }, papersOf(others.length, 0, 1));

    const { actor } = school.teacher;
    const finals = async (attemptGrading: "BEST" | "MEAN") => {
      await db.exam.update({ where: { id: examId }, data: { attemptGrading } });
      const found: string[] = [];
      for (let after: string | undefined; ; ) {
        const page = await services.finalResults.list(actor, examId, { first: 50, after });
        const { edges, pageInfo } = page as unknown as {
          edges: { node: { attemptCount: number; score: string | null; maxScore: string | null } }[];
          pageInfo: { hasNextPage: boolean; endCursor: string };
        };
        found.push(
          ...edges.flatMap(({ node }) => (node.attemptCount === 2 ? [`${node.score} of ${node.maxScore}`] : [])),
        );
        if (!pageInfo.hasNextPage) return [...new Set(found)].sort();
        after = pageInfo.endCursor;
      }
    };
    const both = async () => [await finals("BEST"), await finals("MEAN")];
    expect(await both()).toEqual([["1 of 2"], ["1 of 2"]]);

    const id = await corrections.begin(examId, [{ questionId: exam.questionIds[0]!, treatment: "DROPPED" }]);
    const dies = new AbortController();
    const killed = { ...aJob(), signal: dies.signal, progress: async () => dies.abort() };
    await expect(services.regradingRuns.run(id, killed)).rejects.toThrow();
    expect(await db.regradingEntry.count({ where: { regradingId: id } })).toBe(201);
    expect(await both()).toEqual([
      ["1 of 1", "1 of 2"],
      ["0.5 of 1", "1 of 2"],
    ]);

    const file = await fileOf(examId, "JSON");
    await expect(file.made()).rejects.toThrow("was being regraded");
    expect(await file.file()).toMatchObject({ finishedAt: null, failure: null });
    await corrections.finish(id);
    expect(await both()).toEqual([["1 of 1"], ["0.5 of 1"]]);
    await file.made();
    expect(await file.file()).toMatchObject({ rows: 2 * STUDENTS - 1 + school.students.length, failure: null });
    const rows: { maxScore: string | null }[] = JSON.parse(await file.text());
    expect(rows.filter(({ maxScore }) => maxScore !== "1")).toHaveLength(school.students.length);
    await corrections.finish(await corrections.beginUndo(id));
    expect(await both()).toEqual([["1 of 2"], ["1 of 2"]]);
  }, 60_000);
});

describe("a file of results", () => {
  it("has points that are the scores, before a regrading, after it, and when it is taken back", async () => {
    const exam = await aCorrectedExam();
    const { examId, asked, mark } = exam;
    const essay = { text: "Well." };
    const first = await handedIn(app.container, school, exam, 0, [{ choice: "a" }, { choice: "b" }, null, essay]);
    await mark(first, "2.5");
    await handedIn(app.container, school, exam, 0, [{ choice: "c" }, null, { choice: "b" }, null]);
    await handedIn(app.container, school, exam, 1, [{ choice: "b" }, { choice: "a" }, { choice: "b" }, essay]);
    const before = await scoresInFiles(examId);
    expect(before).toEqual(["1.9999", "2", "4", null]);
    const id = await corrections.begin(examId, asked);
    await corrections.finish(id);
    expect(await scoresInFiles(examId)).toEqual(["-0.5", "2", "4", null]);
    await corrections.finish(await corrections.beginUndo(id));
    expect(await scoresInFiles(examId)).toEqual(before);
  });

  it("is not made of scores from before and after a regrading that overtakes it", async () => {
    const exam = await aCorrectedExam();
    await handedIn(app.container, school, exam, 0, [{ choice: "c" }, null, null, null]);
    const file = await fileOf(exam.examId, "JSON");
    const progress = async () => {
      await corrections.finish(await corrections.begin(exam.examId, exam.asked));
    };
    await expect(file.made({ ...aJob(), progress })).rejects.toThrow("was being regraded");
    expect(await file.file()).toMatchObject({ finishedAt: null, failure: null });
    await file.made();
    const rows: { email: string }[] = JSON.parse(await file.text());
    const row = rows.find(({ email }) => email === school.students[0]!.email);
    expect(row).toMatchObject({ score: "4", maxScore: "4" });
  });

  it("is given up with a word on it when a regrading does not come to an end", async () => {
    const exam = await aCorrectedExam();
    await corrections.begin(exam.examId, exam.asked);
    const file = await fileOf(exam.examId, "CSV");
    await file.made({ ...aJob(), isLastTry: true });
    expect(await file.file()).toMatchObject({ rows: null, failure: expect.stringContaining("being regraded") });
  });
});
