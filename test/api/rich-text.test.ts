import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { answerOf } from "../support/answerOf.ts";
import { aLesson, aSection } from "../support/course.ts";
import { anExam, aSchool, choiceQuestion, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
beforeAll(async () => {
  app = await startTestApp();
  school = await aSchool(app.container);
});
afterAll(() => app.close());

const FIELDS = "id version stem definition feedback outcomeFeedback { correct incorrect } sanitised";
const CREATE = `mutation ($id: ID!, $input: QuestionInput!) { createQuestion(courseId: $id, input: $input) { ${FIELDS} } }`;
const UPDATE = `mutation ($id: ID!, $input: UpdateQuestionInput!) { updateQuestion(id: $id, input: $input) { ${FIELDS} } }`;
const QUESTION = `query ($id: ID!) { question(id: $id) { ${FIELDS} } }`;
const IN_EXAM = `query ($id: ID!) { exam(id: $id) { sections { questions { question { outcomeFeedback { correct incorrect } } } } } }`;
const TRY = `query ($id: ID!, $response: ResponseInput) {
  tryQuestion(question: { saved: { id: $id } }, response: $response) { points feedback generalFeedback }
}`;
const IMPORT = `mutation ($input: ImportQuestionsInput!) {
  importQuestions(input: $input) { taken { stem changed questionId } refused { reason } }
}`;

const ask = (operation: string, variables: Record<string, unknown>): Promise<Record<string, never>> =>
  answerOf(app, school.teacher, operation, variables);
const create = (input: object) => ask(CREATE, { id: school.courseId, input: { ...aQuestion, ...input } });

const aQuestion = {
  type: "SINGLE_CHOICE",
  stem: "Is $a<b$ right? <sub onclick=x()>2</sub>",
  stemFormat: "MARKDOWN",
  definition: {
    options: [
      {
        id: "a",
        text: "**yes** <script>alert(1)</script>",
        fraction: "1",
        feedback: "See [this](javascript:alert(1)).",
      },
      { id: "b", text: "no" },
    ],
    penalty: "0.5",
  },
  feedback: "<iframe src=https://evil.example></iframe>Well.",
  outcomeFeedback: { correct: "Good. <style>p{}</style>", incorrect: "No.", partlyCorrect: " " },
};

describe("the texts of a question", () => {
  it("are stored clean, and the mutation says what was taken out of them", async () => {
    const made = await create({});
    expect(made).toMatchObject({
      stem: "Is $a<b$ right? <sub>2</sub>",
      definition: {
        options: [
          { id: "a", text: "**yes** ", feedback: "See this." },
          { id: "b", text: "no" },
        ],
      },
      feedback: "Well.",
      outcomeFeedback: { correct: "Good. ", incorrect: "No." },
      sanitised: [
        ...["the attribute onclick of <sub>", "<iframe>", "<style>", "<script>"],
        "the address javascript:alert(1) of a link",
      ],
    });
    expect(await ask(QUESTION, { id: made.id })).toEqual({ ...made, sanitised: [] });
  });

  it("are sanitised anew when their format changes, for plain text is shown and never run", async () => {
    const { id, stem } = await create({ stemFormat: "PLAIN", stem: "<script>alert(1)</script> is a tag" });
    expect(stem).toBe("<script>alert(1)</script> is a tag");
    expect(await ask(UPDATE, { id, input: { stemFormat: "HTML" } })).toMatchObject({
      version: 2,
      stem: " is a tag",
      sanitised: expect.arrayContaining(["<script>"]),
    });
  });

  it("must leave something to read", async () => {
    const stem = "<script>alert(1)</script>";
    const input = { ...aQuestion, stem, stemFormat: "HTML" };
    expect(await app.refusal(CREATE, { id: school.courseId, input }, school.teacher.token)).toBe("BAD_USER_INPUT");
  });

  it("come clean out of files, whose report says so", async () => {
    const content = "[html]<p onclick\\=x>Where?</p>{=<b>here</b> ~there<script>alert(1)</script>}";
    const input = { courseId: school.courseId, format: "GIFT", content };
    expect(await ask(IMPORT, { input })).toMatchObject({
      taken: [{ stem: "<p>Where?</p>", changed: [expect.stringContaining("the attribute onclick of <p>, <script>.")] }],
    });
  });

  it("of a lesson are Markdown, and sanitised as well", async () => {
    const section = await aSection(app.container, school, "one");
    const lessonId = await aLesson(app.container, school, section, { title: "a" });
    const input = { text: "# Hi <img src=x onerror=alert(1)>\n\n$x<y$" };
    await app.container.services.lessons.update(school.teacher.actor, lessonId, input);
    const { data } = await app.ask(
      "query ($id: ID!) { lesson(id: $id) { text } }",
      { id: lessonId },
      school.teacher.token,
    );
    expect(data.lesson.text).toBe('# Hi <img src="x" />\n\n$x<y$');
  });
});

describe("feedback by what an answer earned", () => {
  it("follows what is said about the answer itself, and wrong answers cost their penalty", async () => {
    const { id } = await create({});
    expect(await ask(TRY, { id, response: { choice: "a" } })).toEqual({
      points: "1",
      feedback: "See this.\nGood. ",
      generalFeedback: "Well.",
    });
    expect(await ask(TRY, { id, response: { choice: "b" } })).toMatchObject({ points: "-0.5", feedback: "No." });
    expect(await ask(TRY, { id, response: null })).toMatchObject({ points: "0", feedback: null });
  });

  it("is pinned with the version an exam has", async () => {
    const said = { outcomeFeedback: { correct: "Good." } };
    const { examId, questionIds } = await anExam(app.container, school, {
      questions: [{ ...choiceQuestion(1), ...said }],
    });
    await ask(UPDATE, { id: questionIds[0], input: { outcomeFeedback: null } });
    expect(await ask(QUESTION, { id: questionIds[0] })).toMatchObject({ version: 2, outcomeFeedback: null });
    expect(await ask(IN_EXAM, { id: examId })).toMatchObject({
      sections: [{ questions: [{ question: { outcomeFeedback: { correct: "Good.", incorrect: null } } }] }],
    });
  });
});
