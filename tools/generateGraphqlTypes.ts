// Writes src/generated/graphql.ts: the types of the resolvers, made from the schema, with the services' types as parents.
import { mkdirSync, writeFileSync } from "node:fs";
import { codegen } from "@graphql-codegen/core";
import * as typescript from "@graphql-codegen/typescript";
import * as resolvers from "@graphql-codegen/typescript-resolvers";
import { parse } from "graphql";
import { loadTypeDefs } from "../src/apollo/typeDefs.ts";

const service = (file: string, types: string[]) => types.map((type) => [type, `../services/${file}.ts#${type}`]);
const connections = [
  "Course",
  "Enrollment",
  "CourseGroup",
  "Question",
  "Exam",
  "ExamAccommodation",
  "Attempt",
  "AttemptEvent",
  "ExamResult",
  "FinalResult",
  "Regrading",
  "RegradingEntry",
  "User",
  "AuditEntry",
  "UserImportRow",
  "QuestionFileEntry",
  "Video",
].map((node) => [`${node}Connection`, `../apollo/connectionTypes.ts#${node}Connection`]);
const mappers = Object.fromEntries([
  ...connections,
  ...service("account.service", ["User"]),
  ...service("session.service", ["Session"]),
  ["SessionTokens", "../apollo/sessionCookies.ts#ShownTokens"],
  ...service("people.service", ["AuditEntry"]),
  ...service("import.service", ["UserImport", "UserImportRow", "ImportUsersPayload"]),
  ...service("course.service", ["Course", "Enrollment", "EnrollStudentsPayload"]),
  ...service("courseGroup.service", ["CourseGroup"]),
  ...service("question.service", ["Question", "QuestionVersion", "QuestionTypeInfo"]),
  ...service("questionFolder.service", ["QuestionFolder"]),
  ...service("exchange.service", ["ExportedFile", "ImportReport"]),
  ...service("questionFile.service", ["QuestionFile", "QuestionFileEntry"]),
  ...service("exam.service", ["Exam"]),
  ...service("courseContents", ["CourseSection", "Lesson"]),
  ...service("video.service", ["Video"]),
  ...service("playback.service", ["Playback"]),
  ...service("watch.service", ["WatchProgress", "Retention"]),
  ...service("accommodation.service", ["ExamAccommodation"]),
  ...service("examQuestions", ["ExamSection", "ExamQuestion"]),
  ...service("attemptFields", ["Attempt"]),
  ...service("attempt.service", ["SavedAnswer"]),
  ...service("attemptLog.service", ["AttemptEvent"]),
  ...service("papers", ["Paper", "PaperQuestion"]),
  ...service("answer.service", ["SaveAnswersPayload", "AnswerReceipt"]),
  ...service("answerFileDownloads.service", ["AnswerFile", "FileToMark"]),
  ...service("result.service", ["AttemptResult", "QuestionResult", "ExamResult", "Review"]),
  ...service("finalResult.service", ["FinalResult"]),
  ...service("resultFile.service", ["ResultFile"]),
  ...service("regradingRows", ["Regrading", "RegradingEntry"]),
  ...service("scoreParts", ["SectionResult"]),
  ...service("markingQueue.service", ["MarkingQueueEntry", "ClaimedResponse"]),
  ...service("marking.service", ["GradedResponse"]),
  ...service("answerMarks", ["AnswerMark"]),
  ["RubricMark", "../domain/rubric.ts#RubricMark"],
  ...service("examAnalysis", ["ExamStatistics"]),
  ["Job", "../utils/jobStatus.ts#JobStatus"],
  ["DeadLetter", "../queues/deadLetters.ts#DeadLetter"],
  ["QueueCounts", "../queues/listJobs.ts#QueueCounts"],
  ["QueueJob", "../queues/listJobs.ts#ShownJob"],
  ...service("operations.service", ["ActOutcome"]),
]);

const folder = new URL("../src/generated/", import.meta.url);
const output = await codegen({
  filename: "src/generated/graphql.ts",
  schema: parse(loadTypeDefs()),
  documents: [],
  config: {
    useTypeImports: true,
    enumsAsTypes: true,
    contextType: "../apollo/context.ts#Context",
    mappers,
    mapperTypeSuffix: "Model",
    scalars: {
      ID: { input: "string", output: "string" },
      DateTime: { input: "Date", output: "Date | string" },
      Decimal: { input: "string", output: "string" },
      JSON: { input: "unknown", output: "unknown" },
    },
    // What a type only knows as a word, such as a question's type, is checked where it is made.
    enumValues: { QuestionType: "string", QuestionFileFormat: "string", ResponseKind: "string" },
  },
  plugins: [{ typescript: {} }, { "typescript-resolvers": {} }],
  pluginMap: { typescript, "typescript-resolvers": resolvers },
});
mkdirSync(folder, { recursive: true });
writeFileSync(new URL("graphql.ts", folder), output);
