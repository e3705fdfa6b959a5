import type { Db, Transaction } from "../../prisma/client.ts";
import { forbidden, notFound } from "../domain/errors.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";

/**
 * An ADMIN brings in anybody; the staff of a course bring people into it.
 * @throws FORBIDDEN, NOT_FOUND for a course that is none or not the actor's
 */
export async function requireMayImport(
  tx: Db | Transaction,
  access: Access,
  actor: Pick<Actor, "userId" | "role">,
  courseId: string | null,
): Promise<void> {
  if (actor.role === "STUDENT") throw forbidden();
  if (!courseId) {
    if (actor.role !== "ADMIN") throw forbidden("Only an ADMIN can bring in people without a course.");
    return;
  }
  if (!(await tx.course.findUnique({ where: { id: courseId }, select: { id: true } }))) throw notFound("course");
  await access.requireStaff(tx, actor, courseId, "course");
}
