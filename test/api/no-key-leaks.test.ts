import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type GraphQLInputObjectType, type GraphQLObjectType, type GraphQLSchema, getNamedType } from "graphql";
import { LIMITS } from "../../src/apollo/plugins/limits.ts";
import { createSchema } from "../../src/apollo/schema.ts";
import { questionTypes } from "../../src/domain/questionTypes.ts";
import { rules } from "../../src/middlewares/permissions.ts";
import { aLesson, aSection } from "../support/course.ts";
import { eventually } from "../support/eventually.ts";
import { anExam, aSchool, type School } from "../support/school.ts";
import { selectAll } from "../support/selectAll.ts";
import { firstOf } from "../support/subscriber.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";
import { askedFields, reachableFields } from "../support/walkedFields.ts";

/** Stands in every key, feedback and definition, in the access code and the names that staff give; what the student is to see holds "shown" instead. */
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
/** What staff make of them while the exam is running, because the keys were wrong: with words that stand on no paper either. */
const corrected = (text: object): object =>
  JSON.parse(
    JSON.stringify(text)
      .replaceAll("canary-", "canary-corrected-")
      .replaceAll("424242", "535353")
      .replaceAll(/"shown(?! in a gap)/g, '"canary-corrected-words'), // by those of a gap its options are known
  );
/** One of the addresses from which the exam may be taken, which its students need not know either. */
const SECRET_ADDRESS = "203.0.113.99";
const KEYS = '424242|535353|0\\.125|fraction|pattern|tolerance|correct"|guidance|"match"';
const LEAKS = new RegExp(`${SECRET}|${SECRET_ADDRESS.replaceAll(".", "\\.")}|${KEYS}`, "i");
/** What is no feedback stays hidden when the results are out. */
const LEAKS_AFTERWARDS = new RegExp(
  `canary-(corrected-)?(tag|words|pattern|guidance|file-guidance|gap-regex)|canary code|canary group|${SECRET_ADDRESS}|${KEYS}`,
  "i",
);

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
  let questionIds: string[];
  ({ examId, questionIds } = await anExam(app.container, school, {
    questions,
    rules: {
      resultsPolicy: "MANUAL",
      title: "shown",
      accessCode: "canary code",
      allowedAddresses: ["127.0.0.1", SECRET_ADDRESS],
    },
  }));
  lessonId = await aLesson(app.container, school, await aSection(app.container, school), { examId });
  const student = school.students[0]!;
  const actor = { ...student.actor, ip: "127.0.0.1" };
  attemptId = (await app.container.services.attempts.start(actor, examId, "canary code")).id;
  await app.container.services.answers.save(actor, attemptId, [
    {
      questionId: (await app.container.services.attempts.paper(attemptId)).questions[0]!.id,
      response: { choice: "b" },
      revision: 1,
    },
  ]);
  await correctTheKeys(questionIds);
});
afterAll(() => app.close());

/** A new version of every question, and each that has a key graded by it from now on. */
async function correctTheKeys(questionIds: string[]): Promise<void> {
  const { services, db } = app.container;
  const { tags: _unchanged, points: _fixed, ...texts } = common;
  const corrections = [];
  for (const [at, type] of Object.keys(questionTypes).entries()) {
    const input = { ...corrected(texts), stemFormat: "PLAIN", definition: corrected(definitions[type]!) };
    const { version } = await services.questions.update(school.teacher.actor, questionIds[at]!, input);
    if (!["ESSAY", "FILE_UPLOAD", "INFORMATION"].includes(type))
      corrections.push({ questionId: questionIds[at]!, version });
  }
  const asked = { examId, corrections, dryRun: false, reason: "canary-reason" };
  const { id } = await services.regradings.regrade(school.teacher.actor, asked);
  await eventually("what was graded is graded again", async () => {
    const { finishedAt } = await db.regrading.findUniqueOrThrow({ where: { id } });
    return finishedAt !== null;
  });
}

