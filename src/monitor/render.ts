import { ratedProblemsOf } from "./problems.ts";
import { processTable, queueTable } from "./renderTables.ts";
import { age, bytes, count, percent } from "./shortFigures.ts";
import { isAway, type ProcessFigures, type RedisFigures, type Snapshot } from "./snapshot.ts";
import { cut, type Line, type Tone, wrap, write } from "./styledText.ts";

/** The last columns of a line that names what it is about. */
const labelWidth = 10;

/** The whole screen as text: lines no wider than `width`; in colour where that is asked for. */
export const render = (snapshot: Snapshot, width: number, { isColoured = false } = {}): string =>
  renderLines(snapshot, width)
    .map((line) => write(line, isColoured))
    .join("\n");

/** The whole screen: what is wrong first, so that a low window does not hide it. */
export function renderLines(snapshot: Snapshot, width: number): Line[] {
  const { queues, outbox, redis, processes, cache, schedules } = snapshot;
  const said = (label: string, text: string, tone?: Tone) =>
    wrap(label.padEnd(labelWidth) + text, { width, indent: labelWidth, tone });
  const known = isAway(processes) ? [] : processes;
  return [
    ...status(snapshot, width),
    [],
    ...(isAway(queues) ? said("queues", "unknown", "bad") : queueTable(queues, width)),
    [],
    ...(isAway(outbox)
      ? said("outbox", "unknown: PostgreSQL is away", "bad")
      : said("outbox", backlog(outbox.waiting, outbox.oldestSeconds))),
    ...(isAway(redis) ? said("redis", "away", "bad") : said("redis", redisInWords(redis))),
    ...said("cache", cache.hitRate === null ? "nothing read yet, or nobody says" : `${percent(cache.hitRate)} hits`),
    ...(known.length > 0 ? said("database", poolInWords(known)) : []),
    ...(isAway(schedules) ? [] : said("schedules", schedulesInWords(schedules))),
    ...(known.length > 0 ? [[], ...processTable(known, { now: snapshot.takenAt, width })] : []),
  ];
}

function status(snapshot: Snapshot, width: number): Line[] {
  const problems = ratedProblemsOf(snapshot);
  const isCritical = problems.some(({ severity }) => severity === "critical");
  const word = isCritical ? "CRITICAL" : problems.length > 0 ? "WARNING" : "OK";
  return [
    cut(
      [
        { text: "Lectern", tone: "title" },
        { text: `  ${snapshot.takenAt.slice(0, 19).replace("T", " ")} UTC  ` },
        { text: word, tone: isCritical ? "bad" : problems.length > 0 ? "warning" : "good" },
      ],
      width,
    ),
    ...problems.flatMap(({ severity, sentence }) =>
      wrap(`! ${sentence}`, { width, indent: 2, tone: severity === "critical" ? "bad" : "warning" }),
    ),
  ];
}

/** The same in one line, for a stream of logs. */
export function renderLine({ queues, outbox, redis }: Snapshot): string {
  const parts = isAway(queues) ? ["queues unknown"] : queues.map(queueInWords);
  parts.push(isAway(outbox) ? "PostgreSQL is away" : `outbox ${backlog(outbox.waiting, outbox.oldestSeconds)}`);
  parts.push(isAway(redis) ? "Redis is away" : `redis ${bytes(redis.usedMemoryBytes)}`);
  return parts.join(" · ");
}

function queueInWords(queue: Exclude<Snapshot["queues"], { away: string }>[number]): string {
  const counts = [
    [queue.waiting, "waiting"],
    [queue.active, "active"],
    [queue.delayed, "delayed"],
    [queue.dead, "dead"],
  ] as const;
  const said = counts.filter(([number]) => number > 0).map(([number, state]) => `${number} ${state}`);
  if (queue.isPaused) said.push("paused");
  else if (queue.workers === 0) said.push("no workers");
  return `${queue.name} ${said.join(", ") || "idle"}`;
}

const backlog = (waiting: number, oldestSeconds: number | null) =>
  waiting === 0 ? "empty" : `${count(waiting)} waiting, the oldest for ${age(oldestSeconds)}`;

const redisInWords = (redis: RedisFigures) =>
  [
    `${redis.version}, ${bytes(redis.usedMemoryBytes)} of ${redis.maxMemoryBytes ? bytes(redis.maxMemoryBytes) : "no limit"}`,
    redis.maxMemoryPolicy,
    `append-only file ${redis.appendOnly}`,
    `${count(redis.evictedKeys)} evicted`,
  ].join(", ");

function poolInWords(processes: readonly ProcessFigures[]): string {
  const sum = (figure: keyof ProcessFigures["pool"]) =>
    count(processes.reduce((total, { pool }) => total + pool[figure], 0));
  return `${sum("busy")} connections busy, ${sum("open")} open of ${sum("max")}; ${sum("waiting")} queries wait for one`;
}

function schedulesInWords(schedules: readonly { isLate: boolean }[]): string {
  const late = schedules.filter(({ isLate }) => isLate).length;
  return late === 0 ? `${schedules.length}, all on time` : `${late} of ${schedules.length} late`;
}

/** The lines that fit into so many rows: blank ones go first, then the last ones, and then it says so. */
export function fitHeight(lines: readonly Line[], rows: number): readonly Line[] {
  if (lines.length <= rows) return lines;
  const full = lines.filter((line) => line.length > 0);
  if (full.length <= rows) return full;
  return [
    ...full.slice(0, rows - 1),
    [{ text: `… ${full.length - rows + 1} more lines in a taller window`, tone: "quiet" }],
  ];
}
