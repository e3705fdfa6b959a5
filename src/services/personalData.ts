import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Db } from "../../prisma/client.ts";
import { Prisma, type User as UserRow } from "../generated/prisma/client.ts";
import { toUser } from "./account.service.ts";
import { type Actor, Reads } from "./actor.ts";
import { toAnswerMark } from "./answerMarks.ts";
import type { AttemptService } from "./attempt.service.ts";
import { attemptFields, toAttempt } from "./attemptFields.ts";
import type { ResultService } from "./result.service.ts";
import { sameAddress } from "./sameAddress.ts";

/** Rows read at a time: what is in memory does not grow with what there is. */
const PAGE = 100;

/** One list of the file. */
interface Section {
  about: string;
  /** The columns by which its rows are the person's, as `Model.field` of the schema. */
  of: readonly string[];
  read(person: UserRow): AsyncIterable<unknown>;
}

/** Columns that name a person and are no section of the file, each with the reason, which the file tells too. */
export const NOT_EXPORTED: Readonly<Record<string, string>> = {
  "Answer.gradedById": "Answers you graded belong to the people who gave them; that you did is in `acts`.",
  "AnswerMark.markedById":
    "Marks you gave belong to the people whose answers they are on; that you gave them is in `acts`.",
  "ResponseClaim.claimedById":
    "Answers you claimed for marking belong to the people who gave them; a claim ends by itself within the hour.",
  "OutboxJob.ownerId":
    "Background jobs you asked for hold nothing but ids of what is here, are removed seven days after they are done, and what they did is in the other lists.",
};

export type PersonalData = ReturnType<typeof createPersonalData>;

