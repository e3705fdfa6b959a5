import type { MinuteOfActivity } from "../../queues/jobHistory.ts";
import type { Percentiles } from "../../queues/timeBuckets.ts";
import { ratedProblemsOf } from "../problems.ts";
import { age, bytes, count, duration, percent } from "../shortFigures.ts";
import {
  type Away,
  isAway,
  type OutboxFigures,
  type ProcessFigures,
  type QueueFigures,
  type RedisFigures,
  type ScheduleFigures,
  type Snapshot,
} from "../snapshot.ts";
import { chart } from "./chart.ts";
import { type Html, html } from "./html.ts";
import { table } from "./table.ts";
import { fromNow, utc } from "./times.ts";

/** The minutes of each queue, for the charts; the one under way is the last. */
export type History = ReadonlyMap<string, readonly MinuteOfActivity[]>;

/** All that the monitor knows, at a glance. */
export function overview(snapshot: Snapshot, history: History): Html {
  const { queues, outbox, redis, processes, schedules, cache, takenAt } = snapshot;
  const problems = ratedProblemsOf(snapshot);
  return html`<div class="taken"><h1>Overview</h1><span class="quiet small">as of ${utc(takenAt)} UTC</span></div>
${
  problems.length > 0
    ? html`<div class="notice ${problems[0]?.severity === "critical" ? "bad" : "warn"}" role="status"><ul>${problems.map(({ sentence }) => html`<li>${sentence}</li>`)}</ul></div>`
    : html`<p class="notice good" role="status">All is well.</p>`
}
<h2>Queues</h2>
${orAway(queues, (all) => html`<div class="cards">${all.map((queue) => queueCard(queue, history.get(queue.name) ?? []))}</div>`)}
<h2>What they stand on</h2>
<div class="cards">
<section class="card"><h3>Outbox</h3>${orAway(outbox, outboxFacts)}</section>
<section class="card"><h3>Redis</h3>${orAway(redis, redisFacts)}</section>
<section class="card"><h3>Cache</h3><dl class="facts"><dt>Answered</dt><dd>${cache.hitRate === null ? "-" : percent(cache.hitRate)}</dd></dl></section>
</div>
<h2>Processes</h2>
${orAway(processes, (all) => processTable(all, takenAt))}
<h2>Schedules</h2>
${orAway(schedules, (all) => scheduleTable(all, takenAt))}`;
}

const orAway = <Part extends object>(part: Part | Away, show: (part: Part) => Html): Html =>
  isAway(part) ? html`<p class="notice bad">Away: ${part.away}</p>` : show(part);

function queueCard(queue: QueueFigures, minutes: readonly MinuteOfActivity[]): Html {
  const over = minutes.slice(0, -1); // a minute that is under way would look like a slump
  const since = "1 h ago";
  const hasFailed = over.some(({ failed }) => failed > 0);
  return html`<section class="card">
<h3><a href="/queues/${queue.name}">${queue.name}</a>${queueBadges(queue)}</h3>
${queueFigures(queue)}
${chart({ label: "completed per minute", values: over.map(({ completed }) => completed), format: count, since })}
${hasFailed && chart({ label: "failed tries per minute", values: over.map(({ failed }) => failed), format: count, isBad: true, since })}
${chart({ label: "wait, 95th percentile", values: over.map(({ wait }) => wait?.p95 ?? null), format: duration, since })}
</section>`;
}

/** What is out of the ordinary about a queue. */
export const queueBadges = ({ isPaused, workers, dead }: QueueFigures): Html =>
  html`${isPaused && html` <span class="badge warn">paused</span>`}${
    workers === 0
      ? html` <span class="badge bad">no workers</span>`
      : html` <span class="badge">${workers} ${workers === 1 ? "worker" : "workers"}</span>`
  }${dead > 0 && html` <span class="badge bad">${dead} dead</span>`}`;

