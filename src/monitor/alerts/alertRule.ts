import { isAway, type QueueFigures, type Snapshot } from "../snapshot.ts";

/** What is kept of an earlier snapshot, for rules that compare. */
export interface Past {
  at: string;
  /** Null where it could not be read. */
  workers: number | null;
  evictedKeys: number | null;
}

/** One thing a rule looks at, and how it is now. */
export interface Reading {
  /** A queue, `queue/job` for a schedule, or the service. */
  subject: string;
  value: number;
  /** What is wrong, as a sentence, if it is wrong. */
  says: string;
}

export interface Thresholds {
  /** From this value on something is wrong. */
  raise: number;
  /** Down to this value it has to come to be well again; between the two nothing changes. */
  clear: number;
  /** How long it has to be wrong before anybody is told. */
  forSeconds: number;
}

export type Severity = "critical" | "warning";

export interface AlertRule extends Thresholds {
  name: string;
  severity: Severity;
  /** What it means that it fires. */
  meaning: string;
  /** What the values are; of "seconds waited" the age itself is part of the time until it is found. */
  unit: "yes or no" | "count" | "percent" | "seconds waited" | "seconds";
  /** Where other thresholds are right for a subject. */
  subjects?: Readonly<Record<string, Partial<Thresholds>>>;
  /** What to do, as a sentence. */
  remedy: string;
  /** Null where it cannot be known now: nothing begins and nothing ends by that. */
  measure(now: Snapshot, past: readonly Past[]): Reading[] | null;
  /** Whether it compares with earlier snapshots, so that a single one says nothing. */
  needsPast?: boolean;
}

/** The thresholds that hold for one subject of a rule. */
export function thresholdsOf(rule: AlertRule, subject: string): Thresholds {
  const { raise, clear, forSeconds } = rule;
  return { raise, clear, forSeconds, ...rule.subjects?.[subject] };
}

/** Every worker process works on every queue. */
export const workersOf = (queues: readonly QueueFigures[]): number =>
  Math.max(0, ...queues.map(({ workers }) => workers));

/** What later snapshots are compared with. */
export const pastOf = ({ takenAt, queues, redis }: Snapshot): Past => ({
  at: takenAt,
  workers: isAway(queues) ? null : workersOf(queues),
  evictedKeys: isAway(redis) ? null : redis.evictedKeys,
});
