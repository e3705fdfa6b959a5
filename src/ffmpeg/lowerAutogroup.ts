import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "../utils/logger.ts";

/**
 * A tenth of a core that others want all of. At 19 it would be a hundredth: a lecture would not be done within its time limit on
 * a busy day. How soon others get the core they wake up for does not depend on this, but on the idle policy.
 */
const NICE = 10;
/** Linux takes ten such wishes a second of all who are not root; several programs may have started at once. */
const AGAIN_AFTER_MS = 150;
const TRIES = 20;

/**
 * Gives the session of a detached program a small share of the cores. Linux divides them among the sessions first and by
 * "nice" only within each, so a program in a session of its own would get as much as the whole server, however nice it is.
 * Does nothing where there are no such groups; a refusal costs speed only, and is logged at debug. Never rejects.
 */
export async function lowerAutogroup(pid: number, log: Pick<Logger, "debug">): Promise<void> {
  const file = `/proc/${pid}/autogroup`;
  if (!existsSync(file)) return;
  for (let left = TRIES; ; left--) {
    try {
      return await writeFile(file, String(NICE));
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (["ENOENT", "ESRCH"].includes(code)) return; // it has ended
      if (code !== "EAGAIN" || left === 1)
        return log.debug({ err: error, pid }, "a program keeps its share of the cores");
      await pause(AGAIN_AFTER_MS);
    }
  }
}