/** Gathers all that is kept about one person. No password, hash, secret or key of a question is read for it. */
export function createPersonalData({
  db,
  attempts,
  results,
  clock,
}: {
  db: Db;
  attempts: Pick<AttemptService, "paper" | "savedAnswers">;
  results: Pick<ResultService, "of" | "questions">;
  clock: () => Date;
}) {
  /** An attempt with its paper and answers, and with as much of its result as its student may see by now. */
  async function attemptOf(person: UserRow, row: Parameters<typeof toAttempt>[0] & ExamNames) {
    const attempt = toAttempt(row);
    const [{ questions }, [answers = []], result] = await Promise.all([
      attempts.paper(attempt.id),
      attempts.savedAnswers([attempt.id]),
      results.of(actorFor(person), attempt),
    ]);
    const points = new Map((result ? await results.questions(result) : []).map((entry) => [entry.questionId, entry]));
    const showsMarks = result?.visible.includes("MARK") && result.visible.includes("FEEDBACK");
    const marks = showsMarks ? await marksOn(attempt.id) : new Map<string, unknown[]>();
    const saved = new Map(answers.map((answer) => [answer.questionId, answer]));
    return {
      ...examNames(row),
      number: attempt.number,
      status: attempt.status,
      startedAt: attempt.startedAt,
      deadlineAt: attempt.deadlineAt,
      extraTimePercent: attempt.extraTimePercent,
      extraMinutes: attempt.extraMinutes,
      creditSeconds: attempt.creditSeconds,
      submittedAt: attempt.submittedAt,
      submittedBy: attempt.submittedBy,
      result: result && { score: result.score, maxScore: result.maxScore, passed: result.passed, grade: result.grade },
      questions: questions.map(({ id, position, title, stem, options }) => ({
        position,
        title,
        question: stem,
        options,
        answer: saved.get(id)?.response ?? null,
        savedAt: saved.get(id)?.savedAt ?? null,
        points: points.get(id)?.points ?? null,
        feedback: points.get(id)?.feedback ?? null,
        rubric: points.get(id)?.rubric ?? [],
        marks: marks.get(id) ?? [],
      })),
    };
  }

  /** What people gave the answers of an attempt, the first mark first, by question. */
  async function marksOn(attemptId: string): Promise<Map<string, unknown[]>> {
    const rows = await db.answerMark.findMany({
      where: { attemptId },
      orderBy: [{ markedAt: "asc" }, { id: "asc" }],
      include: { answer: { select: { questionVersion: { select: { questionId: true } } } } },
    });
    const byQuestion = new Map<string, unknown[]>();
    for (const { answer, ...row } of rows) {
      const { id, markedById, ...mark } = toAnswerMark(row);
      const { questionId } = answer.questionVersion;
      byQuestion.set(questionId, [...(byQuestion.get(questionId) ?? []), mark]);
    }
    return byQuestion;
  }

  /** The lines of one attempt's log, a page at a time. */
  async function* attemptLogOf({ id: attemptId, number, ...attempt }: { id: string; number: number } & ExamNames) {
    for (let skip = 0; ; skip += PAGE) {
      const rows = await db.attemptEvent.findMany({
        where: { attemptId },
        orderBy: [{ at: "asc" }, { id: "asc" }],
        skip,
        take: PAGE,
        select: { at: true, kind: true, sessionId: true, address: true, userAgent: true, detail: true },
      });
      for (const row of rows) yield { ...examNames(attempt), number, ...row };
      if (rows.length < PAGE) return;
    }
  }

  const sections: Readonly<Record<string, Section>> = {
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
    attempts: {
      about:
        "Exams you took, with your answers. `result`, `points`, `feedback` and `marks` are empty until the exam's rules let you see them.",
      of: ["Attempt.userId"],
      async *read(person) {
        const rows = rowsOf(({ where, ...page }) =>
          db.attempt.findMany({
            where: { userId: person.id, ...where },
            ...page,
            select: { ...attemptFields, exam: { select: { title: true, course: { select: { title: true } } } } },
          }),
        );
        for await (const row of rows) yield attemptOf(person, row);
      },
    },
    answerFiles: {
      about:
        "Files you uploaded as answers. Those you never made part of an answer are removed a week after the attempt.",
      of: [],
      async *read({ id: userId }) {
        const rows = rowsOf(({ where, ...page }) =>
          db.answerFile.findMany({
            where: { attempt: { userId }, ...where },
            ...page,
            select: {
              id: true,
              attempt: {
                select: { number: true, exam: { select: { title: true, course: { select: { title: true } } } } },
              },
              fileName: true,
              bytes: true,
              contentType: true,
              sha256: true,
              createdAt: true,
              finishedAt: true,
            },
          }),
        );
        for await (const { attempt, bytes, ...file } of rows)
          yield { ...examNames(attempt), number: attempt.number, ...file, bytes: Number(bytes) };
      },
    },
    attemptLog: {
      about:
        "What happened to the exams you took: what you did in which log-in and from where, and what staff did, not who. Answers are told by their revisions.",
      of: ["AttemptEvent.actorId"],
      async *read({ id: userId }) {
        const attempts = rowsOf(({ where, ...page }) =>
          db.attempt.findMany({
            where: { userId, ...where },
            ...page,
            select: { id: true, number: true, exam: { select: { title: true, course: { select: { title: true } } } } },
          }),
        );
        for await (const attempt of attempts) yield* attemptLogOf(attempt);
      },
    },
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
  };

  const about = () => ({
    what: "All that Lectern keeps about you, as of the time below. Times are UTC; `profile` is your account, and each list is explained here.",
    madeAt: clock().toISOString(),
    lists: Object.fromEntries(Object.entries(sections).map(([name, { about }]) => [name, about])),
    notIncluded: Object.values(NOT_EXPORTED),
  });

  async function* written(person: UserRow): AsyncGenerator<string> {
    const { __typename, ...account } = toUser(person);
    const { extraTimePercent, extraMinutes } = person;
    const profile = { ...account, inEveryExam: { extraTimePercent, extraMinutes } };
    yield `{\n"about": ${inLines(about())},\n"profile": ${inLines(profile)}`;
    for (const [name, section] of Object.entries(sections)) {
      yield `,\n"${name}": [`;
      let between = "\n";
      for await (const row of section.read(person)) {
        yield between + inLines(row);
        between = ",\n";
      }
      yield "]";
    }
    yield "\n}\n";
  }

  return {
    /** The columns that the file's lists are read by, as `Model.field` of the schema. */
    columns: Object.values(sections).flatMap(({ of }) => of),

    /** The file: JSON that a person can read too, gzipped. */
    async pack(person: UserRow): Promise<Uint8Array<ArrayBuffer>> {
      const gzip = createGzip();
      const [packed] = await Promise.all([buffer(gzip), pipeline(Readable.from(written(person)), gzip)]);
      return new Uint8Array(packed);
    },
  };
}

interface ExamNames {
  exam: { title: string; course: { title: string } };
}

const examNames = ({ exam }: ExamNames) => ({ exam: exam.title, course: exam.course.title });

/** The person as the one who asks, so that the rules for what a student may see are the API's own. */
const actorFor = ({ id, role }: UserRow): Actor => ({
  userId: id,
  role,
  sessionId: "",
  secondFactorMissing: false,
  requestId: "",
  ip: null,
  userAgent: null,
  reads: new Reads(),
});

const inLines = (value: unknown) => JSON.stringify(value, null, 2);

interface Page {
  where: { id?: { gt: string } };
  orderBy: { id: "asc" };
  take: number;
}

/** All rows, the oldest first, a page at a time. */
async function* rowsOf<Row extends { id: string }>(find: (page: Page) => Promise<Row[]>): AsyncGenerator<Row> {
  let where: Page["where"] = {};
  for (;;) {
    const rows = await find({ where, orderBy: { id: "asc" }, take: PAGE });
    yield* rows;
    if (rows.length < PAGE) return;
    where = { id: { gt: rows.at(-1)!.id } };
  }
}

/** For what a person has a handful of. */
async function* fewRows<Row>(rows: Promise<Row[]>): AsyncGenerator<Row> {
  yield* await rows;
}
