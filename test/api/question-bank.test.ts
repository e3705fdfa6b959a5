import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { answerOf } from "../support/answerOf.ts";
import { anExam, aSchool, choiceQuestion, essayQuestion, type School } from "../support/school.ts";
import { statementsOf } from "../support/statements.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());
beforeEach(async () => {
  school = await aSchool(app.container);
});

const FOLDERS = "query ($id: ID!) { questionFolders(courseId: $id) { id path questionCount totalCount } }";
const QUESTION = `query ($id: ID!, $version: Int) { question(id: $id, version: $version) {
  version stem tags difficulty folder { path } archivedAt versions { number stem }
} }`;
const QUESTIONS = `query ($id: ID!, $filter: QuestionFilter, $sort: QuestionSort, $first: Int, $after: String) {
  questions(courseId: $id, filter: $filter, sort: $sort, first: $first, after: $after) {
    totalCount nodes { id title } pageInfo { endCursor hasNextPage }
  }
}`;
const UPDATE =
  "mutation ($id: ID!, $input: UpdateQuestionInput!) { updateQuestion(id: $id, input: $input) { version } }";
const EDIT = "mutation ($input: EditQuestionsInput!) { editQuestions(input: $input) { selectedCount changedCount } }";
const MOVE =
  "mutation ($id: ID!, $input: UpdateQuestionFolderInput!) { updateQuestionFolder(id: $id, input: $input) { path } }";
const DELETE_FOLDER = "mutation ($id: ID!) { deleteQuestionFolder(id: $id) }";
const SECTIONS =
  "query ($id: ID!) { exam(id: $id) { sections { questions { points question { version tags folder { name } } } } } }";

/** What the teacher is answered, without an error. */
const asked = (
  operation: string,
  variables: Record<string, unknown>,
): Promise<Record<string, unknown> & { nodes: { id: string; title: string }[] }> =>
  answerOf(app, school.teacher, operation, variables);
const refused = (operation: string, variables: Record<string, unknown>) =>
  app.refusal(operation, variables, school.teacher.token);
const aQuestion = async (given: object = {}): Promise<string> =>
  (
    await app.container.services.questions.create(school.teacher.actor, school.courseId, {
      ...choiceQuestion(1),
      ...given,
    })
  ).id;
const aFolder = async (name: string, parentId: string | null = null): Promise<string> => {
  const input = { courseId: school.courseId, name, parentId };
  return (await app.container.services.questionFolders.create(school.teacher.actor, input)).id;
};
const titles = async (filter: object, more: object = {}) =>
  (await asked(QUESTIONS, { id: school.courseId, filter, ...more })).nodes.map(({ title }) => title);
const selection = (more: object) => ({ input: { courseId: school.courseId, ...more } });

