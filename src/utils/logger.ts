import { type DestinationStream, type Logger, pino } from "pino";
import { currentWork } from "../currentWork.ts";

export type { Logger };

let output: ReturnType<typeof pino.destination> | undefined;

/** One for all loggers. pino itself does not write out what a synchronous destination still holds when the process ends. */
function standardOutput() {
  if (!output) {
    const destination = pino.destination({ dest: 1, sync: true, minLength: 16_000, periodicFlush: 250 });
    process.once("exit", () => destination.flushSync());
    output = destination;
  }
  return output;
}

const SECRETS = ["password", "accessToken", "refreshToken", "authorization", "cookie", "response", "answers"];

/**
 * JSON lines on standard output, or readable ones; within a request or a job with its id. Secrets that slip into a line are blotted out.
 * Lines leave in blocks, at the latest after a quarter of a second, and at once when the process ends: a write for each line
 * would cost a busy server more than the request it tells of.
 */
export function createLogger({
  level,
  pretty,
  program,
  destination,
}: {
  level: string;
  pretty: boolean;
  program: string;
  /** Instead of standard output; takes JSON lines. */
  destination?: DestinationStream;
}): Logger {
  const options = {
    level,
    base: { program },
    mixin: () => ({ ...currentWork() }),
    redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: "[hidden]" },
  };
  if (!pretty || destination) return pino(options, destination ?? standardOutput());
  return pino({
    ...options,
    transport: {
      target: "pino-pretty",
      options: {
        ignore: "pid,hostname,program",
        messageFormat: "[{program}] {msg}",
        translateTime: "HH:MM:ss",
      },
    },
  });
}

/** For lines whose every field is written out in the code: looking for secrets in each would cost more than the line. */
export const withoutRedaction = (log: Logger): Logger => log.child({}, { redact: [] });
