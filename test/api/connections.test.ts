import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { anExam, aSchool, choiceQuestion, type School, somePeople } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

const COUNT = 7;

let app: TestApp;
let school: School;
let examId: string;
beforeAll(async () => {
  app = await startTestApp();
  school = await aSchool(app.container, { students: COUNT - 1 });
  const { services } = app.container;
  ({ examId } = await anExam(app.container, school, {
    questions: Array.from({ length: COUNT }, (_, at) => choiceQuestion(at)),
    rules: { attemptsAllowed: COUNT },
  }));
  for (let at = 1; at < COUNT; at++) {
    await services.courses.create(school.teacher.actor, { title: `Course ${at}` });
    await anExam(app.container, school, {
      questions: [],
      publish: false,
      rules: { title: `Quiz ${at} 100%` },
    });
  }
  // Published, and with no question of their own: the bank has as many as every other list here.
  await app.container.db.exam.updateMany({
    where: { courseId: school.courseId, OR: [1, 3, 5].map((at) => ({ title: `Quiz ${at} 100%` })) },
    data: { status: "PUBLISHED" },
  });
  const student = school.students[0]!.actor;
  for (let at = 0; at < COUNT; at++)
    await services.attempts.submit(student, (await services.attempts.start(student, examId)).id);
  await anExam(app.container, await aSchool(app.container), { rules: { title: "Quiz of another course" } });
});
afterAll(() => app.close());

/** Every connection of the API: what holds it, its own arguments, and what tells its nodes apart. */
const CONNECTIONS = [
  { name: "courses", open: "", own: "", node: "id" },
  { name: "exams", open: "", own: "", node: "id" },
  { name: "questions", open: "", own: "courseId: $course", node: "id" },
  { name: "enrollments", open: "course(id: $course)", own: "", node: "user { id }" },
  { name: "myAttempts", open: "", own: "", node: "id" },
  { name: "examResults", open: "", own: "examId: $exam", node: "attempt { id }" },
];
interface Page {
  nodes: object[];
  edges: { cursor: string; node: object }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
  totalCount: number;
}
type Args = { first?: number; after?: string | null; last?: number; before?: string | null };

async function page({ name, open, own, node }: (typeof CONNECTIONS)[number], args: Args): Promise<Page> {
  const given = { ...args, course: school.courseId, exam: examId };
  const literal = Object.keys(args)
    .map((key) => `${key}: $${key}`)
    .join(", ");
  const field = `${name}(${[own, literal].filter(Boolean).join(", ")}) { totalCount nodes { ${node} } edges { cursor node { ${node} } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`;
  const body = open ? `${open} { ${field} }` : field;
  const types = { first: "Int", last: "Int", after: "String", before: "String", course: "ID!", exam: "ID!" };
  const used = Object.entries(types).filter(([key]) => body.includes(`$${key}`));
  const token = name === "myAttempts" ? school.students[0]!.token : school.teacher.token;
  const operation = `query (${used.map(([key, type]) => `$${key}: ${type}`).join(", ")}) { ${body} }`;
  const { data, errors } = await app.ask(
    operation,
    Object.fromEntries(used.map(([key]) => [key, given[key as keyof typeof given]])),
    token,
  );
  if (errors) throw Object.assign(new Error(errors[0]!.message), { errors });
  return (open ? data.course : data)[name];
}

