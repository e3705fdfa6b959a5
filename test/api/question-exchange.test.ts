import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { uuidv7 } from "uuidv7";
import { eventually } from "../support/eventually.ts";
import { aSchool, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

const FRONT_END = "https://front.school.example";

let app: TestApp;
let school: School;
beforeAll(async () => {
  app = await startTestApp({ worker: true, env: { CORS_ORIGINS: FRONT_END } });
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

const FILE = `query ($id: ID!, $outcome: QuestionFileOutcome) { questionFile(id: $id) {
  jobId total taken changed refused failure finishedAt uploadUrl downloadUrl
  entries(outcome: $outcome, first: 50) { totalCount nodes { position line outcome title excerpt questionId messages } }
} }`;
const IMPORT_FILE =
  "mutation ($input: ImportQuestionFileInput!) { importQuestionFile(input: $input) { id uploadUrl jobId } }";
const EXPORT_FILE = "mutation ($input: ExportQuestionFileInput!) { exportQuestionFile(input: $input) { id jobId } }";

/** A signed link as the client follows it: to the server of this test. */
const here = (url: string) => url.replace(/^https?:\/\/[^/]+/, app.url);
const look = async (id: string, outcome?: string) => (await ask(FILE, { id, outcome })).questionFile;
const finished = (id: string, outcome?: string) =>
  eventually(
    "the job with the file is done",
    async () => {
      const file = await look(id, outcome);
      return file.finishedAt && file;
    },
    60_000,
  );
const send = (url: string, body: string | Uint8Array<ArrayBuffer>) => fetch(here(url), { method: "PUT", body });

async function sendFile(content: string | Uint8Array<ArrayBuffer>, more: Record<string, unknown> = {}) {
  const input = { courseId: school.courseId, format: "AIKEN", ...more };
  const { id, uploadUrl } = (await ask(IMPORT_FILE, { input })).importQuestionFile;
  const answer = await send(uploadUrl, content);
  expect(answer.status).toBe(202);
  return { id: id as string, uploadUrl: uploadUrl as string };
}

describe("a bank that moves as a QTI package", () => {
  it.each(["QTI_2_2", "QTI_3_0"])("goes out and comes in as %s by jobs", async (format) => {
    school = await aSchool(app.container, { students: 1 });
    await ask(IMPORT, { input: { courseId: school.courseId, format: "MOODLE_XML", content: MOODLE } });
    const count = await bank();
    const asked = await ask(EXPORT_FILE, { input: { courseId: school.courseId, format } });
    const { downloadUrl, ...made } = await finished(asked.exportQuestionFile.id);
    expect(made).toMatchObject({ total: count, taken: count, refused: 0, failure: null });
    const zip = new Uint8Array(await (await fetch(here(downloadUrl))).arrayBuffer());
    expect(Buffer.from(zip.subarray(0, 2)).toString()).toBe("PK");
    const place = { courseId_userId: { courseId: school.courseId, userId: school.teacher.id } };
    await app.container.db.enrollment.update({ where: place, data: { status: "WITHDRAWN" } });
    expect((await fetch(here(downloadUrl))).status).toBe(404); // keys are for who is staff now

    school = await aSchool(app.container, { students: 1 });
    const { id } = await sendFile(zip, { format });
    expect(await finished(id, "REFUSED")).toMatchObject({ taken: count, refused: 0, failure: null });
    const { questions } = app.container.services;
    const { nodes } = await questions.list(school.teacher.actor, { courseId: school.courseId }, { first: 10 });
    expect(nodes.map(({ type }) => type).sort()).toEqual(["ORDERING", "SINGLE_CHOICE"]);
  });

  it("is refused whole when it is no package", async () => {
    const { id } = await sendFile("no zip at all", { format: "QTI_3_0" });
    expect(await finished(id)).toMatchObject({ taken: 0, failure: expect.stringMatching(/zip|package/i) });
  });

  it("is not taken for a text", async () => {
    const input = { courseId: school.courseId, format: "QTI_3_0", content: "PK" };
    const { errors } = await app.ask(IMPORT, { input }, school.teacher.token);
    expect(errors?.[0]?.message).toContain("importQuestionFile");
  });
});

describe("the place files are sent to", () => {
  it("lets pages of the front end send them, and no other site's", async () => {
    const allowed = async (origin: string) => {
      const headers = { origin, "access-control-request-method": "PUT" };
      const answer = await fetch(`${app.url}/question-files/${uuidv7()}`, { method: "OPTIONS", headers });
      return answer.headers.get("access-control-allow-origin");
    };
    expect(await allowed(FRONT_END)).toBe(FRONT_END);
    expect(await allowed("https://other.example")).not.toBe("https://other.example");
  });
});

describe("a bank that is too large for one request", () => {
  const COUNT = 450;
  const one = (number: number) => `Question ${number}?\nA) no\nB) yes\nANSWER: B\n\n`;
  const file = `${Array.from({ length: COUNT }, (_, at) => one(at + 1)).join("")}No answer?\nA) 1\nB) 2\n`;

  it("is taken in by a job after a dry run, once, and comes out again", async () => {
    school = await aSchool(app.container, { students: 1 });
    const dry = await sendFile(file, { dryRun: true });
    expect(await finished(dry.id, "REFUSED")).toMatchObject({
      total: COUNT + 1,
      taken: COUNT,
      refused: 1,
      failure: null,
      entries: {
        totalCount: 1,
        nodes: [{ line: COUNT * 5 + 1, excerpt: "No answer?", messages: [expect.stringContaining("ANSWER")] }],
      },
    });
    expect(await bank()).toBe(0);

    const { id, uploadUrl } = await sendFile(file, { tags: ["week 1"] });
    expect(await finished(id, "TAKEN")).toMatchObject({ taken: COUNT, uploadUrl: null, downloadUrl: null });
    expect(await bank()).toBe(COUNT);
    expect((await send(uploadUrl, file)).status).toBe(409);
    expect(await app.container.db.questionFilePiece.count({ where: { fileId: id } })).toBe(0);

    const input = { courseId: school.courseId, format: "MOODLE_XML", tag: "week 1" };
    const asked = (await ask(EXPORT_FILE, { input })).exportQuestionFile;
    const { downloadUrl, ...made } = await finished(asked.id);
    expect(made).toMatchObject({ total: COUNT, taken: COUNT, changed: 0, refused: 0, entries: { totalCount: 0 } });
    const answer = await fetch(here(downloadUrl));
    expect(answer.headers.get("content-disposition")).toBe('attachment; filename="questions.xml"');
    expect((await answer.text()).split("<question ")).toHaveLength(COUNT + 1);
  });

  it("is gone on with behind what is done when a worker dies, and taken in once", async () => {
    const { db, services } = app.container;
    const before = await bank();
    const fileId = uuidv7();
    await db.questionFile.create({
      data: {
        id: fileId,
        actorId: school.teacher.id,
        courseId: school.courseId,
        direction: "IMPORT",
        format: "AIKEN",
        jobId: uuidv7(),
        pieces: { create: { number: 0, bytes: Buffer.from(file) } },
      },
    });
    const dies = new AbortController();
    const { signal } = dies;
    const half = services.questionFileRuns.import(fileId, { signal, progress: async () => dies.abort() });
    await expect(half).rejects.toThrow();
    const done = await look(fileId);
    expect(done).toMatchObject({ total: COUNT + 1, finishedAt: null });
    expect(done.taken).toBeGreaterThan(0);
    expect(done.taken).toBeLessThan(COUNT);

    const job = { signal: new AbortController().signal, progress: async () => {} };
    await Promise.all([services.questionFileRuns.import(fileId, job), services.questionFileRuns.import(fileId, job)]);
    expect(await look(fileId)).toMatchObject({ taken: COUNT, refused: 1, finishedAt: expect.any(String) });
    expect(await bank()).toBe(before + COUNT);
  });

  it("is refused with its line when it cannot be read, and nothing of it is taken", async () => {
    const before = await bank();
    const content = `<quiz>${"<question/>".repeat(300)}\n<oops></quiz>`;
    const { id } = await sendFile(content, { format: "MOODLE_XML" });
    expect(await finished(id)).toMatchObject({ failure: expect.stringContaining("Line 2"), taken: 0 });
    expect(await bank()).toBe(before);
  });

  it("is taken from nobody without a good link", async () => {
    const input = { courseId: school.courseId, format: "AIKEN" };
    const { id, uploadUrl } = (await ask(IMPORT_FILE, { input })).importQuestionFile;
    expect((await send(uploadUrl.replace("signature=", "signature=x"), file)).status).toBe(403);
    expect((await send(uploadUrl, "")).status).toBe(400);
    expect(await look(id)).toMatchObject({ jobId: null, uploadUrl: expect.any(String) });
  });
});
