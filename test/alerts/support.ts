import type { AlertRule } from "../../src/monitor/alerts/alertRule.ts";
import { type AlertPolicy, type AlertState, type Notice, nextState } from "../../src/monitor/alerts/alertState.ts";
import type { QueueFigures, Snapshot } from "../../src/monitor/snapshot.ts";
import { allQueues } from "../../src/queues/allQueues.ts";

export const start = Date.parse("2026-11-20T09:00:00.000Z");
export const at = (seconds: number) => new Date(start + seconds * 1_000).toISOString();

const queue = (name: string): QueueFigures => ({
  ...{ name, waiting: 2, active: 1, delayed: 40, failed: 0, dead: 0, completed: 900 },
  ...{ completedPerMinute: 15, failedPerMinute: 0.2, stalledPerMinute: 0 },
  ...{ wait: { p50: 4, p95: 20, p99: 80 }, run: { p50: 10, p95: 60, p99: 200 } },
  ...{ oldestWaitingSeconds: 1, workers: 2, isPaused: false },
});

/** A system that is well, at that second. */
export const healthy = (seconds = 0): Snapshot => ({
  takenAt: at(seconds),
  queues: allQueues.map(({ name }) => queue(name)),
  outbox: { waiting: 1, oldestSeconds: 1 },
  redis: {
    ...{ version: "7.0.15", usedMemoryBytes: 40e6, maxMemoryBytes: 100e6 },
    ...{ maxMemoryPolicy: "noeviction", appendOnly: "on", evictedKeys: 0 },
  },
  processes: [],
  cache: { hitRate: null },
  schedules: [
    {
      ...{ queue: "exam", job: "sweepAttempts", everyMs: 30_000, cron: null },
      ...{ nextAt: at(seconds + 10), lastFinishedAt: at(seconds - 20), isLate: false },
    },
  ],
});

/** The same with other figures of one queue. */
export const withQueue = (snapshot: Snapshot, name: string, change: Partial<QueueFigures>): Snapshot => ({
  ...snapshot,
  queues: (snapshot.queues as QueueFigures[]).map((figures) =>
    figures.name === name ? { ...figures, ...change } : figures,
  ),
});

/** A rule whose readings are given with the snapshot, for tests of what follows from readings. */
export const givenRule = (
  change: Partial<AlertRule>,
  readings: (takenAt: string) => Record<string, number> | null,
): AlertRule => ({
  ...{ name: "given", severity: "warning", meaning: "", unit: "count", raise: 10, clear: 5, forSeconds: 30 },
  remedy: "Mend it.",
  measure: ({ takenAt }) => {
    const values = readings(takenAt);
    return (
      values && Object.entries(values).map(([subject, value]) => ({ subject, value, says: `${subject} is ${value}` }))
    );
  },
  ...change,
});

/** Goes through snapshots and gives the messages they lead to. */
export function run(
  snapshots: readonly Snapshot[],
  policy: AlertPolicy,
  from: AlertState,
): { state: AlertState; notices: Notice[] } {
  let state = from;
  const notices: Notice[] = [];
  for (const snapshot of snapshots) {
    const next = nextState(state, snapshot, policy);
    state = next.state;
    if (next.notice) notices.push(next.notice);
  }
  return { state, notices };
}
