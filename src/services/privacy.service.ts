import type { Db, Transaction } from "../../prisma/client.ts";
import { unprocessable } from "../domain/errors.ts";
import type { User as UserRow } from "../generated/prisma/client.ts";
import { emailQueue } from "../queues/email.queue.ts";
import type { Outbox } from "../queues/outbox.ts";
import { userQueue } from "../queues/user.queue.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import { accountGone, type JobQueued, toUser, type User } from "./account.service.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { databaseTime } from "./databaseTime.ts";
import { isUuid } from "./ids.ts";
import { lockUsers } from "./lockUsers.ts";
import { requireOwnPassword } from "./ownPassword.ts";
import type { PersonalData } from "./personalData.ts";

const DAY_MS = 86_400_000;
const EXPORT_DAYS = 7;
/** An export that is not ready after this long has failed, and another one may be asked for. */
const PACKING_MS = 3_600_000;

export interface DeleteAccountPayload extends JobQueued {
  user: User;
  deletionDueAt: Date;
}

export type PrivacyService = ReturnType<typeof createPrivacyService>;

/** What people may ask for about their own data: all of it in a file, and to be forgotten. */
export function createPrivacyService({
  db,
  cache,
  outbox,
  personalData,
  deletionDays,
  newId,
}: {
  db: Db;
  cache: Cache;
  outbox: Outbox;
  personalData: PersonalData;
  /** How long a deletion can be undone. */
  deletionDays: number;
  newId: () => string;
}) {
  const request = ({ userId, requestId }: Actor) => ({ ownerId: userId, requestId });
  const inDays = async (tx: Transaction, days: number) => new Date((await databaseTime(tx)).getTime() + days * DAY_MS);

  /** The job that will erase the account: the one that waits already, else a new one. */
  async function erasingJob(tx: Transaction, actor: Actor, runAt: Date): Promise<string> {
    const waiting = await tx.outboxJob.findFirst({
      where: { queue: userQueue.name, name: "eraseAccount", ownerId: actor.userId, runAt, finishedAt: null },
      select: { id: true },
    });
    if (waiting) return waiting.id;
    return outbox.add(tx, userQueue, "eraseAccount", { userId: actor.userId }, { ...request(actor), runAt });
  }

  return {
    /** Asks for a file with all that is kept about the actor. While one is being made, that one is the answer. @throws UNAUTHENTICATED */
    async exportMyData(actor: Actor): Promise<JobQueued> {
      const jobId = await db.$transaction(async (tx) => {
        await lockPerson(tx, actor.userId);
        const now = await databaseTime(tx);
        const underWay = await tx.dataExport.findFirst({
          where: { userId: actor.userId, readyAt: null, createdAt: { gt: new Date(now.getTime() - PACKING_MS) } },
          select: { jobId: true },
        });
        if (underWay) return underWay.jobId;
        const id = newId();
        const asked = await outbox.add(tx, userQueue, "exportData", { exportId: id }, request(actor));
        const expiresAt = new Date(now.getTime() + EXPORT_DAYS * DAY_MS);
        await tx.dataExport.create({ data: { id, userId: actor.userId, jobId: asked, createdAt: now, expiresAt } });
        return asked;
      });
      outbox.handOver();
      return { queued: true, jobId };
    },

    /** Makes the file and mails its link, which is good for 7 days from then. Safe to repeat: a file that is ready stays as it is. */
    async exportData(exportId: string): Promise<void> {
      const asked = await db.dataExport.findUnique({
        where: { id: exportId },
        select: { readyAt: true, user: true },
      });
      if (!asked || asked.readyAt) return; // the account was erased meanwhile, or an earlier run came this far
      const archive = await personalData.pack(asked.user);
      await db.$transaction(async (tx) => {
        const readyAt = await databaseTime(tx);
        const { count } = await tx.dataExport.updateMany({
          where: { id: exportId, readyAt: null },
          data: { archive, readyAt, expiresAt: await inDays(tx, EXPORT_DAYS) },
        });
        if (count === 0) return;
        const { id: userId } = asked.user;
        await outbox.add(tx, emailQueue, "sendTemplate", { template: "exportReady", userId, exportId });
      });
      outbox.handOver();
    },

    /** The file of an export, gzipped JSON; null when there is none, it is not ready, or it has expired. For who has its signed link. */
    async openExport(id: string): Promise<{ body: Buffer; fileName: string } | null> {
      if (!isUuid(id)) return null;
      const row = await db.dataExport.findUnique({ where: { id } });
      if (!row?.archive || !row.readyAt || row.expiresAt <= (await databaseTime(db))) return null;
      const day = row.readyAt.toISOString().slice(0, 10);
      return { body: Buffer.from(row.archive), fileName: `lectern-my-data-${day}.json` };
    },

    /**
     * Has the actor's account erased when the time to think it over is up. Safe to repeat: the date stays, and so does the job.
     * @throws UNAUTHENTICATED (WRONG_CREDENTIALS), UNPROCESSABLE (LAST_ADMIN)
     */
    async deleteMyAccount(actor: Actor, password: string): Promise<DeleteAccountPayload> {
      const { role } = await requireOwnPassword(db, actor.userId, password);
      const { row, jobId, deletionDueAt } = await db.$transaction(async (tx) => {
        if (role === "ADMIN") await lockAdmins(tx);
        const before = await lockPerson(tx, actor.userId);
        if (before.deletionDueAt) {
          const jobId = await erasingJob(tx, actor, before.deletionDueAt);
          return { row: before, jobId, deletionDueAt: before.deletionDueAt };
        }
        if (before.role === "ADMIN") await requireAnotherAdmin(tx, actor.userId);
        const deletionDueAt = await inDays(tx, deletionDays);
        const row = await tx.user.update({ where: { id: actor.userId }, data: { deletionDueAt } });
        const jobId = await erasingJob(tx, actor, deletionDueAt);
        const mail = { template: "deletionScheduled", userId: actor.userId } as const;
        await outbox.add(tx, emailQueue, "sendTemplate", mail, request(actor));
        await audit(tx, actor, newId, {
          action: "user.deletion.schedule",
          entityType: "User",
          entityId: actor.userId,
          after: { deletionDueAt: deletionDueAt.toISOString() },
        });
        return { row, jobId, deletionDueAt };
      });
      await cache.drop(CACHE_KEYS.USER_PROFILE(actor.userId));
      outbox.handOver();
      return { user: toUser(row), queued: true, jobId, deletionDueAt };
    },

    /** Keeps the account; the job that was to erase it finds nothing to do. Safe to repeat. @throws UNAUTHENTICATED when it is too late */
    async cancelAccountDeletion(actor: Actor): Promise<User> {
      const row = await db.$transaction(async (tx) => {
        const before = await lockPerson(tx, actor.userId);
        if (!before.deletionDueAt) return before;
        await audit(tx, actor, newId, {
          action: "user.deletion.cancel",
          entityType: "User",
          entityId: actor.userId,
          before: { deletionDueAt: before.deletionDueAt.toISOString() },
        });
        return tx.user.update({ where: { id: actor.userId }, data: { deletionDueAt: null } });
      });
      await cache.drop(CACHE_KEYS.USER_PROFILE(actor.userId));
      return toUser(row);
    },
  };
}

/**
 * The person's row, for one transaction at a time, so that two tabs ask for one thing. Rows that refer to the person can still
 * be written meanwhile. @throws UNAUTHENTICATED when the account is erased: an access token may outlive it by minutes
 */
async function lockPerson(tx: Transaction, userId: string): Promise<UserRow> {
  const row = (await lockUsers(tx, [userId])).get(userId);
  if (!row || row.erasedAt) throw accountGone();
  return row;
}

/** In the order of their ids, so that two admins who go at once wait for each other and not in a circle. */
const lockAdmins = (tx: Transaction) =>
  tx.$queryRaw`SELECT id FROM users WHERE role = 'ADMIN' ORDER BY id FOR NO KEY UPDATE`;

async function requireAnotherAdmin(tx: Transaction, userId: string): Promise<void> {
  const others = await tx.user.count({
    where: {
      id: { not: userId },
      role: "ADMIN",
      passwordHash: { not: null },
      disabledAt: null,
      deletionDueAt: null,
    },
  });
  if (others === 0)
    throw unprocessable("LAST_ADMIN", "You are the last administrator who can log in. Make somebody else one first.");
}
