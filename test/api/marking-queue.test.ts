import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { getNamedType, isObjectType } from "graphql";
import { uuidv7 } from "uuidv7";
import { createSchema } from "../../src/apollo/schema.ts";
import { anEssayExam, type EssayExam, essayOf, RUBRIC } from "../support/marking.ts";
import { anExam, aSchool, choiceQuestion, type Person, type School, somePeople } from "../support/school.ts";
import { statementsOf } from "../support/statements.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

const STUDENTS = 12;

let app: TestApp;
let school: School;
let markers: Person[];
beforeAll(async () => {
  app = await startTestApp();
  school = await aSchool(app.container, { students: STUDENTS });
  markers = await somePeople(app.container, 6, "INSTRUCTOR");
  await app.container.db.enrollment.createMany({
    data: markers.map(({ id }) => ({ courseId: school.courseId, userId: id, role: "INSTRUCTOR" as const })),
  });
});
afterAll(() => app.close());

const CLAIM = `mutation ($examId: ID!, $questionId: ID!, $count: Int = 1) {
  claimResponses(examId: $examId, questionId: $questionId, count: $count) {
    id maxPoints response files { type bytes url } guidance rubric { id title levels { id text points } } claimedUntil question { id stem }
  }
}`;
const GRADE = `mutation ($input: GradeResponseInput!) {
  gradeResponse(input: $input) { responseId points feedback rubric { criterion level points maxPoints comment } }
}`;
const QUEUE = `query ($examId: ID!) {
  markingQueue(examId: $examId) { question { id } maxPoints waiting claimed done oldest }
}`;

const claim = (marker: Person, { examId, questionId }: EssayExam, count: number) =>
  app.container.services.markingQueue.claim(marker.actor, { examId, questionId, count });
const grade = (marker: Person, responseId: string, given: object = { points: "2" }) =>
  app.container.services.marking.gradeResponse(marker.actor, { responseId, ...given });
/** Lets the time be over for which responses were claimed. */
const letClaimsEnd = async () => {
  await app.container.db.responseClaim.updateMany({ data: { claimedUntil: new Date(Date.now() - 1_000) } });
};
const queueOf = async ({ examId }: EssayExam) =>
  (await app.container.services.markingQueue.list(markers[0]!.actor, examId))[0]!;