/** What only staff may ask for: with it selected the whole answer is refused, and there would be nothing to look through. */
const STAFF_ONLY = ["Exam.sections", "Exam.allowedAddresses", "Course.enrollments"];
/** Depth of the selection below a root field, where its walk says no other. */
const DEEP = 4;

interface Walk {
  field: string;
  args?: string;
  /** The object, where the field gives an interface. */
  as?: string;
  depth?: number;
}
const walks: Walk[] = [
  { field: "node", args: "(id: $attemptId)", as: "Attempt" },
  { field: "node", args: "(id: $examId)", as: "Exam" },
  { field: "attempt", args: "(id: $attemptId)", depth: 5 },
  { field: "myAttempts", args: "(first: 1)" },
  { field: "myResult", args: "(examId: $examId)" },
  { field: "answerFiles", args: "(attemptId: $attemptId)" },
  { field: "exam", args: "(id: $examId)" },
  { field: "exams", args: "(first: 1)" },
  { field: "course", args: "(id: $courseId)" },
  { field: "courses", args: "(first: 1)" },
  { field: "lesson", args: "(id: $lessonId)" },
  { field: "me" },
  { field: "serverTime" },
];
const changes: Walk[] = [
  { field: "startAttempt", args: '(examId: $examId, accessCode: "wrong")' },
  { field: "saveAnswers", args: "(attemptId: $attemptId, answers: $answers)" },
  { field: "submitAttempt", args: "(attemptId: $attemptId)" },
];
const subscriptions: Walk[] = [{ field: "attemptChanged", args: "(attemptId: $attemptId)" }];

/** What a student may ask for besides: their own account, log-ins and jobs, videos, and words that are the same for everybody. */
const ELSEWHERE = {
  Query: ["questionTypes", "job", "getEmailJobStatus", "sessions", "video"],
  Mutation: [
    ...["register", "login", "refreshSession", "logout", "verifyEmail", "resendVerification", "requestPasswordReset"],
    ...["resetPassword", "acceptInvitation", "changePassword", "updateProfile", "revokeSession", "revokeAllSessions"],
    ...["setUpSecondFactor", "confirmSecondFactor", "renewRecoveryCodes", "removeSecondFactor"],
    ...[
      "exportMyData",
      "deleteMyAccount",
      "cancelAccountDeletion",
      "recordWatchProgress",
      "createAnswerFile",
      "deleteAnswerFile",
    ],
  ],
  Subscription: ["jobChanged"],
};
/** Whether a student gets nothing of a root field, whatever it is asked about. */
const isDenied = (root: keyof typeof ELSEWHERE, field: string) => {
  const rule = (rules[root] as Record<string, unknown>)[field];
  return rule === rules.Query.questions || rule === rules.Query.users;
};

const variables = () => ({ attemptId, examId, lessonId, courseId: school.courseId });

function operationFor(
  { field, args = "", as, depth = DEEP }: Walk,
  kind: "query" | "mutation" | "subscription" = "query",
): string {
  const root = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  }[kind]!;
  const type = getNamedType(root.getFields()[field]!.type).name;
  const used = ["attemptId", "examId", "lessonId", "courseId"].filter((name) => args.includes(`$${name}`));
  const declared = [
    ...used.map((name) => `$${name}: ID!`),
    ...(args.includes("$answers") ? ["$answers: [AnswerInput!]!"] : []),
  ];
  const all = selectAll(schema, as ?? type, STAFF_ONLY, depth);
  const variables = declared.length > 0 ? `(${declared.join(", ")})` : "";
  return `${kind} ${variables} { result: ${field}${args} ${as ? `{ ... on ${as} ${all} }` : all} }`;
}

/** For every question on the paper something of every kind that can be a response, which is no good answer to any of them. */
async function badAnswers(questionIds: string[]) {
  const zz = {
    pairs: [{ prompt: "zz", option: "zz" }],
    gaps: [{ gap: "zz", value: "zz" }],
    text: "zz",
    number: "zz",
    choice: "zz",
  };
  const kinds = Object.keys((schema.getType("ResponseInput") as GraphQLInputObjectType).getFields());
  return questionIds.flatMap((questionId) =>
    kinds.map((kind, at) => ({
      questionId,
      revision: at + 2,
      response: { [kind]: zz[kind as keyof typeof zz] ?? ["zz"] },
    })),
  );
}

