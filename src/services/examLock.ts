import type { Transaction } from "../../prisma/client.ts";
import { notFound } from "../domain/errors.ts";
import type { Exam as ExamRow } from "../generated/prisma/client.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";

/** Locks an exam for its staff until the transaction ends. @throws NOT_FOUND, FORBIDDEN */
export async function lockExam(tx: Transaction, access: Access, actor: Actor, examId: string): Promise<ExamRow> {
  await tx.$queryRaw`SELECT id FROM exams WHERE id = ${examId}::uuid FOR UPDATE`;
  const exam = await tx.exam.findUnique({ where: { id: examId } });
  if (!exam) throw notFound("exam");
  await access.requireStaff(tx, actor, exam.courseId, "exam");
  return exam;
}
