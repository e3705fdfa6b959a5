import { userInfo } from "node:os";
import { parseArgs } from "node:util";
import { uuidv7 } from "uuidv7";
import { createAlertStore } from "../alerts/alertStore.ts";
import { createSilences, silenceLines } from "../alerts/setSilences.ts";
import { type Call, type Mode, UsageError } from "../mode.ts";
import { withMonitor } from "../withMonitor.ts";

type Silences = ReturnType<typeof createSilences>;

/** Whom the audit log names: nobody logs in to a shell's command, and in a container a user may have a number and no name. */
function via(): string {
  try {
    return `cli:${userInfo().username}`;
  } catch {
    return `cli:${process.getuid?.() ?? "unknown"}`;
  }
}

/** Prints what the work gives. */
const withSilences = (call: Call, work: (silences: Silences) => Promise<string>): Promise<number> =>
  withMonitor(call, async ({ db, redis, prefix }) => {
    const store = createAlertStore({ redis, prefix });
    const text = await work(createSilences({ db, store, clock: call.clock, newId: uuidv7 }));
    process.stdout.write(`${text}\n`);
    return 0;
  });

export const silence: Mode = {
  name: "silence",
  help: "no alerts of a rule or queue: --for 2h --reason TEXT",
  run(call) {
    const { what, lasts, reason } = parsed(call.args);
    return withSilences(call, async (silences) =>
      silenceLines([await silences.set({ what, lasts, reason, via: via() })]),
    );
  },
};

export const silences: Mode = {
  name: "silences",
  help: "what is silenced now",
  run: (call) => withSilences(call, async (own) => silenceLines(await own.list())),
};

export const unsilence: Mode = {
  name: "unsilence",
  help: "lift a silence, by its id or by what it is about",
  run(call) {
    const [what] = call.args;
    if (!what) throw new UsageError("unsilence takes the id of a silence, or what it is about.");
    return withSilences(call, async (own) => {
      const lifted = await own.lift({ what, via: via() });
      if (lifted.length === 0) throw new UsageError(`${what}: there is no such silence.`);
      return `Lifted:\n${silenceLines(lifted)}`;
    });
  },
};

function parsed(args: readonly string[]) {
  const usage = "silence takes a rule, a queue or rule:subject, --for 2h and --reason TEXT.";
  try {
    const text = { type: "string" } as const;
    const options = { for: text, reason: text };
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const [what] = positionals;
    if (what && positionals.length === 1 && values.for && values.reason)
      return { what, lasts: values.for, reason: values.reason };
  } catch (error) {
    throw new UsageError(`${usage} ${(error as Error).message}`, { cause: error });
  }
  throw new UsageError(usage);
}
