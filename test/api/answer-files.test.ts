import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { uuidv7 } from "uuidv7";
import { Prisma } from "../../src/generated/prisma/client.ts";
import { eventually } from "../support/eventually.ts";
import { anExam, aSchool, essayQuestion, type Person, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";
import { hangingPiece, openUpload, sendPiece, sha256, tusFetch, tusRefusal, uploadByTus } from "../support/uploads.ts";

jest.setTimeout(120_000);

const MAX_BYTES = 300_000;
const PATH = "/uploads/answers";
const question = {
  ...essayQuestion,
  type: "FILE_UPLOAD",
  title: "Report",
  stem: "Hand in your report.",
  definition: { maxFiles: 1, maxBytes: MAX_BYTES, accept: [".pdf", ".txt"], guidance: "Look at the sources." },
};

let app: TestApp;
let school: School;
let student: Person;
let other: Person;
beforeAll(async () => {
  app = await startTestApp({ worker: true });
  school = await aSchool(app.container, { students: 2 });
  [student, other] = school.students as [Person, Person];
});
afterAll(() => app?.close());

const CREATE = `mutation ($attemptId: ID!, $questionId: ID!, $fileName: String!, $bytes: Int!) {
  createAnswerFile(attemptId: $attemptId, questionId: $questionId, fileName: $fileName, bytes: $bytes) { fileId url token expiresAt }
}`;
const SAVE = `mutation ($attemptId: ID!, $answers: [AnswerInput!]!) {
  saveAnswers(attemptId: $attemptId, answers: $answers) { receipts { questionId outcome message } }
}`;
const FILES = `query ($attemptId: ID!) {
  answerFiles(attemptId: $attemptId) { id questionId name bytes type sha256 isSaved url urlExpiresAt }
}`;
const DELETE = "mutation ($id: ID!) { deleteAnswerFile(id: $id) }";

const aPdf = (bytes = 1_000) => Buffer.concat([Buffer.from("%PDF-1.7\n"), randomBytes(bytes - 9)]);
/** The link as it leads to this very server: its public address is somebody else's. */
const here = (url: string) => url.replace("https://api.school.example", app.url);

/** An attempt of the student, at an exam of its own with two such questions and an essay. */
async function anAttempt(rules: object = {}) {
  const { examId, questionIds } = await anExam(app.container, school, {
    questions: [question, essayQuestion, question],
    rules,
  });
  const { id: attemptId } = await app.container.services.attempts.start(student.actor, examId);
  const [questionId, essayId, otherQuestionId] = questionIds as [string, string, string];
  return { examId, attemptId, questionId, essayId, otherQuestionId };
}
type Place = { attemptId: string; questionId: string };

async function aTicket(place: Place, bytes: number, fileName = "report.pdf") {
  const { attemptId, questionId } = place;
  const { data, errors } = await app.ask(CREATE, { attemptId, questionId, fileName, bytes }, student.token);
  if (errors) throw new Error(JSON.stringify(errors));
  return data.createAnswerFile as { fileId: string; url: string; token: string };
}
const refusedTicket = ({ attemptId, questionId }: Place, given: object = {}, token = student.token) =>
  app.refusal(CREATE, { attemptId, questionId, fileName: "a.pdf", bytes: 10, ...given }, token);
/** @returns its id */
async function upload(place: Place, file: Buffer, fileName?: string): Promise<string> {
  const { fileId, url, token } = await aTicket(place, file.length, fileName);
  await uploadByTus(app, file, { token, endpoint: here(url) });
  return fileId;
}
async function save({ attemptId, questionId }: Place, files: string[], revision: number, more: object[] = []) {
  const answers = [{ questionId, revision, response: { files } }, ...more];
  const { data } = await app.ask(SAVE, { attemptId, answers }, student.token);
  return data.saveAnswers.receipts as { outcome: string; message: string | null }[];
}
async function filesOf(attemptId: string, { token } = student) {
  const { data, errors } = await app.ask(FILES, { attemptId }, token);
  if (errors) throw new Error(JSON.stringify(errors));
  return data.answerFiles as { id: string; isSaved: boolean; url: string; name: string }[];
}
const stored = (fileId: string) => app.container.storage.size(`answer-files/${fileId}`);

describe("a file that is handed in", () => {
  it("arrives over a bad line, becomes an answer, and is marked by who downloads it", async () => {
    const place = await anAttempt();
    const { attemptId, questionId, essayId } = place;
    const PAPER = `query ($id: ID!) { attempt(id: $id) { paper { questions {
      id type responseKind files { maxFiles maxBytes accept } } } } }`;
    const paper = await app.ask(PAPER, { id: attemptId }, student.token);
    expect(paper.data.attempt.paper.questions.slice(0, 2)).toMatchObject([
      {
        id: questionId,
        type: "FILE_UPLOAD",
        responseKind: "FILES",
        files: { maxFiles: 1, maxBytes: MAX_BYTES, accept: [".pdf", ".txt"] },
      },
      { type: "ESSAY", files: null },
    ]);

    const file = aPdf(200_000);
    const { fileId, token } = await aTicket(place, file.length, "C:\\fakepath\\Bericht „Übung“.pdf");
    const address = await openUpload(app, token, file.length, PATH);
    const hanging = await hangingPiece(app, address, { partKey: `answer-uploads/${fileId}`, file, sent: 70_000 });
    hanging.destroy();
    expect(
      await save(place, [fileId], 1, [{ questionId: essayId, revision: 1, response: { text: "See there." } }]),
    ).toEqual([
      expect.objectContaining({ outcome: "REFUSED", message: expect.stringContaining("has not arrived") }),
      expect.objectContaining({ outcome: "SAVED" }),
    ]);
    await uploadByTus(app, file, { uploadUrl: address });
    expect(await save(place, [fileId], 1)).toMatchObject([{ outcome: "SAVED" }]);
    await app.ask("mutation ($id: ID!) { submitAttempt(attemptId: $id) { id } }", { id: attemptId }, student.token);

    const forStaff = await filesOf(attemptId, school.teacher);
    const name = "Bericht „Übung“.pdf";
    const facts = { id: fileId, questionId, name, bytes: file.length, sha256: sha256(file), isSaved: true };
    expect(forStaff).toEqual([
      { ...facts, type: "application/pdf", url: expect.any(String), urlExpiresAt: expect.any(String) },
    ]);
    const views = () =>
      app.container.db.attemptEvent.findMany({ where: { attemptId, kind: "VIEWED", sessionId: null } });
    expect(await views()).toMatchObject([{ actorId: school.teacher.id, detail: null }]);
    const download = await fetch(here(forStaff[0]!.url));
    expect(await views()).toMatchObject([{}, { actorId: school.teacher.id, detail: { questionId, fileId } }]);
    expect(sha256(Buffer.from(await download.arrayBuffer()))).toBe(sha256(file));
    expect(Object.fromEntries(download.headers)).toMatchObject({
      "content-type": "application/pdf",
      "content-length": String(file.length),
      "content-disposition": `attachment; filename="Bericht __bung_.pdf"; filename*=UTF-8''${encodeURIComponent(name)}`,
      "content-security-policy": "default-src 'none'; sandbox",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
    });

    await eventually("the server has graded its part", async () => {
      const attempt = await app.container.db.attempt.findUniqueOrThrow({ where: { id: attemptId } });
      return attempt.score !== null;
    });
    const GRADE = "mutation ($input: GradeAnswerInput!) { gradeAnswer(input: $input) { status result { score } } }";
    const points = async (of: string) =>
      (await app.ask(GRADE, { input: { attemptId, questionId: of, points: "4" } }, school.teacher.token)).data
        .gradeAnswer;
    expect(await points(questionId)).toEqual({ status: "SUBMITTED", result: { score: "4" } });
    expect(await points(essayId)).toEqual({ status: "GRADED", result: { score: "8" } }); // no file for the third: nothing to grade
  });

  it("is told of to nobody else", async () => {
    const place = await anAttempt();
    const fileId = await upload(place, aPdf());
    await save(place, [fileId], 1);
    expect(await app.refusal(FILES, { attemptId: place.attemptId }, other.token)).toBe("NOT_FOUND");
    expect(await refusedTicket(place, {}, other.token)).toBe("NOT_FOUND");
    expect(await refusedTicket(place, {}, school.teacher.token)).toBe("NOT_FOUND");
    expect(await app.refusal(DELETE, { id: fileId }, other.token)).toBe("NOT_FOUND");
    const { url } = (await filesOf(place.attemptId))[0]!;
    for (const bad of [url.replace(/signature=.{4}/, "signature=AAAA"), url.split("?")[0]!])
      expect((await fetch(here(bad))).status).toBe(403);
  });

  it("is kept from its student, as their answers are, where the review does not show the response", async () => {
    const place = await anAttempt({ review: { afterSubmission: ["MARK"], afterClose: ["MARK", "RESPONSE"] } });
    const { attemptId, examId } = place;
    const file = aPdf();
    await save(place, [await upload(place, file)], 1);
    const before = (await filesOf(attemptId))[0]!;
    expect((await fetch(here(before.url))).status).toBe(200);
    const { services } = app.container;
    await services.attempts.submit(student.actor, attemptId);
    expect(await filesOf(attemptId)).toEqual([]);
    expect((await fetch(here(before.url))).status).toBe(404); // the link of before the hand-in is good no more
    const forStaff = (await filesOf(attemptId, school.teacher))[0]!;
    expect((await fetch(here(forStaff.url))).status).toBe(200);
    const forMarking = await services.answerFileDownloads.toMark(school.teacher.actor, [forStaff.id]);
    expect((await fetch(here(forMarking.get(forStaff.id)!.url))).status).toBe(200);
    expect(
      (
        await app.container.db.attemptEvent.findMany({
          where: { attemptId, kind: "VIEWED", NOT: { detail: { equals: Prisma.DbNull } } },
        })
      ).map(({ detail }) => detail),
    ).toEqual([
      { questionId: place.questionId, fileId: forStaff.id },
      { questionId: place.questionId, fileId: forStaff.id, anonymous: true },
    ]);
    await services.exams.update(school.teacher.actor, examId, { review: { afterSubmission: ["RESPONSE"] } });
    const shown = (await filesOf(attemptId))[0]!;
    expect(sha256(Buffer.from(await (await fetch(here(shown.url))).arrayBuffer()))).toBe(sha256(file));
  });

  it("is shown to the staff only once it is part of the answer", async () => {
    const place = await anAttempt();
    const fileId = await upload(place, aPdf());
    expect(await filesOf(place.attemptId)).toMatchObject([{ id: fileId, isSaved: false }]);
    expect(await filesOf(place.attemptId, school.teacher)).toEqual([]);
  });
});

describe("an answer", () => {
  it("names only files that came for its own question", async () => {
    const [here, elsewhere] = [await anAttempt(), await anAttempt()];
    const fileId = await upload(elsewhere, aPdf());
    const forTheOther = await upload({ ...here, questionId: here.otherQuestionId }, aPdf());
    for (const id of [fileId, forTheOther])
      expect(await save(here, [id], 1)).toMatchObject([
        { outcome: "REFUSED", message: expect.stringContaining("Upload it") },
      ]);
    expect(await save(here, ["report.pdf"], 1)).toMatchObject([
      { outcome: "REFUSED", message: "This is not the id of a file." },
    ]);
    expect(await save({ ...here, questionId: here.otherQuestionId }, [forTheOther.toUpperCase()], 1)).toMatchObject([
      { outcome: "SAVED" },
    ]);
  });

  it("has its file replaced while it still names the one before", async () => {
    const place = await anAttempt();
    const [first, second] = [await upload(place, aPdf()), await upload(place, aPdf())];
    expect(await save(place, [first, second], 1)).toMatchObject([
      { outcome: "REFUSED", message: expect.stringContaining("1 may be handed in") },
    ]);
    expect(await save(place, [first], 1)).toMatchObject([{ outcome: "SAVED" }]);
    expect(await refusedTicket(place)).toBe("TOO_MANY_FILES");
    expect(await app.refusal(DELETE, { id: first }, student.token)).toBe("FILE_IN_ANSWER");
    expect(await save(place, [second], 2)).toMatchObject([{ outcome: "SAVED" }]);
    expect((await app.ask(DELETE, { id: first }, student.token)).data).toEqual({ deleteAnswerFile: true });
    const events = await app.container.db.attemptEvent.findMany({
      where: { attemptId: place.attemptId, kind: { in: ["FILE_ADDED", "FILE_REMOVED"] } },
      orderBy: { id: "asc" },
    });
    expect(events).toMatchObject([
      {
        kind: "FILE_ADDED",
        actorId: student.id,
        detail: { fileId: first, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      },
      { kind: "FILE_ADDED", detail: { fileId: second } },
      { kind: "FILE_REMOVED", actorId: student.id, detail: { fileId: first } },
    ]);
    await eventually("its bytes are gone", async () => (await stored(first)) === null);
    expect(await stored(second)).toBe(1_000);
    expect(await refusedTicket(place)).toBeUndefined();
  });
});

describe("an upload for an answer", () => {
  it("is refused before it begins where its name, its size or its question does not fit", async () => {
    const place = await anAttempt();
    expect(await refusedTicket(place, { bytes: MAX_BYTES + 1 })).toBe("FILE_TOO_LARGE");
    expect(await refusedTicket(place, { fileName: "report.exe" })).toBe("WRONG_KIND_OF_FILE");
    expect(await refusedTicket({ ...place, questionId: place.essayId })).toBe("NO_FILES_WANTED");
    expect(await refusedTicket(place, { fileName: " " })).toBe("BAD_USER_INPUT");
    expect(await refusedTicket({ ...place, questionId: place.attemptId })).toBe("NOT_FOUND");
    const { token, url } = await aTicket(place, 10);
    const larger = await tusRefusal(uploadByTus(app, aPdf(11), { token, endpoint: here(url) }));
    expect(larger.status).toBe(413);
  });

  it("is refused to another log-in and from elsewhere, as a save is", async () => {
    const place = await anAttempt();
    const [first, elsewhere] = [student.actor, { ...student.actor, sessionId: uuidv7(), ip: "192.0.2.1" }];
    const { services } = app.container;
    await services.attempts.start(elsewhere, place.examId); // takes it over
    expect(await refusedTicket(place)).toBe("ATTEMPT_TAKEN_OVER");
    await services.attempts.start(first, place.examId);
    expect(await refusedTicket(place)).toBeUndefined();

    const rules = { allowedAddresses: ["192.0.2.0/24"] };
    const { examId, questionIds } = await anExam(app.container, school, { questions: [question], rules });
    const { id: attemptId } = await services.attempts.start({ ...first, ip: "192.0.2.1" }, examId);
    expect(await refusedTicket({ attemptId, questionId: questionIds[0]! })).toBe("ADDRESS_NOT_ALLOWED");
  });

  it("is refused with its last piece when its content is not what its name says, and leaves nothing", async () => {
    const place = await anAttempt();
    const { fileId, token, url } = await aTicket(place, 1_000);
    const refusal = await tusRefusal(uploadByTus(app, randomBytes(1_000), { token, endpoint: here(url) }));
    expect(refusal).toEqual({ status: 422, body: expect.stringMatching(/^The content of "report.pdf" is not what/) });
    expect(await stored(fileId)).toBeNull();
    expect(await app.container.db.answerFile.count({ where: { id: fileId } })).toBe(0);
  });

  it("never stands in the way of another when nothing came of it", async () => {
    const place = await anAttempt();
    const tickets = [];
    for (let count = 0; count < 4; count += 1) tickets.push(await aTicket(place, 10));
    const opened = await Promise.allSettled(tickets.map(({ token }) => openUpload(app, token, 10, PATH)));
    expect(opened.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled", "fulfilled"]);
    const begun = (opened[2] as PromiseFulfilledResult<string>).value;
    const part = `answer-uploads/${tickets[2]!.fileId}`;
    expect((await sendPiece(begun, 0, aPdf(9))).status).toBe(204);
    expect(await app.container.storage.size(part)).toBe(9);
    await aTicket(place, 10);
    expect(await app.container.storage.size(part)).toBeNull();
    expect((await sendPiece(begun, 9, Buffer.alloc(1))).status).toBe(404);
  });

  it("does not get more places by asking for many at once", async () => {
    const place = await anAttempt();
    const file = aPdf(10);
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => upload(place, file)));
    const files = await app.container.db.answerFile.count({
      where: { attemptId: place.attemptId, NOT: { finishedAt: null } },
    });
    expect([1, 2]).toContain(files);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(files);
  });

  it("is finished by whoever comes next when the server died after its last byte", async () => {
    const place = await anAttempt();
    const file = aPdf(100);
    const addresses = [];
    for (let count = 0; count < 2; count += 1) {
      const { fileId, token } = await aTicket(place, file.length);
      const address = await openUpload(app, token, file.length, PATH);
      await writeFile(path.join(app.config.STORAGE_DIR, "answer-uploads", fileId), file);
      addresses.push(address);
    }
    expect((await tusFetch("HEAD", addresses[0]!)).headers.get("upload-offset")).toBe("100"); // the client
    await app.container.services.abandonedUploads.remove(); // or the clean-up
    expect(await filesOf(place.attemptId)).toMatchObject([{ sha256: sha256(file) }, { sha256: sha256(file) }]);
  });

  it("ends with the attempt", async () => {
    const place = await anAttempt();
    const { token } = await aTicket(place, 100);
    const address = await openUpload(app, token, 100, PATH);
    const file = aPdf(100);
    expect((await sendPiece(address, 0, file.subarray(0, 50))).status).toBe(204);
    await app.container.services.attempts.submit(student.actor, place.attemptId);
    expect((await sendPiece(address, 50, file.subarray(50))).status).toBe(403);
    expect(await refusedTicket(place)).toBe("ATTEMPT_CLOSED");
  });

  it("goes on through a pause, in which none is begun", async () => {
    const place = await anAttempt();
    const { fileId, token } = await aTicket(place, 100);
    const address = await openUpload(app, token, 100, PATH);
    // Longer ago than the seconds in which what is in flight is still taken.
    await app.container.db.attempt.update({
      where: { id: place.attemptId },
      data: { pausedAt: new Date(Date.now() - 60_000) },
    });
    expect((await sendPiece(address, 0, aPdf(100))).status).toBe(204);
    expect((await tusFetch("HEAD", address)).headers.get("upload-offset")).toBe("100");
    expect(await stored(fileId)).toBe(100);
    expect(await refusedTicket(place)).toBe("ATTEMPT_PAUSED");
  });
});

describe("files of answers", () => {
  it("that no answer names are removed a week after the attempt, the others stay", async () => {
    const place = await anAttempt();
    const [named, unnamed] = [await upload(place, aPdf()), await upload(place, aPdf())];
    const running = await anAttempt();
    const young = await upload(running, aPdf());
    await save(place, [named], 1);
    const { services, db } = app.container;
    await services.attempts.submit(student.actor, place.attemptId);
    await services.cleanUp.removeExpired();
    expect(await filesOf(place.attemptId)).toHaveLength(2);
    const submittedAt = new Date(Date.now() - 8 * 86_400_000);
    await db.attempt.update({ where: { id: place.attemptId }, data: { submittedAt } });
    await services.cleanUp.removeExpired();
    await eventually("its bytes are gone", async () => (await stored(unnamed)) === null);
    expect([await stored(named), await stored(young)]).toEqual([1_000, 1_000]);
    expect(await filesOf(place.attemptId)).toMatchObject([{ id: named }]);
  });

  it("go when their student's account is erased", async () => {
    const place = await anAttempt();
    const fileId = await upload(place, aPdf());
    await save(place, [fileId], 1);
    const { services, db } = app.container;
    await db.user.update({ where: { id: student.id }, data: { deletionDueAt: new Date(Date.now() - 1_000) } });
    await services.erasure.eraseAccount(student.id);
    await eventually("its bytes are gone", async () => (await stored(fileId)) === null);
    expect(await db.answerFile.count({ where: { attempt: { userId: student.id } } })).toBe(0);
    const answers = await db.answer.findMany({ where: { attemptId: place.attemptId } });
    expect(answers.map(({ response }) => response)).toEqual([null]);
  });
});
