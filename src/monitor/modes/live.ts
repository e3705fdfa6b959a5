import { liveView } from "../liveView.ts";
import { type Mode, UsageError } from "../mode.ts";
import { fitHeight, renderLines } from "../render.ts";
import { write } from "../styledText.ts";

const defaultIntervalMs = 2_000;

export const live: Mode = {
  name: "--live",
  help: "a table that is refreshed in place (every 2 s), q leaves; the default in a terminal",
  async run({ snapshot, intervalMs = defaultIntervalMs, stop, quit }) {
    const { stdin, stdout } = process;
    if (!stdin.isTTY || !stdout.isTTY) throw new UsageError("--live needs a terminal.");
    const isColoured = stdout.hasColors();
    await liveView({
      input: stdin,
      output: stdout,
      read: snapshot,
      draw: (now, width, height) => fitHeight(renderLines(now, width), height).map((line) => write(line, isColoured)),
      everyMs: intervalMs,
      signal: stop,
      quit,
    });
    return 0;
  },
};
