import type { GraphQLFieldResolver, GraphQLSchema } from "graphql";
import type { IRules } from "graphql-shield";
import type { Context } from "../apollo/context.ts";
import { forbidden, unauthenticated } from "../domain/errors.ts";
import type { Actor } from "../services/actor.ts";
import { allow, applyMiddleware, deny, rule, shield } from "./shield.ts";

/** One rule for each kind of viewer and none combined: a combination would cost a chain of promises on every request. */
const allowIf = (check: (actor: Actor) => true | Error) =>
  rule({ cache: "no_cache" })((_root, _args, { actor }: Context) => (actor ? check(actor) : unauthenticated()));

/** Without the second factor that their role asks for, people may do what leads to it or out, and nothing else. */
const allowIfSetUp = (check: (actor: Actor) => true | Error) =>
  allowIf((actor) => (actor.secondFactorMissing ? setUpFirst() : check(actor)));
const setUpFirst = () => forbidden("Set up your second factor first.", "SECOND_FACTOR_SETUP_REQUIRED");

const isSignedInAtAll = allowIf(() => true);
const isSignedIn = allowIfSetUp(() => true);
/** Whether it is the staff of this very course, the service decides. */
const staff = allowIfSetUp(({ role }) => role !== "STUDENT" || forbidden("This is for staff only."));
const admin = allowIfSetUp(({ role }) => role === "ADMIN" || forbidden("This is for administrators only."));

/** Who may ask, from the token alone and without I/O. What is not listed is denied. */
export const rules = {
  Query: {
    "*": deny,
    node: isSignedIn,
    serverTime: allow,
    me: allow,
    course: isSignedIn,
    courses: isSignedIn,
    questionTypes: isSignedIn,
    question: staff,
    questions: staff,
    questionTags: staff,
    questionFolders: staff,
    previewQuestion: staff,
    tryQuestion: staff,
    previewExam: staff,
    exam: isSignedIn,
    exams: isSignedIn,
    courseGroup: staff,
    courseGroups: staff,
    examAccommodations: staff,
    personAccommodation: admin,
    attempt: isSignedIn,
    myAttempts: isSignedIn,
    answerFiles: isSignedIn,
    attemptLog: staff,
    examResults: staff,
    finalResults: staff,
    myResult: isSignedIn,
    resultFile: staff,
    markingQueue: staff,
    answerHistory: staff,
    examStatistics: staff,
    regrading: staff,
    regradings: staff,
    job: isSignedIn,
    queues: admin,
    queueJobs: admin,
    queueJob: admin,
    deadLetters: admin,
    deadLetter: admin,
    sessions: isSignedInAtAll,
    users: admin,
    user: admin,
    auditLog: admin,
    exportQuestions: staff,
    questionFile: staff,
    userImport: staff,
    getEmailJobStatus: isSignedIn,
    lesson: isSignedIn,
    video: isSignedIn,
    videos: staff,
  },
  Mutation: {
    "*": deny,
    register: allow,
    login: allow,
    refreshSession: allow,
    logout: allow,
    verifyEmail: allow,
    resendVerification: allow,
    requestPasswordReset: allow,
    resetPassword: allow,
    acceptInvitation: allow,
    changePassword: isSignedIn,
    updateProfile: isSignedIn,
    revokeSession: isSignedInAtAll,
    revokeAllSessions: isSignedInAtAll,
    setUpSecondFactor: isSignedInAtAll,
    confirmSecondFactor: isSignedInAtAll,
    renewRecoveryCodes: isSignedIn,
    removeSecondFactor: isSignedIn,
    updateUserRole: admin,
    disableUser: admin,
    enableUser: admin,
    resetSecondFactor: admin,
    importUsers: staff,
    exportMyData: isSignedIn,
    deleteMyAccount: isSignedIn,
    cancelAccountDeletion: isSignedIn,
    sendEmailQueued: admin,
    createSection: staff,
    updateSection: staff,
    deleteSection: staff,
    reorderSections: staff,
    createLesson: staff,
    updateLesson: staff,
    deleteLesson: staff,
    reorderLessons: staff,
    createVideo: staff,
    updateVideo: staff,
    deleteVideo: staff,
    createVideoUpload: staff,
    retryVideo: staff,
    cancelVideo: staff,
    setCaptions: staff,
    removeCaptions: staff,
    recordWatchProgress: isSignedIn,
    createCourse: staff,
    enrollStudents: staff,
    withdrawStudent: staff,
    createGroup: staff,
    renameGroup: staff,
    deleteGroup: staff,
    setGroupMembers: staff,
    addGroupMembers: staff,
    removeGroupMembers: staff,
    createQuestion: staff,
    updateQuestion: staff,
    editQuestions: staff,
    archiveQuestions: staff,
    unarchiveQuestions: staff,
    deleteQuestions: staff,
    createQuestionFolder: staff,
    updateQuestionFolder: staff,
    deleteQuestionFolder: staff,
    importQuestions: staff,
    importQuestionFile: staff,
    exportQuestionFile: staff,
    createExam: staff,
    updateExam: staff,
    addQuestionsToExam: staff,
    removeQuestionsFromExam: staff,
    updateExamSections: staff,
    publishExam: staff,
    archiveExam: staff,
    extendExam: staff,
    stopExam: staff,
    pauseExam: staff,
    resumeExam: staff,
    setExamAccommodation: staff,
    removeExamAccommodation: staff,
    setPersonAccommodation: admin,
    releaseResults: staff,
    withdrawResults: staff,
    exportResults: staff,
    startAttempt: isSignedIn,
    saveAnswers: isSignedIn,
    submitAttempt: isSignedIn,
    createAnswerFile: isSignedIn,
    deleteAnswerFile: isSignedIn,
    gradeAnswer: staff,
    gradeResponse: staff,
    claimResponses: staff,
    releaseClaim: staff,
    withdrawMark: staff,
    analyzeExam: staff,
    regradeExam: staff,
    applyRegrading: staff,
    undoRegrading: staff,
    pauseQueue: admin,
    resumeQueue: admin,
    drainQueue: admin,
    retryJob: admin,
    promoteJob: admin,
    removeJob: admin,
    retryDeadLetters: admin,
    discardDeadLetters: admin,
    reenqueueFromOutbox: admin,
    retryDeadLetter: admin,
    discardDeadLetter: admin,
  },
  Subscription: {
    "*": deny,
    attemptChanged: isSignedIn,
    jobChanged: isSignedIn,
    videoChanged: staff,
    examAnalysisChanged: staff,
  },
  Exam: { sections: staff, allowedAddresses: staff },
  Course: { enrollments: staff },
} satisfies IRules;