describe("a student before the release of the results", () => {
  it.each(["Query", "Mutation", "Subscription"] as const)(
    "has a walk here for every field of %s that students get something of",
    (root) => {
      const fields = Object.keys((schema.getType(root) as GraphQLObjectType).getFields());
      const walked = { Query: walks, Mutation: changes, Subscription: subscriptions }[root].map(({ field }) => field);
      const unknown = fields.filter(
        (field) => ![...walked, ...ELSEWHERE[root]].includes(field) && !isDenied(root, field),
      );
      expect(unknown).toEqual([]);
      expect([...walked, ...ELSEWHERE[root]].filter((field) => isDenied(root, field))).toEqual([]);
    },
  );

  it("asks in these walks for every field there is to come to", () => {
    const operations = [
      ...walks.map((walk) => operationFor(walk)),
      ...changes.map((walk) => operationFor(walk, "mutation")),
      ...subscriptions.map((walk) => operationFor(walk, "subscription")),
    ];
    const asked = askedFields(schema, operations);
    const fromTypes = [...asked]
      .map((path) => path.split(".")[0]!)
      .filter((type) => !["Query", "Mutation", "Subscription"].includes(type));
    expect([...reachableFields(schema, fromTypes, STAFF_ONLY)].filter((path) => !asked.has(path))).toEqual([]);
    expect(DEEP).toBeLessThan(LIMITS.depth);
    expect(Object.keys(definitions).sort()).toEqual(Object.keys(questionTypes).sort());
  });

  const states = ["IN_PROGRESS", "GRADED"] as const;
  describe.each(states)("with an attempt that is %s", (state) => {
    beforeAll(async () => {
      if (state === "IN_PROGRESS") return;
      const submit = operationFor({ field: "submitAttempt", args: "(attemptId: $attemptId)" }, "mutation");
      const submitted = await app.ask(submit, variables(), school.students[0]!.token);
      expect(submitted.data.result.submittedBy).toBe("STUDENT");
      expect(JSON.stringify(submitted)).not.toMatch(LEAKS);
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

    it("finds none in what any bad response to any question is told", async () => {
      const { questions } = await app.container.services.attempts.paper(attemptId);
      const operation = operationFor(changes[1]!, "mutation");
      const answers = await badAnswers(questions.map(({ id }) => id));
      const answer = await app.ask(operation, { attemptId, answers }, school.students[0]!.token);
      if (state === "GRADED") expect(answer.errors).toMatchObject([{ extensions: { reason: "ATTEMPT_CLOSED" } }]);
      else
        expect(new Set(answer.data.result.receipts.map(({ outcome }: { outcome: string }) => outcome))).toContain(
          "REFUSED",
        );
      expect(JSON.stringify(answer)).not.toMatch(LEAKS);
    });

    it("finds none in the answer to a start, from another log-in or from an address that is not allowed", async () => {
      const start = operationFor(changes[0]!, "mutation");
      const here = await app.ask(start, variables(), school.students[0]!.token);
      const [other] = await Promise.all([
        app.container.tokens.sign({ ...school.students[0]!.actor, sessionId: app.container.newId() }),
      ]);
      const there = await app.ask(start, variables(), other.token);
      const reasons = [here, there].map(({ errors }) => errors?.[0]?.extensions.reason);
      expect(reasons).toEqual(
        state === "GRADED" ? ["NO_ATTEMPTS_LEFT", "NO_ATTEMPTS_LEFT"] : [undefined, "WRONG_ACCESS_CODE"],
      );
      expect(JSON.stringify([here, there])).not.toMatch(LEAKS);
      const elsewhere = { ...school.students[0]!.actor, ip: "198.51.100.1" };
      const refused = await app.container.services.attempts.start(elsewhere, examId, "canary code").catch(String);
      expect(JSON.stringify(refused)).not.toMatch(LEAKS);
    });

    it("finds none in the file of all that is kept about them", async () => {
      const { services, db } = app.container;
      const { actor } = school.students[0]!;
      await db.dataExport.deleteMany({ where: { userId: actor.userId } });
      const { jobId } = await services.privacy.exportMyData(actor);
      const { id } = await db.dataExport.findFirstOrThrow({ where: { jobId } });
      await services.privacy.exportData(id);
      const text = gunzipSync((await services.privacy.openExport(id))!.body).toString();
      expect(text).toContain("shown");
      expect(text).not.toMatch(LEAKS);
    });

    it.each(["ws", "sse"] as const)("finds no part of a key in a subscription over %s", async (over) => {
      const operation = operationFor(subscriptions[0]!, "subscription");
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

  it.each(["questions", "imports", "exports"])(
    "gets no file under /downloads/%s by its address alone",
    async (kind) => {
      const { services } = app.container;
      const { teacher, courseId } = school;
      const input = { courseId, format: "GIFT", dryRun: true, tags: [] };
      const { id } = await services.questionFiles.requestImport(teacher.actor, input);
      const good = app.container.links.url(
        `/downloads/${kind === "questions" ? "imports" : "questions"}/${id}`,
        new Date(Date.now() + 60_000),
      );
      for (const query of ["", new URL(good).search]) {
        const response = await fetch(`${app.url}/downloads/${kind}/${id}${query}`, {
          headers: { authorization: `Bearer ${school.students[0]!.token}` },
        });
        expect(response.status).toBe(403);
        expect(await response.text()).not.toMatch(LEAKS);
      }
    },
  );

  it("would see the keys in these walks if they were staff", async () => {
    const operation = `query ($examId: ID!) { exam(id: $examId) { sections ${selectAll(schema, "ExamSection", [], 4)} } }`;
    const { data } = await app.ask(operation, variables(), school.teacher.token);
    const text = JSON.stringify(data);
    expect(text).toMatch(LEAKS);
    const secrets = new Set(text.match(/canary-(?!corrected)[\w-]+/g));
    for (const secret of secrets) expect(JSON.stringify([common, definitions])).toContain(secret);
    expect(secrets.size).toBe(23);
    const results = `query ($attemptId: ID!) { attempt(id: $attemptId) { result ${selectAll(schema, "AttemptResult", [], 4)} } }`;
    const graded = await app.ask(results, { attemptId }, school.teacher.token);
    expect(JSON.stringify(graded.data)).toMatch(/canary-corrected-pattern/);
  });
});

describe("a student after the release of the results", () => {
  beforeAll(() => app.container.services.resultRelease.release(school.teacher.actor, examId));

  it.each(walks)("finds the feedback and still no part of a key in all there is below $field$args", async (walk) => {
    const { data, errors } = await app.ask(operationFor(walk), variables(), school.students[0]!.token);
    expect(errors).toBeUndefined();
    expect(JSON.stringify(data)).not.toMatch(LEAKS_AFTERWARDS);
    if (walk.field === "attempt") expect(JSON.stringify(data)).toMatch(/canary-corrected-single-b/);
  });

  it("finds the keys as they are now, and nothing of those before, once the review has KEY", async () => {
    const review = { afterSubmission: ["RESPONSE", "KEY"], afterClose: ["RESPONSE", "KEY"] };
    await app.container.services.exams.update(school.teacher.actor, examId, { review });
    const walk = walks.find(({ field }) => field === "attempt")!;
    const { data } = await app.ask(operationFor(walk), variables(), school.students[0]!.token);
    expect(JSON.stringify(data)).toMatch(/canary-corrected-pattern.*535353/);
    expect(JSON.stringify(data)).not.toMatch(/canary-(?!corrected-(pattern|gap-regex))|424242/);
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
