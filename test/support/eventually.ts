import { setTimeout as pause } from "node:timers/promises";

/** Waits until the condition gives something true, and gives that back; fails after the limit with what it was waiting for. */
export async function eventually<T>(
  what: string,
  condition: () => Promise<T> | T,
  limitMs = 45_000,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const result = await condition();
    if (result) return result;
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`);
    await pause(25);
  }
}
