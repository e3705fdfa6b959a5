import type { Logger } from "../utils/logger.ts";

/** What a handler gets beside its payload. */
export interface JobContext {
  jobId: string;
  /** Whether a failure now is for good. */
  isLastTry: boolean;
  /** Carries the job's id, the attempt and the id of the request that asked for it. */
  log: Logger;
  /** Aborted when the time is up, the process stops, or another worker has taken the job over. */
  signal: AbortSignal;
  /** Whole percent, 0 to 100, for whoever watches the job. */
  progress(percent: number): Promise<void>;
}
