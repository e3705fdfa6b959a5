import type { Db, Transaction } from "../../prisma/client.ts";
import { type TimeLimit, timeLimit } from "../domain/deadline.ts";
import { Prisma } from "../generated/prisma/client.ts";
import { examQueue } from "../queues/exam.queue.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Events } from "../redis/pubsub.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import { logStaffAct } from "./attemptEvents.ts";
import type { Attempt } from "./attemptFields.ts";
import { audit } from "./audit.ts";
import { batched } from "./batched.ts";
import { requireGroup } from "./courseGroup.service.ts";
import { extension, reachedAttempts } from "./examInput.ts";
import { lockExam } from "./examLock.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";

/** Whose running attempts were changed. */
export interface RunningExamChange {
  examId: string;
  userIds: string[];
}

interface Asked {
  examId: string;
  /** These people or this group; neither: everybody with an attempt in progress. */
  userIds?: readonly string[] | null;
  groupId?: string | null;
  reason: string;
  minutes?: number;
}
type Changed = { id: string; userId: string }[];

/** The acts on running attempts, as the attempts' logs call them. */
const EVENT_OF = { extendExam: "EXTENDED", stopExam: "STOPPED", pauseExam: "PAUSED", resumeExam: "RESUMED" } as const;

export type ExamTimeService = ReturnType<typeof createExamTimeService>;

