import { z } from "zod";
import type { Db, Transaction } from "../../prisma/client.ts";
import { forbidden, notFound, unprocessable } from "../domain/errors.ts";
import type { AuditEntry as AuditRow, Prisma, User as UserRow } from "../generated/prisma/client.ts";
import { emailQueue, type TemplatedMail } from "../queues/email.queue.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import { toUser, type User } from "./account.service.ts";
import type { Actor, UserRole } from "./actor.ts";
import { type AuditedAct, audit } from "./audit.ts";
import { type Connection, connectionOf, type PageArgs } from "./connection.ts";
import { endSessions } from "./endSessions.ts";
import { isUuid, requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import { lockUsers } from "./lockUsers.ts";
import { NO_SECOND_FACTOR } from "./noSecondFactor.ts";
import { escaped } from "./searchText.ts";

/** Something that was done, and by whom. */
export interface AuditEntry {
  id: string;
  at: string;
  /** Null for the system. */
  actorId: string | null;
  action: string;
  entityType: string;
  entityId: string;
  before: unknown;
  after: unknown;
}

const text = z.string().trim().max(200, "has at most 200 characters").nullish();
const id = z
  .string()
  .refine(isUuid, "is not an id")
  .transform((given) => given.toLowerCase())
  .nullish();
const userFilter = z.object({
  search: text.transform((search) => search?.normalize("NFC")),
  role: z.enum(["STUDENT", "INSTRUCTOR", "ADMIN"]).nullish(),
  disabled: z.boolean().nullish(),
  emailVerified: z.boolean().nullish(),
});
const auditFilter = z.object({
  actorId: id,
  action: text,
  entityType: text,
  entityId: id,
  from: z.date().nullish(),
  to: z.date().nullish(),
});

const ownAccount = () => unprocessable("OWN_ACCOUNT", "Another administrator must do this to your account.");
const notVerified = () =>
  unprocessable(
    "EMAIL_NOT_VERIFIED",
    "The address of this account was never verified: it may be somebody else's. Ask its owner to verify it first.",
  );
const erased = () => unprocessable("ACCOUNT_ERASED", "This account was erased; nothing of it is left to open.");

/** What is done to an account, and how it is written down. */
interface Change extends Pick<AuditedAct, "action" | "before" | "after"> {
  data: Prisma.UserUpdateInput;
  endsSessions?: boolean;
  mail?: TemplatedMail;
}

function refuseErased({ erasedAt }: UserRow): void {
  if (erasedAt) throw notFound("user");
}

/** A condition on a time that is null until something happens; none where nobody asks. */
const whether = (happened: boolean | null | undefined) =>
  happened == null ? undefined : happened ? { not: null } : null;

const toAuditEntry = ({ at, ...row }: AuditRow): AuditEntry => ({ ...row, at: at.toISOString() });

export type PeopleService = ReturnType<typeof createPeopleService>;

/** What administrators see of people and do about their accounts. */
export function createPeopleService({
  db,
  cache,
  outbox,
  clock,
  newId,
}: {
  db: Db;
  cache: Cache;
  outbox: Outbox;
  clock: () => Date;
  newId: () => string;
}) {
  function requireAdmin({ role }: Pick<Actor, "role">): void {
    if (role !== "ADMIN") throw forbidden("This is for administrators only.");
  }

  /**
   * Changes somebody's account and writes it down; what is so already is left as it is. The actor's row is locked and looked at
   * too, because a token outlives the role it tells of: of two administrators who disable each other at once one is too late.
   */
  async function change(
    actor: Actor,
    idGiven: string,
    decide: (person: UserRow) => Change | null,
    { alsoOwn = false } = {},
  ): Promise<User> {
    requireAdmin(actor);
    const userId = requireId(idGiven, "user");
    if (userId === actor.userId && !alsoOwn) throw ownAccount();
    const row = await db.$transaction(async (tx) => {
      const locked = await lockUsers(tx, [actor.userId, userId]);
      const own = locked.get(actor.userId);
      if (own?.role !== "ADMIN" || own.disabledAt) throw forbidden("You are no administrator any more.");
      const person = locked.get(userId);
      if (!person) throw notFound("user");
      const changed = decide(person);
      return changed ? write(tx, actor, person, changed) : person;
    });
    // Also when nothing changed: whoever changed it may have died before this.
    await cache.drop(CACHE_KEYS.USER_PROFILE(userId));
    outbox.handOver();
    return toUser(row);
  }

  async function write(
    tx: Transaction,
    actor: Actor,
    { id }: UserRow,
    { data, endsSessions, mail, ...act }: Change,
  ): Promise<UserRow> {
    if (endsSessions) await endSessions(tx, id, clock());
    if (mail) await outbox.add(tx, emailQueue, "sendTemplate", mail, { ownerId: id, requestId: actor.requestId });
    await audit(tx, actor, newId, { ...act, entityType: "User", entityId: id });
    return tx.user.update({ where: { id }, data });
  }

  return {
    /** Everybody with an account, newest first. @throws FORBIDDEN, BAD_USER_INPUT */
    async list(actor: Actor, filter: unknown, page: PageArgs): Promise<Connection<User>> {
      requireAdmin(actor);
      const { search, role, disabled, emailVerified } = parseInput(userFilter, filter ?? {}, { path: "filter" });
      const found = search && { contains: escaped(search), mode: "insensitive" as const };
      const matching: Prisma.UserWhereInput = {
        erasedAt: null,
        role: role ?? undefined,
        disabledAt: whether(disabled),
        emailVerifiedAt: whether(emailVerified),
        ...(found && { OR: [{ name: found }, { email: found }] }),
      };
      return connectionOf(page, {
        find: ({ where, ...rest }) => db.user.findMany({ where: { AND: [matching, where] }, ...rest }),
        count: () => db.user.count({ where: matching }),
        id: (row) => row.id,
        toNode: toUser,
      });
    },

    /** @throws FORBIDDEN, NOT_FOUND also for an account that was erased */
    async get(actor: Actor, userId: string): Promise<User> {
      requireAdmin(actor);
      const row = await db.user.findUnique({ where: { id: requireId(userId, "user"), erasedAt: null } });
      if (!row) throw notFound("user");
      return toUser(row);
    },

    /** Who did what, newest first. @throws FORBIDDEN, BAD_USER_INPUT */
    async auditLog(actor: Actor, filter: unknown, page: PageArgs): Promise<Connection<AuditEntry>> {
      requireAdmin(actor);
      const given = parseInput(auditFilter, filter ?? {}, { path: "filter" });
      const matching: Prisma.AuditEntryWhereInput = {
        actorId: given.actorId ?? undefined,
        action: given.action ?? undefined,
        entityType: given.entityType ?? undefined,
        entityId: given.entityId ?? undefined,
        at: { gte: given.from ?? undefined, lt: given.to ?? undefined },
      };
      return connectionOf(page, {
        find: ({ where, ...rest }) => db.auditEntry.findMany({ where: { AND: [matching, where] }, ...rest }),
        count: () => db.auditEntry.count({ where: matching }),
        id: (row) => row.id,
        toNode: toAuditEntry,
      });
    },

    /**
     * Gives a person another role and ends their sessions. Safe to repeat.
     * @throws FORBIDDEN, NOT_FOUND, UNPROCESSABLE (OWN_ACCOUNT, EMAIL_NOT_VERIFIED)
     */
    async updateRole(actor: Actor, userId: string, role: UserRole): Promise<User> {
      return change(actor, userId, (person) => {
        refuseErased(person);
        if (person.role === role) return null;
        if (role !== "STUDENT" && person.passwordHash && !person.emailVerifiedAt) throw notVerified();
        return {
          action: "user.updateRole",
          before: { role: person.role },
          after: { role },
          data: { role },
          endsSessions: true,
        };
      });
    },

    /** Closes an account and ends its sessions. Safe to repeat. @throws FORBIDDEN, NOT_FOUND, UNPROCESSABLE (OWN_ACCOUNT) */
    async disable(actor: Actor, userId: string): Promise<User> {
      return change(actor, userId, (person) => {
        refuseErased(person);
        if (person.disabledAt) return null;
        return {
          action: "user.disable",
          before: { disabled: false },
          after: { disabled: true },
          data: { disabledAt: clock() },
          endsSessions: true,
        };
      });
    },

    /** Opens a disabled account again. Safe to repeat. @throws FORBIDDEN, NOT_FOUND, UNPROCESSABLE (ACCOUNT_ERASED) */
    async enable(actor: Actor, userId: string): Promise<User> {
      const decide = (person: UserRow): Change | null => {
        if (person.erasedAt) throw erased();
        if (!person.disabledAt) return null;
        return {
          action: "user.enable",
          before: { disabled: true },
          after: { disabled: false },
          data: { disabledAt: null },
        };
      };
      return change(actor, userId, decide, { alsoOwn: true });
    },

    /** Turns off a second factor that its owner has lost, and ends their sessions. Safe to repeat. @throws FORBIDDEN, NOT_FOUND, UNPROCESSABLE (OWN_ACCOUNT) */
    async resetSecondFactor(actor: Actor, userId: string): Promise<User> {
      return change(actor, userId, (person) => {
        refuseErased(person);
        if (!person.totpConfirmedAt) return null;
        return {
          action: "user.secondFactor.reset",
          before: { secondFactor: true },
          after: { secondFactor: false },
          data: NO_SECOND_FACTOR,
          endsSessions: true,
          mail: { template: "secondFactorChanged", userId: person.id, change: "RESET" },
        };
      });
    },
  };
}