/** A queue in numbers. */
export function queueFigures(queue: QueueFigures): Html {
  const figures: [label: string, value: string | number, isBad?: boolean][] = [
    ["waiting", queue.waiting],
    ["active", queue.active],
    ["delayed", queue.delayed],
    ["dead", queue.dead, queue.dead > 0],
    ["done/min", count(queue.completedPerMinute)],
    ["failed/min", count(queue.failedPerMinute), queue.failedPerMinute > 0],
    ["stalled/min", count(queue.stalledPerMinute), queue.stalledPerMinute > 0],
    ["oldest", age(queue.oldestWaitingSeconds)],
  ];
  return html`<dl class="figures">${figures.map(
    ([label, value, isBad]) => html`<div${isBad && html` class="bad"`}><dt>${label}</dt><dd>${value}</dd></div>`,
  )}<div class="wide"><dt>wait p50 · p95 · p99</dt><dd>${percentiles(queue.wait)}</dd></div><div class="wide"><dt>run p50 · p95 · p99</dt><dd>${percentiles(queue.run)}</dd></div></dl>`;
}

/** e.g. "12 · 40 · 90 ms": a unit stands where it changes. */
function percentiles(times: Percentiles | null): string {
  if (!times) return "-";
  const said = [times.p50, times.p95, times.p99].map((ms) => duration(ms).split(" "));
  return said.map(([value, unit], index) => (unit === said[index + 1]?.[1] ? value : `${value} ${unit}`)).join(" · ");
}

const outboxFacts = ({ waiting, oldestSeconds }: OutboxFigures): Html =>
  html`<dl class="facts"><dt>Waiting</dt><dd>${waiting}</dd><dt>Oldest</dt><dd>${age(oldestSeconds)}</dd></dl>`;

const redisFacts = (redis: RedisFigures): Html => html`<dl class="facts">
<dt>Version</dt><dd>${redis.version}</dd>
<dt>Memory</dt><dd>${bytes(redis.usedMemoryBytes)} of ${redis.maxMemoryBytes ? bytes(redis.maxMemoryBytes) : "no limit"}</dd>
<dt>When full</dt><dd>${redis.maxMemoryPolicy}</dd>
<dt>Append-only file</dt><dd>${redis.appendOnly}</dd>
<dt>Keys thrown away</dt><dd>${redis.evictedKeys}</dd>
</dl>`;

const processTable = (processes: readonly ProcessFigures[], now: string): Html =>
  table<ProcessFigures>(
    processes,
    [
      { title: "program", cell: ({ program }) => program },
      { title: "where", cell: ({ host, pid }) => `${host} · ${pid}` },
      { title: "up for", cell: ({ startedAt }) => duration(Date.parse(now) - Date.parse(startedAt)) },
      { title: "seen", cell: ({ seenAt }) => fromNow(seenAt, now) },
      { title: "event loop p99", cell: ({ eventLoopDelayP99Ms }) => `${eventLoopDelayP99Ms} ms` },
      { title: "connections", cell: ({ pool }) => `${pool.busy} busy of ${pool.open}, most ${pool.max}` },
      { title: "waiting for one", cell: ({ pool }) => pool.waiting },
      { title: "cache", cell: ({ cache }) => cacheShare(cache) },
    ],
    "No process has said that it lives.",
  );

const cacheShare = (cache: ProcessFigures["cache"]): string =>
  cache && cache.hits + cache.misses > 0 ? percent(cache.hits / (cache.hits + cache.misses)) : "-";

const scheduleTable = (schedules: readonly ScheduleFigures[], now: string): Html =>
  table<ScheduleFigures>(
    schedules,
    [
      { title: "job", cell: ({ job, isLate }) => html`${job}${isLate && html` <span class="badge bad">late</span>`}` },
      { title: "queue", cell: ({ queue }) => queue },
      { title: "when", cell: ({ everyMs, cron }) => (everyMs === null ? `${cron} UTC` : `every ${duration(everyMs)}`) },
      { title: "next", cell: ({ nextAt }) => (nextAt ? fromNow(nextAt, now) : "not there") },
      { title: "last finished", cell: ({ lastFinishedAt }) => (lastFinishedAt ? fromNow(lastFinishedAt, now) : "-") },
    ],
    "Nothing is scheduled.",
  );
