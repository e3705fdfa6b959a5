import { uuidv7 } from "uuidv7";
import { emailQueue } from "../../src/queues/email.queue.ts";
import { Reads } from "../../src/services/actor.ts";
import { aLinkFor } from "./links.ts";
import { RUBRIC } from "./marking.ts";
import { anExam, aSchool, choiceQuestion, essayQuestion, type Person, type School, somePeople } from "./school.ts";
import type { TestApp } from "./testApp.ts";

export const password = "correct horse battery staple";

/** A person who can log in, and has. */
export async function aPersonWhoLogsIn(
  { container: { services, db, tokens } }: Pick<TestApp, "container">,
  { role = "STUDENT", name = "Somebody" }: { role?: "STUDENT" | "INSTRUCTOR" | "ADMIN"; name?: string } = {},
): Promise<Person> {
  const email = `person-${uuidv7()}@school.example`;
  const { id } = await services.accounts.open({ email, password, name, role });
  const device = { ip: "192.0.2.77", userAgent: "Canary Browser" };
  const session = await services.sessions.login({ email, password }, device, "test");
  const sessionId = (await db.session.findFirstOrThrow({ where: { userId: id } })).id;
  const viewer = { userId: id, role, sessionId, secondFactorMissing: false };
  const token = session.accessToken ?? (await tokens.sign(viewer)).token;
  return { id, email, token, actor: { ...viewer, requestId: "test", ...device, reads: new Reads() } };
}

/** Words that only this person has, to be found wherever they are. */
export const CANARIES = {
  name: "Canary Lovelace",
  address: "canary.lovelace@school.example",
  userAgent: "Canary Browser",
  ip: "192.0.2.77",
  essay: "Canary essay: I grew up in Marylebone.",
  shortText: "Canary short text",
  feedback: "Canary feedback: well argued, Ada.",
  earlierFeedback: "Canary feedback before: Ada argues well.",
  comment: "Canary comment: this follows, Ada.",
  reason: "Canary reason: Ada asked.",
  mail: "Canary mail, dear Ada",
  fileName: "Canary certificate of Ada.pdf",
};

/** What nobody is told, not even the person. */
export const SECRETS = {
  passwordHash: "secret-password-hash",
  totp: "secret-totp",
  recoveryCode: "secret-recovery-code",
  key: "secret-key-of-a-question",
  hiddenFeedback: "secret until the results are released",
};

export interface LivedIn {
  person: Person;
  school: School;
  /** Graded, with an essay and a short text; its results are shown at once. */
  examId: string;
  attemptId: string;
  questionIds: string[];
}

const LEVELS = [
  { id: "none", text: "There is none.", points: "0" },
  { id: "fair", text: "It follows.", points: "7" },
  { id: "good", text: "It convinces.", points: "10" },
];

const shortTextQuestion = {
  ...choiceQuestion(0),
  type: "SHORT_TEXT",
  title: "Short",
  stem: "Name one.",
  points: "2",
  definition: {
    answers: [
      { pattern: "*short text", feedback: "Right." },
      { pattern: SECRETS.key, fraction: "0.5" },
    ],
  },
};

/** Worth seven tenths of its points at the level that is chosen. */
const rubricEssay = {
  ...essayQuestion,
  definition: { rubric: RUBRIC.map((criterion) => ({ ...criterion, levels: LEVELS })) },
};

