import type { Db, Transaction } from "../../prisma/client.ts";
import { DomainError } from "../domain/errors.ts";
import type { Access } from "./access.ts";

/**
 * An upload goes on for days after it was allowed, so whoever asked for it is looked at again, as they are now: account,
 * role and place in the course, from PostgreSQL.
 * @throws FORBIDDEN (UPLOAD_NOT_ALLOWED_NOW)
 */
export async function requireStillMayUpload(
  tx: Db | Transaction,
  access: Access,
  { ownerId, videoId }: { ownerId: string; videoId: string },
): Promise<void> {
  const owner = await tx.user.findUnique({ where: { id: ownerId }, select: { role: true, disabledAt: true } });
  const video = await tx.video.findUnique({ where: { id: videoId }, select: { courseId: true } });
  if (!video) return; // the upload goes with its video, and whoever looks for it finds none
  if (!owner || owner.disabledAt || owner.role === "STUDENT") throw notAllowedNow();
  try {
    await access.requireStaff(tx, { userId: ownerId, role: owner.role }, video.courseId, "upload");
  } catch (error) {
    throw error instanceof DomainError ? notAllowedNow(error) : error;
  }
}

/** Forbidden also to strangers of the course: they hold the upload's address, so it is no secret that it exists. */
const notAllowedNow = (cause?: unknown) =>
  new DomainError("FORBIDDEN", "Whoever asked for this upload may not change the video any more.", {
    reason: "UPLOAD_NOT_ALLOWED_NOW",
    cause,
  });