describe("the marking queue", () => {
  it("tells by question what waits, is claimed and is done, and asks nothing of what the key marks", async () => {
    const exam = await anEssayExam(app.container, school, { beside: [choiceQuestion(1)] });
    const [marker] = markers;
    const queue = async () =>
      (await app.ask(QUEUE, { examId: exam.examId }, school.teacher.token)).data.markingQueue as object[];
    const first = await app.container.db.attempt.findUniqueOrThrow({ where: { id: exam.attemptIds[0]! } });
    const entry = { question: { id: exam.questionId }, maxPoints: "5", oldest: first.submittedAt!.toISOString() };
    expect(await queue()).toEqual([{ ...entry, waiting: 3, claimed: 0, done: 0 }]);
    const [one, two] = await claim(marker!, exam, 3);
    expect(await queue()).toEqual([{ ...entry, waiting: 0, claimed: 3, done: 0 }]);
    await grade(marker!, one!.id);
    await app.container.services.markingQueue.release(marker!.actor, two!.id);
    expect(await queue()).toMatchObject([{ waiting: 1, claimed: 1, done: 1 }]);
    await letClaimsEnd();
    expect(await queue()).toMatchObject([{ waiting: 2, claimed: 0, done: 1 }]);
  });

  it("gives a marker the response with guidance and rubric, and the same again when he asks again", async () => {
    const exam = await anEssayExam(app.container, school);
    const ask = async (count: number) => (await app.ask(CLAIM, { ...exam, count }, markers[0]!.token)).data;
    const { claimResponses: two } = await ask(2);
    expect(two).toHaveLength(2);
    expect(two[0]).toMatchObject({
      question: { id: exam.questionId, stem: "Discuss." },
      maxPoints: "5",
      guidance: "Look for three reasons.",
      rubric: RUBRIC,
    });
    const essays = new Set(school.students.map(essayOf));
    for (const { response } of two) expect(essays).toContain(response.text);
    const ids = (responses: { id: string }[]) => responses.map(({ id }) => id);
    expect(ids((await ask(2)).claimResponses)).toEqual(ids(two));
    const three = ids((await ask(5)).claimResponses);
    expect(three).toHaveLength(3);
    expect(three).toEqual(expect.arrayContaining(ids(two)));
    expect((await app.ask(CLAIM, { ...exam, count: 21 }, markers[0]!.token)).errors).toMatchObject([
      { extensions: { code: "BAD_USER_INPUT" } },
    ]);
  });

  it("never gives a response to two markers at once, however many ask", async () => {
    const exam = await anEssayExam(app.container, school, { students: STUDENTS });
    const two = (marker: Person) => claim(marker, exam, STUDENTS / markers.length);
    const rounds = await Promise.all(markers.flatMap((marker) => [two(marker), two(marker), two(marker)]));
    const holders = new Map<string, Set<Person>>();
    for (const [at, round] of rounds.entries())
      for (const { id } of round) holders.set(id, (holders.get(id) ?? new Set()).add(markers[Math.floor(at / 3)]!));
    expect(holders.size).toBe(STUDENTS); // each got two, and the same two each time
    expect([...holders.values()].filter(({ size }) => size !== 1)).toEqual([]);

    await letClaimsEnd();
    const all = await Promise.all(markers.map((marker) => two(marker)));
    expect(new Set(all.flat().map(({ id }) => id)).size).toBe(STUDENTS);
    expect(await queueOf(exam)).toMatchObject({ waiting: 0, claimed: STUDENTS });
    expect(await claim(school.teacher, exam, 1)).toEqual([]);
  });

  it("comes in an order that is not that of the students or of their work", async () => {
    const exam = await anEssayExam(app.container, school, { students: STUDENTS });
    const places: number[] = [];
    for (let turn = 0; turn < STUDENTS; turn++) {
      const [response] = await claim(markers[0]!, exam, 1);
      places.push(school.students.findIndex((each) => essayOf(each) === (response!.response as { text: string }).text));
      await grade(markers[0]!, response!.id);
    }
    expect(new Set(places).size).toBe(STUDENTS);
    const sorted = [...places].sort((a, b) => a - b);
    expect(places).not.toEqual(sorted);
    expect(places).not.toEqual(sorted.reverse());
  });

  it("does not ask for marks that count nothing", async () => {
    const exam = await anEssayExam(app.container, school);
    expect((await queueOf(exam)).waiting).toBeGreaterThan(0);
    const corrections = [{ questionId: exam.questionId, treatment: "DROPPED" }];
    const dropped = { examId: exam.examId, corrections, dryRun: false, reason: "It had no answer." };
    await app.container.services.regradings.regrade(markers[0]!.actor, dropped);
    expect(await queueOf(exam)).toBeUndefined();
  });

  it("leaves a response to who has it, also late, until somebody else has come for it", async () => {
    const exam = await anEssayExam(app.container, school);
    const [slow, other] = markers as [Person, Person];
    const [late, later] = await claim(slow, exam, 2);
    await letClaimsEnd();
    await grade(slow, late!.id);
    const taken = await claim(other, exam, 2);
    expect(taken.map(({ id }) => id)).toContain(later!.id);
    await expect(grade(slow, later!.id)).rejects.toMatchObject({ reason: "RESPONSE_CLAIMED" });
    await grade(other, later!.id);
    await expect(grade(slow, later!.id)).rejects.toMatchObject({ reason: "RESPONSE_CLAIMED" });
  });

  it("extends what a marker has whenever he marks", async () => {
    const exam = await anEssayExam(app.container, school);
    const [one, two] = await claim(markers[0]!, exam, 2);
    const { db } = app.container;
    const soon = new Date(Date.now() + 300_000);
    await db.responseClaim.update({ where: { id: two!.id }, data: { claimedUntil: soon } });
    await grade(markers[0]!, one!.id);
    const { claimedUntil } = await db.responseClaim.findUniqueOrThrow({ where: { id: two!.id } });
    expect(claimedUntil.getTime() - soon.getTime()).toBeGreaterThan(1_200_000);
  });

  it("takes points only from who has the response, and only once from elsewhere", async () => {
    const exam = await anEssayExam(app.container, school);
    const [marker, other] = markers as [Person, Person];
    const [response] = await claim(marker, exam, 1);
    const { answer } = await app.container.db.responseClaim.findUniqueOrThrow({
      where: { id: response!.id },
      include: { answer: true },
    });
    const byAttempt = { attemptId: answer.attemptId, questionId: exam.questionId, points: "4" };
    const { marking, markingQueue } = app.container.services;
    const elsewhere = () => marking.gradeAnswer(other.actor, byAttempt);
    await expect(elsewhere()).rejects.toMatchObject({ code: "UNPROCESSABLE", reason: "RESPONSE_CLAIMED" });
    await expect(grade(other, response!.id)).rejects.toMatchObject({ reason: "RESPONSE_CLAIMED" });
    await markingQueue.release(other.actor, response!.id); // it is not theirs, so nothing happens
    await expect(elsewhere()).rejects.toMatchObject({ reason: "RESPONSE_CLAIMED" });
    await letClaimsEnd();
    await elsewhere();
    await expect(grade(marker, response!.id)).rejects.toMatchObject({ reason: "RESPONSE_MARKED" });
    const [next] = await claim(marker, exam, 1);
    await markingQueue.release(marker.actor, next!.id);
    await markingQueue.release(marker.actor, next!.id);
    await expect(grade(marker, next!.id)).rejects.toMatchObject({ reason: "RESPONSE_NOT_CLAIMED" });
  });

  it("is marked by the levels of the rubric, and a repetition after a lost answer changes nothing", async () => {
    const exam = await anEssayExam(app.container, school);
    const [response] = await claim(markers[0]!, exam, 1);
    const rubric = [{ criterion: "argument", level: "fair", comment: "Nearly." }];
    const input = { responseId: response!.id, rubric, feedback: "Read on." };
    const graded = await app.ask(GRADE, { input }, markers[0]!.token);
    expect(graded.data.gradeResponse).toEqual({
      responseId: response!.id,
      points: "3.75",
      feedback: "Read on.",
      rubric: [{ ...rubric[0], points: "3", maxPoints: "4" }],
    });
    expect(await app.ask(GRADE, { input }, markers[0]!.token)).toMatchObject({ data: graded.data });
    const [mark] = await app.container.db.answerMark.findMany({ where: { answer: { claim: { id: response!.id } } } });
    expect(mark).toMatchObject({ markedById: markers[0]!.id });
    expect(await app.container.db.answerMark.count({ where: { attemptId: mark!.attemptId } })).toBe(1);
    expect(await app.container.db.auditEntry.count({ where: { entityId: mark!.attemptId } })).toBe(1);
    expect(await app.refusal(GRADE, { input: { ...input, points: "1", rubric: null } }, markers[0]!.token)).toBe(
      "REASON_REQUIRED",
    );
  });

  it("is asked in as many statements, however long it is", async () => {
    const exam = await anEssayExam(app.container, school);
    await claim(markers[0]!, exam, 1);
    const claiming = await statementsOf(app, () => claim(markers[1]!, exam, 20));
    expect(claiming.length).toBeLessThanOrEqual(11); // with the lines in the logs of those attempts
    const listing = await statementsOf(app, () => queueOf(exam));
    expect(listing.length).toBeLessThanOrEqual(3);
  });

  it("gives files with links, without the names that their students gave them", async () => {
    const { services, db } = app.container;
    const question = { ...choiceQuestion(1), type: "FILE_UPLOAD", definition: { rubric: RUBRIC } };
    const { examId, questionIds } = await anExam(app.container, school, { questions: [question] });
    const [questionId] = questionIds as [string];
    const { id: attemptId } = await services.attempts.start(school.students[0]!.actor, examId);
    const { id: questionVersionId } = await db.questionVersion.findFirstOrThrow({ where: { questionId } });
    const kept = { tokenHash: uuidv7(), bytes: 3, contentType: "application/pdf", sha256: "00" };
    const file = await db.answerFile.create({
      data: { id: uuidv7(), attemptId, questionVersionId, fileName: "by-me.pdf", finishedAt: new Date(), ...kept },
    });
    const answer = { questionId, response: { files: [file.id] }, revision: 1 };
    await services.answers.save(school.students[0]!.actor, attemptId, [answer]);
    await services.attempts.submit(school.students[0]!.actor, attemptId);
    await services.grading.gradeAttempt(attemptId);
    const { data } = await app.ask(CLAIM, { examId, questionId }, markers[0]!.token);
    expect(data.claimResponses).toMatchObject([
      { files: [{ bytes: 3, type: "application/pdf", url: expect.stringContaining(file.id) }], rubric: RUBRIC },
    ]);
    expect(JSON.stringify(data)).not.toMatch(/by-me/);
  });

  it("is for the staff of the course", async () => {
    const exam = await anEssayExam(app.container, school);
    const [response] = await claim(markers[0]!, exam, 1);
    const [stranger] = await somePeople(app.container, 1, "INSTRUCTOR");
    expect(await app.refusal(CLAIM, { ...exam }, stranger!.token)).toBe("NOT_FOUND");
    expect(await app.refusal(QUEUE, { ...exam }, stranger!.token)).toBe("NOT_FOUND");
    const input = { responseId: response!.id, points: "5" };
    expect(await app.refusal(GRADE, { input }, stranger!.token)).toBe("NOT_FOUND");
    expect(await app.refusal(GRADE, { input }, school.students[0]!.token)).toBe("FORBIDDEN");
    const release = `mutation ($id: ID!) { releaseClaim(responseId: $id) }`;
    expect(await app.refusal(release, { id: response!.id }, stranger!.token)).toBe("NOT_FOUND");
  });
});