/** Somebody of whom something is in every table: enrolled, examined, imported, mailed to, audited. */
export async function aLivedInAccount(app: Pick<TestApp, "container">): Promise<LivedIn> {
  const { services, db, outbox } = app.container;
  const person = await aPersonWhoLogsIn(app, { name: CANARIES.name });
  person.email = CANARIES.address;
  const now = new Date();
  await db.user.update({
    where: { id: person.id },
    data: {
      email: person.email,
      locale: "de",
      totpSecret: SECRETS.totp,
      totpConfirmedAt: now,
      totpLastStep: 1,
      extraTimePercent: 10,
      extraMinutes: 5,
    },
  });
  const school = await aSchool(app.container);
  await services.courses.enroll(school.teacher.actor, {
    courseId: school.courseId,
    students: [{ email: person.email, extraTimePercent: 25, role: "STUDENT" }],
  });
  const questions = [choiceQuestion(1), rubricEssay, shortTextQuestion];
  const { examId, questionIds } = await anExam(app.container, school, { questions });
  await services.accommodations.set(school.teacher.actor, {
    examId,
    userId: person.id,
    extraTimePercent: 0,
    extraMinutes: 11,
    extraAttempts: 0,
  });
  const group = await services.groups.create(school.teacher.actor, { courseId: school.courseId, name: "Late shift" });
  await services.groups.setMembers(school.teacher.actor, { groupId: group.id, userIds: [person.id] });
  const attemptId = await anAttemptAt(app, person, examId, questionIds, CANARIES.feedback, school.teacher);
  const hidden = await anExam(app.container, school, { questions, rules: { resultsPolicy: "MANUAL", title: "Final" } });
  await anAttemptAt(app, person, hidden.examId, hidden.questionIds, SECRETS.hiddenFeedback, school.teacher);

  const { questionVersionId } = await db.answer.findFirstOrThrow({ where: { attemptId } });
  const arrived = { finishedAt: now, contentType: "application/pdf", sha256: "0".repeat(64) };
  await db.answerFile.create({
    data: {
      id: uuidv7(),
      attemptId,
      questionVersionId,
      tokenHash: uuidv7(),
      bytes: 3,
      fileName: CANARIES.fileName,
      ...arrived,
    },
  });
  await aLinkFor(app.container, person.id, "RESET_PASSWORD");
  await db.recoveryCode.create({ data: { userId: person.id, hash: SECRETS.recoveryCode, usedAt: now } });
  const courseId = school.courseId;
  const ran = { actorId: person.id, courseId, jobId: uuidv7(), totalRows: 1, accepted: 1, finishedAt: now };
  await db.userImport.create({ data: { id: uuidv7(), ...ran } });
  await db.questionFile.create({
    data: { id: uuidv7(), actorId: person.id, courseId, direction: "EXPORT", format: "GIFT", finishedAt: now },
  });
  const madeFile = { examId, format: "CSV", detail: "ATTEMPTS", run: uuidv7(), rows: 1, finishedAt: now } as const;
  const expiresAt = new Date(now.getTime() + 3_600_000);
  for (const actorId of [person.id, school.teacher.id])
    await db.resultFile.create({
      data: {
        ...madeFile,
        id: uuidv7(),
        actorId,
        jobId: uuidv7(),
        expiresAt,
        pieces: { create: { run: madeFile.run, number: 0, bytes: Buffer.from(CANARIES.name) } },
      },
    });
  const [admin] = await somePeople(app.container, 1, "INSTRUCTOR");
  const importId = uuidv7();
  await db.userImport.create({
    data: {
      ...ran,
      id: importId,
      actorId: admin!.id,
      rows: {
        create: [
          { line: 2, email: person.email, outcome: "UPDATED", reason: "Changed: name." },
          { line: 3, email: ` ${person.email.toUpperCase()}`, outcome: "REFUSED", reason: "Twice." },
        ],
      },
    },
  });
  await db.auditEntry.createMany({
    data: [
      { id: uuidv7(), actorId: admin!.id, action: "user.disable", entityType: "User", entityId: person.id },
      { id: uuidv7(), actorId: person.id, action: "publishExam", entityType: "Exam", entityId: examId },
    ],
  });
  await db.$transaction(async (tx) => {
    const mail = { to: person.email, subject: "Hello", text: CANARIES.mail };
    await outbox.add(tx, emailQueue, "sendEmail", mail, { ownerId: admin!.id });
    const done = await outbox.add(tx, emailQueue, "sendTemplate", { template: "passwordReset", email: person.email });
    await tx.outboxJob.update({ where: { id: done }, data: { publishedAt: now, finishedAt: now } });
  });
  return { person, school, examId, attemptId, questionIds };
}

async function anAttemptAt(
  { container: { services, db } }: Pick<TestApp, "container">,
  { actor }: Person,
  examId: string,
  [choice, essay, short]: string[],
  feedback: string,
  teacher: Person,
): Promise<string> {
  await db.user.update({ where: { id: actor.userId }, data: { emailVerifiedAt: new Date() } });
  const { id } = await services.attempts.start(actor, examId);
  await services.answers.save(actor, id, [
    { questionId: choice!, response: { choice: "b" }, revision: 1 },
    { questionId: essay!, response: { text: CANARIES.essay }, revision: 1 },
    { questionId: short!, response: { text: CANARIES.shortText }, revision: 1 },
  ]);
  await services.attempts.submit(actor, id);
  await services.grading.gradeAttempt(id);
  const answer = { attemptId: id, questionId: essay };
  const rubric = [{ criterion: "argument", level: "fair", comment: CANARIES.comment }];
  const before = feedback === CANARIES.feedback ? CANARIES.earlierFeedback : feedback;
  await services.marking.gradeAnswer(teacher.actor, { ...answer, points: "1", feedback: before });
  await services.marking.gradeAnswer(teacher.actor, { ...answer, rubric, feedback, reason: CANARIES.reason });
  return id;
}
