import { everyInterval } from "../everyInterval.ts";
import type { Mode } from "../mode.ts";
import { problemsOf } from "../problems.ts";
import { withMonitor } from "../withMonitor.ts";

const defaultIntervalMs = 10_000;

export const watchJson: Mode = {
  name: "--watch-json",
  help: "a line of JSON (every 10 s)",
  run: (call) =>
    withMonitor(call, async ({ snapshot, stop }) => {
      await everyInterval(call.intervalMs ?? defaultIntervalMs, stop, async () => {
        const now = await snapshot();
        process.stdout.write(`${JSON.stringify({ ...now, problems: problemsOf(now) })}\n`);
      });
      return 0;
    }),
};
