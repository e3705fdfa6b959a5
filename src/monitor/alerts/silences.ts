import { UsageError } from "../mode.ts";

/** Somebody knows about it and wants to hear no more of it for a while. */
export interface Silence {
  id: string;
  /** A rule, a queue, or `rule:subject`. */
  what: string;
  until: string;
  reason: string;
  by: string;
}

/** Whether a silence that still holds is about the alert: by its rule, its queue, or both. */
export function isSilenced(
  { rule, subject }: { rule: string; subject: string },
  silences: readonly Silence[],
  now: string,
): boolean {
  const queue = subject.split("/")[0]!;
  const names = [rule, subject, queue, `${rule}:${subject}`, `${rule}:${queue}`];
  return silences.some(({ what, until }) => until > now && names.includes(what));
}

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const longestMs = 30 * unitMs.d;

/** `90m`, `2h` or `3d` in milliseconds, at most thirty days: what is silenced for longer is forgotten. @throws UsageError */
export function durationMs(text: string): number {
  const [, count, unit] = /^(\d+)([mhd])$/.exec(text) ?? [];
  const ms = Number(count) * unitMs[unit as keyof typeof unitMs];
  if (!(ms > 0 && ms <= longestMs))
    throw new UsageError(`${text}: a time such as 90m, 2h or 3d is wanted, at most 30d.`);
  return ms;
}
