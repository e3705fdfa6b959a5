import { problemsOf } from "./problems.ts";
import { isAway, type QueueFigures, type RedisFigures, type Snapshot } from "./snapshot.ts";

interface Column {
  title: string;
  cell(queue: QueueFigures): string;
}

/** The last ones go first where the window is too narrow. */
const columns: readonly Column[] = [
  { title: "queue", cell: (queue) => queue.name },
  { title: "waiting", cell: (queue) => String(queue.waiting) },
  { title: "active", cell: (queue) => String(queue.active) },
  { title: "dead", cell: (queue) => String(queue.dead) },
  { title: "oldest", cell: (queue) => age(queue.oldestWaitingSeconds) },
  { title: "workers", cell: (queue) => (queue.isPaused ? "paused" : String(queue.workers)) },
  { title: "delayed", cell: (queue) => String(queue.delayed) },
  { title: "failed", cell: (queue) => String(queue.failed) },
  { title: "completed", cell: (queue) => String(queue.completed) },
];

/** The monitor's table as lines no wider than `width`, the problems below it. */
export function render(snapshot: Snapshot, width: number): string {
  const { queues, outbox, redis, takenAt } = snapshot;
  const lines = [
    `Lectern  ${takenAt.slice(0, 19).replace("T", " ")} UTC`,
    "",
    ...(isAway(queues) ? ["queues   unknown: Redis is away"] : table(queues, width)),
    "",
    `outbox   ${isAway(outbox) ? "unknown: PostgreSQL is away" : backlog(outbox.waiting, outbox.oldestSeconds)}`,
    `redis    ${isAway(redis) ? "away" : redisLine(redis)}`,
    "",
    ...problemsOf(snapshot).map((problem) => `! ${problem}`),
  ];
  return lines
    .map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line))
    .join("\n")
    .trimEnd();
}

/** The same in one line, for a stream of logs. */
export function renderLine({ queues, outbox, redis }: Snapshot): string {
  const parts = isAway(queues) ? ["queues unknown"] : queues.map(queueInWords);
  parts.push(isAway(outbox) ? "PostgreSQL is away" : `outbox ${backlog(outbox.waiting, outbox.oldestSeconds)}`);
  parts.push(isAway(redis) ? "Redis is away" : `redis ${megabytes(redis.usedMemoryBytes)}`);
  return parts.join(" · ");
}

function table(queues: readonly QueueFigures[], width: number): string[] {
  const shown: string[][] = [];
  let used = 0;
  for (const { title, cell } of columns) {
    const cells = [title, ...queues.map(cell)];
    const cellWidth = Math.max(...cells.map((text) => text.length));
    used += cellWidth + 2;
    if (used - 2 > width) break;
    shown.push(cells.map((text) => (shown.length === 0 ? text.padEnd(cellWidth) : text.padStart(cellWidth))));
  }
  const rowCount = 1 + queues.length;
  return Array.from({ length: rowCount }, (_, row) => shown.map((column) => column[row]).join("  "));
}

function queueInWords(queue: QueueFigures): string {
  const counts = [
    [queue.waiting, "waiting"],
    [queue.active, "active"],
    [queue.delayed, "delayed"],
    [queue.dead, "dead"],
  ] as const;
  const said = counts.filter(([count]) => count > 0).map(([count, state]) => `${count} ${state}`);
  if (queue.isPaused) said.push("paused");
  else if (queue.workers === 0) said.push("no workers");
  return `${queue.name} ${said.join(", ") || "idle"}`;
}

const backlog = (waiting: number, oldestSeconds: number | null) =>
  waiting === 0 ? "empty" : `${waiting} waiting, the oldest for ${age(oldestSeconds)}`;

const redisLine = (redis: RedisFigures) =>
  [
    `${redis.version}, ${megabytes(redis.usedMemoryBytes)} of ${redis.maxMemoryBytes ? megabytes(redis.maxMemoryBytes) : "no limit"}`,
    redis.maxMemoryPolicy,
    `append-only file ${redis.appendOnly}`,
  ].join(", ");

const megabytes = (bytes: number) => `${(bytes / 1_048_576).toFixed(1)} MB`;

function age(seconds: number | null): string {
  if (seconds === null) return "-";
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3_600)} h`;
}
