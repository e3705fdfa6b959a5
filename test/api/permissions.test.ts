import { makeExecutableSchema } from "@graphql-tools/schema";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { graphql } from "graphql";
import { createSchema } from "../../src/apollo/schema.ts";
import { loadTypeDefs } from "../../src/apollo/typeDefs.ts";
import { rules, withPermissions } from "../../src/middlewares/permissions.ts";
import { emailQueue } from "../../src/queues/email.queue.ts";
import { aLesson, aSection, aVideo } from "../support/course.ts";
import { aLinkFor } from "../support/links.ts";
import { anEssayExam } from "../support/marking.ts";
import { anExam, choiceQuestion } from "../support/school.ts";
import { firstOf } from "../support/subscriber.ts";
import { type GraphqlAnswer, startTestApp, type TestApp } from "../support/testApp.ts";
import { aWorld, nothingsId, VIEWERS, type Viewer, type World } from "../support/world.ts";

let app: TestApp;
let world: World;
beforeAll(async () => {
  app = await startTestApp();
  world = await aWorld(app.container);
});
afterAll(() => app.close());

/** In the order of VIEWERS: visitor, student, foreign student, foreign teacher, teacher, admin. */
type Expected = readonly [string, string, string, string, string, string];

interface Line {
  /** `Type.field`, and in brackets what it is asked about where that matters. */
  field: string;
  operation: string;
  variables: (viewer: Viewer) => Promise<object> | object;
  expected: Expected;
}

const OK = "OK";
const NULL = "null";
const NONE = "UNAUTHENTICATED";
const NO = "FORBIDDEN";
const HIDDEN = "NOT_FOUND";
const REFUSED = "UNPROCESSABLE";
const forAll: Expected = [OK, OK, OK, OK, OK, OK];
const forMembers: Expected = [NONE, OK, HIDDEN, HIDDEN, OK, OK];
const forEverybodyKnown: Expected = [NONE, OK, OK, OK, OK, OK];
const forStaff: Expected = [NONE, NO, NO, HIDDEN, OK, OK];
const forAdmins = (answer: string): Expected => [NONE, NO, NO, NO, NO, answer];

const password = "correct horse battery staple";
let accounts = 0;
async function anAccount() {
  const email = `account-${accounts++}@school.example`;
  const { id } = await app.container.services.accounts.open({ email, password, name: "Somebody", role: "STUDENT" });
  return { email, password, id };
}
async function aRefreshToken() {
  const { email } = await anAccount();
  return (await app.container.services.sessions.login({ email, password }, { ip: null, userAgent: null }, "test"))
    .refreshToken;
}
async function aRegrading(state: "CALCULATED" | "APPLIED") {
  const { examId } = await anExam(app.container, world.school);
  const id = nothingsId();
  const asked = { actorId: world.school.teacher.id, reason: "A wrong key", jobId: nothingsId() };
  await app.container.db.regrading.create({
    data: { id, examId, ...asked, state, corrections: [], policyNumber: 0, appliedAt: new Date() },
  });
  return id;
}
async function aSession() {
  const id = nothingsId();
  const userId = world.school.students[0]!.id;
  await app.container.db.session.create({ data: { id, userId, tokenHash: id, expiresAt: new Date("2100-01-01") } });
  return { id };
}
/** An exam of its own for each try, so that the tries do not meet. */
let groups = 0;
async function aGroupOfTheCourse() {
  const { id } = await app.container.services.groups.create(world.school.teacher.actor, {
    courseId: world.school.courseId,
    name: `Group ${groups++}`,
  });
  return { id, userIds: [world.school.students[0]!.id] };
}
const aDraft = async () => (await anExam(app.container, world.school, { publish: false })).examId;
const anExamOfItsOwn = async () => (await anExam(app.container, world.school)).examId;
async function anAttemptHandedIn() {
  const { examId, questionIds } = await anExam(app.container, world.school, {
    questions: [choiceQuestion(1)],
    rules: { resultsPolicy: "MANUAL" },
  });
  const student = world.school.students[0]!.actor;
  const { id } = await app.container.services.attempts.start(student, examId);
  await app.container.services.attempts.submit(student, id);
  return { attemptId: id, questionId: questionIds[0]!, points: "1" };
}
/** A response of the marking queue that the viewer has, if the viewer may have any; else the teacher. */
async function aResponse(viewer: Viewer) {
  const exam = await anEssayExam(app.container, world.school, { students: 1, rules: { resultsPolicy: "MANUAL" } });
  const marker = viewer === "admin" ? world.people.admin! : world.school.teacher;
  const { examId, questionId } = exam;
  const [response] = await app.container.services.markingQueue.claim(marker.actor, { examId, questionId, count: 1 });
  return { ...exam, responseId: response!.id };
}
let folders = 0;
async function aFolder(): Promise<string> {
  const { courseId, teacher } = world.school;
  const input = { courseId, name: `Folder ${folders++}` };
  return (await app.container.services.questionFolders.create(teacher.actor, input)).id;
}
/** Of one question that no exam has. */
async function aSelection() {
  const { courseId, teacher } = world.school;
  const { id } = await app.container.services.questions.create(teacher.actor, courseId, choiceQuestion(1));
  return { input: { courseId, ids: [id] } };
}
/** Answered with files, on the paper of an attempt of the student. */
async function aFileQuestion() {
  const question = { ...choiceQuestion(1), type: "FILE_UPLOAD", definition: {} };
  const { examId, questionIds } = await anExam(app.container, world.school, { questions: [question] });
  const attempt = await app.container.services.attempts.start(world.school.students[0]!.actor, examId);
  return { attemptId: attempt.id, questionId: questionIds[0]! };
}
async function aJob() {
  const job = await app.container.db.outboxJob.findFirstOrThrow({
    where: { ownerId: world.school.students[0]!.id },
  });
  return { queue: job.queue, id: job.id };
}

async function aMailOfTheStudent() {
  const { db, outbox } = app.container;
  const { id } = world.school.students[0]!;
  return outbox.add(db, emailQueue, "sendTemplate", { template: "passwordChanged", userId: id }, { ownerId: id });
}
const PEOPLE = "email,name\nada@school.example,Ada\n";
/** Of the teacher's. */
async function aQuestionFile(): Promise<string> {
  const { courseId, teacher } = world.school;
  const input = { courseId, format: "GIFT", dryRun: true, tags: [] };
  return (await app.container.services.questionFiles.requestImport(teacher.actor, input)).id;
}

/** Of the teacher's. */
async function aResultFile(): Promise<string> {
  const input = { examId: world.exam.examId, format: "CSV", detail: "ATTEMPTS" };
  return (await app.container.services.resultFiles.request(world.school.teacher.actor, input)).id;
}

async function anImport() {
  const input = { csv: PEOPLE, courseId: world.school.courseId };
  return (await app.container.services.imports.request(world.school.teacher.actor, input)).import.id;
}

