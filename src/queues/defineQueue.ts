import type { JobsOptions } from "bullmq";
import type { z } from "zod";
import type { JobContext } from "./jobContext.ts";

export interface JobContract {
  payload: z.ZodType;
  /** How often it is tried in all; 4 if not given. */
  attempts?: number;
  /** Pause before the second try, doubled before each further one; 2000 if not given. */
  backoffMs?: number;
  /** After this long one try is given up and counts as failed; no limit if not given. */
  timeoutMs?: number;
}

/** A job that starts by itself, with an empty payload. `cron` is in UTC. */
export type Schedule<Name extends string = string> = { job: Name } & ({ everyMs: number } | { cron: string });

export interface QueueDeclaration<Jobs extends Record<string, JobContract> = Record<string, JobContract>> {
  name: string;
  /** Jobs one worker process runs at the same time. */
  concurrency: number;
  jobs: Jobs;
  schedules?: readonly Schedule[];
}

/** Ties a queue's job names to their payloads, for those who add jobs and for those who run them. */
export const defineQueue = <Jobs extends Record<string, JobContract>>(
  queue: QueueDeclaration<Jobs> & { schedules?: readonly Schedule<NoInfer<keyof Jobs & string>>[] },
): QueueDeclaration<Jobs> => queue;

export type JobName<Q extends QueueDeclaration> = keyof Q["jobs"] & string;
/** What the one who asks for the job writes. */
export type PayloadInput<Q extends QueueDeclaration, N extends JobName<Q>> = z.input<Q["jobs"][N]["payload"]>;
/** What the handler gets. */
export type Payload<Q extends QueueDeclaration, N extends JobName<Q>> = z.output<Q["jobs"][N]["payload"]>;
export type Handlers<Q extends QueueDeclaration> = {
  [N in JobName<Q>]: (payload: Payload<Q, N>, job: JobContext) => Promise<unknown>;
};

/** What BullMQ keeps for a job: the declared payload, and who and which request asked for it. */
export interface JobData {
  payload: unknown;
  ownerId?: string;
  requestId?: string;
}

/** How long a completed job is kept, and with it its status and its guard against a second hand-over. */
export const completedKeptSeconds = 3600;

/** The BullMQ options of a declared job; a name only a newer version knows gets the defaults. */
export function jobOptions(queue: QueueDeclaration, name: string): JobsOptions {
  const contract = Object.hasOwn(queue.jobs, name) ? queue.jobs[name] : undefined;
  return {
    attempts: contract?.attempts ?? 4,
    backoff: { type: "exponential", delay: contract?.backoffMs ?? 2_000 },
    removeOnComplete: { age: completedKeptSeconds },
    removeOnFail: false,
  };
}

/** A scheduled run is not retried and not kept for an operator: the next run does its work. */
export const scheduledJobOptions = {
  attempts: 1,
  removeOnComplete: { age: completedKeptSeconds, count: 100 },
  removeOnFail: { count: 100 },
} satisfies JobsOptions;
