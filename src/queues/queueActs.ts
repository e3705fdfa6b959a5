import type { JobState as BullState } from "bullmq";
import { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import { conflict, notFound, unprocessable } from "../domain/errors.ts";
import { allQueues } from "./allQueues.ts";
import type { DeadLetters } from "./deadLetters.ts";
import type { QueueDeclaration } from "./defineQueue.ts";
import { isFromOutbox } from "./jobId.ts";
import type { OpenQueues } from "./openQueues.ts";
import type { Outbox } from "./outbox.ts";
import { createRowsWithoutJobs } from "./rowsWithoutJobs.ts";

/** Something that can be done to queues and their jobs, for every way in: GraphQL, the monitor's pages, its command line. */
export interface Act<Input = never> {
  /** What it does, in a sentence, for menus and help. */
  says: string;
  /** How it is written down. */
  action: string;
  /** What its ids are of. */
  on: "Queue" | "Job" | "DeadLetter" | "OutboxRow";
  input: z.ZodType<Input>;
  /** The ids it would be done to now. Changes nothing. @throws NOT_FOUND, CONFLICT, UNPROCESSABLE, QueuesUnavailable */
  preview(input: Input): Promise<string[]>;
  /** Does it to these ids, in batches, and returns those it was done to. Safe to repeat. @throws QueuesUnavailable */
  execute(input: Input, ids: readonly string[]): Promise<string[]>;
}

export type QueueActs = ReturnType<typeof createQueueActs>;
export type ActName = keyof QueueActs;

const batchSize = 50;

/** Lets the compiler find out the type of an act's input. */
const act = <Input>(declared: Act<Input>): Act<Input> => declared;

const text = z.string().trim().min(1).max(200);
const time = z.union([z.date(), z.iso.datetime({ offset: true }).transform((given) => new Date(given))]);
const given = <Value>(value: Value | null | undefined): Value | undefined => value ?? undefined;
const optional = <Schema extends z.ZodType>(schema: Schema) => schema.nullish().transform(given);
const jobId = z
  .guid("is not the id of a job that somebody asked for; the runs of a schedule are left to it")
  .toLowerCase();

/** Refuses a filter that says nothing: no slip of the hand may reach every job there is. */
const notEmpty = [
  (filter: object) => Object.values(filter).some((value) => value !== undefined),
  "must say which: give at least one condition",
] as const;

/** Which dead letters, as somebody asks for them. */
export const deadLetterFilter = (queues: readonly string[]) =>
  z.object({
    queue: optional(z.enum(queues)),
    name: optional(text),
    error: optional(text),
    failedAfter: optional(time),
    failedBefore: optional(time),
    ids: optional(z.array(z.string().max(200)).max(1_000)),
  });

/** What can be done, one entry each. Nothing here asks who does it. */
export function createQueueActs({
  db,
  queues,
  outbox,
  deadLetters,
  declarations = allQueues,
}: {
  db: Db;
  queues: OpenQueues;
  outbox: Outbox;
  deadLetters: DeadLetters;
  declarations?: readonly QueueDeclaration[];
}) {
  const names = declarations.map(({ name }) => name);
  const queue = z.enum(names);
  const oneQueue = z.object({ queue });
  const oneJob = z.object({ queue, jobId });
  const deadFilter = deadLetterFilter(names).refine(...notEmpty);
  const outboxFilter = z
    .object({ queue: optional(queue), ids: optional(z.array(jobId).max(1_000)) })
    .refine(...notEmpty);
  const rowsWithoutJobs = createRowsWithoutJobs({ db, queues, names });

  const isPaused = (name: string) => queues.use(name, (open) => open.isPaused());
  const stateOf = (job: z.output<typeof oneJob>): Promise<BullState | "unknown"> =>
    queues.use(job.queue, (open) => open.getJobState(job.jobId));

  /** The job's id, where it is in that state. */
  async function inState(job: z.output<typeof oneJob>, wanted: BullState, refusal: string): Promise<string[]> {
    const state = await stateOf(job);
    if (state === wanted) return [job.jobId];
    if (state === "unknown") throw notFound("job");
    throw unprocessable(refusal, `The job is ${state}, not ${wanted}.`);
  }

  /** Asks the act of each dead letter, some at a time. */
  async function each(ids: readonly string[], settle: (id: string) => Promise<boolean>): Promise<string[]> {
    const done: string[] = [];
    for (let from = 0; from < ids.length; from += batchSize) {
      const batch = ids.slice(from, from + batchSize);
      const settled = await Promise.all(batch.map(settle));
      done.push(...batch.filter((_id, at) => settled[at]));
    }
    return done;
  }

  const deadIds = async (filter: z.output<typeof deadFilter>) =>
    (await deadLetters.matching(filter)).map(({ id }) => id);

  return {
    pauseQueue: act({
      says: "Lets workers begin no more jobs of a queue; those that run are finished, and new ones wait.",
      action: "queue.pause",
      on: "Queue",
      input: z.object({ queue, reason: text }),
      preview: async (input) => ((await isPaused(input.queue)) ? [] : [input.queue]),
      async execute(input, ids) {
        await queues.use(input.queue, (open) => open.pause());
        return [...ids];
      },
    }),

    resumeQueue: act({
      says: "Lets workers begin jobs of a paused queue again.",
      action: "queue.resume",
      on: "Queue",
      input: oneQueue,
      preview: async (input) => ((await isPaused(input.queue)) ? [input.queue] : []),
      async execute(input, ids) {
        await queues.use(input.queue, (open) => open.resume());
        return [...ids];
      },
    }),

    drainQueue: act({
      says: "Gives up every job that waits for a worker; what runs, what waits for its time and the runs of schedules are left.",
      action: "queue.drain",
      on: "Job",
      input: oneQueue,
      preview: async (input) =>
        (await queues.use(input.queue, (open) => open.getRanges(["waiting"], 0, -1, true))).filter(isFromOutbox),
      execute: (input, ids) => outbox.discard(input.queue, ids),
    }),

    retryJob: act({
      says: "Gives a failed job all its tries again.",
      action: "job.retry",
      on: "Job",
      input: oneJob,
      preview: (input) => inState(input, "failed", "JOB_NOT_FAILED"),
      execute: async (input, ids) => ((await deadLetters.retryJob(input.queue, input.jobId)) ? [...ids] : []),
    }),

    promoteJob: act({
      says: "Runs a job at once that waits for its time or for its next try.",
      action: "job.promote",
      on: "Job",
      input: oneJob,
      preview: (input) => inState(input, "delayed", "JOB_NOT_DELAYED"),
      async execute(input, ids) {
        const isPromoted = await queues.use(input.queue, async (open) => {
          const job = await open.getJob(input.jobId);
          if ((await stateOf(input)) !== "delayed") return false; // its time has come meanwhile
          await job?.promote();
          return job !== undefined;
        });
        // After it: should this process die here, the job is promoted all the same.
        if (isPromoted) await outbox.bringForward(input.jobId);
        return isPromoted ? [...ids] : [];
      },
    }),

    removeJob: act({
      says: "Gives a job up, whatever its state, unless it is running.",
      action: "job.remove",
      on: "Job",
      input: oneJob,
      async preview(input) {
        const state = await stateOf(input);
        if (state === "active") throw conflict("The job is running. Wait until it has ended.", "JOB_ACTIVE");
        if (state === "unknown" && !(await outbox.isWanted(input.queue, input.jobId))) throw notFound("job");
        return [input.jobId];
      },
      async execute(input, ids) {
        const gone = await outbox.discard(input.queue, ids);
        if (gone.length > 0) await deadLetters.removeEntry(input.queue, input.jobId);
        return gone;
      },
    }),

    retryDeadLetters: act({
      says: "Gives jobs that failed for good all their tries again.",
      action: "deadLetters.retry",
      on: "DeadLetter",
      input: deadFilter,
      preview: deadIds,
      execute: (_filter, ids) => each(ids, deadLetters.retry),
    }),

    discardDeadLetters: act({
      says: "Gives up jobs that failed for good.",
      action: "deadLetters.discard",
      on: "DeadLetter",
      input: deadFilter,
      preview: deadIds,
      execute: (_filter, ids) => each(ids, deadLetters.discard),
    }),

    reenqueueFromOutbox: act({
      says: "Hands jobs over again that Redis has lost, and, named by their ids, those that were given up.",
      action: "outbox.reenqueue",
      on: "OutboxRow",
      input: outboxFilter,
      preview: (filter) => rowsWithoutJobs(filter),
      execute: (_filter, ids) => outbox.handOverAgain(ids),
    }),
  };
}