const sectionsInOrder = async () => {
  const { teacher, courseId } = world.school;
  return (await app.container.services.lessons.contents(teacher.actor, courseId)).map(({ id }) => id);
};
async function aLessonOfItsOwn({ published = true } = {}) {
  const [sectionId] = await sectionsInOrder();
  return aLesson(app.container, world.school, sectionId ?? (await aSection(app.container, world.school)), {
    published,
  });
}
/** Shown by a published lesson, unless told otherwise. */
async function aReadyVideo({ shown = true } = {}) {
  const videoId = await aVideo(app.container, world.school, { status: "READY", durationMs: 10_000 });
  const [sectionId] = await sectionsInOrder();
  if (shown)
    await aLesson(app.container, world.school, sectionId ?? (await aSection(app.container, world.school)), { videoId });
  return videoId;
}

const matrix: Line[] = [
  {
    field: "Query.node",
    operation: "query ($id: ID!) { result: node(id: $id) { id } }",
    variables: () => ({ id: world.exam.examId }),
    expected: [NONE, OK, NULL, NULL, OK, OK],
  },
  {
    field: "Query.node (a draft)",
    operation: "query ($id: ID!) { result: node(id: $id) { id } }",
    variables: () => ({ id: world.draft.examId }),
    expected: [NONE, NULL, NULL, NULL, OK, OK],
  },
  {
    field: "Query.node (a question)",
    operation: "query ($id: ID!) { result: node(id: $id) { id } }",
    variables: () => ({ id: world.exam.questionIds[0] }),
    expected: [NONE, NULL, NULL, NULL, OK, OK],
  },
  {
    field: "Query.node (an attempt)",
    operation: "query ($id: ID!) { result: node(id: $id) { id } }",
    variables: () => ({ id: world.attemptId }),
    expected: [NONE, OK, NULL, NULL, OK, OK],
  },
  {
    field: "Query.node (a person)",
    operation: "query ($id: ID!) { result: node(id: $id) { id } }",
    variables: () => ({ id: world.school.students[0]!.id }),
    expected: [NONE, OK, NULL, NULL, NULL, OK],
  },
  { field: "Query.serverTime", operation: "{ result: serverTime }", variables: () => ({}), expected: forAll },
  {
    field: "Query.me",
    operation: "{ result: me { id } }",
    variables: () => ({}),
    expected: [NULL, OK, OK, OK, OK, OK],
  },
  {
    field: "Query.course",
    operation: "query ($id: ID!) { result: course(id: $id) { id viewerRole } }",
    variables: () => ({ id: world.school.courseId }),
    expected: forMembers,
  },
  {
    field: "Query.courses",
    operation: "{ result: courses { totalCount } }",
    variables: () => ({}),
    expected: forEverybodyKnown,
  },
  {
    field: "Course.enrollments",
    operation: "query ($id: ID!) { result: course(id: $id) { enrollments { totalCount } } }",
    variables: () => ({ id: world.school.courseId }),
    expected: [NONE, NO, HIDDEN, HIDDEN, OK, OK],
  },
  {
    field: "Query.questionTypes",
    operation: "{ result: questionTypes { name } }",
    variables: () => ({}),
    expected: forEverybodyKnown,
  },
  {
    field: "Query.question",
    operation: "query ($id: ID!) { result: question(id: $id) { id } }",
    variables: () => ({ id: world.exam.questionIds[0] }),
    expected: forStaff,
  },
  {
    field: "Query.questions",
    operation: "query ($id: ID!) { result: questions(courseId: $id) { totalCount } }",
    variables: () => ({ id: world.school.courseId }),
    expected: forStaff,
  },
  {
    field: "Query.questionTags",
    operation: "query ($id: ID!) { result: questionTags(courseId: $id) { tag } }",
    variables: () => ({ id: world.school.courseId }),
    expected: forStaff,
  },
  {
    field: "Query.questionFolders",
    operation: "query ($id: ID!) { result: questionFolders(courseId: $id) { path } }",
    variables: () => ({ id: world.school.courseId }),
    expected: forStaff,
  },
  {
    field: "Query.previewQuestion",
    operation: "query ($id: ID!) { result: previewQuestion(question: { saved: { id: $id } }) { stem } }",
    variables: () => ({ id: world.exam.questionIds[0] }),
    expected: forStaff,
  },
  {
    field: "Query.previewQuestion (a new one)",
    operation: "query ($input: QuestionInput!) { result: previewQuestion(question: { unsaved: $input }) { stem } }",
    variables: () => ({ input: choiceQuestion(1) }),
    expected: [NONE, NO, NO, OK, OK, OK],
  },
  {
    field: "Query.tryQuestion",
    operation:
      'query ($id: ID!) { result: tryQuestion(question: { saved: { id: $id } }, response: { choice: "b" }) { points } }',
    variables: () => ({ id: world.exam.questionIds[0] }),
    expected: forStaff,
  },
  {
    field: "Query.previewExam",
    operation: "query ($id: ID!) { result: previewExam(examId: $id) { questions { stem } } }",
    variables: () => ({ id: world.draft.examId }),
    expected: forStaff,
  },
  {
    field: "Query.exportQuestions",
    operation: "query ($id: ID!) { result: exportQuestions(courseId: $id, format: GIFT) { written } }",
    variables: () => ({ id: world.school.courseId }),
    expected: forStaff,
  },
  {
    field: "Query.exam",
    operation: "query ($id: ID!) { result: exam(id: $id) { id } }",
    variables: () => ({ id: world.exam.examId }),
    expected: forMembers,
  },
  {
    field: "Query.exam (a draft)",
    operation: "query ($id: ID!) { result: exam(id: $id) { id } }",
    variables: () => ({ id: world.draft.examId }),
    expected: [NONE, HIDDEN, HIDDEN, HIDDEN, OK, OK],
  },
  {
    field: "Exam.sections",
    operation: "query ($id: ID!) { result: exam(id: $id) { sections { id } } }",
    variables: () => ({ id: world.exam.examId }),
    expected: [NONE, NO, HIDDEN, HIDDEN, OK, OK],
  },
  {
    field: "Exam.allowedAddresses",
    operation: "query ($id: ID!) { result: exam(id: $id) { allowedAddresses } }",
    variables: () => ({ id: world.exam.examId }),
    expected: [NONE, NO, HIDDEN, HIDDEN, OK, OK],
  },
  {
    field: "Query.exams",
    operation: "{ result: exams { totalCount } }",
    variables: () => ({}),
    expected: forEverybodyKnown,
  },
  {
    field: "Query.attempt",
    operation: "query ($id: ID!) { result: attempt(id: $id) { id } }",
    variables: () => ({ id: world.attemptId }),
    expected: forMembers,
  },
  {
    field: "Query.answerFiles",
    operation: "query ($id: ID!) { result: answerFiles(attemptId: $id) { id } }",
    variables: () => ({ id: world.attemptId }),
    expected: forMembers,
  },
  {
    field: "Query.myAttempts",
    operation: "{ result: myAttempts { totalCount } }",
    variables: () => ({}),
    expected: forEverybodyKnown,
  },
  {
    field: "Query.finalResults",
    operation: "query ($id: ID!) { result: finalResults(examId: $id) { totalCount nodes { score } } }",
    variables: () => ({ id: world.exam.examId }),
    expected: forStaff,
  },
  {
    field: "Query.myResult",
    operation: "query ($id: ID!) { result: myResult(examId: $id) { score } }",
    variables: () => ({ id: world.exam.examId }),
    expected: forMembers,
  },
  {
    field: "Query.resultFile",
    operation: "query ($id: ID!) { result: resultFile(id: $id) { rows downloadUrl } }",
    variables: async () => ({ id: await aResultFile() }),
    expected: forStaff,
  },
  {
    field: "Mutation.exportResults",
    operation: "mutation ($id: ID!) { result: exportResults(examId: $id, format: CSV) { id } }",
    variables: () => ({ id: world.exam.examId }),
    expected: forStaff,
  },
  {
    field: "Mutation.withdrawResults",
    operation: 'mutation ($id: ID!) { result: withdrawResults(examId: $id, reason: "A wrong key.") { id } }',
    variables: async () => ({ id: await anExamOfItsOwn() }),
    expected: forStaff,
  },
  {
    field: "Query.attemptLog",
    operation: "query ($id: ID!) { result: attemptLog(attemptId: $id) { totalCount } }",
    variables: () => ({ id: world.attemptId }),
    expected: forStaff,
  },
  {
    field: "Query.examResults",
    operation: "query ($id: ID!) { result: examResults(examId: $id) { totalCount } }",
    variables: () => ({ id: world.exam.examId }),
    expected: forStaff,
  },
  {
    field: "Query.job",
    operation: "query ($queue: String!, $id: ID!) { result: job(queue: $queue, id: $id) { state } }",
    variables: aJob,
    expected: [NONE, OK, HIDDEN, HIDDEN, HIDDEN, OK],
  },
  {
    field: "Query.userImport",
    operation: "query ($id: ID!) { result: userImport(id: $id) { doneRows reportUrl rows { totalCount } } }",
    variables: async () => ({ id: await anImport() }),
    expected: forStaff,
  },
  {
    field: "Query.questionFile",
    operation:
      "query ($id: ID!) { result: questionFile(id: $id) { taken uploadUrl downloadUrl entries { totalCount } } }",
    variables: async () => ({ id: await aQuestionFile() }),
    expected: forStaff,
  },
  {
    field: "Query.deadLetters",
    operation: "{ result: deadLetters { id } }",
    variables: () => ({}),
    expected: forAdmins(OK),
  },
  {
    field: "Query.deadLetter",
    operation: "query ($id: ID!) { result: deadLetter(id: $id) { id } }",
    variables: () => ({ id: `exam-${nothingsId()}` }),
    expected: forAdmins(HIDDEN),
  },
  {
    field: "Query.queues",
    operation: "{ result: queues { name waiting } }",
    variables: () => ({}),
    expected: forAdmins(OK),
  },
  {
    field: "Query.queueJobs",
    operation: '{ result: queueJobs(queue: "exam", state: WAITING) { totalCount } }',
    variables: () => ({}),
    expected: forAdmins(OK),
  },
  {
    field: "Query.queueJob",
    operation: "query ($queue: String!, $id: ID!) { result: queueJob(queue: $queue, id: $id) { state } }",
    variables: aJob,
    expected: forAdmins(OK),
  },
  {
    field: "Query.users",
    operation: "{ result: users { totalCount } }",
    variables: () => ({}),
    expected: forAdmins(OK),
  },
  {
    field: "Query.user",
    operation: "query ($id: ID!) { result: user(id: $id) { id } }",
    variables: () => ({ id: world.school.students[0]!.id }),
    expected: forAdmins(OK),
  },
  {
    field: "Query.auditLog",
    operation: "{ result: auditLog { totalCount } }",
    variables: () => ({}),
    expected: forAdmins(OK),
  },
  {
    field: "Mutation.register",
    operation: "mutation ($input: RegisterInput!) { result: register(input: $input) { queued jobId } }",
    variables: () => ({ input: { email: `new-${accounts++}@school.example`, password, name: "New" } }),
    expected: forAll,
  },
  {
    field: "Mutation.login",
    operation:
      "mutation ($email: String!, $password: String!) { result: login(email: $email, password: $password) { accessToken } }",
    variables: anAccount,
    expected: forAll,
  },
  {
    field: "Mutation.refreshSession",
    operation: "mutation ($token: String!) { result: refreshSession(refreshToken: $token) { accessToken } }",
    variables: async () => ({ token: await aRefreshToken() }),
    expected: forAll,
  },
  {
    field: "Mutation.logout",
    operation: "mutation ($token: String!) { result: logout(refreshToken: $token) }",
    variables: async () => ({ token: await aRefreshToken() }),
    expected: forAll,
  },
  {
    field: "Query.sessions",
    operation: "{ result: sessions { id } }",
    variables: () => ({}),
    expected: forEverybodyKnown,
  },
  {
    field: "Mutation.revokeSession",
    operation: "mutation ($id: ID!) { result: revokeSession(id: $id) }",
    variables: aSession,
    expected: [NONE, OK, HIDDEN, HIDDEN, HIDDEN, HIDDEN],
  },
  {
    field: "Mutation.revokeAllSessions",
    operation: "mutation { result: revokeAllSessions }",
    variables: () => ({}),
    expected: forEverybodyKnown,
  },
  {
    field: "Mutation.verifyEmail",
    operation: "mutation ($token: String!) { result: verifyEmail(token: $token) { id } }",
    variables: async () => ({ token: await aLinkFor(app.container, (await anAccount()).id, "VERIFY_EMAIL") }),
    expected: forAll,
  },
  {
    field: "Mutation.resendVerification",
    operation: "mutation ($email: String!) { result: resendVerification(email: $email) { jobId } }",
    variables: () => ({ email: `new-${accounts++}@school.example` }),
    expected: forAll,
  },
  {
    field: "Mutation.requestPasswordReset",
    operation: "mutation ($email: String!) { result: requestPasswordReset(email: $email) { jobId } }",
    variables: () => ({ email: `new-${accounts++}@school.example` }),
    expected: forAll,
  },
  {
    field: "Mutation.resetPassword",
    operation:
      'mutation ($token: String!) { result: resetPassword(token: $token, newPassword: "another good password") { id } }',
    variables: async () => ({ token: await aLinkFor(app.container, (await anAccount()).id, "RESET_PASSWORD") }),
    expected: forAll,
  },
  {
    field: "Mutation.acceptInvitation",
    operation:
      'mutation ($token: String!) { result: acceptInvitation(token: $token, password: "another good password") { id } }',
    variables: async () => {
      const { id } = await anAccount();
      await app.container.db.user.update({ where: { id }, data: { passwordHash: null } });
      return { token: await aLinkFor(app.container, id, "INVITE") };
    },
    expected: forAll,
  },
  {
    field: "Mutation.changePassword (without the password)",
    operation:
      'mutation { result: changePassword(currentPassword: "not this one", newPassword: "another good password") { accessTokenExpiresAt } }',
    variables: () => ({}),
    expected: [NONE, NONE, NONE, NONE, NONE, NONE],
  },
  {
    field: "Mutation.updateProfile",
    operation: 'mutation { result: updateProfile(input: { locale: "de" }) { id } }',
    variables: () => ({}),
    expected: forEverybodyKnown,
  },
  {
    field: "Mutation.exportMyData",
    operation: "mutation { result: exportMyData { jobId } }",
    variables: () => ({}),
    expected: forEverybodyKnown,
  },
  {
    field: "Mutation.deleteMyAccount (without the password)",
    operation: 'mutation { result: deleteMyAccount(password: "not this one") { jobId } }',
    variables: () => ({}),
    expected: [NONE, NONE, NONE, NONE, NONE, NONE],
  },
  {
    field: "Mutation.cancelAccountDeletion",
    operation: "mutation { result: cancelAccountDeletion { id } }",
    variables: () => ({}),
    expected: forEverybodyKnown,
  },
  {
    field: "Mutation.setUpSecondFactor (without the password)",
    operation: 'mutation { result: setUpSecondFactor(password: "not this one") { secret } }',
    variables: () => ({}),
    expected: [NONE, NONE, NONE, NONE, NONE, NONE],
  },
  {
    field: "Mutation.confirmSecondFactor (without setting it up)",
    operation: 'mutation { result: confirmSecondFactor(code: "123456") }',
    variables: () => ({}),
    expected: [NONE, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  },
  {
    field: "Mutation.renewRecoveryCodes (without the password)",
    operation: 'mutation { result: renewRecoveryCodes(password: "not this one", code: "123456") }',
    variables: () => ({}),
    expected: [NONE, NONE, NONE, NONE, NONE, NONE],
  },
  {
    field: "Mutation.removeSecondFactor (without the password)",
    operation: 'mutation { result: removeSecondFactor(password: "not this one", code: "123456") }',
    variables: () => ({}),
    expected: [NONE, NONE, NONE, NONE, NONE, NONE],
  },
  {
    field: "Mutation.updateUserRole",
    operation: "mutation ($id: ID!) { result: updateUserRole(id: $id, role: INSTRUCTOR) { id } }",
    variables: anAccount,
    expected: forAdmins(OK),
  },
  {
    field: "Mutation.disableUser",
    operation: "mutation ($id: ID!) { result: disableUser(id: $id) { id } }",
    variables: anAccount,
    expected: forAdmins(OK),
  },
  {
    field: "Mutation.enableUser",
    operation: "mutation ($id: ID!) { result: enableUser(id: $id) { id } }",
    variables: anAccount,
    expected: forAdmins(OK),
  },
  {
    field: "Mutation.resetSecondFactor",
    operation: "mutation ($id: ID!) { result: resetSecondFactor(userId: $id) { id } }",
    variables: anAccount,
    expected: forAdmins(OK),
  },
  {
    field: "Mutation.createCourse",
    operation: "mutation ($input: CreateCourseInput!) { result: createCourse(input: $input) { id } }",
    variables: () => ({ input: { title: `Course ${accounts++}` } }),
    expected: [NONE, NO, NO, OK, OK, OK],
  },
  {
    field: "Mutation.enrollStudents",
    operation: "mutation ($input: EnrollStudentsInput!) { result: enrollStudents(input: $input) { unknownEmails } }",
    variables: () => ({
      input: { courseId: world.school.courseId, students: [{ email: world.school.students[1]!.email }] },
    }),
    expected: forStaff,
  },
  {
    field: "Mutation.withdrawStudent",
    operation:
      "mutation ($course: ID!, $user: ID!) { result: withdrawStudent(courseId: $course, userId: $user) { id } }",
    variables: () => ({ course: world.school.courseId, user: world.school.students[1]!.id }),
    expected: forStaff,
  },
  {
    field: "Query.node (a lesson)",
    operation: "query ($id: ID!) { result: node(id: $id) { id } }",
    variables: async () => ({ id: await aLessonOfItsOwn() }),
    expected: [NONE, OK, NULL, NULL, OK, OK],
  },
  {
    field: "Query.node (a video)",
    operation: "query ($id: ID!) { result: node(id: $id) { id } }",
    variables: async () => ({ id: await aReadyVideo() }),
    expected: [NONE, OK, NULL, NULL, OK, OK],
  },
  {
    field: "Query.lesson",
    operation: "query ($id: ID!) { result: lesson(id: $id) { text } }",
    variables: async () => ({ id: await aLessonOfItsOwn() }),
    expected: forMembers,
  },
  {
    field: "Query.lesson (a draft)",
    operation: "query ($id: ID!) { result: lesson(id: $id) { text } }",
    variables: async () => ({ id: await aLessonOfItsOwn({ published: false }) }),
    expected: [NONE, HIDDEN, HIDDEN, HIDDEN, OK, OK],
  },
  {
    field: "Query.video",
    operation: "query ($id: ID!) { result: video(id: $id) { id } }",
    variables: async () => ({ id: await aReadyVideo() }),
    expected: forMembers,
  },
  {
    field: "Query.video (that no lesson shows)",
    operation: "query ($id: ID!) { result: video(id: $id) { id } }",
    variables: async () => ({ id: await aReadyVideo({ shown: false }) }),
    expected: [NONE, HIDDEN, HIDDEN, HIDDEN, OK, OK],
  },
  {
    field: "Query.videos",
    operation: "query ($id: ID!) { result: videos(courseId: $id) { totalCount } }",
    variables: () => ({ id: world.school.courseId }),
    expected: forStaff,
  },
  {
    field: "Mutation.createSection",
    operation: 'mutation ($id: ID!) { result: createSection(courseId: $id, title: "New") { id } }',
    variables: () => ({ id: world.school.courseId }),
    expected: forStaff,
  },
  {
    field: "Mutation.updateSection",
    operation: 'mutation ($id: ID!) { result: updateSection(id: $id, title: "Changed") { id } }',
    variables: async () => ({ id: await aSection(app.container, world.school) }),
    expected: forStaff,
  },
  {
    field: "Mutation.deleteSection",
    operation: "mutation ($id: ID!) { result: deleteSection(id: $id) { id } }",
    variables: async () => ({ id: await aSection(app.container, world.school) }),
    expected: forStaff,
  },
  {
    field: "Mutation.reorderSections",
    operation: "mutation ($id: ID!, $ids: [ID!]!) { result: reorderSections(courseId: $id, sectionIds: $ids) { id } }",
    variables: async () => ({ id: world.school.courseId, ids: await sectionsInOrder() }),
    expected: forStaff,
  },
  {
    field: "Mutation.createLesson",
    operation: "mutation ($input: CreateLessonInput!) { result: createLesson(input: $input) { id } }",
    variables: async () => ({
      input: { sectionId: await aSection(app.container, world.school), kind: "TEXT", title: "New", text: "" },
    }),
    expected: forStaff,
  },
  {
    field: "Mutation.updateLesson",
    operation:
      "mutation ($id: ID!, $input: UpdateLessonInput!) { result: updateLesson(id: $id, input: $input) { id } }",
    variables: async () => ({ id: await aLessonOfItsOwn(), input: { published: true } }),
    expected: forStaff,
  },
  {
    field: "Mutation.deleteLesson",
    operation: "mutation ($id: ID!) { result: deleteLesson(id: $id) }",
    variables: async () => ({ id: await aLessonOfItsOwn() }),
    expected: [NONE, NO, NO, OK, OK, OK], // the foreign teacher is told that there was none
  },
  {
    field: "Mutation.reorderLessons",
    operation:
      "mutation ($id: ID!, $order: [LessonOrderInput!]!) { result: reorderLessons(courseId: $id, order: $order) { id } }",
    variables: async () => ({
      id: world.school.courseId,
      order: [{ sectionId: await aSection(app.container, world.school), lessonIds: [] }],
    }),
    expected: forStaff,
  },
  {
    field: "Mutation.recordWatchProgress",
    operation: `mutation ($id: ID!) {
      result: recordWatchProgress(videoId: $id, intervals: [{ from: 0, to: 5 }], position: 5) { seenSeconds }
    }`,
    variables: async () => ({ id: await aReadyVideo() }),
    expected: forMembers,
  },
  {
    field: "Mutation.createVideo",
    operation: "mutation ($input: CreateVideoInput!) { result: createVideo(input: $input) { id } }",
    variables: () => ({ input: { courseId: world.school.courseId, title: "New" } }),
    expected: forStaff,
  },
  {
    field: "Mutation.updateVideo",
    operation: 'mutation ($id: ID!) { result: updateVideo(id: $id, input: { title: "Changed" }) { id } }',
    variables: async () => ({ id: await aReadyVideo({ shown: false }) }),
    expected: forStaff,
  },
  {
    field: "Mutation.deleteVideo",
    operation: "mutation ($id: ID!) { result: deleteVideo(id: $id) }",
    variables: async () => ({ id: await aReadyVideo({ shown: false }) }),
    expected: forStaff,
  },
  {
    field: "Mutation.setCaptions",
    operation: "mutation ($input: CaptionInput!) { result: setCaptions(input: $input) { id } }",
    variables: async () => ({
      input: {
        videoId: await aReadyVideo({ shown: false }),
        language: "en",
        label: "English",
        content: "WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n",
      },
    }),
    expected: forStaff,
  },
  {
    field: "Mutation.removeCaptions",
    operation: 'mutation ($id: ID!) { result: removeCaptions(videoId: $id, language: "en") { id } }',
    variables: async () => ({ id: await aReadyVideo({ shown: false }) }),
    expected: forStaff,
  },
  {
    field: "Mutation.retryVideo",
    operation: "mutation ($id: ID!) { result: retryVideo(id: $id) { status } }",
    variables: async () => {
      const id = await aVideo(app.container, world.school, { status: "FAILED" });
      await app.container.db.video.update({ where: { id }, data: { sourceKey: `videos/${id}/source/file` } });
      return { id };
    },
    expected: forStaff,
  },
  {
    field: "Mutation.cancelVideo",
    operation: "mutation ($id: ID!) { result: cancelVideo(id: $id) { status } }",
    variables: async () => ({ id: await aVideo(app.container, world.school, { status: "PROCESSING" }) }),
    expected: forStaff,
  },
  {
    field: "Mutation.createVideoUpload",
    operation: "mutation ($input: UploadInput!) { result: createVideoUpload(input: $input) { token } }",
    variables: async () => ({
      input: { videoId: await aVideo(app.container, world.school), fileName: "lesson.mp4", bytes: 10 },
    }),
    expected: forStaff,
  },
  {
    field: "Mutation.createQuestion",
    operation:
      "mutation ($id: ID!, $input: QuestionInput!) { result: createQuestion(courseId: $id, input: $input) { id } }",
    variables: () => ({ id: world.school.courseId, input: choiceQuestion(1) }),
    expected: forStaff,
  },
  {
    field: "Mutation.updateQuestion",
    operation:
      "mutation ($id: ID!, $input: UpdateQuestionInput!) { result: updateQuestion(id: $id, input: $input) { id } }",
    variables: () => ({ id: world.draft.questionIds[0], input: { stem: "Another stem" } }),
    expected: forStaff,
  },
  {
    field: "Mutation.editQuestions",
    operation: "mutation ($input: EditQuestionsInput!) { result: editQuestions(input: $input) { changedCount } }",
    variables: aSelection,
    expected: forStaff,
  },
  ...["archiveQuestions", "unarchiveQuestions", "deleteQuestions"].map((name) => ({
    field: `Mutation.${name}`,
    operation: `mutation ($input: QuestionSelectionInput!) { result: ${name}(input: $input) { changedCount } }`,
    variables: aSelection,
    expected: forStaff,
  })),
  {
    field: "Mutation.createQuestionFolder",
    operation: "mutation ($input: QuestionFolderInput!) { result: createQuestionFolder(input: $input) { id } }",
    variables: () => ({ input: { courseId: world.school.courseId, name: `New ${folders++}` } }),
    expected: forStaff,
  },
  {
    field: "Mutation.updateQuestionFolder",
    operation:
      "mutation ($id: ID!, $input: UpdateQuestionFolderInput!) { result: updateQuestionFolder(id: $id, input: $input) { id } }",
    variables: async () => ({ id: await aFolder(), input: { name: `Renamed ${folders++}` } }),
    expected: forStaff,
  },
  {
    field: "Mutation.deleteQuestionFolder",
    operation: "mutation ($id: ID!) { result: deleteQuestionFolder(id: $id) }",
    variables: async () => ({ id: await aFolder() }),
    expected: forStaff,
  },
  {
    field: "Mutation.importQuestions",
    operation: "mutation ($input: ImportQuestionsInput!) { result: importQuestions(input: $input) { dryRun } }",
    variables: () => ({ input: { courseId: world.school.courseId, format: "GIFT", content: "Sky is blue. {T}" } }),
    expected: forStaff,
  },
  {
    field: "Mutation.importQuestionFile",
    operation: "mutation ($input: ImportQuestionFileInput!) { result: importQuestionFile(input: $input) { id } }",
    variables: () => ({ input: { courseId: world.school.courseId, format: "GIFT" } }),
    expected: forStaff,
  },
  {
    field: "Mutation.exportQuestionFile",
    operation: "mutation ($input: ExportQuestionFileInput!) { result: exportQuestionFile(input: $input) { id } }",
    variables: () => ({ input: { courseId: world.school.courseId, format: "GIFT" } }),
    expected: forStaff,
  },
  {
    field: "Mutation.importUsers",
    operation: "mutation ($input: ImportUsersInput!) { result: importUsers(input: $input) { jobId } }",
    variables: () => ({ input: { csv: PEOPLE } }),
    expected: forAdmins(OK),
  },
  {
    field: "Mutation.importUsers (into a course)",
    operation: "mutation ($input: ImportUsersInput!) { result: importUsers(input: $input) { jobId } }",
    variables: () => ({ input: { csv: PEOPLE, courseId: world.school.courseId } }),
    expected: forStaff,
  },
  {
    field: "Mutation.createExam",
    operation: "mutation ($input: CreateExamInput!) { result: createExam(input: $input) { id } }",
    variables: () => ({ input: { courseId: world.school.courseId, title: "New", durationMinutes: 5 } }),
    expected: forStaff,
  },
  {
    field: "Mutation.updateExam",
    operation: "mutation ($id: ID!, $input: UpdateExamInput!) { result: updateExam(id: $id, input: $input) { id } }",
    variables: () => ({ id: world.exam.examId, input: { title: "Midterm" } }),
    expected: forStaff,
  },
  {
    field: "Mutation.addQuestionsToExam",
    operation: "mutation ($input: AddQuestionsToExamInput!) { result: addQuestionsToExam(input: $input) { id } }",
    variables: () => ({ input: { examId: world.draft.examId, questionIds: world.draft.questionIds } }),
    expected: forStaff,
  },
  {
    field: "Mutation.removeQuestionsFromExam",
    operation:
      "mutation ($id: ID!, $ids: [ID!]!) { result: removeQuestionsFromExam(examId: $id, questionIds: $ids) { id } }",
    variables: async () => ({ id: await aDraft(), ids: world.draft.questionIds }),
    expected: forStaff,
  },
  {
    field: "Mutation.updateExamSections",
    operation:
      'mutation ($id: ID!) { result: updateExamSections(examId: $id, sections: [{ title: "Part one" }]) { id } }',
    variables: async () => ({ id: await aDraft() }),
    expected: forStaff,
  },
  {
    field: "Mutation.publishExam",
    operation: "mutation ($id: ID!) { result: publishExam(id: $id) { id } }",
    variables: async () => ({ id: await aDraft() }),
    expected: forStaff,
  },
  {
    field: "Mutation.archiveExam",
    operation: "mutation ($id: ID!) { result: archiveExam(id: $id) { id } }",
    variables: async () => ({ id: await anExamOfItsOwn() }),
    expected: forStaff,
  },
  {
    field: "Mutation.extendExam",
    operation: "mutation ($input: ExtendExamInput!) { result: extendExam(input: $input) { examId } }",
    variables: async () => ({ input: { examId: await anExamOfItsOwn(), minutes: 5, reason: "A fire alarm." } }),
    expected: forStaff,
  },
  {
    field: "Mutation.stopExam",
    operation: 'mutation ($id: ID!) { result: stopExam(examId: $id, reason: "A leak.") { examId } }',
    variables: async () => ({ id: await anExamOfItsOwn() }),
    expected: forStaff,
  },
  {
    field: "Mutation.pauseExam",
    operation: 'mutation ($id: ID!) { result: pauseExam(examId: $id, reason: "A fire alarm.") { examId } }',
    variables: async () => ({ id: await anExamOfItsOwn() }),
    expected: forStaff,
  },
  {
    field: "Mutation.resumeExam",
    operation: 'mutation ($id: ID!) { result: resumeExam(examId: $id, reason: "It was none.") { examId } }',
    variables: async () => ({ id: await anExamOfItsOwn() }),
    expected: forStaff,
  },
  {
    field: "Mutation.setPersonAccommodation",
    operation:
      "mutation ($input: PersonAccommodationInput!) { result: setPersonAccommodation(input: $input) { userId } }",
    variables: async () => ({ input: { userId: (await anAccount()).id, extraTimePercent: 25 } }),
    expected: forAdmins(OK),
  },
  {
    field: "Query.personAccommodation",
    operation: "query ($id: ID!) { result: personAccommodation(userId: $id) { userId } }",
    variables: async () => ({ id: (await anAccount()).id }),
    expected: forAdmins(OK),
  },
  {
    field: "Mutation.setExamAccommodation",
    operation: "mutation ($input: ExamAccommodationInput!) { result: setExamAccommodation(input: $input) { examId } }",
    variables: () => ({ input: { examId: world.exam.examId, userId: world.school.students[1]!.id, extraMinutes: 5 } }),
    expected: forStaff,
  },
  {
    field: "Query.examAccommodations",
    operation: "query ($id: ID!) { result: examAccommodations(examId: $id) { totalCount } }",
    variables: () => ({ id: world.exam.examId }),
    expected: forStaff,
  },
  {
    field: "Mutation.removeExamAccommodation",
    operation: "mutation ($id: ID!, $userId: ID) { result: removeExamAccommodation(examId: $id, userId: $userId) }",
    variables: () => ({ id: world.exam.examId, userId: world.school.students[1]!.id }),
    expected: forStaff,
  },
  {
    field: "Query.courseGroup",
    operation: "query ($id: ID!) { result: courseGroup(id: $id) { memberCount members { totalCount } } }",
    variables: aGroupOfTheCourse,
    expected: forStaff,
  },
  {
    field: "Query.courseGroups",
    operation: "query ($id: ID!) { result: courseGroups(courseId: $id) { totalCount } }",
    variables: () => ({ id: world.school.courseId }),
    expected: forStaff,
  },
  {
    field: "Mutation.createGroup",
    operation: "mutation ($id: ID!, $name: String!) { result: createGroup(courseId: $id, name: $name) { id } }",
    variables: () => ({ id: world.school.courseId, name: `Group ${groups++}` }),
    expected: forStaff,
  },
  {
    field: "Mutation.renameGroup",
    operation: `mutation ($id: ID!, $name: String!) { result: renameGroup(groupId: $id, name: $name) { id } }`,
    variables: async () => ({ id: (await aGroupOfTheCourse()).id, name: `Group ${groups++}` }),
    expected: forStaff,
  },
  {
    field: "Mutation.deleteGroup",
    operation: "mutation ($id: ID!) { result: deleteGroup(groupId: $id) }",
    variables: aGroupOfTheCourse,
    expected: forStaff,
  },
  ...["setGroupMembers", "addGroupMembers", "removeGroupMembers"].map((field) => ({
    field: `Mutation.${field}`,
    operation: `mutation ($id: ID!, $userIds: [ID!]!) { result: ${field}(groupId: $id, userIds: $userIds) { id } }`,
    variables: aGroupOfTheCourse,
    expected: forStaff,
  })),
  {
    field: "Mutation.releaseResults",
    operation: "mutation ($id: ID!) { result: releaseResults(examId: $id) { id } }",
    variables: async () => ({ id: await anExamOfItsOwn() }),
    expected: forStaff,
  },
  {
    field: "Mutation.startAttempt",
    operation: "mutation ($id: ID!) { result: startAttempt(examId: $id) { id } }",
    variables: () => ({ id: world.exam.examId }),
    expected: [NONE, OK, HIDDEN, HIDDEN, NO, HIDDEN],
  },
  {
    field: "Mutation.startAttempt (a draft)",
    operation: "mutation ($id: ID!) { result: startAttempt(examId: $id) { id } }",
    variables: () => ({ id: world.draft.examId }),
    expected: [NONE, HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN],
  },
  {
    field: "Mutation.saveAnswers",
    operation:
      "mutation ($id: ID!, $answers: [AnswerInput!]!) { result: saveAnswers(attemptId: $id, answers: $answers) { savedAt } }",
    variables: () => ({
      id: world.attemptId,
      answers: [{ questionId: world.exam.questionIds[0], response: { choice: "b" }, revision: 1 }],
    }),
    expected: [NONE, OK, HIDDEN, HIDDEN, HIDDEN, HIDDEN],
  },
  {
    field: "Mutation.submitAttempt",
    operation: "mutation ($id: ID!) { result: submitAttempt(attemptId: $id) { id } }",
    variables: async () => ({ id: (await anAttemptHandedIn()).attemptId }),
    expected: [NONE, OK, HIDDEN, HIDDEN, HIDDEN, HIDDEN],
  },
  {
    field: "Mutation.createAnswerFile",
    operation: `mutation ($attemptId: ID!, $questionId: ID!) {
      result: createAnswerFile(attemptId: $attemptId, questionId: $questionId, fileName: "a.pdf", bytes: 3) { fileId }
    }`,
    variables: () => aFileQuestion(),
    expected: [NONE, OK, HIDDEN, HIDDEN, HIDDEN, HIDDEN],
  },
  {
    field: "Mutation.deleteAnswerFile",
    operation: "mutation ($id: ID!) { result: deleteAnswerFile(id: $id) }",
    variables: async () => {
      const input = { ...(await aFileQuestion()), fileName: "a.pdf", bytes: 3 };
      const student = world.school.students[0]!.actor;
      return { id: (await app.container.services.answerFiles.createTicket(student, input)).fileId };
    },
    expected: [NONE, OK, HIDDEN, HIDDEN, HIDDEN, HIDDEN],
  },
  {
    field: "Mutation.gradeAnswer",
    operation: "mutation ($input: GradeAnswerInput!) { result: gradeAnswer(input: $input) { id } }",
    variables: async () => ({ input: await anAttemptHandedIn() }),
    expected: forStaff,
  },
  {
    field: "Mutation.gradeResponse",
    operation: "mutation ($input: GradeResponseInput!) { result: gradeResponse(input: $input) { responseId } }",
    variables: async (viewer) => ({ input: { responseId: (await aResponse(viewer)).responseId, points: "1" } }),
    expected: forStaff,
  },
  {
    field: "Mutation.claimResponses",
    operation:
      "mutation ($examId: ID!, $questionId: ID!) { result: claimResponses(examId: $examId, questionId: $questionId) { id } }",
    variables: async (viewer) => {
      const { examId, questionId } = await aResponse(viewer);
      return { examId, questionId };
    },
    expected: forStaff,
  },
  {
    field: "Mutation.releaseClaim",
    operation: "mutation ($id: ID!) { result: releaseClaim(responseId: $id) }",
    variables: async (viewer) => ({ id: (await aResponse(viewer)).responseId }),
    expected: forStaff,
  },
  {
    field: "Mutation.withdrawMark",
    operation: "mutation ($input: WithdrawMarkInput!) { result: withdrawMark(input: $input) { id } }",
    variables: async () => {
      const { attemptId, questionId } = await anAttemptHandedIn();
      return { input: { attemptId, questionId, reason: "A test." } };
    },
    expected: forStaff,
  },
  {
    field: "Query.markingQueue",
    operation: "query ($id: ID!) { result: markingQueue(examId: $id) { waiting } }",
    variables: () => ({ id: world.exam.examId }),
    expected: forStaff,
  },
  {
    field: "Query.answerHistory",
    operation:
      "query ($attemptId: ID!, $questionId: ID!) { result: answerHistory(attemptId: $attemptId, questionId: $questionId) { id } }",
    variables: async () => {
      const { attemptId, questionId } = await anAttemptHandedIn();
      return { attemptId, questionId };
    },
    expected: forStaff,
  },
  {
    field: "Query.getEmailJobStatus",
    operation: "query ($id: ID!) { result: getEmailJobStatus(jobId: $id) { state } }",
    variables: async () => ({ id: await aMailOfTheStudent() }),
    expected: [NONE, OK, HIDDEN, HIDDEN, HIDDEN, OK],
  },
  {
    field: "Mutation.sendEmailQueued",
    operation: "mutation ($input: EmailInput!) { result: sendEmailQueued(input: $input) { queued } }",
    variables: () => ({ input: { to: "somebody@school.example", subject: "Exam day", text: "Come at nine." } }),
    expected: forAdmins(OK),
  },
  {
    field: "Query.examStatistics",
    operation: "query ($id: ID!) { result: examStatistics(examId: $id) { persons } }",
    variables: () => ({ id: world.exam.examId }),
    expected: [NONE, NO, NO, HIDDEN, NULL, NULL],
  },
  {
    field: "Mutation.analyzeExam",
    operation: "mutation ($id: ID!) { result: analyzeExam(examId: $id) { jobId } }",
    variables: () => ({ id: world.exam.examId }),
    expected: forStaff,
  },
  {
    field: "Mutation.regradeExam",
    operation: "mutation ($input: RegradeExamInput!) { result: regradeExam(input: $input) { id } }",
    variables: async () => {
      const { examId, questionIds } = await anExam(app.container, world.school);
      return { input: { examId, corrections: [{ questionId: questionIds[0] }], reason: "A wrong key" } };
    },
    expected: forStaff,
  },
  {
    field: "Mutation.applyRegrading",
    operation: "mutation ($id: ID!) { result: applyRegrading(id: $id) { id } }",
    variables: async () => ({ id: await aRegrading("CALCULATED") }),
    expected: forStaff,
  },
  {
    field: "Mutation.undoRegrading",
    operation: 'mutation ($id: ID!) { result: undoRegrading(id: $id, reason: "It was right") { id } }',
    variables: async () => ({ id: await aRegrading("APPLIED") }),
    expected: forStaff,
  },
  {
    field: "Query.regrading",
    operation: "query ($id: ID!) { result: regrading(id: $id) { entries { nodes { student { name } } } } }",
    variables: async () => ({ id: await aRegrading("APPLIED") }),
    expected: forStaff,
  },
  {
    field: "Query.regradings",
    operation: "query ($id: ID!) { result: regradings(examId: $id) { nodes { id } } }",
    variables: () => ({ id: world.exam.examId }),
    expected: forStaff,
  },
  {
    field: "Mutation.pauseQueue",
    operation: 'mutation { result: pauseQueue(queue: "exam", reason: "a test") { count } }',
    variables: () => ({}),
    expected: forAdmins(OK),
  },
  {
    field: "Mutation.resumeQueue",
    operation: 'mutation { result: resumeQueue(queue: "exam") { count } }',
    variables: () => ({}),
    expected: forAdmins(OK),
  },
  {
    field: "Mutation.drainQueue",
    operation: 'mutation { result: drainQueue(queue: "exam") { count } }',
    variables: () => ({}),
    expected: forAdmins(OK),
  },
  {
    field: "Mutation.retryJob",
    operation: 'mutation ($id: ID!) { result: retryJob(queue: "exam", jobId: $id) { count } }',
    variables: () => ({ id: nothingsId() }),
    expected: forAdmins(HIDDEN),
  },
  {
    field: "Mutation.promoteJob",
    operation: 'mutation ($id: ID!) { result: promoteJob(queue: "exam", jobId: $id) { count } }',
    variables: () => ({ id: nothingsId() }),
    expected: forAdmins(HIDDEN),
  },
  {
    field: "Mutation.removeJob",
    operation: 'mutation ($id: ID!) { result: removeJob(queue: "exam", jobId: $id) { count } }',
    variables: () => ({ id: nothingsId() }),
    expected: forAdmins(HIDDEN),
  },
  {
    field: "Mutation.retryDeadLetters",
    operation: 'mutation { result: retryDeadLetters(filter: { queue: "exam" }) { count } }',
    variables: () => ({}),
    expected: forAdmins(OK),
  },
  {
    field: "Mutation.discardDeadLetters",
    operation: 'mutation { result: discardDeadLetters(filter: { queue: "exam" }) { count } }',
    variables: () => ({}),
    expected: forAdmins(OK),
  },
  {
    field: "Mutation.reenqueueFromOutbox",
    operation: 'mutation { result: reenqueueFromOutbox(filter: { queue: "exam" }) { count } }',
    variables: () => ({}),
    expected: forAdmins(OK),
  },
  {
    field: "Mutation.retryDeadLetter",
    operation: "mutation ($id: ID!) { result: retryDeadLetter(id: $id) }",
    variables: () => ({ id: `exam-${nothingsId()}` }),
    expected: forAdmins(HIDDEN),
  },
  {
    field: "Mutation.discardDeadLetter",
    operation: "mutation ($id: ID!) { result: discardDeadLetter(id: $id) }",
    variables: () => ({ id: `exam-${nothingsId()}` }),
    expected: forAdmins(HIDDEN),
  },
  {
    field: "Subscription.attemptChanged",
    operation: "subscription ($id: ID!) { result: attemptChanged(attemptId: $id) { status } }",
    variables: () => ({ id: world.attemptId }),
    expected: forMembers,
  },
  {
    field: "Subscription.examAnalysisChanged",
    operation: "subscription ($id: ID!) { result: examAnalysisChanged(examId: $id) { persons } }",
    variables: () => ({ id: world.exam.examId }),
    expected: [NONE, NO, NO, HIDDEN, NULL, NULL],
  },
  {
    field: "Subscription.videoChanged",
    operation: "subscription ($id: ID!) { result: videoChanged(id: $id) { status } }",
    variables: async () => ({ id: await aReadyVideo() }),
    expected: forStaff,
  },
  {
    field: "Subscription.jobChanged",
    operation: "subscription ($queue: String!, $id: ID!) { result: jobChanged(queue: $queue, id: $id) { state } }",
    variables: aJob,
    expected: [NONE, OK, HIDDEN, HIDDEN, HIDDEN, OK],
  },
];

/** What those who still have to set up their second factor may do beside what visitors may. */
const LEADS_TO_SECOND_FACTOR = new Set([
  "Mutation.setUpSecondFactor",
  "Mutation.confirmSecondFactor",
  "Query.sessions",
  "Mutation.revokeSession",
  "Mutation.revokeAllSessions",
]);

/** What somebody is told: a code, or whether there was an answer. */
const outcomeOf = ({ data, errors }: Pick<GraphqlAnswer, "data" | "errors">): unknown =>
  errors ? errors[0]!.extensions.code : data.result === null ? NULL : OK;

const titled = matrix.flatMap((line) =>
  VIEWERS.map((viewer, index) => ({ ...line, viewer, answer: line.expected[index] })),
);

describe("permissions", () => {
  it("have a line in this matrix for every field of the API and for every field with a rule of its own", () => {
    const schema = createSchema();
    const roots = [schema.getQueryType()!, schema.getMutationType()!, schema.getSubscriptionType()!];
    const fields = roots.flatMap((type) => Object.keys(type.getFields()).map((field) => `${type.name}.${field}`));
    const ruled = Object.entries(rules).flatMap(([type, ofType]) =>
      Object.keys(ofType)
        .filter((field) => field !== "*")
        .map((field) => `${type}.${field}`),
    );
    const tested = new Set(matrix.map(({ field }) => field.split(" ")[0]));
    expect([...tested].sort()).toEqual([...new Set([...fields, ...ruled])].sort());
  });

  it.each(titled)("tell a $viewer $answer for $field", async ({ field, operation, variables, viewer, answer }) => {
    const token = world.people[viewer]?.token;
    const given = (await variables(viewer)) as Record<string, unknown>;
    const reply = field.startsWith("Subscription.")
      ? await firstOf(app.url, operation, given, token)
      : await app.ask(operation, given, token);
    expect(outcomeOf(reply)).toBe(answer);
  });

  it.each(matrix)("let an administrator without the second factor do no more than set it up: $field", async (line) => {
    const { field, operation, variables, expected } = line;
    const admin = world.people.admin!;
    const { token } = await app.container.tokens.sign({ ...admin.actor, secondFactorMissing: true });
    const given = (await variables("admin")) as Record<string, unknown>;
    const { errors } = field.startsWith("Subscription.")
      ? await firstOf(app.url, operation, given, token)
      : await app.ask(operation, given, token);
    const isForVisitors = expected[0] !== NONE;
    const isFree = isForVisitors || LEADS_TO_SECOND_FACTOR.has(field.split(" ")[0]!);
    expect(errors?.[0]?.extensions.reason === "SECOND_FACTOR_SETUP_REQUIRED").toBe(!isFree);
  });

  it.each(["Query", "Mutation"])("deny a field of %s that has no rule, to an administrator too", async (type) => {
    const schema = withPermissions(
      makeExecutableSchema({
        typeDefs: [loadTypeDefs(), `extend type ${type} { unlisted: String }`],
        resolvers: { [type]: { unlisted: () => "a secret" } },
      }),
    );
    const source = type === "Query" ? "{ unlisted }" : "mutation { unlisted }";
    const contextValue = { actor: world.people.admin!.actor };
    const { data, errors } = await graphql({ schema, source, contextValue });
    expect(data).toEqual({ unlisted: null });
    expect(errors).toMatchObject([{ originalError: { code: "FORBIDDEN" } }]);
  });
});
