import type { Mode } from "../mode.ts";
import { exitCodeOf, problemsOf } from "../problems.ts";

export const json: Mode = {
  name: "--json",
  help: "print one JSON document and leave",
  async run({ snapshot }) {
    const now = await snapshot();
    process.stdout.write(`${JSON.stringify({ ...now, problems: problemsOf(now) }, null, 2)}\n`);
    return exitCodeOf(now);
  },
};
