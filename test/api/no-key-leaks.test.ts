import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type GraphQLSchema, getNamedType } from "graphql";
import { LIMITS } from "../../src/apollo/plugins/limits.ts";
import { createSchema } from "../../src/apollo/schema.ts";
import { questionTypes } from "../../src/domain/questionTypes.ts";
import { aLesson, aSection } from "../support/course.ts";
import { eventually } from "../support/eventually.ts";
import { anExam, aSchool, type School } from "../support/school.ts";
import { selectAll } from "../support/selectAll.ts";
import { firstOf } from "../support/subscriber.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

/** Stands in every key, feedback and definition; what the student is to see holds "shown" instead. */
const SECRET = "canary";
const common = {
  title: "shown",
  stem: "shown",
  stemFormat: "PLAIN",
  points: "1",
  tags: ["canary-tag"],
  feedback: "canary-general",
};
const definitions: Record<string, object> = {
  SINGLE_CHOICE: {
    options: [
      { id: "a", text: "shown a", fraction: "0.125", feedback: "canary-single-a" },
      { id: "b", text: "shown b", fraction: "1", feedback: "canary-single-b" },
    ],
  },
  MULTIPLE_CHOICE: {
    options: [
      { id: "a", text: "shown a", fraction: "-0.125", feedback: "canary-multiple-a" },
      { id: "b", text: "shown b", fraction: "1", feedback: "canary-multiple-b" },
    ],
  },
  TRUE_FALSE: { correct: true, feedbackTrue: "canary-true", feedbackFalse: "canary-false" },
  SHORT_TEXT: { answers: [{ pattern: "canary-pattern", feedback: "canary-short" }] },
  NUMERIC: { answers: [{ value: "424242", tolerance: "0.125", feedback: "canary-numeric" }] },
  MATCHING: {
    options: [
      { id: "x", text: "shown x", feedback: "canary-match-option" },
      { id: "y", text: "shown y" },
    ],
    prompts: [{ id: "p", text: "shown p", match: "x", feedback: "canary-match" }],
  },
  ORDERING: {
    items: [
      { id: "one", text: "shown 1" },
      { id: "two", text: "shown 2" },
    ],
    feedbackRight: "canary-order-right",
    feedbackWrong: "canary-order-wrong",
  },
  GAP_FILL: {
    text: "shown [[g]] and [[h]] and [[i]]",
    gaps: [
      {
        id: "g",
        kind: "choice",
        options: [
          { text: "shown in a gap", fraction: "0.125", feedback: "canary-gap-choice" },
          { text: "shown in a gap too", fraction: "1" },
        ],
      },
      { id: "h", kind: "text", answers: [{ regex: "canary-gap-regex" }] },
      { id: "i", kind: "number", answers: [{ value: "424242", feedback: "canary-gap-number" }] },
    ],
  },
  ESSAY: {
    guidance: "canary-guidance",
    rubric: [
      {
        title: "canary-criterion",
        levels: ["none", "all"].map((text, points) => ({ text: `canary-${text}`, points })),
      },
    ],
  },
  FILE_UPLOAD: { guidance: "canary-file-guidance" },
  INFORMATION: {},
};
const LEAKS = new RegExp(`${SECRET}|424242|0\\.125|fraction|pattern|tolerance|correct"|guidance|"match"`, "i");

let app: TestApp;
let schema: GraphQLSchema;
let school: School;
let examId: string;
let attemptId: string;
let lessonId: string;
beforeAll(async () => {
  app = await startTestApp({ worker: true });
  schema = createSchema();
  school = await aSchool(app.container, { students: 2 });
  const questions = Object.keys(questionTypes).map((type) => ({ ...common, type, definition: definitions[type] }));
  ({ examId } = await anExam(app.container, school, {
    questions,
    rules: { resultsPolicy: "MANUAL", title: "shown", accessCode: "canary code" },
  }));
  lessonId = await aLesson(app.container, school, await aSection(app.container, school), { examId });
  const student = school.students[0]!;
  attemptId = (await app.container.services.attempts.start(student.actor, examId, "canary code")).id;
  await app.container.services.answers.save(student.actor, attemptId, [
    {
      questionId: (await app.container.services.attempts.paper(attemptId)).questions[0]!.id,
      response: { choice: "b" },
      revision: 1,
    },
  ]);
});
afterAll(() => app.close());

