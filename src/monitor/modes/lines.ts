import { everyInterval } from "../everyInterval.ts";
import type { Mode } from "../mode.ts";
import { exitCodeOf } from "../problems.ts";
import { renderLine } from "../render.ts";
import { withMonitor } from "../withMonitor.ts";

const defaultIntervalMs = 10_000;

export const lines: Mode = {
  name: "--lines",
  help: "a line of a log (every 10 s); default without a terminal",
  run: (call) =>
    withMonitor(
      call,
      async ({ snapshot, log, stop }) => {
        await everyInterval(call.intervalMs ?? defaultIntervalMs, stop, async () => {
          const now = await snapshot();
          log[exitCodeOf(now) === 0 ? "info" : "warn"](renderLine(now));
        });
        return 0;
      },
      { isLog: true },
    ),
};
