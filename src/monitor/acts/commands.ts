import type { ActName } from "../../queues/queueActs.ts";
import type { OperationsService, Operator } from "../../services/operations.service.ts";
import { deadLetterLines, jobLines, queueLines, shownLines } from "./print.ts";

/** What was typed after the command, by name; ids are the words that nothing else takes. */
export interface Given {
  options: Record<string, string | undefined>;
  ids: string[];
}

interface CommandBase {
  /** What follows its name. */
  usage: string;
  says: string;
  /** The options it takes beside those of every command. */
  options?: readonly string[];
  /** Words it takes before any ids, each of them needed. */
  words?: readonly string[];
  takesIds?: boolean;
}
/** Shows something: always done at once. */
interface Reading extends CommandBase {
  read(operations: OperationsService, by: Operator, given: Given): Promise<{ answer: unknown; lines: string[] }>;
}
/** Does something: a dry run unless told otherwise. */
interface Acting extends CommandBase {
  act: ActName;
  input(given: Given): object;
}
export type Command = Reading | Acting;

const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
const filterOptions = ["queue", "job", "error", "after", "before"] as const;
const filterUsage = "[--queue Q] [--job NAME] [--error TEXT] [--after TIME] [--before TIME] [ID ...]";
const deadFilter = ({ options: { queue, job, error, after, before }, ids }: Given) => ({
  queue,
  name: job,
  error,
  failedAfter: after,
  failedBefore: before,
  ids: ids.length > 0 ? ids : undefined,
});

const onJob = (act: ActName, says: string): Acting => ({
  usage: "QUEUE ID",
  says,
  words: ["queue", "jobId"],
  act,
  input: ({ options }) => options,
});
const onQueue = (act: ActName, says: string): Acting => ({
  usage: "QUEUE",
  says,
  words: ["queue"],
  act,
  input: ({ options }) => options,
});
const onDead = (act: ActName, says: string): Acting => ({
  usage: filterUsage,
  says,
  options: filterOptions,
  takesIds: true,
  act,
  input: deadFilter,
});

/** Every command of operators, by its two words. */
export const commands: Record<string, Command> = {
  "queue list": {
    usage: "",
    says: "how many jobs each queue has",
    async read(operations, by) {
      const answer = await operations.listQueues(by);
      return { answer, lines: queueLines(answer) };
    },
  },
  "queue pause": {
    ...onQueue("pauseQueue", "workers begin no more of its jobs"),
    usage: "QUEUE --reason TEXT",
    options: ["reason"],
  },
  "queue resume": onQueue("resumeQueue", "workers begin its jobs again"),
  "queue drain": onQueue("drainQueue", "gives up what waits for a worker"),
  "jobs list": {
    usage: "QUEUE --state STATE [--first N] [--skip N]",
    says: "jobs that are waiting, active, delayed, completed or failed",
    words: ["queue"],
    options: ["state", "first", "skip"],
    async read(operations, by, { options: { queue, state, first, skip } }) {
      const wish = { queue, state: state?.toUpperCase(), first: number(first), skip: number(skip) };
      const answer = await operations.listJobs(by, wish);
      return { answer, lines: jobLines(answer) };
    },
  },
  "jobs show": {
    usage: "QUEUE ID",
    says: "one job",
    words: ["queue", "jobId"],
    async read(operations, by, { options: { queue = "", jobId = "" } }) {
      const answer = await operations.showJob(by, queue, jobId);
      return { answer, lines: shownLines(answer) };
    },
  },
  "jobs retry": onJob("retryJob", "gives a failed job all its tries again"),
  "jobs promote": onJob("promoteJob", "runs a job now that waits for its time"),
  "jobs remove": onJob("removeJob", "gives a job up"),
  "dead list": {
    usage: `${filterUsage} [--first N]`,
    says: "jobs that failed for good",
    options: [...filterOptions, "first"],
    takesIds: true,
    async read(operations, by, given) {
      const first = number(given.options.first) ?? 50;
      const answer = await operations.listDeadLetters(by, deadFilter(given), { first });
      return { answer, lines: deadLetterLines(answer) };
    },
  },
  "dead show": {
    usage: "ID",
    says: "one of them",
    words: ["id"],
    async read(operations, by, { options: { id = "" } }) {
      const answer = await operations.showDeadLetter(by, id);
      return { answer, lines: shownLines(answer) };
    },
  },
  "dead retry": onDead("retryDeadLetters", "gives them all their tries again"),
  "dead discard": onDead("discardDeadLetters", "gives them up"),
  "outbox reenqueue": {
    usage: "[--queue Q] [ID ...]",
    says: "hands over again what Redis has lost, and by id what was given up",
    options: ["queue"],
    takesIds: true,
    act: "reenqueueFromOutbox",
    input: ({ options: { queue }, ids }) => ({ queue, ids: ids.length > 0 ? ids : undefined }),
  },
};