/** What only staff may ask for: with it selected the whole answer is refused, and there would be nothing to look through. */
const STAFF_ONLY = ["Exam.sections", "Exam.allowedAddresses", "Course.enrollments"];
/** Depth of the selection below a root field, as deep as the server allows. */
const DEEP = 4;

interface Walk {
  field: string;
  args?: string;
  /** The object, where the field gives an interface. */
  as?: string;
}
const walks: Walk[] = [
  { field: "node", args: "(id: $attemptId)", as: "Attempt" },
  { field: "node", args: "(id: $examId)", as: "Exam" },
  { field: "attempt", args: "(id: $attemptId)" },
  { field: "myAttempts", args: "(first: 1)" },
  { field: "answerFiles", args: "(attemptId: $attemptId)" },
  { field: "exam", args: "(id: $examId)" },
  { field: "exams", args: "(first: 1)" },
  { field: "course", args: "(id: $courseId)" },
  { field: "courses", args: "(first: 1)" },
  { field: "lesson", args: "(id: $lessonId)" },
  { field: "me" },
  { field: "serverTime" },
];
/** Nothing of these is about an exam's content, or a student gets nothing at all: see the permission matrix. */
const ELSEWHERE = [
  ...[
    "questionTypes",
    "question",
    "questions",
    "questionTags",
    "questionFolders",
    "previewQuestion",
    "tryQuestion",
    "previewExam",
    "exportQuestions",
    "questionFile",
    "attemptLog",
    "examResults",
    "examStatistics",
    "regrading",
    "regradings",
    "markingQueue",
    "answerHistory",
    "job",
    "deadLetter",
    "deadLetters",
    "deadLetter",
    "video",
    "videos",
  ],
  ...[
    "sessions",
    "user",
    "users",
    "auditLog",
    "userImport",
    "getEmailJobStatus",
    "queues",
    "queueJobs",
    "queueJob",
    "personAccommodation",
    "examAccommodations",
    "courseGroup",
    "courseGroups",
  ],
];

const variables = () => ({ attemptId, examId, lessonId, courseId: school.courseId });

function operationFor({ field, args = "", as }: Walk, kind: "query" | "subscription" = "query"): string {
  const root = kind === "query" ? schema.getQueryType()! : schema.getSubscriptionType()!;
  const type = getNamedType(root.getFields()[field]!.type).name;
  const used = ["attemptId", "examId", "lessonId", "courseId"].filter((name) => args.includes(`$${name}`));
  const declared = used.length > 0 ? `(${used.map((name) => `$${name}: ID!`).join(", ")})` : "";
  const all = selectAll(schema, as ?? type, STAFF_ONLY, DEEP);
  return `${kind} ${declared} { result: ${field}${args} ${as ? `{ ... on ${as} ${all} }` : all} }`;
}