describe("the folders of a bank", () => {
  it("are a tree that counts its questions, can be moved, and is taken down from the leaves", async () => {
    const algebra = await aFolder("Algebra");
    const rings = await aFolder("Rings", algebra);
    const ideals = await aFolder("Ideals", rings);
    await aQuestion({ folderId: algebra });
    const questionId = await aQuestion({ folderId: ideals });
    expect(await asked(FOLDERS, { id: school.courseId })).toEqual([
      { id: algebra, path: ["Algebra"], questionCount: 1, totalCount: 2 },
      { id: rings, path: ["Algebra", "Rings"], questionCount: 0, totalCount: 1 },
      { id: ideals, path: ["Algebra", "Rings", "Ideals"], questionCount: 1, totalCount: 1 },
    ]);

    expect(await refused(MOVE, { id: algebra, input: { parentId: ideals } })).toBe("FOLDER_CYCLE");
    expect(await asked(MOVE, { id: rings, input: { parentId: null, name: "Rings and ideals" } })).toEqual({
      path: ["Rings and ideals"],
    });
    expect(await refused(MOVE, { id: rings, input: { name: "algebra" } })).toBe("FOLDER_NAME_TAKEN");
    expect((await asked(QUESTION, { id: questionId })).folder).toEqual({ path: ["Rings and ideals", "Ideals"] });

    expect(await refused(DELETE_FOLDER, { id: rings })).toBe("FOLDER_NOT_EMPTY");
    expect(await refused(DELETE_FOLDER, { id: ideals })).toBe("FOLDER_NOT_EMPTY");
    await asked(UPDATE, { id: questionId, input: { folderId: null } });
    await asked(DELETE_FOLDER, { id: ideals });
    await asked(DELETE_FOLDER, { id: rings });
    expect(await asked(FOLDERS, { id: school.courseId })).toMatchObject([{ id: algebra }]);
  });

  it("never become a circle by two moves at the same moment", async () => {
    const { questionFolders } = app.container.services;
    const [one, other] = [await aFolder("One"), await aFolder("Other")];
    const moves = await Promise.allSettled([
      questionFolders.update(school.teacher.actor, one, { parentId: other }),
      questionFolders.update(school.teacher.actor, other, { parentId: one }),
    ]);
    expect(moves.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await asked(FOLDERS, { id: school.courseId })).toHaveLength(2);
  });

  it("of another course are unknown, to questions, searches and imports alike", async () => {
    const stranger = await aSchool(app.container);
    const { id: foreign } = await app.container.services.questionFolders.create(stranger.teacher.actor, {
      courseId: stranger.courseId,
      name: "Foreign",
    });
    const content = "Sky is blue. {T}";
    const IMPORT = "mutation ($input: ImportQuestionsInput!) { importQuestions(input: $input) { dryRun } }";
    const IMPORT_FILE = "mutation ($input: ImportQuestionFileInput!) { importQuestionFile(input: $input) { id } }";
    expect(await refused(UPDATE, { id: await aQuestion(), input: { folderId: foreign } })).toBe("NOT_FOUND");
    expect(await refused(EDIT, selection({ filter: {}, folderId: foreign }))).toBe("NOT_FOUND");
    expect(await refused(IMPORT, selection({ format: "GIFT", content, folderId: foreign }))).toBe("NOT_FOUND");
    expect(await refused(IMPORT_FILE, selection({ format: "GIFT", folderId: foreign }))).toBe("NOT_FOUND");
    expect(await refused(MOVE, { id: foreign, input: { name: "Mine" } })).toBe("NOT_FOUND");
    expect(await refused(DELETE_FOLDER, { id: foreign })).toBe("NOT_FOUND");
    expect(await titles({ folderId: foreign })).toEqual([]);
  });

  it("take in what is imported", async () => {
    const folderId = await aFolder("Imported");
    const IMPORT =
      "mutation ($input: ImportQuestionsInput!) { importQuestions(input: $input) { taken { questionId } } }";
    const content = "$CATEGORY: Physics/Optics\n\n::Light::Light is fast. {T}";
    const { taken } = await asked(IMPORT, selection({ format: "GIFT", content, folderId }));
    const [{ questionId }] = taken as [{ questionId: string }];
    expect(await asked(QUESTION, { id: questionId })).toMatchObject({
      folder: { path: ["Imported"] },
      tags: ["optics"],
    });
    expect(await titles({ search: "light" })).toEqual(["Light"]);
  });
});

describe("the versions of a question", () => {
  it("come from edits of what is asked, not of where it is filed, and stay as they were", async () => {
    const id = await aQuestion({ stem: "First", tags: ["old"], difficulty: "EASY" });
    const folderId = await aFolder("Filed");
    await asked(UPDATE, { id, input: { tags: ["new"], difficulty: "HARD", folderId } });
    expect(await asked(QUESTION, { id })).toMatchObject({ version: 1, tags: ["new"], difficulty: "HARD" });
    expect(await asked(UPDATE, { id, input: { stem: "Second", difficulty: null } })).toEqual({ version: 2 });
    expect(await asked(UPDATE, { id, input: { stem: "Third" } })).toEqual({ version: 3 });

    const newest = await asked(QUESTION, { id });
    expect(newest).toMatchObject({ version: 3, stem: "Third", difficulty: null, folder: { path: ["Filed"] } });
    expect(newest.versions).toEqual(
      [3, 2, 1].map((number, at) => ({ number, stem: ["Third", "Second", "First"][at] })),
    );
    expect(await asked(QUESTION, { id, version: 1 })).toMatchObject({ version: 1, stem: "First", tags: ["new"] });
    expect(await refused(QUESTION, { id, version: 4 })).toBe("NOT_FOUND");
  });

  it("and what belongs to all of them show in the exams that have the question, drafts and published", async () => {
    const questionId = await aQuestion({ tags: ["old"] });
    const exam = async (publish: boolean) => {
      const { examId } = await anExam(app.container, school, { questions: [], publish: false });
      await app.container.services.exams.addQuestions(school.teacher.actor, { examId, questionIds: [questionId] });
      if (publish) await app.container.services.exams.publish(school.teacher.actor, examId);
      return examId;
    };
    const [draft, published] = [await exam(false), await exam(true)];
    const shown = async (id: string) => {
      const { sections } = await asked(SECTIONS, { id });
      return (sections as { questions: { points: string; question: object }[] }[])[0]!.questions[0];
    };
    expect(await shown(draft)).toEqual(await shown(published));
    await asked(UPDATE, { id: questionId, input: { points: "2", tags: ["new"] } });
    expect(await shown(draft)).toEqual({ points: "2", question: { version: 2, tags: ["new"], folder: null } });
    expect(await shown(published)).toEqual({ points: "1", question: { version: 1, tags: ["new"], folder: null } });
    await asked(EDIT, selection({ ids: [questionId], folderId: await aFolder("Moved"), points: "3" }));
    expect(await shown(draft)).toMatchObject({ points: "3", question: { version: 3, folder: { name: "Moved" } } });
    expect(await shown(published)).toMatchObject({ points: "1", question: { version: 1, folder: { name: "Moved" } } });
  });
});

