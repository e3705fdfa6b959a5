import type { Db } from "../../prisma/client.ts";
import { forbidden, notFound } from "../domain/errors.ts";
import { isStorable } from "../domain/storedText.ts";
import type { DeadLetter, DeadLetters } from "../queues/deadLetters.ts";
import type { Events } from "../redis/pubsub.ts";
import type { GetJobStatus, JobStatus } from "../utils/jobStatus.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { requireId } from "./ids.ts";
import { watch } from "./watch.ts";

export type JobService = ReturnType<typeof createJobService>;

/** What people may know of background jobs, and what an ADMIN may do about those that failed. */
export function createJobService({
  db,
  getJobStatus,
  deadLetters,
  events,
  newId,
}: {
  db: Db;
  getJobStatus: GetJobStatus;
  deadLetters: DeadLetters;
  events: Events;
  newId: () => string;
}) {
  function requireAdmin(actor: Actor): void {
    if (actor.role !== "ADMIN") throw forbidden();
  }

  /** A job the actor caused; an ADMIN may ask for any. @throws NOT_FOUND */
  async function get(actor: Actor, queue: string, jobId: string): Promise<JobStatus> {
    const job = isStorable(queue) ? await getJobStatus(queue, requireId(jobId, "job")) : null;
    if (!job || (job.ownerId !== actor.userId && actor.role !== "ADMIN")) throw notFound("job");
    return job;
  }

  /**
   * Does something to a dead letter. It is written down first: Redis has no part in a transaction, and an act without its line
   * would be worse than a line whose act was cut short. @throws NOT_FOUND
   */
  async function settle(
    actor: Actor,
    id: string,
    action: "job.retry" | "job.discard",
    act: (id: string) => Promise<boolean>,
  ): Promise<void> {
    requireAdmin(actor);
    const letter = await deadLetters.find(id);
    if (!letter) throw notFound("dead letter");
    const { queue, name, jobId } = letter;
    await audit(db, actor, newId, { action, entityType: "Job", entityId: jobId, before: { queue, name } });
    if (!(await act(id))) throw notFound("dead letter"); // somebody else was quicker
  }

  return {
    get,

    /** The job as it is now, and again whenever its state or progress changes, until it has ended. @throws NOT_FOUND */
    watch(actor: Actor, queue: string, jobIdGiven: string): AsyncIterableIterator<JobStatus> {
      const jobId = requireId(jobIdGiven, "job");
      return watch(
        events.subscribe("jobChanged", `${queue}:${jobId}`),
        () => get(actor, queue, jobId),
        ({ state }) => state === "COMPLETED" || state === "FAILED",
      );
    },

    /** The jobs that failed for good, the latest first. @throws FORBIDDEN, SERVICE_UNAVAILABLE */
    async listDeadLetters(actor: Actor, filter: { queue?: string | null; first: number }): Promise<DeadLetter[]> {
      requireAdmin(actor);
      const page = await deadLetters.list({
        queue: filter.queue ?? undefined,
        first: Math.min(Math.max(filter.first, 1), 200),
      });
      return page.entries;
    },

    /** Gives a failed job all its tries again. @throws FORBIDDEN, NOT_FOUND, SERVICE_UNAVAILABLE */
    async retryDeadLetter(actor: Actor, id: string): Promise<void> {
      await settle(actor, id, "job.retry", deadLetters.retry);
    },

    /** Gives a failed job up. @throws FORBIDDEN, NOT_FOUND, SERVICE_UNAVAILABLE */
    async discardDeadLetter(actor: Actor, id: string): Promise<void> {
      await settle(actor, id, "job.discard", deadLetters.discard);
    },
  };
}
