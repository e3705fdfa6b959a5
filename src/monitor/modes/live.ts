import { liveView } from "../liveView.ts";
import { type Mode, UsageError } from "../mode.ts";
import { fitHeight, renderLines } from "../render.ts";
import { write } from "../styledText.ts";
import { withMonitor } from "../withMonitor.ts";

const defaultIntervalMs = 2_000;

export const live: Mode = {
  name: "--live",
  help: "a live table (every 2 s), q leaves; default in a terminal",
  async run(call) {
    const { stdin, stdout } = process;
    if (!stdin.isTTY || !stdout.isTTY) throw new UsageError("--live needs a terminal.");
    const isColoured = stdout.hasColors();
    return withMonitor(call, async ({ snapshot, stop, quit }) => {
      await liveView({
        input: stdin,
        output: stdout,
        read: snapshot,
        draw: (now, width, height) => fitHeight(renderLines(now, width), height).map((line) => write(line, isColoured)),
        everyMs: call.intervalMs ?? defaultIntervalMs,
        signal: stop,
        quit,
      });
      return 0;
    });
  },
};
