import type { Mode } from "../mode.ts";
import { exitCodeOf } from "../problems.ts";
import { render } from "../render.ts";

export const once: Mode = {
  name: "--once",
  help: "print one table and leave",
  async run({ snapshot }) {
    const { stdout } = process;
    const now = await snapshot();
    const isColoured = stdout.isTTY && stdout.hasColors();
    stdout.write(`${render(now, stdout.columns || 120, { isColoured })}\n`);
    return exitCodeOf(now);
  },
};
