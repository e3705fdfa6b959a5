import type { Db } from "../../prisma/client.ts";
import { notFound, unprocessable } from "../domain/errors.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Events } from "../redis/pubsub.ts";
import type { Access } from "./access.ts";
import type { Actor, Reads } from "./actor.ts";
import {
  type Attempt,
  type AttemptFields,
  attemptColumns,
  attemptFields,
  isActiveFor,
  toAttempt,
} from "./attemptFields.ts";
import { createAttemptStart } from "./attemptStart.ts";
import type { AttemptVisits } from "./attemptVisits.ts";
import { batched } from "./batched.ts";
import { type Connection, connectionOf, type PageArgs } from "./connection.ts";
import { createEligibility, requireMayStart } from "./eligibility.ts";
import type { ExamAddresses } from "./examAddresses.ts";
import type { ExamQuestions } from "./examQuestions.ts";
import { createHandIn } from "./handIn.ts";
import { requireId } from "./ids.ts";
import type { Paper, Papers } from "./papers.ts";
import type { createSharedSecretCheck } from "./passwords.ts";
import type { StaffViews } from "./staffViews.ts";
import { watch } from "./watch.ts";

export interface SavedAnswer {
  questionId: string;
  response: unknown;
  revision: number;
  savedAt: string;
}

export type AttemptService = ReturnType<typeof createAttemptService>;

