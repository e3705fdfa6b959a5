import { everyInterval } from "../everyInterval.ts";
import type { Mode } from "../mode.ts";
import { exitCodeOf } from "../problems.ts";
import { renderLine } from "../render.ts";
import { type Monitor, withMonitor } from "../withMonitor.ts";

const defaultIntervalMs = 10_000;

/** Logs a line every interval until the program shall end. */
export const logLines = ({ snapshot, log, stop }: Monitor, everyMs: number): Promise<void> =>
  everyInterval(everyMs, stop, async () => {
    const now = await snapshot();
    log[exitCodeOf(now) === 0 ? "info" : "warn"](renderLine(now));
  });

export const lines: Mode = {
  name: "--lines",
  help: "a line of a log (every 10 s); default without a terminal",
  run: (call) =>
    withMonitor(
      call,
      async (monitor) => {
        await logLines(monitor, call.intervalMs ?? defaultIntervalMs);
        return 0;
      },
      { isLog: true },
    ),
};