describe("a student before the release of the results", () => {
  it("has a walk here for every field that can be asked", () => {
    const tested = [...new Set([...walks.map(({ field }) => field), ...ELSEWHERE])];
    expect(tested.sort()).toEqual(Object.keys(schema.getQueryType()!.getFields()).sort());
    expect(Object.keys(definitions).sort()).toEqual(Object.keys(questionTypes).sort());
    expect(DEEP).toBeLessThan(LIMITS.depth);
  });

  const states = ["IN_PROGRESS", "GRADED"] as const;
  describe.each(states)("with an attempt that is %s", (state) => {
    beforeAll(async () => {
      const student = school.students[0]!.actor;
      if (state === "IN_PROGRESS") return;
      await app.container.services.attempts.submit(student, attemptId);
      await eventually("it is graded", async () => {
        const attempt = await app.container.db.attempt.findUniqueOrThrow({ where: { id: attemptId } });
        return attempt.status === "GRADED";
      });
    });

    it.each(walks)("finds no part of a key in all there is below $field$args", async (walk) => {
      const { data, errors } = await app.ask(operationFor(walk), variables(), school.students[0]!.token);
      expect(errors).toBeUndefined();
      expect(data.result).not.toBeNull();
      expect(JSON.stringify(data)).not.toMatch(LEAKS);
    });

    it.each(["ws", "sse"] as const)("finds no part of a key in a subscription over %s", async (over) => {
      const operation = operationFor({ field: "attemptChanged", args: "(attemptId: $attemptId)" }, "subscription");
      const { data, errors } = await firstOf(app.url, operation, { attemptId }, school.students[0]!.token, over);
      expect(errors).toBeUndefined();
      expect(data.result.status).toBe(state);
      expect(JSON.stringify(data)).not.toMatch(LEAKS);
    });

    it.each(STAFF_ONLY)("is refused %s without a word of it", async (field) => {
      const operation =
        field === "Exam.allowedAddresses"
          ? "query ($examId: ID!) { exam(id: $examId) { allowedAddresses } }"
          : field === "Exam.sections"
            ? `query ($examId: ID!) { exam(id: $examId) { sections ${selectAll(schema, "ExamSection", [], 4)} } }`
            : `query ($courseId: ID!) { course(id: $courseId) { enrollments { nodes { user { email } } } } }`;
      const answer = await app.ask(operation, variables(), school.students[0]!.token);
      expect(answer.errors).toMatchObject([{ extensions: { code: "FORBIDDEN" } }]);
      expect(JSON.stringify(answer)).not.toMatch(LEAKS);
    });
  });

  it("would see the keys in these walks if they were staff", async () => {
    const operation = `query ($examId: ID!) { exam(id: $examId) { sections ${selectAll(schema, "ExamSection", [], 4)} } }`;
    const { data } = await app.ask(operation, variables(), school.teacher.token);
    const text = JSON.stringify(data);
    expect(text).toMatch(LEAKS);
    for (const secret of text.match(/canary-[\w-]+/g)!) expect(JSON.stringify([common, definitions])).toContain(secret);
    expect(new Set(text.match(/canary-[\w-]+/g)).size).toBe(23);
  });
});

describe("another student of the same course", () => {
  const other = () => school.students[1]!;

  it.each([
    ["attempt", "query ($id: ID!) { attempt(id: $id) { id answers { response } } }"],
    [
      "saveAnswers",
      `mutation ($id: ID!) { saveAnswers(attemptId: $id, answers: [{ questionId: "x", revision: 1 }]) { savedAt } }`,
    ],
    ["submitAttempt", "mutation ($id: ID!) { submitAttempt(attemptId: $id) { id } }"],
  ])("is told NOT_FOUND by %s, as of an attempt that does not exist", async (_name, operation) => {
    const answer = await app.ask(operation, { id: attemptId }, other().token);
    expect(answer.data).toBeNull();
    expect(answer.errors).toMatchObject([{ message: "There is no such attempt.", extensions: { code: "NOT_FOUND" } }]);
  });

  it("is told nothing by node", async () => {
    const { data } = await app.ask("query ($id: ID!) { node(id: $id) { id } }", { id: attemptId }, other().token);
    expect(data).toEqual({ node: null });
  });

  it.each(["ws", "sse"] as const)("is refused by the subscription over %s", async (over) => {
    const operation = "subscription ($id: ID!) { attemptChanged(attemptId: $id) { status } }";
    const { errors } = await firstOf(app.url, operation, { id: attemptId }, other().token, over);
    expect(errors).toMatchObject([
      { message: "There is no such attempt.", extensions: { code: "NOT_FOUND", status: 404 } },
    ]);
  });

  it("does not find it among their own attempts", async () => {
    const { data } = await app.ask("{ myAttempts { totalCount nodes { id } } }", {}, other().token);
    expect(data.myAttempts).toEqual({ totalCount: 0, nodes: [] });
  });
});
