import type { Percentiles } from "../queues/timeBuckets.ts";
import { age, count, duration, percent } from "./shortFigures.ts";
import type { ProcessFigures, QueueFigures } from "./snapshot.ts";
import type { Line, Piece, Tone } from "./styledText.ts";
import { type Column, table } from "./table.ts";

const number = (value: number, tone?: Tone): Piece => ({ text: count(value), tone: value === 0 ? "quiet" : tone });
/** Zero is as it should be. */
const bad = (value: number): Piece => number(value, "bad");

const counts: Column<QueueFigures>[] = [
  { title: "waiting", cell: ({ waiting }) => number(waiting) },
  { title: "active", cell: ({ active }) => number(active) },
  { title: "delayed", cell: ({ delayed }) => number(delayed) },
  { title: "failed", cell: ({ failed }) => number(failed, "warning") },
  { title: "dead", cell: ({ dead }) => bad(dead) },
  { title: "done/min", cell: ({ completedPerMinute }) => number(completedPerMinute) },
  {
    title: "oldest",
    cell: ({ oldestWaitingSeconds: s }) => ({ text: age(s), tone: (s ?? 0) > 60 ? "warning" : undefined }),
  },
  { title: "workers", cell: workersOf },
];

function workersOf({ workers, isPaused }: QueueFigures): Piece {
  if (isPaused) return { text: `paused ${count(workers)}`, tone: "warning" };
  return { text: count(workers), tone: workers === 0 ? "bad" : undefined };
}

const percentiles = (title: "wait" | "run"): Column<QueueFigures>[] =>
  (["p50", "p95", "p99"] as const).map((share, index) => ({
    title: index === 0 ? `${title} ${share}` : share,
    cell: (queue) => time(queue[title], share),
  }));

const time = (times: Percentiles | null, share: keyof Percentiles): Piece =>
  times ? { text: duration(times[share]) } : { text: "-", tone: "quiet" };

const mishaps: Column<QueueFigures>[] = [
  { title: "fail/min", cell: ({ failedPerMinute }) => number(failedPerMinute, "warning") },
  { title: "lost/min", cell: ({ stalledPerMinute }) => bad(stalledPerMinute) },
];

/** What each queue holds, how long its jobs wait and run, and what goes wrong. */
export const queueTable = (queues: readonly QueueFigures[], width: number): Line[] =>
  table(queues, {
    name: { title: "queue", cell: ({ name }) => ({ text: name }) },
    groups: [counts, [...percentiles("wait"), ...percentiles("run")], mishaps],
    width,
  });

/** More would push all else out of the window. */
const shownProcesses = 12;
const longestHost = 20;

/** The processes, a line each. `now` is the time of the snapshot. */
export function processTable(
  processes: readonly ProcessFigures[],
  { now, width }: { now: string; width: number },
): Line[] {
  const secondsSince = (time: string) => Math.max(0, (Date.parse(now) - Date.parse(time)) / 1_000);
  const columns: Column<ProcessFigures>[] = [
    {
      title: "host",
      cell: ({ host }) => ({ text: host.length > longestHost ? `${host.slice(0, longestHost - 1)}…` : host }),
    },
    { title: "pid", cell: ({ pid }) => ({ text: String(pid) }) },
    { title: "up", cell: ({ startedAt }) => ({ text: age(secondsSince(startedAt)) }) },
    { title: "seen", cell: ({ seenAt }) => ({ text: age(secondsSince(seenAt)) }) },
    {
      title: "loop p99",
      cell: ({ eventLoopDelayP99Ms: ms }) => ({ text: duration(ms), tone: ms > 200 ? "warning" : undefined }),
    },
    {
      title: "pool",
      cell: ({ pool }) => ({ text: `${pool.busy}/${pool.max}`, tone: pool.waiting > 0 ? "warning" : undefined }),
    },
    { title: "hits", cell: ({ cache }) => hitRate(cache) },
  ];
  const lines = table(processes.slice(0, shownProcesses), {
    name: { title: "process", cell: ({ program }) => ({ text: program }) },
    groups: [columns],
    width,
  });
  const more = processes.length - shownProcesses;
  return more > 0 ? [...lines, [{ text: `and ${more} more`, tone: "quiet" }]] : lines;
}

const hitRate = (cache: ProcessFigures["cache"]): Piece =>
  cache && cache.hits + cache.misses > 0
    ? { text: percent(cache.hits / (cache.hits + cache.misses)) }
    : { text: "-", tone: "quiet" };
