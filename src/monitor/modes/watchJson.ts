import { everyInterval } from "../everyInterval.ts";
import type { Mode } from "../mode.ts";
import { problemsOf } from "../problems.ts";

const defaultIntervalMs = 10_000;

export const watchJson: Mode = {
  name: "--watch-json",
  help: "print a line of JSON every interval (10 s)",
  async run({ snapshot, intervalMs = defaultIntervalMs, stop }) {
    await everyInterval(intervalMs, stop, async () => {
      const now = await snapshot();
      process.stdout.write(`${JSON.stringify({ ...now, problems: problemsOf(now) })}\n`);
    });
    return 0;
  },
};
