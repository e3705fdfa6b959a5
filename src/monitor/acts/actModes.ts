import type { Mode } from "../mode.ts";
import { runActs } from "./runActs.ts";

const group = (name: string, help: string): Mode => ({
  name,
  help,
  run: ({ args, ...call }) =>
    runActs([name, ...args], call, {
      out: (text) => process.stdout.write(text),
      error: (text) => process.stderr.write(text),
    }),
});

/** The commands that act on queues and jobs, a mode for each of their first words. */
export const actModes: readonly Mode[] = [
  group("queue", 'list, pause, resume, drain; "queue --help" tells about these four'),
  group("jobs", "list, show, retry, promote, remove"),
  group("dead", "list, show, retry, discard"),
  group("outbox", "reenqueue"),
];