describe("the search in a bank", () => {
  it("finds what is true of all that is asked", async () => {
    const biology = await aFolder("Biology");
    const cells = await aFolder("Cells", biology);
    await aQuestion({
      title: "A",
      tags: ["cells", "exam"],
      folderId: cells,
      difficulty: "EASY",
      stem: "Où est l'Énergie?",
    });
    await aQuestion({ title: "B", tags: ["cells"], folderId: biology, difficulty: "HARD", stem: "The cell membrane" });
    await aQuestion({ ...essayQuestion, title: "C", tags: ["exam"], stem: "Discuss the membranes of cells" });
    const used = await anExam(app.container, school, {
      questions: [{ ...choiceQuestion(4), title: "D" }],
      publish: false,
    });
    const find = (filter: object) => titles(filter, { sort: "TITLE" });

    expect(await find({})).toEqual(["A", "B", "C", "D"]);
    expect(await find({ tags: ["cells", "exam"] })).toEqual(["A"]);
    expect(await find({ anyTag: ["cells", "exam"] })).toEqual(["A", "B", "C"]);
    expect(await find({ folderId: biology })).toEqual(["A", "B"]);
    expect(await find({ folderId: cells })).toEqual(["A"]);
    expect(await find({ unfiled: true })).toEqual(["C", "D"]);
    expect(await find({ type: "ESSAY" })).toEqual(["C"]);
    expect(await find({ difficulty: "HARD" })).toEqual(["B"]);
    expect(await find({ used: true })).toEqual(["D"]);
    expect(await find({ used: false, unfiled: false })).toEqual(["A", "B"]);
    expect(await find({ search: "cell membr" })).toEqual(["B"]);
    expect(await find({ search: "membrane cells" })).toEqual([]);
    expect(await find({ search: "cells membrane" })).toEqual(["C"]);
    expect(await find({ search: "ENERGIE" })).toEqual(["A"]);
    expect(await find({ search: "Option" })).toEqual(["A", "B", "D"]);
    expect(await find({ search: "embran" })).toEqual([]);
    expect(await find({ search: "?!" })).toEqual([]);
    expect(await find({ search: " " })).toEqual(["A", "B", "C", "D"]);
    expect(used.questionIds).toHaveLength(1);
    const TAGS = "query ($id: ID!) { questionTags(courseId: $id) { tag questionCount } }";
    expect(await asked(TAGS, { id: school.courseId })).toEqual([
      { tag: "cells", questionCount: 2 },
      { tag: "exam", questionCount: 2 },
    ]);
  });

  it.each(["NEWEST", "OLDEST", "TITLE"])("goes through the pages of every order: %s", async (sort) => {
    const given = ["beta", "Alpha", "gamma", "alpha", "Delta"];
    for (const title of given) await aQuestion({ title });
    const seen: string[] = [];
    for (let after: unknown = null, more = true; more; ) {
      const page = await asked(QUESTIONS, { id: school.courseId, sort, first: 2, after });
      seen.push(...page.nodes.map(({ title }) => title));
      ({ endCursor: after, hasNextPage: more } = page.pageInfo as { endCursor: string; hasNextPage: boolean });
    }
    const expected = {
      OLDEST: given,
      NEWEST: [...given].reverse(),
      TITLE: ["Alpha", "alpha", "beta", "Delta", "gamma"],
    };
    expect(seen).toEqual(expected[sort as keyof typeof expected]);
  });
});