describe.each(CONNECTIONS)("the connection $name", (connection) => {
  it("is walked in both directions, each node exactly once and the newest first", async () => {
    const all = await page(connection, { first: 100 });
    expect(all.totalCount).toBe(COUNT);
    expect(all.nodes).toHaveLength(COUNT);
    expect(all.edges.map(({ node }) => node)).toEqual(all.nodes);
    const ids = all.nodes.map((node) => JSON.stringify(node));
    expect(ids).toEqual([...new Set(ids)].sort().reverse());

    const forwards: object[] = [];
    for (let after: string | null = null, more = true; more; ) {
      const { nodes, pageInfo, totalCount }: Page = await page(connection, { first: 3, after });
      expect(totalCount).toBe(COUNT);
      forwards.push(...nodes);
      after = pageInfo.endCursor;
      more = pageInfo.hasNextPage;
    }
    expect(forwards).toEqual(all.nodes);

    const backwards: object[] = [];
    for (let before: string | null = null, more = true; more; ) {
      const { nodes, pageInfo }: Page = await page(connection, { last: 3, before });
      backwards.unshift(...nodes);
      before = pageInfo.startCursor;
      more = pageInfo.hasPreviousPage;
    }
    expect(backwards).toEqual(all.nodes);
  });

  it("refuses a page that is too large and a cursor that is none", async () => {
    for (const args of [{ first: 201 }, { first: 0 }, { last: -1 }, { first: 1, last: 1 }, { after: "x" }])
      await expect(page(connection, args)).rejects.toMatchObject({
        errors: [{ extensions: { code: "BAD_USER_INPUT" } }],
      });
  });
});

describe("the filters of exams", () => {
  const EXAMS =
    "query ($filter: ExamFilter) { exams(filter: $filter, first: 100) { totalCount nodes { title status courseId } } }";
  const titles = async (filter: object, token: string) =>
    (await app.ask(EXAMS, { filter }, token)).data.exams.nodes.map(({ title }: { title: string }) => title).sort();

  it("find a part of the title, whatever its case", async () => {
    expect(await titles({ search: "qUIZ 3" }, school.teacher.token)).toEqual(["Quiz 3 100%"]);
    expect(await titles({ search: "another" }, school.teacher.token)).toEqual([]);
  });

  it("find a state, and the drafts for staff only", async () => {
    expect(await titles({ status: "DRAFT" }, school.teacher.token)).toEqual([
      "Quiz 2 100%",
      "Quiz 4 100%",
      "Quiz 6 100%",
    ]);
    expect(await titles({ status: "DRAFT" }, school.students[0]!.token)).toEqual([]);
    expect(await titles({}, school.students[0]!.token)).toHaveLength(4);
  });

  it("find a course, and nothing in one that is not the viewer's", async () => {
    expect(await titles({ courseId: school.courseId }, school.teacher.token)).toHaveLength(COUNT);
    const [stranger] = await somePeople(app.container, 1, "INSTRUCTOR");
    expect(await titles({ courseId: school.courseId }, stranger!.token)).toEqual([]);
  });

  it("take the signs of patterns for what they are", async () => {
    expect(await titles({ search: "100%" }, school.teacher.token)).toHaveLength(COUNT - 1);
    expect(await titles({ search: "Quiz_3" }, school.teacher.token)).toEqual([]);
    expect(await titles({ search: "\\" }, school.teacher.token)).toEqual([]);
  });
});

describe("the filters of questions", () => {
  it("find a tag, and words of the newest version only", async () => {
    const { questions } = app.container.services;
    const { actor, token } = school.teacher;

    const course = await app.container.services.courses.create(actor, { title: "Bank" });
    const { id } = await questions.create(actor, course.id, {
      ...choiceQuestion(1),
      stem: "About mitosis",
      tags: ["cells"],
    });
    await questions.update(actor, id, { stem: "About meiosis" });
    const FIND =
      "query ($id: ID!, $filter: QuestionFilter!) { questions(courseId: $id, filter: $filter) { totalCount } }";
    const count = async (filter: object) =>
      (await app.ask(FIND, { id: course.id, filter }, token)).data.questions.totalCount;
    expect(await count({ tags: ["cells"] })).toBe(1);
    expect(await count({ tags: ["cell"] })).toBe(0);
    expect(await count({ search: "MEIOSIS" })).toBe(1);
    expect(await count({ search: "mitosis" })).toBe(0);
  });
});
