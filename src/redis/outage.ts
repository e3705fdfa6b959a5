/** Answers of a server that is starting, full, or may not be written to now. */
const SERVER_STATES = /^(LOADING|READONLY|MISCONF|OOM|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|BUSY) /;

/** Whether an error of a command means that Redis is away for now, and not that the command is wrong. */
export function isRedisOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === "ReplyError" ? SERVER_STATES.test(error.message) : !PROGRAMMING_ERRORS.has(error.name);
}

/** What else a command throws is its connection's: closed, timed out, not there. */
const PROGRAMMING_ERRORS = new Set(["TypeError", "RangeError", "ReferenceError", "SyntaxError"]);
