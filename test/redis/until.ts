import { setTimeout as pause } from "node:timers/promises";

/** Waits until `condition` holds; fails with what was waited for when it does not within `limitMs`. */
export async function until(what: string, condition: () => unknown, limitMs = 45_000): Promise<void> {
  for (const deadline = Date.now() + limitMs; !(await condition()); await pause(5)) {
    if (Date.now() > deadline) throw new Error(`still not so after ${limitMs} ms: ${what}`);
  }
}