/** The time of attempts that are running: what staff change of it, and what students see of it. */
export function createExamTimeService({
  db,
  access,
  outbox,
  events,
  graceSeconds,
  newId,
}: {
  db: Db;
  access: Access;
  outbox: Outbox;
  events: Events;
  /** How long after the deadline a save in flight is still taken. */
  graceSeconds: number;
  newId: () => string;
}) {
  const durationOf = batched(async (examIds: readonly string[]): Promise<number[]> => {
    const rows = await db.exam.findMany({
      where: { id: { in: [...examIds] } },
      select: { id: true, durationMinutes: true },
    });
    const byId = new Map(rows.map(({ id, durationMinutes }) => [id, durationMinutes]));
    return examIds.map((id) => byId.get(id)!); // an exam with attempts is never deleted
  });

  /**
   * Changes the attempts in progress in one transaction, and tells their clients after its commit. The lock on the exam lets
   * starts under way come first: everybody who is in the exam by then is reached.
   */
  async function change(
    actor: Actor,
    action: keyof typeof EVENT_OF,
    { examId: examIdGiven, userIds: userIdsGiven, groupId: groupIdGiven, ...what }: Asked,
    apply: (tx: Transaction, running: Prisma.Sql) => Promise<Changed>,
  ): Promise<RunningExamChange> {
    const examId = requireId(examIdGiven, "exam");
    const only = userIdsGiven?.map((id) => requireId(id, "person"));
    const groupId = groupIdGiven ? requireId(groupIdGiven, "group") : null;
    // In the order in which saves lock their attempts, so that the two cannot wait for each other in a circle.
    const running = Prisma.sql`
      SELECT id FROM attempts
      WHERE exam_id = ${examId}::uuid AND status = 'IN_PROGRESS'
        ${only ? Prisma.sql`AND user_id = ANY (${only}::uuid[])` : Prisma.empty}
        ${groupId ? Prisma.sql`AND user_id IN (SELECT user_id FROM course_group_members WHERE group_id = ${groupId}::uuid)` : Prisma.empty}
      ORDER BY id FOR UPDATE`;
    const changed = await db.$transaction(async (tx) => {
      const { courseId } = await lockExam(tx, access, actor, examId);
      if (groupId) await requireGroup(tx, courseId, groupId);
      const rows = await apply(tx, running);
      const ids = rows.map(({ id }) => id);
      await logStaffAct(tx, actor, EVENT_OF[action], ids, what.minutes ? { minutes: what.minutes } : undefined);
      await audit(tx, actor, newId, {
        action,
        entityType: "Exam",
        entityId: examId,
        after: { ...what, ...(groupId && { groupId }), userIds: rows.map(({ userId }) => userId) },
      });
      return rows;
    });
    outbox.handOver();
    await Promise.all(changed.map(({ id }) => events.publish("attemptChanged", { attemptId: id })));
    return { examId, userIds: changed.map(({ userId }) => userId) };
  }

  return {
    /**
     * Moves the deadlines of running attempts by so many minutes, past every close. Their delayed jobs come at the old time, find
     * the new one and ask for themselves again, so that nothing has to be found in Redis. Every call adds.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT
     */
    async extend(actor: Actor, input: unknown): Promise<RunningExamChange> {
      const given = parseInput(extension, input);
      // The same for every attempt, whatever its window: `attemptTimes` moves by exactly the credit.
      const seconds = given.minutes * 60;
      return change(
        actor,
        "extendExam",
        given,
        (tx, running) => tx.$queryRaw<Changed>`
          WITH running AS MATERIALIZED (${running})
          UPDATE attempts SET credit_seconds = credit_seconds + ${seconds}::int,
                              deadline_at = deadline_at + make_interval(secs => ${seconds}::int)
          FROM running WHERE attempts.id = running.id
          RETURNING attempts.id, user_id AS "userId"`,
      );
    },

    /**
     * Hands running attempts in now, with what is saved, and asks for them to be graded. Safe to repeat.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT
     */
    async stop(actor: Actor, input: unknown): Promise<RunningExamChange> {
      return change(actor, "stopExam", parseInput(reachedAttempts, input, { path: "" }), async (tx, running) => {
        const rows = await tx.$queryRaw<Changed>`
          WITH running AS MATERIALIZED (${running})
          UPDATE attempts SET status = 'SUBMITTED', submitted_at = clock_timestamp(), submitted_by = 'STAFF', paused_at = NULL
          FROM running WHERE attempts.id = running.id
          RETURNING attempts.id, user_id AS "userId"`;
        await tx.outboxJob.createMany({
          data: rows.map(({ id, userId }) =>
            outbox.row(examQueue, "gradeAttempt", { attemptId: id }, { ownerId: userId, requestId: actor.requestId }),
          ),
        });
        return rows;
      });
    },

    /**
     * Stops the clock of running attempts: no answer is taken, but for saves in flight, and nothing is handed in by the deadline.
     * Safe to repeat.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT
     */
    async pause(actor: Actor, input: unknown): Promise<RunningExamChange> {
      return change(
        actor,
        "pauseExam",
        parseInput(reachedAttempts, input, { path: "" }),
        (tx, running) => tx.$queryRaw<Changed>`
          WITH running AS MATERIALIZED (${running})
          UPDATE attempts SET paused_at = clock_timestamp()
          FROM running WHERE attempts.id = running.id AND paused_at IS NULL AND deadline_at > clock_timestamp()
          RETURNING attempts.id, user_id AS "userId"`,
      );
    },

    /**
     * Lets the clock of paused attempts go on, with the deadline as much later as it stood, in full seconds. Safe to repeat.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT
     */
    async resume(actor: Actor, input: unknown): Promise<RunningExamChange> {
      return change(actor, "resumeExam", parseInput(reachedAttempts, input, { path: "" }), async (tx, running) => {
        const rows = await tx.$queryRaw<(Changed[number] & { deadlineAt: Date })[]>`
          WITH running AS MATERIALIZED (${running}), pauses AS MATERIALIZED (
            SELECT id, ceil(extract(epoch FROM clock_timestamp() - paused_at))::int AS seconds
            FROM attempts JOIN running USING (id) WHERE paused_at IS NOT NULL
          )
          UPDATE attempts SET paused_at = NULL, paused_seconds = paused_seconds + seconds,
                              deadline_at = deadline_at + make_interval(secs => seconds)
          FROM pauses WHERE attempts.id = pauses.id
          RETURNING attempts.id, user_id AS "userId", deadline_at AS "deadlineAt"`;
        // A job that came during the pause did not ask for itself again.
        await tx.outboxJob.createMany({
          data: rows.map(({ id, userId, deadlineAt }) => {
            const runAt = new Date(deadlineAt.getTime() + graceSeconds * 1_000);
            return outbox.row(examQueue, "expireAttempt", { attemptId: id }, { runAt, ownerId: userId });
          }),
        });
        return rows;
      });
    },

    /** How long an attempt that the caller has been given is, and why. */
    async limitOf(attempt: Attempt): Promise<TimeLimit> {
      const { extraTimePercent, extraMinutes, pausedSeconds, creditSeconds } = attempt;
      return timeLimit(
        {
          baseMinutes: await durationOf(attempt.examId),
          extraTimePercent,
          extraMinutes,
          pausedSeconds,
          creditSeconds,
        },
        { startedAt: new Date(attempt.startedAt), deadlineAt: new Date(attempt.deadlineAt) },
      );
    },
  };
}