/**
 * Wraps only the types and fields that have rules: shield otherwise puts a promise around every field of every list.
 * Errors of services pass as they are; a rule that fails for a reason of its own counts as a refusal.
 */
export function withPermissions(schema: GraphQLSchema): GraphQLSchema {
  const checks = shield(rules, {
    allowExternalErrors: true,
    fallbackRule: deny,
    fallbackError: forbidden(),
  }).generate(schema) as Record<string, Record<string, unknown>>;
  const narrowed = Object.fromEntries(
    Object.entries(rules).map(([type, fields]) => [
      type,
      "*" in fields
        ? checks[type]
        : Object.fromEntries(Object.keys(fields).map((field) => [field, checks[type]![field]])),
    ]),
  );
  return withGuardedSubscribing(applyMiddleware(schema, narrowed as never), checks.Subscription as Checks);
}

type Resolve = GraphQLFieldResolver<unknown, Context>;
type Checks = Record<string, (resolve: Resolve, ...asked: Parameters<Resolve>) => unknown>;

/** The middleware guards what a subscription tells; that it begins is guarded here, so that a refusal depends on nothing else. */
function withGuardedSubscribing(schema: GraphQLSchema, checks: Checks): GraphQLSchema {
  for (const field of Object.values(schema.getSubscriptionType()!.getFields())) {
    const { name, subscribe } = field;
    field.subscribe = (root, args, context, info) => checks[name]!(subscribe!, root, args, context, info);
  }
  return schema;
}
