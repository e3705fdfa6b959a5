import type { Mode } from "../mode.ts";
import { exitCodeOf, problemsOf } from "../problems.ts";
import { isAway, type Snapshot } from "../snapshot.ts";
import { withMonitor } from "../withMonitor.ts";

export const check: Mode = {
  name: "--check",
  help: "one line for Nagios and its like",
  run: (call) =>
    withMonitor(call, async ({ snapshot }) => {
      const now = await snapshot();
      process.stdout.write(`${checkLine(now)}\n`);
      return exitCodeOf(now);
    }),
};

/** The exit code of a check that could not be made at all. */
export const unknownExitCode = 3;

/** The line of a check that could not be made at all, for example for want of a configuration. */
export const unknownLine = (reason: string): string => `LECTERN UNKNOWN - ${harmless(reason)}`;

/** A state, what is wrong, and behind the bar what a monitoring system draws charts of. */
export function checkLine(snapshot: Snapshot): string {
  const state = ["OK", "WARNING", "CRITICAL"][exitCodeOf(snapshot)];
  const problems = problemsOf(snapshot);
  const text = problems.length > 0 ? problems.join(" ") : allIsWell(snapshot);
  const data = performanceData(snapshot);
  return `LECTERN ${state} - ${harmless(text)}${data.length > 0 ? ` | ${data.join(" ")}` : ""}`;
}

/** In one line, and without the bar, which would begin the figures. */
const harmless = (text: string) => text.replace(/\s+/g, " ").replaceAll("|", "/").trim();

function allIsWell({ queues }: Snapshot): string {
  if (isAway(queues)) return "";
  const sum = (figure: "waiting" | "active") => queues.reduce((total, queue) => total + queue[figure], 0);
  return `${queues.length} queues, ${sum("waiting")} waiting, ${sum("active")} active`;
}

/** `label=value` with a unit that Nagios knows: none for a number, `s`, `ms`, `B`, `%`. What is unknown is left out. */
function performanceData({ queues, outbox, redis, cache }: Snapshot): string[] {
  const figures: [label: string, value: number | null | undefined, unit?: string][] = [];
  for (const queue of isAway(queues) ? [] : queues) {
    figures.push(
      [`${queue.name}_waiting`, queue.waiting],
      [`${queue.name}_active`, queue.active],
      [`${queue.name}_delayed`, queue.delayed],
      [`${queue.name}_dead`, queue.dead],
      [`${queue.name}_done_per_minute`, queue.completedPerMinute],
      [`${queue.name}_oldest`, queue.oldestWaitingSeconds ?? 0, "s"],
      [`${queue.name}_wait_p95`, queue.wait?.p95, "ms"],
      [`${queue.name}_run_p95`, queue.run?.p95, "ms"],
      [`${queue.name}_workers`, queue.workers],
    );
  }
  if (!isAway(outbox))
    figures.push(["outbox_waiting", outbox.waiting], ["outbox_oldest", outbox.oldestSeconds ?? 0, "s"]);
  if (!isAway(redis)) figures.push(["redis_memory", redis.usedMemoryBytes, "B"]);
  figures.push(["cache_hits", cache.hitRate === null ? null : Math.round(1_000 * cache.hitRate) / 10, "%"]);
  return figures
    .filter(([, value]) => typeof value === "number")
    .map(([label, value, unit = ""]) => `${label}=${value}${unit};;;0`);
}
