import { notFound } from "../domain/errors.ts";
import { isStorable } from "../domain/storedText.ts";
import type { Events } from "../redis/pubsub.ts";
import type { GetJobStatus, JobStatus } from "../utils/jobStatus.ts";
import type { Actor } from "./actor.ts";
import { requireId } from "./ids.ts";
import { watch } from "./watch.ts";

export type JobService = ReturnType<typeof createJobService>;

/** What people may know of background jobs. */
export function createJobService({ getJobStatus, events }: { getJobStatus: GetJobStatus; events: Events }) {
  /** A job the actor caused; an ADMIN may ask for any. @throws NOT_FOUND */
  async function get(actor: Actor, queue: string, jobId: string): Promise<JobStatus> {
    const job = isStorable(queue) ? await getJobStatus(queue, requireId(jobId, "job")) : null;
    if (!job || (job.ownerId !== actor.userId && actor.role !== "ADMIN")) throw notFound("job");
    return job;
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
  };
}
