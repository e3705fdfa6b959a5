import type { Mode } from "../mode.ts";
import { exitCodeOf, problemsOf } from "../problems.ts";
import { withMonitor } from "../withMonitor.ts";

export const json: Mode = {
  name: "--json",
  help: "one JSON document",
  run: (call) =>
    withMonitor(call, async ({ snapshot }) => {
      const now = await snapshot();
      process.stdout.write(`${JSON.stringify({ ...now, problems: problemsOf(now) }, null, 2)}\n`);
      return exitCodeOf(now);
    }),
};
