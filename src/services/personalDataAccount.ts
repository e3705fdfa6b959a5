import type { Db } from "../../prisma/client.ts";
import { fewRows, type PersonalDataLists, rowsOf } from "./personalDataList.ts";

/** What is kept about a person's account and courses. */
export const accountLists = (db: Db): PersonalDataLists => ({
  sessions: {
    about: "Where you are or were logged in. Removed a day after they end.",
    of: ["Session.userId"],
    read: ({ id: userId }) =>
      rowsOf(({ where, ...page }) =>
        db.session.findMany({
          where: { userId, ...where },
          ...page,
          select: {
            id: true,
            createdAt: true,
            usedAt: true,
            expiresAt: true,
            revokedAt: true,
            userAgent: true,
            ip: true,
          },
        }),
      ),
  },
  mailedLinks: {
    about:
      "Links that were mailed to you for verifying your address, setting a password or coming in. Removed when they expire.",
    of: ["OneTimeToken.userId"],
    read: ({ id: userId }) =>
      rowsOf(({ where, ...page }) =>
        db.oneTimeToken.findMany({
          where: { userId, ...where },
          ...page,
          select: { id: true, purpose: true, createdAt: true, expiresAt: true, usedAt: true },
        }),
      ),
  },
  recoveryCodes: {
    about: "Codes that stand in for your second factor, and when they were used. The codes themselves are not kept.",
    of: ["RecoveryCode.userId"],
    read: ({ id: userId }) => fewRows(db.recoveryCode.findMany({ where: { userId }, select: { usedAt: true } })),
  },
  exports: {
    about: "Files like this one. Removed when they expire.",
    of: ["DataExport.userId"],
    read: ({ id: userId }) =>
      rowsOf(({ where, ...page }) =>
        db.dataExport.findMany({
          where: { userId, ...where },
          ...page,
          select: { id: true, createdAt: true, readyAt: true, expiresAt: true },
        }),
      ),
  },
  enrolments: {
    about: "Courses you are or were in, and what you get there beyond the rules.",
    of: ["Enrollment.userId"],
    read: ({ id: userId }) =>
      fewRows(
        db.enrollment.findMany({
          where: { userId },
          select: {
            course: { select: { title: true } },
            role: true,
            status: true,
            extraTimePercent: true,
            createdAt: true,
          },
        }),
      ),
  },
  groups: {
    about: "Groups of your courses that you are in. What a group gets in an exam, its members get.",
    of: ["CourseGroupMember.userId"],
    read: ({ id: userId }) =>
      fewRows(
        db.courseGroupMember.findMany({
          where: { userId },
          select: { group: { select: { name: true, course: { select: { title: true } } } } },
        }),
      ),
  },
  accommodations: {
    about: "What you get in single exams beyond the rules.",
    of: ["ExamAccommodation.userId"],
    read: ({ id: userId }) =>
      fewRows(
        db.examAccommodation.findMany({
          where: { userId },
          select: {
            exam: { select: { title: true } },
            extraTimePercent: true,
            extraMinutes: true,
            extraAttempts: true,
            opensAt: true,
            closesAt: true,
          },
        }),
      ),
  },
});