describe("an edit of many questions", () => {
  it("says first what it would change, and then changes that, all at once and written down", async () => {
    const folderId = await aFolder("Revised");
    const done = await aQuestion({ tags: ["review"], folderId, difficulty: "HARD" });
    const ids = [await aQuestion({ tags: ["old", "kept"] }), await aQuestion({ tags: ["old"] })];
    await aQuestion({ tags: ["untouched"] });
    const edit = {
      filter: { anyTag: ["old", "review"] },
      addTags: ["review"],
      removeTags: ["old"],
      folderId,
      difficulty: "HARD",
    };
    expect(await asked(EDIT, selection({ ...edit, dryRun: true }))).toEqual({ selectedCount: 3, changedCount: 2 });
    expect(await titles({ tags: ["old"] })).toHaveLength(2);

    expect(await asked(EDIT, selection(edit))).toEqual({ selectedCount: 3, changedCount: 2 });
    expect(await asked(EDIT, selection(edit))).toEqual({ selectedCount: 1 + 2, changedCount: 0 });
    const shown = { version: 1, difficulty: "HARD", folder: { path: ["Revised"] } };
    expect(await asked(QUESTION, { id: ids[0] })).toMatchObject({ ...shown, tags: ["kept", "review"] });
    expect(await asked(QUESTION, { id: ids[1] })).toMatchObject({ ...shown, tags: ["review"] });
    expect(await asked(QUESTION, { id: done })).toMatchObject({ ...shown, tags: ["review"] });
    const lines = await app.container.db.auditEntry.findMany({ where: { entityId: school.courseId } });
    expect(lines).toMatchObject([{ action: "editQuestions", after: { addTags: ["review"], questionIds: ids } }]);
  });

  it("of points makes a version that is the one before in everything else, where there is something to answer", async () => {
    const { db } = app.container;
    const outcomeFeedback = { correct: "Well done." };
    const id = await aQuestion({ feedback: "Because.", title: "Titled", outcomeFeedback });
    const text = await aQuestion({ type: "INFORMATION", definition: {}, points: "0" });
    const same = await aQuestion({ points: "2.5" });
    expect(await asked(EDIT, selection({ ids: [id, text, same], points: "2.50" }))).toMatchObject({ changedCount: 1 });
    const [before, after] = await db.questionVersion.findMany({
      where: { questionId: id },
      orderBy: { number: "asc" },
    });
    const columns = await db.$queryRaw<{ name: string }[]>`
      SELECT column_name AS name FROM information_schema.columns WHERE table_name = 'question_versions' AND is_generated = 'NEVER'`;
    // Whoever gives versions another column has to copy it in `writeEdited`, and then to name it here.
    expect(columns.map(({ name }) => name).sort()).toEqual([
      ..."created_at definition feedback id number outcome_feedback".split(" "),
      ..."points question_id search_words stem stem_format title type".split(" "),
    ]);
    const other = { id: expect.any(String), number: 2, points: expect.anything(), createdAt: expect.any(Date) };
    expect(after).toEqual({ ...before, ...other });
    expect(after!.points.toString()).toBe("2.5");
    expect((await asked(QUESTION, { id })).version).toBe(2);
  });

  it("is refused whole where one of the questions cannot take it", async () => {
    const [id, full] = [
      await aQuestion(),
      await aQuestion({ tags: Array.from({ length: 50 }, (_, at) => `tag ${at}`) }),
    ];
    expect(await refused(EDIT, selection({ ids: [id, full], addTags: ["one more"] }))).toBe("TOO_MANY_TAGS");
    const stranger = await aSchool(app.container);
    const foreign = await app.container.services.questions.create(
      stranger.teacher.actor,
      stranger.courseId,
      choiceQuestion(1),
    );
    expect(await refused(EDIT, selection({ ids: [id, foreign.id], addTags: ["mine"] }))).toBe("NOT_FOUND");
    expect(await refused(EDIT, selection({ addTags: ["all"] }))).toBe("BAD_USER_INPUT");
    expect((await asked(QUESTION, { id })).tags).toEqual([]);
  });

  it("meets an edit of one of them without losing either", async () => {
    const { questions, questionEdits } = app.container.services;
    const ids = [await aQuestion(), await aQuestion(), await aQuestion()];
    const edit = { courseId: school.courseId, ids, addTags: ["many"], removeTags: [], points: "4", dryRun: false };
    const [edited] = await Promise.all([
      questionEdits.edit(school.teacher.actor, edit),
      ...ids.map((id) => questions.update(school.teacher.actor, id, { stem: "Edited alone" })),
    ]);
    expect(edited.changedCount).toBe(3);
    for (const id of ids)
      expect(await asked(QUESTION, { id })).toMatchObject({ version: 3, stem: "Edited alone", tags: ["many"] });
  });

  it("takes as many statements for five hundred questions as for two, and finds them in two", async () => {
    const { services } = app.container;
    const content = Array.from({ length: 500 }, (_, at) => `::Q${at}::Is ${at} a number? {T}`).join("\n\n");
    await services.exchange.import(school.teacher.actor, {
      ...{ courseId: school.courseId, format: "GIFT", content, dryRun: false },
      tags: ["bulk"],
    });
    const count = async (operation: string, variables: Record<string, unknown>) =>
      (await statementsOf(app, () => asked(operation, variables))).length;
    const ids = (await asked(QUESTIONS, { id: school.courseId, first: 2 })).nodes.map(({ id }) => id);
    const few = await count(EDIT, selection({ ids, addTags: ["few"], points: "2" }));
    expect(await count(EDIT, selection({ filter: { tags: ["bulk"] }, addTags: ["many"], points: "3" }))).toBe(few);
    expect(few).toBeLessThanOrEqual(8);
    // Whether the viewer is staff, and the page.
    expect(
      await count(QUESTIONS.replace("totalCount", ""), { id: school.courseId, filter: { search: "number" } }),
    ).toBe(2);
  });
});

