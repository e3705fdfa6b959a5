import type { DeadLetter } from "../../queues/deadLetters.ts";
import type { QueueCounts, ShownJob } from "../../queues/listJobs.ts";
import type { ActOutcome } from "../../services/operations.service.ts";

const time = (at: Date | null) => at?.toISOString().slice(0, 19).replace("T", " ") ?? "-";
const shownIds = 10;
/** As wide as most terminals leave after the other columns. */
const errorWidth = 70;

/** Columns with their heads, as wide as what is in them. */
function table(rows: readonly (readonly (string | number)[])[]): string[] {
  const widths = rows[0]!.map((_head, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        typeof cell === "number" ? String(cell).padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join("  ")
      .trimEnd(),
  );
}

const oneLine = (text: string | null) => (text ?? "").replace(/\s+/g, " ").slice(0, errorWidth);

export const queueLines = (queues: readonly QueueCounts[]): string[] =>
  table([
    ["queue", "waiting", "active", "delayed", "failed", "dead", "completed", ""],
    ...queues.map(({ name, waiting, active, delayed, failed, dead, completed, isPaused }) => [
      name,
      waiting,
      active,
      delayed,
      failed,
      dead,
      completed,
      isPaused ? "paused" : "",
    ]),
  ]);

export const jobLines = ({ jobs, totalCount }: { jobs: readonly ShownJob[]; totalCount: number }): string[] => [
  ...(jobs.length > 0
    ? table([
        ["id", "job", "tries", "not before", "error"],
        ...jobs.map((job) => [
          job.id,
          job.name,
          `${job.attempts}/${job.maxAttempts}`,
          time(job.runAt),
          oneLine(job.error),
        ]),
      ])
    : []),
  `${jobs.length} of ${totalCount}`,
];

export const deadLetterLines = ({
  entries,
  totalCount,
}: {
  entries: readonly DeadLetter[];
  totalCount: number;
}): string[] => [
  ...(entries.length > 0
    ? table([
        ["id", "job", "failed at", "error"],
        ...entries.map(({ id, name, failedAt, error }) => [id, name, time(failedAt), oneLine(error)]),
      ])
    : []),
  `${entries.length} of ${totalCount}`,
];

/** One thing, a line for each of its facts. */
export const shownLines = (shown: ShownJob | DeadLetter): string[] =>
  Object.entries(shown).map(([name, value]) => {
    const text = value instanceof Date ? time(value) : typeof value === "string" ? value : JSON.stringify(value);
    return `${name}: ${text}`;
  });

/** What was done, or would be. */
export function outcomeLines({ act, dryRun, count, ids, auditId }: ActOutcome): string[] {
  const listed = ids.slice(0, shownIds).map((id) => `  ${id}`);
  if (count > listed.length) listed.push(`  and ${count - listed.length} more`);
  if (count === 0) return [`${act}: there is nothing to do.`];
  return dryRun
    ? [`${act}: would be done to ${count}.`, ...listed, "This was a dry run: nothing is changed. Add --yes to do it."]
    : [`${act}: done to ${count}.`, ...listed, `Written down as ${auditId} in the audit log.`];
}
