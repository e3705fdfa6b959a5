import type { Mode } from "../mode.ts";
import { exitCodeOf } from "../problems.ts";
import { render } from "../render.ts";
import { withMonitor } from "../withMonitor.ts";

export const once: Mode = {
  name: "--once",
  help: "one table",
  run: (call) =>
    withMonitor(call, async ({ snapshot }) => {
      const { stdout } = process;
      const now = await snapshot();
      const isColoured = stdout.isTTY && stdout.hasColors();
      stdout.write(`${render(now, stdout.columns || 120, { isColoured })}\n`);
      return exitCodeOf(now);
    }),
};
