import { Writable } from "node:stream";
import { createLogger, type Logger } from "../../src/utils/logger.ts";

export type LogLine = Record<string, unknown> & { level: number; msg: string; requestId?: string };

/** A log as the programs write it, kept instead of printed. */
export function aKeptLog(): { log: Logger; lines: LogLine[]; text: () => string } {
  const written: string[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      done();
    },
  });
  return {
    log: createLogger({ level: "debug", pretty: false, program: "test", destination }),
    get lines() {
      return written.flatMap((chunk) => chunk.trim().split("\n")).map((line) => JSON.parse(line) as LogLine);
    },
    text: () => written.join(""),
  };
}
