/** How the monitor was called. */
export interface Call {
  env: NodeJS.ProcessEnv;
  clock: () => Date;
  /** As the command line says; each mode has its own rhythm otherwise. */
  intervalMs: number | undefined;
  /** What follows the name of a command. */
  args: readonly string[];
}

/** One way to use the monitor. */
export interface Mode {
  /** An option such as `--once`, or a command such as `jobs`, which reads the rest of the line itself. */
  name: string;
  /** One line of the usage. */
  help: string;
  /**
   * Does the work; returns the exit code, or nothing where it sees to that itself.
   * @throws UsageError, ConfigError
   */
  run(call: Call): Promise<number | undefined>;
}

/** The command line asks for something that there is not. */
export class UsageError extends Error {
  override name = "UsageError";
}
