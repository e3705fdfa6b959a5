import { duration } from "../shortFigures.ts";

/** e.g. "2026-11-20 09:00:00", in UTC. */
export const utc = (time: string): string => time.slice(0, 19).replace("T", " ");

/** e.g. "3 min ago", "in 20 s". */
export function fromNow(time: string, now: string): string {
  const ms = Date.parse(time) - Date.parse(now);
  return ms > 0 ? `in ${duration(ms)}` : `${duration(-ms)} ago`;
}
