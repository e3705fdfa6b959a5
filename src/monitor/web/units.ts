/** e.g. "840 ms", "1.2 s", "4 min", "3 h". */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.floor(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.floor(ms / 3_600_000)} h` : `${Math.floor(ms / 86_400_000)} d`;
}

export const seconds = (count: number | null): string => (count === null ? "–" : duration(count * 1_000));

export const megabytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MB`;

export const perMinute = (rate: number): string => String(rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate));

/** e.g. "2026-11-20 09:00:00", in UTC. */
export const utc = (time: string): string => time.slice(0, 19).replace("T", " ");

/** e.g. "3 min ago", "in 20 s". */
export function fromNow(time: string, now: string): string {
  const ms = Date.parse(time) - Date.parse(now);
  return ms > 0 ? `in ${duration(ms)}` : `${duration(-ms)} ago`;
}
