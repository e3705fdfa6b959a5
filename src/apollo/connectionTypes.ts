import type { User } from "../services/account.service.ts";
import type { Attempt } from "../services/attemptFields.ts";
import type { Connection } from "../services/connection.ts";
import type { Course, Enrollment } from "../services/course.service.ts";
import type { Exam } from "../services/exam.service.ts";
import type { UserImportRow } from "../services/import.service.ts";
import type { AuditEntry } from "../services/people.service.ts";
import type { Question } from "../services/question.service.ts";
import type { QuestionFileEntry } from "../services/questionFile.service.ts";
import type { Regrading, RegradingEntry } from "../services/regradingRows.ts";
import type { ExamResult } from "../services/result.service.ts";
import type { Video } from "../services/video.service.ts";

// Names for the generated resolver types, which cannot spell a generic one.
export type CourseConnection = Connection<Course>;
export type EnrollmentConnection = Connection<Enrollment>;
export type QuestionConnection = Connection<Question>;
export type ExamConnection = Connection<Exam>;
export type AttemptConnection = Connection<Attempt>;
export type ExamResultConnection = Connection<ExamResult>;
export type RegradingConnection = Connection<Regrading>;
export type RegradingEntryConnection = Connection<RegradingEntry>;
export type UserConnection = Connection<User>;
export type AuditEntryConnection = Connection<AuditEntry>;
export type UserImportRowConnection = Connection<UserImportRow>;
export type VideoConnection = Connection<Video>;
export type QuestionFileEntryConnection = Connection<QuestionFileEntry>;
