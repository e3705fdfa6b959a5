import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { aSchool, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
beforeAll(async () => {
  app = await startTestApp({ worker: true });
  school = await aSchool(app.container, { students: 1 });
});
afterAll(() => app.close());

const IMPORT = `mutation ($input: ImportQuestionsInput!) { importQuestions(input: $input) {
  dryRun taken { line type title changed questionId } refused { line title excerpt reason } notes { line message }
} }`;
const EXPORT = `query ($courseId: ID!, $format: QuestionFileFormat!, $tag: String) {
  exportQuestions(courseId: $courseId, format: $format, tag: $tag) {
    fileName contentType content written changed { questionId title lost refused }
  }
}`;
const bank = async () => app.container.db.question.count({ where: { courseId: school.courseId } });
const ask = async (operation: string, variables: Record<string, unknown>) => {
  const { data, errors } = await app.ask(operation, variables, school.teacher.token);
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
};

const MOODLE = `<?xml version="1.0"?>
<quiz>
  <question type="category"><category><text>$course$/top/Rivers</text></category></question>
  <question type="multichoice">
    <name><text>Rhine</text></name><questiontext format="html"><text><![CDATA[<p>Where?</p>]]></text></questiontext>
    <defaultgrade>2</defaultgrade><penalty>0.3333333</penalty><single>true</single>
    <answer fraction="100"><text>Basel</text></answer><answer fraction="-50"><text>Paris</text></answer>
  </question>
  <question type="ordering">
    <name><text>Down</text></name><questiontext format="html"><text>Down the Rhine</text></questiontext>
    <gradingtype>ALL_OR_NOTHING</gradingtype>
    <answer fraction="1"><text>Basel</text></answer><answer fraction="2"><text>Bonn</text></answer>
  </question>
  <question type="ddimageortext"><name><text>Map</text></name><questiontext><text>Drag</text></questiontext></question>
</quiz>`;

describe("a teacher who moves questions from Moodle into a spreadsheet", () => {
  it("first sees what would be taken, then takes it, and is told what each format has no place for", async () => {
    const input = { courseId: school.courseId, format: "MOODLE_XML", content: MOODLE, tags: ["imported"] };
    const dry = await ask(IMPORT, { input: { ...input, dryRun: true } });
    expect(dry.importQuestions).toEqual({
      dryRun: true,
      taken: [
        {
          line: 4,
          type: "SINGLE_CHOICE",
          title: "Rhine",
          changed: [expect.stringContaining("penalty")],
          questionId: null,
        },
        { line: 9, type: "ORDERING", title: "Down", changed: [], questionId: null },
      ],
      refused: [{ line: 14, title: "Map", excerpt: "Drag", reason: expect.stringContaining('"ddimageortext"') }],
      notes: [{ line: 3, message: expect.stringContaining('the tag "rivers"') }],
    });
    expect(await bank()).toBe(0);

    const { taken } = (await ask(IMPORT, { input })).importQuestions;
    expect(await bank()).toBe(2);

    const gift = (await ask(EXPORT, { courseId: school.courseId, format: "GIFT", tag: "rivers" })).exportQuestions;
    expect(gift).toMatchObject({ fileName: "questions.gift", written: 1 });
    expect(gift.content).toContain("::Rhine::[html]<p>Where?</p>{\n=Basel\n~%-50%Paris}");
    expect(gift.changed).toEqual([
      { questionId: taken[0].questionId, title: "Rhine", lost: [expect.stringContaining("no points")], refused: null },
      { questionId: taken[1].questionId, title: "Down", lost: [], refused: expect.stringContaining("ORDERING") },
    ]);

    const table = (await ask(EXPORT, { courseId: school.courseId, format: "CSV" })).exportQuestions;
    expect(table).toMatchObject({ written: 2, changed: [] });
    const back = { courseId: school.courseId, format: "CSV", content: table.content };
    expect((await ask(IMPORT, { input: back })).importQuestions).toMatchObject({
      taken: [{ title: "Rhine" }, { title: "Down" }],
      refused: [],
    });
    const same = await app.container.db.questionVersion.groupBy({
      by: ["title", "points"],
      _count: true,
      orderBy: { title: "asc" },
    });
    expect(same).toMatchObject([
      { title: "Down", _count: 2 },
      { title: "Rhine", _count: 2 },
    ]);
  });

  it("is told why a file cannot be read at all", async () => {
    const content = '<!DOCTYPE quiz [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<quiz>&x;</quiz>';
    const input = { courseId: school.courseId, format: "MOODLE_XML", content };
    const { errors } = await app.ask(IMPORT, { input }, school.teacher.token);
    expect(errors?.[0]).toMatchObject({
      message: expect.stringContaining("Line 1 of the file: a document type"),
      extensions: { code: "BAD_USER_INPUT" },
    });
  });
});
