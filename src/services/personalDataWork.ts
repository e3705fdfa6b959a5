import type { Db } from "../../prisma/client.ts";
import { Prisma } from "../generated/prisma/client.ts";
import { fewRows, type PersonalDataLists, rowsOf } from "./personalDataList.ts";
import { sameAddress } from "./sameAddress.ts";
import { isStaffView } from "./staffViews.ts";

/** What is kept of what a person did beside exams, and of what was done to them. */
export const workLists = (db: Db): PersonalDataLists => ({
  watched: {
    about: "Videos you watched, how far you came, and how much of them you saw, in milliseconds.",
    of: ["WatchProgress.userId"],
    read: ({ id: userId }) =>
      fewRows(
        db.watchProgress.findMany({
          where: { userId },
          select: {
            video: { select: { title: true, course: { select: { title: true } } } },
            positionMs: true,
            seenMs: true,
            completedAt: true,
            updatedAt: true,
          },
        }),
      ),
  },
  uploads: {
    about: "Video files you uploaded. Unfinished ones are removed when they expire.",
    of: ["VideoUpload.ownerId"],
    read: ({ id: ownerId }) =>
      rowsOf(({ where, ...page }) =>
        db.videoUpload.findMany({
          where: { ownerId, ...where },
          ...page,
          select: { id: true, fileName: true, createdAt: true, expiresAt: true, finishedAt: true },
        }),
      ),
  },
  imports: {
    about: "Files of people that you brought in. Removed after 30 days.",
    of: ["UserImport.actorId"],
    read: ({ id: actorId }) =>
      rowsOf(({ where, ...page }) =>
        db.userImport.findMany({
          where: { actorId, ...where },
          ...page,
          select: {
            id: true,
            course: { select: { title: true } },
            totalRows: true,
            accepted: true,
            updated: true,
            unchanged: true,
            refused: true,
            createdAt: true,
            finishedAt: true,
          },
        }),
      ),
  },
  questionFiles: {
    about: "Files of questions that you imported or exported. Removed after 30 days.",
    of: ["QuestionFile.actorId"],
    read: ({ id: actorId }) =>
      rowsOf(({ where, ...page }) =>
        db.questionFile.findMany({
          where: { actorId, ...where },
          ...page,
          select: {
            id: true,
            course: { select: { title: true } },
            direction: true,
            format: true,
            taken: true,
            refused: true,
            createdAt: true,
            finishedAt: true,
          },
        }),
      ),
  },
  resultFiles: {
    about: "Files of exam results that you had made. Removed after 7 days.",
    of: ["ResultFile.actorId"],
    read: ({ id: actorId }) =>
      rowsOf(({ where, ...page }) =>
        db.resultFile.findMany({
          where: { actorId, ...where },
          ...page,
          select: {
            id: true,
            exam: { select: { title: true } },
            format: true,
            detail: true,
            rows: true,
            createdAt: true,
            finishedAt: true,
            expiresAt: true,
          },
        }),
      ),
  },
  regradings: {
    about: "Corrections of exams after they were sat, that you tried or made.",
    of: ["Regrading.actorId"],
    read: ({ id: actorId }) =>
      rowsOf(({ where, ...page }) =>
        db.regrading.findMany({
          where: { actorId, ...where },
          ...page,
          select: {
            id: true,
            exam: { select: { title: true } },
            reason: true,
            state: true,
            createdAt: true,
            appliedAt: true,
          },
        }),
      ),
  },
  views: {
    about: "When you, as staff, looked at what others answered in an exam, and from where.",
    of: ["AttemptEvent.actorId"],
    read: ({ id: actorId }) =>
      rowsOf(
        ({ where, take }) => db.$queryRaw<{ id: string }[]>`
          SELECT event.id::text, event.at, event.address, exam.title AS exam, course.title AS course
          FROM attempt_events event
          JOIN attempts attempt ON attempt.id = event.attempt_id
          JOIN exams exam ON exam.id = attempt.exam_id JOIN courses course ON course.id = exam.course_id
          WHERE event.actor_id = ${actorId}::uuid AND ${isStaffView} AND event.id > ${where.id?.gt ?? "0"}::bigint
          ORDER BY event.id LIMIT ${take}`,
      ),
  },
  importedAs: {
    about: "Rows about you in files of people that somebody brought in. Removed after 30 days.",
    of: ["UserImportRow.email"],
    read: ({ email }) =>
      fewRows(
        db.$queryRaw<unknown[]>`
          SELECT file.created_at AS "importedAt", line.line, line.email, line.outcome::text, line.reason
          FROM user_import_rows line JOIN user_imports file ON file.id = line.import_id
          WHERE ${sameAddress(Prisma.sql`line.email`, email)} ORDER BY line.import_id, line.line`,
      ),
  },
  acts: {
    about: "What you did that is written down for good: changes to exams, grades, people and your own account.",
    of: ["AuditEntry.actorId"],
    read: ({ id: actorId }) =>
      rowsOf(({ where, ...page }) => db.auditEntry.findMany({ where: { actorId, ...where }, ...page })),
  },
  actsOnYou: {
    about: "What was done to your account.",
    of: ["AuditEntry.entityId"],
    read: ({ id: entityId }) =>
      rowsOf(({ where, ...page }) =>
        db.auditEntry.findMany({
          where: { entityType: "User", entityId, ...where },
          ...page,
          omit: { actorId: true },
        }),
      ),
  },
});
