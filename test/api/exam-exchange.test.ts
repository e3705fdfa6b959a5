import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { uuidv7 } from "uuidv7";
import { answerOf } from "../support/answerOf.ts";
import { eventually } from "../support/eventually.ts";
import { anExam, aSchool, choiceQuestion, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
/** As the last export was fetched. */
let exported: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  app = await startTestApp({ worker: true });
});
afterAll(() => app.close());

const ask = (operation: string, variables: Record<string, unknown>) =>
  answerOf(app, school.teacher, operation, variables);

const EXPORT =
  "mutation ($examId: ID!, $format: QuestionFileFormat!) { exportExam(examId: $examId, format: $format) { id examId } }";
const IMPORT = "mutation ($input: ImportQuestionFileInput!) { importQuestionFile(input: $input) { id uploadUrl } }";
const FILE = `query ($id: ID!) { questionFile(id: $id) {
  total taken changed refused failure finishedAt downloadUrl
  entries(first: 50) { nodes { position outcome title questionId examId messages } }
} }`;
const EXAM = `query ($id: ID!) { exam(id: $id) {
  title status durationMinutes floor shuffleQuestions questionCount maxScore
  sections { title drawTag drawCount shuffleQuestions floor questions { points question { title points tags } } }
} }`;

/** A signed link as the client follows it: to the server of this test. */
const here = (url: string) => url.replace(/^https?:\/\/[^/]+/, app.url);
const finished = (id: string) =>
  eventually(
    "the job with the file is done",
    async () => {
      const file = await ask(FILE, { id });
      return file.finishedAt && file;
    },
    60_000,
  );
async function take(file: Uint8Array<ArrayBuffer>, more: Record<string, unknown>) {
  const input = { courseId: school.courseId, format: "QTI_3_0", ...more };
  const { id, uploadUrl } = await ask(IMPORT, { input });
  expect((await fetch(here(uploadUrl), { method: "PUT", body: file })).status).toBe(202);
  return { id: id as string, ...(await finished(id)) };
}
const draftsOf = (courseId: string) => app.container.db.exam.findMany({ where: { courseId }, orderBy: { id: "asc" } });
const examOf = ({ entries }: { entries: { nodes: { examId: string | null }[] } }) => entries.nodes.at(-1)!;

/** Three of five questions by tag, shuffled; and three as they stand, one of them for half and one for three times its points. */
async function anExamOfTwoSections(): Promise<string> {
  const { services } = app.container;
  const { teacher, courseId } = school;
  const { examId } = await anExam(app.container, school, {
    questions: [],
    publish: false,
    rules: { durationMinutes: 45 },
  });
  const make = async (number: number, more: object) =>
    (await services.questions.create(teacher.actor, courseId, { ...choiceQuestion(number), ...more })).id;
  for (let number = 1; number <= 5; number++) await make(number, { tags: ["rivers"] });
  const fixed = [await make(6, { points: "2" }), await make(7, { points: "2" }), await make(8, { points: "3" })];
  const [drawn] = await services.exams.sections(teacher.actor, await services.exams.get(teacher.actor, examId));
  await services.exams.updateSections(teacher.actor, examId, [
    { id: drawn!.id, title: "Drawn", drawTag: "rivers", drawCount: 3, shuffleQuestions: true },
    { title: "Fixed", questionIds: fixed, floor: "-1.5" },
  ]);
  for (const [at, points] of ["1", "6"].entries())
    await app.container.db.examQuestion.updateMany({ where: { examId, questionId: fixed[at]! }, data: { points } });
  await services.exams.publish(teacher.actor, examId);
  return examId;
}

describe("an exam that moves to another course as a package", () => {
  it.each(["QTI_2_1", "QTI_2_2", "QTI_3_0"])("is the same exam there, as a draft, through %s", async (format) => {
    school = await aSchool(app.container);
    const examId = await anExamOfTwoSections();
    const before = await ask(EXAM, { id: examId });
    const asked = await ask(EXPORT, { examId, format });
    const { downloadUrl, ...made } = await finished(asked.id);
    expect(made).toMatchObject({ total: 8, taken: 8, refused: 0, failure: null });
    expect(examOf(made)).toMatchObject({
      ...{ position: 9, outcome: "NOTE", title: "Midterm", examId },
      messages: [
        expect.stringContaining("what students see of results"),
        expect.stringContaining("Options keep their order"),
        expect.stringContaining('"Drawn" draws by tag'),
      ],
    });
    const answer = await fetch(here(downloadUrl));
    expect(answer.headers.get("content-disposition")).toBe('attachment; filename="exam.zip"');
    const file = new Uint8Array(await answer.arrayBuffer());

    school = await aSchool(app.container);
    const taken = await take(file, { createExams: true });
    expect(taken).toMatchObject({ taken: 8, refused: 0, failure: null });
    const [draft, ...more] = await draftsOf(school.courseId);
    expect([draft!.id, more]).toEqual([examOf(taken).examId, []]);
    const after = await ask(EXAM, { id: draft!.id });
    expect(after).toEqual({
      ...before,
      status: "DRAFT",
      sections: before.sections.map((section: object) => ({ ...section, drawTag: null })),
    });
    exported = file;
  });

  it("is not made by a dry run, nor where nobody asks for it", async () => {
    school = await aSchool(app.container);
    const dry = await take(exported, { createExams: true, dryRun: true });
    expect(examOf(dry)).toMatchObject({
      examId: null,
      messages: ['A draft exam would be made of it: "Midterm", sections: 2, questions: 8, time: 45 minutes.'],
    });
    const questionsOnly = await take(exported, {});
    expect(examOf(questionsOnly)).toMatchObject({
      examId: null,
      messages: [expect.stringContaining("it becomes no exam")],
    });
    expect(await draftsOf(school.courseId)).toEqual([]);
  });

  it("is made once, however often the job is delivered", async () => {
    school = await aSchool(app.container);
    const { db, services } = app.container;
    const id = uuidv7();
    const pieces = { create: { number: 0, bytes: exported } };
    const asked = { actorId: school.teacher.id, courseId: school.courseId, jobId: uuidv7(), createExams: true };
    await db.questionFile.create({ data: { id, direction: "IMPORT", format: "QTI_3_0", ...asked, pieces } });
    const job = { signal: new AbortController().signal, progress: async () => {} };
    await Promise.all([services.questionFileRuns.import(id, job), services.questionFileRuns.import(id, job)]);
    await services.questionFileRuns.import(id, job);
    expect(await draftsOf(school.courseId)).toHaveLength(1);
    expect(await db.question.count({ where: { courseId: school.courseId } })).toBe(8);
  });

  it("is refused for formats that have no exams", async () => {
    school = await aSchool(app.container);
    const { examId } = await anExam(app.container, school);
    for (const [operation, variables] of [
      [EXPORT, { examId, format: "GIFT" }],
      [IMPORT, { input: { courseId: school.courseId, format: "GIFT", createExams: true } }],
    ] as const)
      expect(await app.refusal(operation, variables, school.teacher.token)).toBe("BAD_USER_INPUT");
  });
});
