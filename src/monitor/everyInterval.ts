import { setTimeout as sleep } from "node:timers/promises";

/** Works at once and then in that rhythm, until the signal is aborted. */
export async function everyInterval(ms: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await work();
    await sleep(ms, undefined, { signal }).catch(() => {}); // aborted means leaving
  }
}
