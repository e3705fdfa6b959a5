import { parseArgs } from "node:util";
import { actModes } from "./acts/actModes.ts";
import { type Call, type Mode, UsageError } from "./mode.ts";
import { alert } from "./modes/alert.ts";
import { check } from "./modes/check.ts";
import { json } from "./modes/json.ts";
import { lines } from "./modes/lines.ts";
import { live } from "./modes/live.ts";
import { once } from "./modes/once.ts";
import { serve } from "./modes/serve.ts";
import { silence, silences, unsilence } from "./modes/silences.ts";
import { watchJson } from "./modes/watchJson.ts";

/** Every way to use the monitor, in the order of the usage. */
const modes: readonly Mode[] = [
  live,
  lines,
  once,
  json,
  watchJson,
  check,
  serve,
  alert,
  silence,
  silences,
  unsilence,
  ...actModes,
];

export interface Wish extends Pick<Call, "args" | "intervalMs"> {
  mode: Mode;
}

export const usage = `Shows the queues, the outbox, Redis and the processes to operators.

${modes.map(({ name, help }) => `  ${name.padEnd(17)} ${help}`).join("\n")}
  --interval SECS   how often, where it is repeated
  --help            this

The exit code of --once, --json and --check is 0 if all is well, 1 if something
should be looked at, 2 if jobs are not done or may be lost: Redis or PostgreSQL
is away, a queue has no workers, Redis cannot write. A wrong command line or
configuration is 64; for --check it is 3.
`;

/** What the command line asks for; "help" if for help. @throws UsageError */
export function readCommandLine(argv: readonly string[], { isTerminal }: { isTerminal: boolean }): Wish | "help" {
  const [first, ...rest] = argv;
  const command = modes.find(({ name }) => name === first && !name.startsWith("--"));
  if (command) return { mode: command, args: rest, intervalMs: undefined };
  const options = modes.filter(({ name }) => name.startsWith("--"));
  const { help, interval, ...chosen } = parsed(argv, options);
  if (help) return "help";
  const named = options.filter(({ name }) => chosen[name.slice(2)]);
  if (named.length > 1) throw new UsageError(`Only one of ${named.map(({ name }) => name).join(" and ")} at a time.`);
  return { mode: named[0] ?? (isTerminal ? live : lines), args: [], intervalMs: milliseconds(interval) };
}

function parsed(argv: readonly string[], options: readonly Mode[]) {
  const flag = { type: "boolean" } as const;
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        ...Object.fromEntries(options.map(({ name }) => [name.slice(2), flag])),
        interval: { type: "string" },
        help: flag,
      },
    });
    return values as Record<string, boolean | undefined> & { interval?: string; help?: boolean };
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

function milliseconds(interval: string | undefined): number | undefined {
  if (interval === undefined) return undefined;
  const seconds = Number(interval);
  if (!(seconds >= 0.1 && seconds <= 86_400)) throw new UsageError("--interval takes a number of seconds.");
  return seconds * 1_000;
}
