import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { answerOf } from "../support/answerOf.ts";
import { anExam, aSchool, choiceQuestion, type Person, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());
beforeEach(async () => {
  school = await aSchool(app.container, { students: 2 });
});

const QUESTION_FIELDS = `id position section type responseKind title stem stemFormat points options { id text }
  prompts { id text } gapText gaps { id kind options { id text } } maxLength`;
const SECTIONS = `query ($id: ID!) { exam(id: $id) { sections {
  id title drawTag drawFolderId drawDifficulty drawCount questions { points question { id title } }
} } }`;
const UPDATE =
  "mutation ($id: ID!, $sections: [UpdateExamSectionInput!]!) { updateExamSections(examId: $id, sections: $sections) { questionCount } }";
const PREVIEW_EXAM = `query ($id: ID!, $seed: Int) { previewExam(examId: $id, seed: $seed) { questions { ${QUESTION_FIELDS} } } }`;
const PREVIEW = `query ($question: QuestionToShow!, $seed: Int) { previewQuestion(question: $question, seed: $seed) { ${QUESTION_FIELDS} } }`;
const TRY = `query ($question: QuestionToShow!, $response: ResponseInput) {
  tryQuestion(question: $question, response: $response) { points maxPoints feedback generalFeedback }
}`;
const PUBLISH = "mutation ($id: ID!) { publishExam(id: $id) { status } }";

const askedBy = (person: Person, operation: string, variables: Record<string, unknown>) =>
  answerOf(app, person, operation, variables);
const asked = (operation: string, variables: Record<string, unknown>) => askedBy(school.teacher, operation, variables);
const refused = (operation: string, variables: Record<string, unknown>) =>
  app.refusal(operation, variables, school.teacher.token);
const aQuestion = async (title: string, given: object = {}): Promise<string> => {
  const input = { ...choiceQuestion(1), title, ...given };
  return (await app.container.services.questions.create(school.teacher.actor, school.courseId, input)).id;
};
const aFolder = async (name: string, parentId: string | null = null): Promise<string> => {
  const input = { courseId: school.courseId, name, parentId };
  return (await app.container.services.questionFolders.create(school.teacher.actor, input)).id;
};
const aDraft = async (rules: object = {}) =>
  (await anExam(app.container, school, { questions: [], publish: false, rules })).examId;

/** What each section is called and holds. */
async function sectionsOf(id: string): Promise<[string, string[]][]> {
  const { sections } = await asked(SECTIONS, { id });
  return sections.map(({ title, questions }: { title: string; questions: { question: { title: string } }[] }) => [
    title,
    questions.map(({ question }) => question.title),
  ]);
}

