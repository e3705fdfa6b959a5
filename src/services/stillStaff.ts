import type { Db, Transaction } from "../../prisma/client.ts";
import { forbidden } from "../domain/errors.ts";
import type { Access } from "./access.ts";

/** Whoever asked for a job or a file, with the role they have now. @throws FORBIDDEN, NOT_FOUND when they are no staff any more */
export async function requireStillStaff(
  tx: Db | Transaction,
  access: Access,
  { actorId, courseId }: { actorId: string; courseId: string },
): Promise<void> {
  const asker = await tx.user.findUnique({ where: { id: actorId }, select: { role: true, disabledAt: true } });
  if (!asker || asker.disabledAt) throw forbidden("The account of whoever asked for this is closed.");
  await access.requireStaff(tx, { userId: actorId, role: asker.role }, courseId, "course");
}
