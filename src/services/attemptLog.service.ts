import type { Db } from "../../prisma/client.ts";
import { notFound } from "../domain/errors.ts";
import { Prisma } from "../generated/prisma/client.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import type { AttemptEventKind } from "./attemptEvents.ts";
import type { AttemptVisits } from "./attemptVisits.ts";
import { type Connection, connectionBy, type Ordering, type PageArgs } from "./connection.ts";
import { requireId } from "./ids.ts";
import { isWaiting } from "./responseClaims.ts";

/** One line of an attempt's log. */
export interface AttemptEvent {
  id: string;
  at: string;
  kind: AttemptEventKind;
  actorId: string | null;
  sessionId: string | null;
  address: string | null;
  userAgent: string | null;
  detail: unknown;
}

/**
 * Who marks a response out of the queue shall not find its student by the line that says so: it is shown once the response has points,
 * as the line about these is, or nobody can mark it any more.
 */
const isShown = Prisma.sql`(detail -> 'anonymous' IS NULL OR NOT EXISTS (
  SELECT FROM answers answer
  JOIN question_versions version ON version.id = answer.question_version_id
  JOIN attempts attempt ON attempt.id = answer.attempt_id
  JOIN exam_questions place ON place.exam_id = attempt.exam_id AND place.question_id = version.question_id
  WHERE answer.attempt_id = attempt_events.attempt_id AND version.question_id = (attempt_events.detail ->> 'questionId')::uuid
    AND place.treatment IN ('NORMAL', 'BONUS') AND ${isWaiting}))`;

type EventRow = Omit<AttemptEvent, "at"> & { at: Date };

/**
 * By time, then in the order of writing; a cursor holds both, `<milliseconds>.<id>`. The id alone would not do: visits are written
 * later than what came after them.
 */
const PLACE = /^(\d{1,13})\.(\d{1,18})$/;
const OLDEST_FIRST: Ordering<string> = { direction: "asc", parse: (text) => (PLACE.test(text) ? text : null) };

function beyond(place: string | undefined, than: "<" | ">"): Prisma.Sql {
  if (place === undefined) return Prisma.empty;
  const [, at, id] = PLACE.exec(place)!;
  return Prisma.sql`AND (at, id) ${Prisma.raw(than)} (${new Date(Number(at))}::timestamptz, ${id}::bigint)`;
}

export type AttemptLogService = ReturnType<typeof createAttemptLogService>;

/** What happened to attempts, for the staff who must settle a dispute. */
export function createAttemptLogService({ db, access, visits }: { db: Db; access: Access; visits: AttemptVisits }) {
  return {
    /**
     * The log of an attempt, oldest first; of one question only, the saves that brought a revision of it.
     * @throws NOT_FOUND, FORBIDDEN for who is not staff of the course, BAD_USER_INPUT
     */
    async list(
      actor: Actor,
      { attemptId: attemptIdGiven, questionId }: { attemptId: string; questionId?: string | null },
      page: PageArgs,
    ): Promise<Connection<AttemptEvent>> {
      const attemptId = requireId(attemptIdGiven, "attempt");
      const attempt = await db.attempt.findUnique({
        where: { id: attemptId },
        select: { exam: { select: { courseId: true } } },
      });
      if (!attempt) throw notFound("attempt");
      await access.requireStaff(db, actor, attempt.exam.courseId, "attempt");
      await visits.flush(); // what this server has not written yet
      const question = questionId && requireId(questionId, "question");
      const wanted = question
        ? Prisma.sql`attempt_id = ${attemptId}::uuid
            AND (detail -> 'saved' ? ${question} OR detail -> 'superseded' ? ${question} OR detail -> 'refused' ? ${question})`
        : Prisma.sql`attempt_id = ${attemptId}::uuid AND ${isShown}`;
      return connectionBy(OLDEST_FIRST, page, {
        find: ({ where: { id: bounds = {} }, orderBy, take }) => {
          const direction = orderBy.id === "asc" ? Prisma.sql`ASC` : Prisma.sql`DESC`;
          return db.$queryRaw<EventRow[]>`
            SELECT id::text, at, kind::text, actor_id AS "actorId", session_id AS "sessionId", address,
                   user_agent AS "userAgent", detail
            FROM attempt_events
            WHERE ${wanted} ${beyond(bounds.gt, ">")} ${beyond(bounds.lt, "<")}
            ORDER BY at ${direction}, id ${direction} LIMIT ${take}`;
        },
        count: async () => {
          const [row] = await db.$queryRaw<{ count: number }[]>`
            SELECT count(*)::int AS count FROM attempt_events WHERE ${wanted}`;
          return row!.count;
        },
        id: ({ at, id }) => `${at.getTime()}.${id}`,
        toNode: (row) => ({ ...row, at: row.at.toISOString() }),
      });
    },
  };
}