describe("the sections of a draft", () => {
  it("are put in order, filled, moved between and removed by saying how they shall be", async () => {
    const [a, b, c, d] = [await aQuestion("A"), await aQuestion("B"), await aQuestion("C"), await aQuestion("D")];
    const examId = await aDraft();
    await app.container.services.exams.addQuestions(school.teacher.actor, {
      examId,
      questionIds: [a, b, c],
      points: "4",
    });
    const { sections } = await asked(SECTIONS, { id: examId });
    const first = sections[0].id;

    const changed = [{ title: "Warm-up", questionIds: [d, b] }, { id: first }];
    expect(await asked(UPDATE, { id: examId, sections: changed })).toEqual({ questionCount: 4 });
    expect(await sectionsOf(examId)).toEqual([
      ["Warm-up", ["D", "B"]],
      ["Questions", ["A", "C"]],
    ]);
    const after = (await asked(SECTIONS, { id: examId })).sections;
    expect(after[1].id).toBe(first);
    expect(after[0].questions.map(({ points }: { points: string }) => points)).toEqual(["1", "4"]);

    await asked(UPDATE, { id: examId, sections: [{ id: first, title: "All", questionIds: [c, b, a] }] });
    expect(await sectionsOf(examId)).toEqual([["All", ["C", "B", "A"]]]);
  });

  it("are refused as a whole where a part is wrong, and are fixed by publication", async () => {
    const question = await aQuestion("A");
    const examId = await aDraft();
    const stranger = await aSchool(app.container);
    const elsewhere = await anExam(app.container, stranger, { publish: false });
    const update = (sections: object[]) => refused(UPDATE, { id: examId, sections });
    expect(await update([])).toBe("BAD_USER_INPUT");
    expect(await update([{ drawTag: "x" }])).toBe("BAD_USER_INPUT");
    expect(await update([{ title: "Draw", drawDifficulty: "EASY" }])).toBe("BAD_USER_INPUT");
    expect(await update([{ title: "Twice", questionIds: [question, question] }])).toBe("BAD_USER_INPUT");
    expect(await update([{ title: "Foreign", questionIds: elsewhere.questionIds }])).toBe("NOT_FOUND");
    expect(await update([{ id: elsewhere.examId, title: "Unknown" }])).toBe("NOT_FOUND");
    expect(await update([{ title: "Draw", drawFolderId: elsewhere.examId, drawCount: 1 }])).toBe("NOT_FOUND");
    expect(await sectionsOf(examId)).toEqual([["Questions", []]]);
    const published = (await anExam(app.container, school)).examId;
    expect(await refused(UPDATE, { id: published, sections: [{ title: "Late" }] })).toBe("EXAM_PUBLISHED");
  });

  it("draw from a folder and those in it, by difficulty and by tag, together, and archived questions never", async () => {
    const folder = await aFolder("Chapter");
    const inside = await aFolder("Part", folder);
    const fitting = { tags: ["exam"], difficulty: "HARD" };
    await aQuestion("Fits", { ...fitting, folderId: folder });
    await aQuestion("Fits too", { ...fitting, folderId: inside });
    await aQuestion("Elsewhere", fitting);
    await aQuestion("Easy", { ...fitting, difficulty: "EASY", folderId: folder });
    await aQuestion("A text", { ...fitting, folderId: folder, type: "INFORMATION", definition: {} });
    await aQuestion("Untagged", { ...fitting, tags: [], folderId: folder });
    const archived = await aQuestion("Archived", { ...fitting, folderId: folder });
    const { questionEdits } = app.container.services;
    await questionEdits.archive(
      school.teacher.actor,
      { courseId: school.courseId, ids: [archived], dryRun: false },
      { archived: true },
    );
    const examId = await aDraft();
    const draw = { drawTag: "exam", drawFolderId: folder, drawDifficulty: "HARD" };
    const sections = [
      { title: "Hard", ...draw, drawCount: 2 },
      { title: "Tagged", drawTag: "exam", drawCount: 1 },
    ];
    await asked(UPDATE, { id: examId, sections });
    expect((await asked(SECTIONS, { id: examId })).sections[0]).toMatchObject({ ...draw, drawCount: 2 });
    const DELETE = "mutation ($id: ID!) { deleteQuestionFolder(id: $id) }";
    const empty = await aFolder("Empty");
    const other = await aDraft();
    await asked(UPDATE, { id: other, sections: [{ title: "Nothing", drawFolderId: empty, drawCount: 1 }] });
    expect(await refused(DELETE, { id: empty })).toBe("FOLDER_IN_USE");
    expect(await refused(PUBLISH, { id: other })).toBe("POOL_TOO_SMALL");
    expect(await refused(PREVIEW_EXAM, { id: other })).toBe("POOL_TOO_SMALL");

    const drawn = (await asked(PREVIEW_EXAM, { id: examId })).questions;
    expect(await sectionsOf(examId)).toEqual([
      ["Hard", []],
      ["Tagged", []],
    ]);
    await asked(PUBLISH, { id: examId });
    const [hard, tagged] = await sectionsOf(examId);
    expect(hard![1].sort()).toEqual(["Fits", "Fits too"]);
    expect(tagged![1].sort()).toEqual(["Easy", "Elsewhere"]);
    expect((await asked(PREVIEW_EXAM, { id: examId })).questions).toEqual(drawn);
  });
});

/** An exam that shuffles everything and draws: whatever could come out different does. */
async function aShuffledExam(): Promise<string> {
  for (let at = 0; at < 12; at++) await aQuestion(`Drawn ${at}`, { tags: ["pool"] });
  const asking = { title: "Order", type: "ORDERING", stem: "Sort them." };
  const items = ["one", "two", "three", "four", "five", "six"].map((text) => ({ id: text, text }));
  const ordering = await aQuestion("Order", { ...asking, definition: { items } });
  const examId = await aDraft({ shuffleQuestions: true, shuffleOptions: true });
  const fixed = [ordering, await aQuestion("Fixed 1"), await aQuestion("Fixed 2")];
  const sections = [
    { title: "Fixed", questionIds: fixed },
    { title: "Drawn", drawTag: "pool", drawCount: 6 },
  ];
  await asked(UPDATE, { id: examId, sections });
  return examId;
}