describe("questions that are no longer wanted", () => {
  const act = (name: string) =>
    `mutation ($input: QuestionSelectionInput!) { ${name}(input: $input) { selectedCount changedCount } }`;

  it("are removed where no exam ever had them, and else archived: out of lists, exports and new exams, and back", async () => {
    const { examId, questionIds } = await anExam(app.container, school, {
      questions: [{ ...choiceQuestion(1), title: "Used" }],
    });
    const unused = await aQuestion({ title: "Unused" });
    const all = selection({ filter: {} });
    expect(await refused(act("deleteQuestions"), all)).toBe("QUESTION_IN_USE");
    const rest = { filter: { used: false } };
    expect(await asked(act("deleteQuestions"), selection({ ...rest, dryRun: true }))).toMatchObject({
      changedCount: 1,
    });
    expect(await titles({})).toHaveLength(2);
    await asked(act("deleteQuestions"), selection(rest));
    expect(await refused(QUESTION, { id: unused })).toBe("NOT_FOUND");

    expect(await asked(act("archiveQuestions"), all)).toEqual({ selectedCount: 1, changedCount: 1 });
    expect(await asked(act("archiveQuestions"), selection({ ids: questionIds }))).toMatchObject({ changedCount: 0 });
    expect(await titles({})).toEqual([]);
    expect(await titles({ archived: true })).toEqual(["Used"]);
    expect((await asked(QUESTION, { id: questionIds[0] })).archivedAt).toEqual(expect.any(String));
    const EXPORT = "query ($id: ID!) { exportQuestions(courseId: $id, format: GIFT) { written } }";
    expect(await asked(EXPORT, { id: school.courseId })).toEqual({ written: 0 });
    const draft = await anExam(app.container, school, { questions: [], publish: false });
    const ADD = "mutation ($input: AddQuestionsToExamInput!) { addQuestionsToExam(input: $input) { id } }";
    expect(await refused(ADD, { input: { examId: draft.examId, questionIds } })).toBe("QUESTION_ARCHIVED");
    const attempt = await app.container.services.attempts.start(school.students[0]!.actor, examId);
    expect((await app.container.services.attempts.paper(attempt.id)).questions).toHaveLength(1);

    expect(await asked(act("unarchiveQuestions"), selection({ filter: { archived: true } }))).toMatchObject({
      changedCount: 1,
    });
    expect(await titles({})).toEqual(["Used"]);
  });

  it("are never removed while an exam takes them in at the same moment", async () => {
    const { exams, questionEdits } = app.container.services;
    const { examId } = await anExam(app.container, school, { questions: [], publish: false });
    const id = await aQuestion();
    const [added, removed] = await Promise.allSettled([
      exams.addQuestions(school.teacher.actor, { examId, questionIds: [id] }),
      questionEdits.remove(school.teacher.actor, { courseId: school.courseId, ids: [id], dryRun: false }),
    ]);
    expect([added.status, removed.status].sort()).toEqual(["fulfilled", "rejected"]);
    const loser = [added, removed].find((one) => one.status === "rejected") as PromiseRejectedResult;
    expect(["NOT_FOUND", "UNPROCESSABLE"]).toContain(loser.reason.code);
  });
});
