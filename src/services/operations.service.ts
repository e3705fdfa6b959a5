import type { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import { forbidden, notFound } from "../domain/errors.ts";
import { normalAddress } from "../domain/person.ts";
import type { Prisma } from "../generated/prisma/client.ts";
import type { DeadLetter, DeadLetters } from "../queues/deadLetters.ts";
import type { ListJobs, QueueCounts, ShownJob } from "../queues/listJobs.ts";
import { type Act, type ActName, deadLetterFilter, type QueueActs } from "../queues/queueActs.ts";
import { redactPayload, redactText } from "../queues/redactPayload.ts";
import type { UserRole } from "./actor.ts";
import { audit } from "./audit.ts";
import { parseInput } from "./input.ts";

/** Who acts: an administrator, or (without a user) somebody with a shell on the machine, whom nobody asks to log in. */
export interface Operator {
  userId: string | null;
  role: UserRole;
  /** Which way they came, where that is not the API, e.g. `cli:root`; written down with the act. */
  via?: string;
}

/** What an act did, or with a dry run would do. */
export interface ActOutcome {
  act: ActName;
  dryRun: boolean;
  /** How many it was, or would be, done to. */
  count: number;
  /** The first 100 of them: ids of jobs, dead letters or outbox rows, or the queue's name. */
  ids: string[];
  /** The line in the audit log; null for a dry run, and where there was nothing to do. */
  auditId: string | null;
}

const shownIds = 100;
/** A dead letter's id ends with its job's. */
const uuidAtEnd = /[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

export type OperationsService = ReturnType<typeof createOperationsService>;

/** What administrators see of queues and jobs and do about them, each act with a dry run and a line in the audit log. */
export function createOperationsService({
  db,
  acts,
  listing,
  deadLetters,
  queueNames,
  newId,
}: {
  db: Db;
  acts: QueueActs;
  listing: ListJobs;
  deadLetters: Pick<DeadLetters, "list" | "find">;
  queueNames: readonly string[];
  newId: () => string;
}) {
  const filterSchema = deadLetterFilter(queueNames);

  /** A token outlives the role it tells of, so the account is looked at too. */
  async function requireAdmin({ userId, role }: Operator): Promise<void> {
    if (role !== "ADMIN") throw forbidden("This is for administrators only.");
    if (userId === null) return;
    const account = await db.user.findUnique({ where: { id: userId }, select: { role: true, disabledAt: true } });
    if (account?.role !== "ADMIN" || account.disabledAt) throw forbidden("You are no administrator any more.");
  }

  /**
   * Does it and writes it down: first what was found, because Redis has no part in a transaction and an act without its line would be
   * worse than a line whose act was cut short; then what was done. An act on a single job is found under that job.
   */
  async function perform(by: Operator, name: ActName, input: object, found: string[]): Promise<ActOutcome> {
    const { action, on, execute } = acts[name] as Act<object>;
    const id = newId();
    const jobId = found.length === 1 ? uuidAtEnd.exec(found[0]!)?.[0] : undefined;
    const before = { ...writtenDown(input), ...(by.via && { via: by.via }), found: found.length };
    await audit(db, by.userId ? { userId: by.userId } : null, () => id, {
      action,
      entityType: jobId ? "Job" : on,
      entityId: jobId ?? id,
      before,
    });
    const done = await execute(input, found);
    const after = { count: done.length, ids: done.slice(0, shownIds) };
    await db.auditEntry.update({ where: { id }, data: { after } });
    return { act: name, dryRun: false, count: done.length, ids: after.ids, auditId: id };
  }

  /**
   * Does an act, or with `dryRun` says what it would be done to. What is found then is found again when it is done.
   * Safe to repeat. @throws FORBIDDEN, BAD_USER_INPUT, NOT_FOUND, CONFLICT, UNPROCESSABLE, SERVICE_UNAVAILABLE
   */
  async function act(
    by: Operator,
    name: ActName,
    given: unknown,
    { dryRun }: { dryRun: boolean },
  ): Promise<ActOutcome> {
    await requireAdmin(by);
    const { input, preview } = acts[name] as Act<object>;
    const wish = parseInput(input as z.ZodType<object>, given, { path: "" });
    const found = await preview(wish);
    if (!dryRun && found.length > 0) return perform(by, name, wish, found);
    return { act: name, dryRun, count: found.length, ids: found.slice(0, shownIds), auditId: null };
  }

  async function settle(by: Operator, name: "retryDeadLetters" | "discardDeadLetters", id: string): Promise<void> {
    const { count } = await act(by, name, { ids: [id] }, { dryRun: false });
    if (count === 0) throw notFound("dead letter");
  }

  const shown = (letter: DeadLetter): DeadLetter => ({
    ...letter,
    payload: redactPayload(letter.queue, letter.name, letter.payload),
    error: redactText(letter.error),
  });

  return {
    /** The table of acts, for whoever shows buttons, reads arguments or prints help. */
    acts,

    act,

    /** Retries one dead letter. @throws FORBIDDEN, NOT_FOUND, SERVICE_UNAVAILABLE */
    retryDeadLetter: (by: Operator, id: string) => settle(by, "retryDeadLetters", id),

    /** Discards one dead letter. @throws FORBIDDEN, NOT_FOUND, SERVICE_UNAVAILABLE */
    discardDeadLetter: (by: Operator, id: string) => settle(by, "discardDeadLetters", id),

    /** How many jobs each queue has. @throws FORBIDDEN, SERVICE_UNAVAILABLE */
    async listQueues(by: Operator): Promise<QueueCounts[]> {
      await requireAdmin(by);
      return listing.countQueues();
    },

    /** Jobs of a queue in one state: those that ended the latest first, others the next one first; without what is private. @throws FORBIDDEN, BAD_USER_INPUT, SERVICE_UNAVAILABLE */
    async listJobs(by: Operator, wish: unknown): Promise<{ jobs: ShownJob[]; totalCount: number }> {
      await requireAdmin(by);
      return listing.listJobs(parseInput(listing.wish, wish, { path: "" }));
    },

    /** One job with what is known of it in Redis and in the outbox. @throws FORBIDDEN, NOT_FOUND, SERVICE_UNAVAILABLE */
    async showJob(by: Operator, queue: string, jobId: string): Promise<ShownJob> {
      await requireAdmin(by);
      const job = queueNames.includes(queue) ? await listing.showJob(queue, jobId) : null;
      if (!job) throw notFound("job");
      return job;
    },

    /** The jobs that failed for good, the latest first. @throws FORBIDDEN, BAD_USER_INPUT, SERVICE_UNAVAILABLE */
    async listDeadLetters(
      by: Operator,
      filter: unknown,
      { first }: { first: number },
    ): Promise<{ entries: DeadLetter[]; totalCount: number }> {
      await requireAdmin(by);
      const wish = parseInput(filterSchema, filter ?? {}, { path: "filter" });
      const page = await deadLetters.list({ ...wish, first: Math.min(Math.max(first, 1), 200) });
      return { entries: page.entries.map(shown), totalCount: page.totalCount };
    },

    /** @throws FORBIDDEN, NOT_FOUND, SERVICE_UNAVAILABLE */
    async showDeadLetter(by: Operator, id: string): Promise<DeadLetter> {
      await requireAdmin(by);
      const letter = await deadLetters.find(id);
      if (!letter) throw notFound("dead letter");
      return shown(letter);
    },

    /** The administrator with this address, for a program whose user says who they are. @throws FORBIDDEN */
    async operatorNamed(email: string, via: string): Promise<Operator> {
      const user = await db.user.findUnique({ where: { email: normalAddress(email) } });
      if (user?.role !== "ADMIN" || user.disabledAt) throw forbidden("There is no administrator with this address.");
      return { userId: user.id, role: user.role, via };
    },
  };
}

/** The log names nobody, also where somebody is looked for by their address. */
function writtenDown(input: object) {
  const plain = JSON.parse(JSON.stringify(input)) as Record<string, Prisma.InputJsonValue>;
  return Object.fromEntries(
    Object.entries(plain).map(([key, value]) => [key, typeof value === "string" ? redactText(value) : value]),
  );
}
