import { everyInterval } from "../everyInterval.ts";
import type { Mode } from "../mode.ts";
import { exitCodeOf } from "../problems.ts";
import { renderLine } from "../render.ts";

const defaultIntervalMs = 10_000;

export const lines: Mode = {
  name: "--lines",
  help: "log a line every interval (10 s); the default without a terminal",
  isLog: true,
  async run({ snapshot, intervalMs = defaultIntervalMs, stop, log }) {
    await everyInterval(intervalMs, stop, async () => {
      const now = await snapshot();
      log[exitCodeOf(now) === 0 ? "info" : "warn"](renderLine(now));
    });
    return 0;
  },
};