describe("a paper that was drawn and shuffled", () => {
  it("has a text between its questions where it was put", async () => {
    const text = await aQuestion("Text", { type: "INFORMATION", definition: {} });
    const [a, b, c] = [await aQuestion("A"), await aQuestion("B"), await aQuestion("C")];
    const examId = await aDraft({ shuffleQuestions: true });
    await asked(UPDATE, { id: examId, sections: [{ title: "All", questionIds: [a, text, b, c] }] });
    for (let seed = 0; seed < 6; seed++)
      expect((await asked(PREVIEW_EXAM, { id: examId, seed })).questions[1].title).toBe("Text");
  });

  it("has every text of a section that draws, which counts for none of the questions drawn", async () => {
    const text = await aQuestion("Text", { type: "INFORMATION", definition: {} });
    const questionIds = [text, await aQuestion("A"), await aQuestion("B"), await aQuestion("C")];
    const examId = await aDraft({ shuffleQuestions: true });
    const draw = (drawCount: number) =>
      asked(UPDATE, { id: examId, sections: [{ title: "Draw", drawCount, questionIds }] });
    await draw(4);
    expect(await refused(PUBLISH, { id: examId })).toBe("POOL_TOO_SMALL");
    await draw(2);
    await asked(PUBLISH, { id: examId });
    const totals = await asked("query ($id: ID!) { exam(id: $id) { questionCount maxScore } }", { id: examId });
    expect(totals).toEqual({ questionCount: 3, maxScore: "2" });
    for (let seed = 0; seed < 6; seed++) {
      const { questions } = await asked(PREVIEW_EXAM, { id: examId, seed });
      expect(questions).toHaveLength(3);
      expect(questions[0].title).toBe("Text");
    }
  });

  it("is the same after a reload, on another device, on a server that remembers nothing, and in the review", async () => {
    const examId = await aShuffledExam();
    await asked(PUBLISH, { id: examId });
    const [student, other] = school.students as [Person, Person];
    const PAPER = `paper { questions { ${QUESTION_FIELDS} } }`;
    const START = `mutation ($id: ID!) { startAttempt(examId: $id) { id ${PAPER} } }`;
    const READ = `query ($id: ID!) { attempt(id: $id) { ${PAPER} result { questions { questionId position } } } }`;
    const { id, paper } = await askedBy(student, START, { id: examId });
    expect(paper.questions).toHaveLength(9);

    expect(await askedBy(student, START, { id: examId })).toEqual({ id, paper });
    const anotherLogIn = await app.container.tokens.sign({ ...student.actor, sessionId: id });
    const onAnotherDevice = { ...student, token: anotherLogIn.token };
    expect((await askedBy(onAnotherDevice, READ, { id })).paper).toEqual(paper);
    await app.container.cache.dropPattern("*");
    expect((await askedBy(onAnotherDevice, READ, { id })).paper).toEqual(paper);

    const SUBMIT = "mutation ($id: ID!) { submitAttempt(attemptId: $id) { status } }";
    await askedBy(onAnotherDevice, SUBMIT, { id });
    await app.container.services.grading.gradeAttempt(id);
    await app.container.cache.dropPattern("*");
    const review = await askedBy(student, READ, { id });
    expect(review.paper).toEqual(paper);
    expect(review.result.questions).toEqual(
      paper.questions.map((question: { id: string }, at: number) => ({ questionId: question.id, position: at + 1 })),
    );

    const { seed } = await app.container.db.attempt.findUniqueOrThrow({ where: { id } });
    expect((await asked(PREVIEW_EXAM, { id: examId, seed })).questions).toEqual(paper.questions);
    const second = await askedBy(other, START, { id: examId });
    expect(second.paper).not.toEqual(paper); // 6 of 12 drawn, 9 in order and their options: alike once in millions of years
  });
});

/** How many rows each table has. */
async function rowCounts(): Promise<Record<string, number>> {
  const tables = await app.container.db.$queryRaw<{ name: string; rows: number }[]>`
    SELECT tablename AS name, (xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM %I', tablename), false, true, '')))[1]::text::int AS rows
    FROM pg_tables WHERE schemaname = 'public'`;
  return Object.fromEntries(tables.map(({ name, rows }) => [name, rows]));
}

