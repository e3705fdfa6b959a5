import type { Db } from "../../prisma/client.ts";
import type { User as UserRow } from "../generated/prisma/client.ts";
import { type Actor, Reads } from "./actor.ts";
import { toAnswerMark } from "./answerMarks.ts";
import type { AttemptService } from "./attempt.service.ts";
import { attemptFields, toAttempt } from "./attemptFields.ts";
import { PAGE, type PersonalDataLists, rowsOf } from "./personalDataList.ts";
import type { ResultService } from "./result.service.ts";

/** What is kept of the exams a person took: as much of it as they may see by now. */
export function attemptLists({
  db,
  attempts,
  results,
}: {
  db: Db;
  attempts: Pick<AttemptService, "paper" | "savedAnswers">;
  results: Pick<ResultService, "of" | "questions">;
}): PersonalDataLists {
  /** An attempt with its paper and answers, and with as much of its result as its student may see by now. */
  async function attemptOf(person: UserRow, row: Parameters<typeof toAttempt>[0] & ExamNames) {
    const attempt = toAttempt(row);
    const actor = actorFor(person);
    const [{ questions }, [answers = []], result] = await Promise.all([
      attempts.paper(attempt.id),
      attempts.savedAnswers([attempt.id]),
      results.of(actor, attempt, { withParts: true }),
    ]);
    const points = new Map(
      (result ? await results.questions(actor, result) : []).map((entry) => [entry.questionId, entry]),
    );
    const showsMarks = result?.visible.includes("MARK") && result.visible.includes("FEEDBACK");
    const marks = showsMarks ? await marksOn(attempt.id) : new Map<string, unknown[]>();
    const saved = new Map(answers.map((answer) => [answer.questionId, answer]));
    const isRunning = attempt.status === "IN_PROGRESS"; // whence its paper may be read is the exam's rule, and a file has no address
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
        title: isRunning ? null : title,
        question: isRunning ? null : stem,
        options: isRunning ? [] : options,
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
  async function* attemptLogOf(
    userId: string,
    { id: attemptId, number, ...attempt }: { id: string; number: number } & ExamNames,
  ) {
    for (let skip = 0; ; skip += PAGE) {
      const rows = await db.attemptEvent.findMany({
        where: { attemptId },
        orderBy: [{ at: "asc" }, { id: "asc" }],
        skip,
        take: PAGE,
        select: { at: true, kind: true, actorId: true, sessionId: true, address: true, userAgent: true, detail: true },
      });
      for (const { actorId, address, ...row } of rows) {
        const ofStudent = actorId === userId ? address : null; // whence staff looked is theirs
        yield { ...examNames(attempt), number, ...row, address: ofStudent };
      }
      if (rows.length < PAGE) return;
    }
  }

  return {
    attempts: {
      about:
        "Exams you took, with your answers; the questions of one that is running are read in the exam itself. `result`, `points`, `feedback` and `marks` are empty until the exam's rules let you see them.",
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
      of: [],
      async *read({ id: userId }) {
        const attempts = rowsOf(({ where, ...page }) =>
          db.attempt.findMany({
            where: { userId, ...where },
            ...page,
            select: { id: true, number: true, exam: { select: { title: true, course: { select: { title: true } } } } },
          }),
        );
        for await (const attempt of attempts) yield* attemptLogOf(userId, attempt);
      },
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