describe("a marker", () => {
  it.each(["ClaimedResponse", "GradedResponse", "MarkingQueueEntry"])(
    "finds no way from %s to a person or an attempt",
    (start) => {
      const schema = createSchema();
      const reached = new Set<string>([start]);
      for (const name of reached) {
        const type = schema.getType(name);
        if (!isObjectType(type)) continue;
        for (const field of Object.values(type.getFields())) reached.add(getNamedType(field.type).name);
      }
      expect([...reached].filter((name) => /User|Attempt|Answer|Exam|Course|Person/.test(name))).toEqual([]);
    },
  );

  it("sees nothing by which the student could be told, and can do nothing else with a response's id", async () => {
    const exam = await anEssayExam(app.container, school);
    const { token } = markers[0]!;
    const { data } = await app.ask(CLAIM, { ...exam, count: 20 }, token);
    const seen = JSON.stringify(data);
    const people = await app.container.db.user.findMany({ where: { id: { in: school.students.map(({ id }) => id) } } });
    for (const { id, name, email } of people)
      for (const telling of [id, name, email]) expect(seen).not.toContain(telling);
    for (const id of exam.attemptIds) expect(seen).not.toContain(id);
    const [{ id }] = data.claimResponses;
    expect((await app.ask("query ($id: ID!) { node(id: $id) { id } }", { id }, token)).data).toEqual({ node: null });
    const asAttempt = [
      "query ($id: ID!) { attempt(id: $id) { id } }",
      `query ($id: ID!) { answerHistory(attemptId: $id, questionId: "${exam.questionId}") { id } }`,
      `mutation ($id: ID!) { gradeAnswer(input: { attemptId: $id, questionId: "${exam.questionId}", points: "1" }) { id } }`,
    ];
    for (const operation of asAttempt) expect(await app.refusal(operation, { id }, token)).toBe("NOT_FOUND");
  });
});
