import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { anExam, aSchool, choiceQuestion, type ExamMade, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

const NAMES = ['Grüße, "quoted" \\ {braces} \u2028 😀', "serialized:anything:0", "The third"];

let app: TestApp;
let school: School;
let draft: ExamMade;
let attemptId: string;
beforeAll(async () => {
  app = await startTestApp();
  school = await aSchool(app.container, { students: 1 });
  const questions = NAMES.map((stem, index) => ({ ...choiceQuestion(index), stem }));
  draft = await anExam(app.container, school, { questions, publish: false });
  const { examId } = await anExam(app.container, school, { questions });
  attemptId = (await app.container.services.attempts.start(school.students[0]!.actor, examId)).id;
});
afterAll(() => app.close());

const PLAIN = "... on ExamSection"; // a fragment in the selection: such an operation is executed field by field
const QUESTIONS = "questions { position points question { __typename id stem tags definition } }";
const examIs = (selection: string) => `query ($id: ID!) { exam(id: $id) { title ${selection} } }`;
const askExam = (selection: string, { token } = school.teacher) =>
  app.ask(examIs(selection), { id: draft.examId }, token);

describe("a field whose JSON is kept", () => {
  it("reads like the same field executed", async () => {
    const kept = await askExam(`sections { id title ${QUESTIONS} }`);
    const executed = await askExam(`sections { id title ${PLAIN} { ${QUESTIONS} } }`);
    expect(kept.errors).toBeUndefined();
    expect(
      kept.data.exam.sections[0].questions.map(({ question }: never) => (question as { stem: string }).stem),
    ).toEqual(NAMES);
    expect(kept.data).toEqual(executed.data);
    expect(Object.keys(kept.data.exam)).toEqual(["title", "sections"]);
  });

  it("keeps selections, aliases and exams apart", async () => {
    const { data } = await askExam("a: sections { id } b: sections { title } again: sections { id }");
    expect(data.exam.a).toEqual(data.exam.again);
    expect(Object.keys(data.exam.a[0])).toEqual(["id"]);
    expect(Object.keys(data.exam.b[0])).toEqual(["title"]);
    const list = await app.ask("{ exams(first: 10) { nodes { id sections { id } } } }", {}, school.teacher.token);
    const ids = list.data.exams.nodes.map(({ sections }: { sections: { id: string }[] }) => sections[0]!.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain(data.exam.a[0].id);
  });

  it("merges two selections of one name", async () => {
    const { data } = await askExam("sections { id } sections { title }");
    expect(Object.keys(data.exam.sections[0]).sort()).toEqual(["id", "title"]);
  });

  it("follows a variable, a directive and a fragment", async () => {
    const query = `query ($id: ID!, $long: Boolean!) { exam(id: $id) { sections @include(if: $long) { id } ...F } }
      fragment F on Exam { more: sections { id title @skip(if: $long) } }`;
    const ask = (long: boolean) => app.ask(query, { id: draft.examId, long }, school.teacher.token);
    const long = (await ask(true)).data.exam;
    expect([Object.keys(long), Object.keys(long.more[0])]).toEqual([["sections", "more"], ["id"]]);
    const short = (await ask(false)).data.exam;
    expect([Object.keys(short), Object.keys(short.more[0])]).toEqual([["more"], ["id", "title"]]);
  });

  it("shows what has changed since", async () => {
    const stems = async () =>
      (await askExam("sections { questions { question { stem } } }")).data.exam.sections[0].questions.map(
        ({ question }: { question: { stem: string } }) => question.stem,
      );
    await stems();
    await app.container.services.questions.update(school.teacher.actor, draft.questionIds[2]!, {
      ...choiceQuestion(2),
      stem: "Corrected",
    });
    expect(await stems()).toEqual([...NAMES.slice(0, 2), "Corrected"]);
  });

  it("is refused to who may not see it", async () => {
    const { examId } = await anExam(app.container, school);
    const student = school.students[0]!;
    const ask = () => app.refusal(examIs("sections { id }"), { id: examId }, student.token);
    expect(await ask()).toBe("FORBIDDEN");
    await app.ask(examIs("sections { id }"), { id: examId }, school.teacher.token);
    expect(await ask()).toBe("FORBIDDEN");
  });

  it("is a student's own paper, beside what changes with every save", async () => {
    const QUESTION = "id position stem options { id text }";
    const ask = (paper: string) =>
      app.ask(
        `query ($id: ID!) { attempt(id: $id) { id ${paper} answers { revision } status } }`,
        { id: attemptId },
        school.students[0]!.token,
      );
    const kept = await ask(`paper { questions { ${QUESTION} } }`);
    const executed = await ask(`paper { questions { ... on PaperQuestion { ${QUESTION} } } }`);
    expect(kept.data.attempt.paper.questions).toHaveLength(NAMES.length);
    expect(kept.data).toEqual(executed.data);
  });
});