export function createAttemptService({
  db,
  access,
  papers,
  examQuestions,
  addresses,
  visits,
  staffViewed,
  outbox,
  events,
  checkAccessCode,
  graceSeconds,
  unverifiedMayStart,
  newId,
}: {
  db: Db;
  access: Access;
  papers: Papers;
  examQuestions: ExamQuestions;
  addresses: ExamAddresses;
  visits: AttemptVisits;
  staffViewed: StaffViews;
  outbox: Outbox;
  events: Events;
  checkAccessCode: ReturnType<typeof createSharedSecretCheck>;
  /** How long after the deadline a save in flight is still taken. */
  graceSeconds: number;
  /** Whether people whose address is not verified may start. */
  unverifiedMayStart: boolean;
  newId: () => string;
}) {
  const { begin, takeOver } = createAttemptStart({ db, papers, examQuestions, outbox, events, graceSeconds, newId });
  const { handIn, handInAll, expire, sweep } = createHandIn({ db, outbox, events, graceSeconds });

  const eligibilityOf = createEligibility(db);
  const stored = batched(async (ids: readonly string[]) => {
    const rows = await db.$queryRaw<AttemptFields[]>`
      SELECT ${attemptColumns} FROM attempts WHERE id = ANY (${ids}::uuid[])`;
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id) ?? null);
  });

  async function find(actor: Actor, attemptId: string): Promise<Attempt> {
    const row = await stored(requireId(attemptId, "attempt"));
    if (!row) throw notFound("attempt");
    if (row.userId !== actor.userId) {
      const exam = await db.exam.findUniqueOrThrow({ where: { id: row.examId }, select: { courseId: true } });
      if ((await access.standingIn(actor, exam.courseId)) !== "STAFF") throw notFound("attempt");
    }
    return toAttempt(row);
  }

  /** The actor's own attempt, or one of a course whose staff the actor is. @throws NOT_FOUND */
  async function get(actor: Actor, attemptId: string): Promise<Attempt> {
    const attempt = await find(actor, attemptId);
    if (attempt.userId === actor.userId) visits.note("VIEWED", actor, attempt.id);
    return attempt;
  }

  async function requireAccessCode(hashed: string | null, given: string | null | undefined): Promise<void> {
    if (hashed && !(await checkAccessCode(hashed, given ?? "")))
      throw unprocessable("WRONG_ACCESS_CODE", "This exam asks for an access code; yours is missing or wrong.");
  }

  return {
    get,
    expire,
    handInAll,
    sweep,

    /**
     * Starts an attempt, or returns the one in progress: a reload is no second attempt, and of two simultaneous starts one is made.
     * From another log-in than the one that has it, the attempt is taken over, for which the access code is asked again.
     * @throws NOT_FOUND, FORBIDDEN,
     *   UNPROCESSABLE (EMAIL_NOT_VERIFIED, EXAM_NOT_OPEN, EXAM_CLOSED, EXAM_ARCHIVED, NO_ATTEMPTS_LEFT, ADDRESS_NOT_ALLOWED, WRONG_ACCESS_CODE)
     */
    async start(actor: Actor, examIdGiven: string, accessCode?: string | null): Promise<Attempt> {
      const examId = requireId(examIdGiven, "exam");
      for (;;) {
        const eligible = await eligibilityOf({ examId, userId: actor.userId });
        if (!eligible) throw notFound("exam");
        const { access_code_hash: hashed, open_attempt_id: openId } = eligible.row;
        if (openId) {
          await addresses.requireAllowed(actor, examId, openId);
          const open = await get(actor, openId);
          if (isActiveFor(open, actor)) return open;
          await requireAccessCode(hashed, accessCode);
          return (await takeOver(actor, openId)) ?? find(actor, openId);
        }
        requireMayStart(eligible, { unverifiedMayStart });
        await addresses.requireAllowed(actor, examId);
        await requireAccessCode(hashed, accessCode);
        const begun = await begin(actor, examId, eligible);
        if (begun) {
          outbox.handOver();
          return begun;
        }
      }
    },

    /** The actor's own attempts, newest first. */
    async listOwn(actor: Actor, examId: string | null | undefined, page: PageArgs): Promise<Connection<Attempt>> {
      const own = { userId: actor.userId, ...(examId && { examId: requireId(examId, "exam") }) };
      return connectionOf(page, {
        find: ({ where, ...rest }) =>
          db.attempt.findMany({ where: { ...own, ...where }, ...rest, select: attemptFields }),
        count: () => db.attempt.count({ where: own }),
        id: ({ id }) => id,
        toNode: toAttempt,
      });
    },

    /** The paper of an attempt, whoever asks; without any key. */
    paper: (attemptId: string, reads?: Reads): Promise<Paper> => papers.paper(attemptId, reads),

    /** The paper of an attempt that the actor has been given. That staff look is in its log before they see it. @throws UNPROCESSABLE (ADDRESS_NOT_ALLOWED) to its student while it is in progress */
    async paperFor(actor: Actor, { id, examId, userId, status }: Attempt): Promise<Paper> {
      if (userId === actor.userId) {
        if (status === "IN_PROGRESS") await addresses.requireAllowed(actor, examId, id);
        visits.note("VIEWED", actor, id);
      } else await staffViewed(actor, id);
      return papers.paper(id, actor.reads);
    },

    /** The attempt as it is now, and again whenever its state changes. @throws NOT_FOUND */
    watch(actor: Actor, attemptIdGiven: string): AsyncIterableIterator<Attempt> {
      const attemptId = requireId(attemptIdGiven, "attempt");
      return watch(events.subscribe("attemptChanged", attemptId), () => get(actor, attemptId));
    },

    /** What was saved in each of these attempts, which the caller has been given; for loaders. */
    async savedAnswers(attemptIds: readonly string[]): Promise<SavedAnswer[][]> {
      const rows = await db.answer.findMany({
        where: { attemptId: { in: [...attemptIds] }, revision: { gt: 0 } },
        select: { attemptId: true, questionVersionId: true, response: true, revision: true, savedAt: true },
      });
      const byAttempt = new Map(rows.map(({ attemptId }) => [attemptId, [] as typeof rows]));
      for (const row of rows) byAttempt.get(row.attemptId)!.push(row);
      return Promise.all(
        attemptIds.map(async (id) => {
          const answers = byAttempt.get(id);
          if (!answers) return [];
          const questionOf = await papers.questionIds(id); // the paper knows, so the database need not join
          return answers.map(({ questionVersionId, response, revision, savedAt }) => ({
            questionId: questionOf.get(questionVersionId)!,
            response,
            revision,
            savedAt: savedAt.toISOString(),
          }));
        }),
      );
    },

    /**
     * Hands in the actor's own attempt and asks for it to be graded; from any log-in and address, so that nothing is lost.
     * Safe to repeat. @throws NOT_FOUND
     */
    async submit(actor: Actor, attemptIdGiven: string): Promise<Attempt> {
      const attemptId = requireId(attemptIdGiven, "attempt");
      const handedIn = await handIn(attemptId, actor);
      if (handedIn) return toAttempt(handedIn);
      const attempt = await find(actor, attemptId);
      if (attempt.userId !== actor.userId) throw notFound("attempt"); // staff may see it, not hand it in
      return attempt;
    },
  };
}