describe("a preview", () => {
  it("shows a question as its exam does, in any version, and shuffled by a seed", async () => {
    const id = await aQuestion("Before");
    await app.container.services.questions.update(school.teacher.actor, id, { title: "After" });
    const examId = await aDraft({ shuffleOptions: true });
    await app.container.services.exams.addQuestions(school.teacher.actor, { examId, questionIds: [id] });
    await asked(PUBLISH, { id: examId });
    const { actor } = school.students[0]!;
    const attempt = await app.container.services.attempts.start(actor, examId);
    const READ = `query ($id: ID!) { attempt(id: $id) { paper { questions { ${QUESTION_FIELDS} } } } }`;
    const [onPaper] = (await askedBy(school.students[0]!, READ, { id: attempt.id })).paper.questions;
    const { seed } = await app.container.db.attempt.findUniqueOrThrow({ where: { id: attempt.id } });

    const question = { saved: { id } };
    expect(await asked(PREVIEW, { question, seed })).toEqual({ ...onPaper, section: "" });
    expect(await asked(PREVIEW, { question })).toMatchObject({
      title: "After",
      options: [..."abcd"].map((one) => ({ id: one })),
    });
    expect(await asked(PREVIEW, { question: { saved: { id, version: 1 } } })).toMatchObject({ title: "Before" });
    expect(await refused(PREVIEW, { question: { saved: { id, version: 3 } } })).toBe("NOT_FOUND");
  });

  it("shows and grades a question that is only being written, and says what is wrong with it", async () => {
    const definition = { answers: [{ value: "3.14", tolerance: "0.01", feedback: "Well rounded." }] };
    const input = { ...choiceQuestion(1), type: "NUMERIC", definition, points: "2.5", feedback: "It is pi." };
    const question = { unsaved: input };
    expect(await asked(PREVIEW, { question })).toMatchObject({ responseKind: "NUMBER", points: "2.5", options: [] });
    const right = { points: "2.5", maxPoints: "2.5", feedback: "Well rounded.", generalFeedback: "It is pi." };
    expect(await asked(TRY, { question, response: { number: "3,14" } })).toEqual(right);
    expect(await asked(TRY, { question, response: { number: "3" } })).toMatchObject({ points: "0", feedback: null });
    expect(await asked(TRY, { question })).toMatchObject({ points: "0" });
    expect(await refused(TRY, { question, response: { choice: "a" } })).toBe("BAD_USER_INPUT");
    const wrong = { unsaved: { ...input, stem: " ", definition: { answers: "none" } } };
    const { errors } = await app.ask(PREVIEW, { question: wrong }, school.teacher.token);
    expect(errors![0]!.extensions).toMatchObject({ fields: [{ path: "question.unsaved.stem", message: "is empty" }] });
    const essay = { unsaved: { ...input, type: "ESSAY", definition: {} } };
    expect(await asked(TRY, { question: essay, response: { text: "Well …" } })).toMatchObject({
      points: null,
      maxPoints: "2.5",
    });
  });

  it("leaves no trace: no row in any table, and the same statistics", async () => {
    const examId = await aShuffledExam();
    const published = await anExam(app.container, school);
    const student = school.students[0]!.actor;
    const { id } = await app.container.services.attempts.start(student, published.examId);
    await app.container.services.attempts.submit(student, id);
    await app.container.services.grading.gradeAttempt(id);
    const analyse = () =>
      app.container.services.analysis.run(
        { examId: published.examId, attempts: "FIRST", isScheduled: false },
        {
          progress: async () => {},
          signal: new AbortController().signal,
        },
      );
    await analyse();
    const STATISTICS = "query ($id: ID!) { examStatistics(examId: $id) { persons items { persons mean facility } } }";
    const before = { rows: await rowCounts(), statistics: await asked(STATISTICS, { id: published.examId }) };

    const question = { saved: { id: published.questionIds[0] } };
    for (const seed of [1, 2, 3]) {
      await asked(PREVIEW, { question, seed });
      await asked(TRY, { question, response: { choice: "b" } });
      await asked(PREVIEW_EXAM, { id: examId, seed });
      await asked(PREVIEW_EXAM, { id: published.examId, seed });
    }
    await analyse();
    expect({ rows: await rowCounts(), statistics: await asked(STATISTICS, { id: published.examId }) }).toEqual(before);
    expect(before.rows.questions).toBeGreaterThan(0);
  });
});
