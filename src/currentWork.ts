import { AsyncLocalStorage } from "node:async_hooks";

/** What is being done for somebody: a request, a job, or a run of a schedule. */
export interface Work {
  /** Of the request that asked for it, however many jobs lie between; else the scheduled job's own id. */
  requestId: string;
  /** Where tracing is on. */
  traceId?: string;
}

const current = new AsyncLocalStorage<Work>();

/**
 * Runs something, and all that it calls or starts, as part of that work: log lines and jobs then carry its ids. For jobs, and for
 * requests that are traced; `apollo/requestWork.ts` says why not for all.
 */
export const inWork = <Result>(work: Work, run: () => Result): Result => current.run(work, run);

/** Runs something that serves everybody, though one request happened to begin it. */
export const outsideWork = <Result>(run: () => Result): Result => current.exit(run);

/** What this line of code is part of; nothing in what a process does by itself. */
export const currentWork = (): Work | undefined => current.getStore();
