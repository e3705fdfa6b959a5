import type { Db, Transaction } from "../../prisma/client.ts";
import { excerptOf } from "../domain/exchange/takeQuestion.ts";
import { ENOUGH_FOR_WARNINGS } from "../domain/statistics/questionWarnings.ts";
import type { ExamAnalysis as ExamAnalysisRow } from "../generated/prisma/client.ts";
import type { MailData } from "../mails/mailData.ts";
import { emailQueue } from "../queues/email.queue.ts";
import type { Outbox } from "../queues/outbox.ts";
import { judged, type QuestionStatistics, resultOf } from "./examAnalysis.ts";
import { closedForAllAt } from "./examClose.ts";

/** Attempts that were graded longer ago are no news: after an upgrade, the first night may analyse the exams of years. */
const NEWS_DAYS = 7;
/** Questions that a mail names. */
const MOST_NAMED = 20;
/** Exams that never close are as good as closed from the start. */
const ALWAYS = new Date(0);

/**
 * Asks for a mail to each instructor of the course if an analysis by night holds news, in the transaction that stored it; the caller has
 * locked its row by that. What was told is remembered there, so that a job that comes twice tells nobody twice.
 */
export async function tellInstructors(tx: Transaction, outbox: Outbox, analysis: ExamAnalysisRow): Promise<void> {
  const { examId, analysedAt } = analysis;
  const toLookAt = questionsToLookAt(analysis).map(({ questionId }) => questionId);
  if (!(await isNews(tx, analysis, toLookAt))) return;
  const instructors = await tx.enrollment.findMany({
    where: { course: { exams: { some: { id: examId } } }, role: "INSTRUCTOR", status: "ACTIVE" },
    select: { userId: true },
  });
  for (const { userId } of instructors)
    await outbox.add(tx, emailQueue, "sendTemplate", { template: "examAnalysed", userId, examId });
  await tx.examAnalysis.update({ where: { examId }, data: { toldAt: analysedAt, toldQuestionIds: toLookAt } });
}

/** A question to look at that the last mail did not name, or the first analysis since the exam has closed for everybody. */
async function isNews(
  tx: Transaction,
  { examId, analysedAt, gradedUntil, policyNumber, toldAt, toldQuestionIds }: ExamAnalysisRow,
  toLookAt: readonly string[],
): Promise<boolean> {
  if (!gradedUntil || analysedAt.getTime() - gradedUntil.getTime() > NEWS_DAYS * 86_400_000) return false;
  const [exam] = await tx.$queryRaw<{ closedAt: Date | null; isSettled: boolean }[]>`
    SELECT ${closedForAllAt} AS "closedAt", exam.policy_number = ${policyNumber} AND NOT EXISTS (
      SELECT FROM regradings WHERE exam_id = exam.id AND state = 'APPLYING') AS "isSettled"
    FROM exams exam WHERE exam.id = ${examId}::uuid`;
  if (!exam!.isSettled) return false; // half of the attempts are graded by a key that was just corrected: the next night tells
  if (toLookAt.some((questionId) => !toldQuestionIds.includes(questionId))) return true;
  const closedAt = exam!.closedAt ?? ALWAYS;
  return closedAt <= analysedAt && (toldAt === null || toldAt < closedAt);
}

/** What the mail says to an instructor of the course; null to whoever is none any more, or has not confirmed the address. */
export async function newsFor(
  db: Db,
  instructor: { id: string; emailVerifiedAt: Date | null },
  examId: string,
): Promise<Omit<MailData["examAnalysed"], "name" | "appUrl"> | null> {
  const enrolled = { userId: instructor.id, role: "INSTRUCTOR", status: "ACTIVE" } as const;
  const exam = await db.exam.findFirst({
    where: { id: examId, course: { enrollments: { some: enrolled } } },
    select: { title: true, course: { select: { title: true } }, analysis: true },
  });
  if (!exam?.analysis || !instructor.emailVerifiedAt) return null;
  const toLookAt = questionsToLookAt(exam.analysis);
  const named = toLookAt.slice(0, MOST_NAMED);
  const names = await namesOf(db, named);
  const attempts = resultOf(exam.analysis).persons;
  return {
    exam: exam.title,
    course: exam.course.title,
    attempts,
    isFew: attempts < ENOUGH_FOR_WARNINGS.discrimination,
    toLookAt: toLookAt.length,
    questions: named.map(({ warnings }, at) => ({ name: names[at]!, warnings })),
  };
}

const questionsToLookAt = (analysis: ExamAnalysisRow) =>
  resultOf(analysis)
    .items.map(judged)
    .filter(({ warnings }) => warnings.length > 0);

/** Their titles; the beginning of what they ask where they have none. */
async function namesOf(db: Db, questions: readonly QuestionStatistics[]): Promise<string[]> {
  const untitled = questions.filter(({ title }) => !title);
  const versions = await db.questionVersion.findMany({
    where: { OR: untitled.map(({ questionId, version }) => ({ questionId, number: version })) },
    select: { questionId: true, stem: true },
  });
  const stems = new Map(versions.map(({ questionId, stem }) => [questionId, stem]));
  return questions.map(({ questionId, title }) => title || excerptOf(stems.get(questionId) ?? "?"));
}
