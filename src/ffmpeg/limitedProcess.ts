import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { Logger } from "../utils/logger.ts";
import { lowerAutogroup } from "./lowerAutogroup.ts";

const MB = 1024 * 1024;

/** What a program may use before the system ends it. */
export interface ProcessLimits {
  wallSeconds: number;
  cpuSeconds: number;
  memoryMb: number;
  /** Of each file that it writes. */
  fileMb: number;
}

/** The program ended badly. The message holds what it said last: for the log and not for people. */
export class ProgramFailed extends Error {
  override name: string = "ProgramFailed";
  constructor(program: string, ending: string, detail: string) {
    super(`${program} ended with ${ending}: ${detail}`);
  }
}

/** It was ended because its time was up: a fault of the machine's rather than of the file's. */
export class TookTooLong extends ProgramFailed {
  override name = "TookTooLong";
}

const KEPT_OF_ERRORS = 4_000;

/**
 * Starts programs that read what strangers uploaded: with an argument array, no environment but PATH, a process group of
 * their own, the lowest priority, limits, and an end when this process ends, however it does.
 */
export function createLimitedProcess({
  searchPath,
  cores,
  log,
}: {
  searchPath: string;
  cores: string | null;
  log: Pick<Logger, "debug">;
}) {
  const env = { PATH: searchPath };
  let probing: Promise<Set<string>> | undefined;

  /** The tools of util-linux that work here; elsewhere programs run without what is missing. */
  async function tools(): Promise<Set<string>> {
    const trials: [string, string[]][] = [
      ["setpriv", ["--pdeathsig", "KILL", "true"]],
      ["nice", ["-n", "19", "true"]],
      ["chrt", ["--idle", "0", "true"]],
      ["prlimit", ["--nofile=256", "true"]],
      ...(cores ? ([["taskset", ["-c", cores, "true"]]] as [string, string[]][]) : []),
    ];
    const works = await Promise.all(
      trials.map(([tool, args]) =>
        promisify(execFile)(tool, args, { env }).then(
          () => true,
          () => false, // not there, or another one of that name: that is the answer
        ),
      ),
    );
    return new Set(trials.filter((_, at) => works[at]).map(([tool]) => tool));
  }

  async function wrapped(command: string[], limits: ProcessLimits): Promise<string[]> {
    probing ??= tools();
    const found = await probing;
    const wrappers: [string, string[]][] = [
      ["setpriv", ["--pdeathsig", "KILL"]],
      ["nice", ["-n", "19"]],
      ["chrt", ["--idle", "0"]], // whoever answers requests gets the core at once
      [
        "prlimit",
        [
          `--cpu=${Math.ceil(limits.cpuSeconds)}`,
          `--as=${limits.memoryMb * MB}`,
          `--fsize=${limits.fileMb * MB}`,
          "--nofile=256",
          "--core=0",
        ],
      ],
      ...(cores ? ([["taskset", ["-c", cores]]] as [string, string[]][]) : []),
    ];
    return [...wrappers.filter(([tool]) => found.has(tool)).flatMap(([tool, args]) => [tool, ...args]), ...command];
  }

  return {
    /** The limits that cannot be kept on this system, by the tool that is missing. */
    async missingTools(): Promise<string[]> {
      probing ??= tools();
      const found = await probing;
      const wanted = ["setpriv", "nice", "prlimit", ...(cores ? ["taskset"] : [])];
      return wanted.filter((tool) => !found.has(tool));
    },

    /**
     * Runs a program to its end and gives each line of its output to `onLine`. An abort kills its whole group at once:
     * nothing of what it wrote is kept, so there is nothing to end in good order.
     * @throws ProgramFailed; the signal's reason when it was aborted
     */
    async run({
      program,
      args,
      limits,
      signal,
      onLine = () => {},
    }: {
      program: string;
      args: readonly string[];
      limits: ProcessLimits;
      signal: AbortSignal;
      onLine?: (line: string) => void;
    }): Promise<void> {
      const [command, ...rest] = await wrapped([program, ...args], limits);
      signal.throwIfAborted();
      const child = spawn(command!, rest, { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
      const lowering = child.pid === undefined ? undefined : lowerAutogroup(child.pid, log);
      let tookTooLong = false;
      let said = "";
      const kill = () => {
        try {
          if (child.pid) process.kill(-child.pid, "SIGKILL");
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // it has ended by itself
        }
      };
      const timer = setTimeout(() => {
        tookTooLong = true;
        kill();
      }, limits.wallSeconds * 1000);
      signal.addEventListener("abort", kill, { once: true });
      createInterface({ input: child.stdout }).on("line", onLine);
      child.stderr.on("data", (chunk: Buffer) => {
        said = (said + chunk.toString("utf8")).slice(-KEPT_OF_ERRORS);
      });
      try {
        const ending = await new Promise<string | null>((resolve, reject) => {
          child.once("error", reject);
          child.once("close", (code, endedBy) => resolve(code === 0 ? null : (endedBy ?? `exit code ${code}`)));
        });
        signal.throwIfAborted();
        if (tookTooLong) throw new TookTooLong(program, `its limit of ${limits.wallSeconds} s`, said.trim());
        if (ending) throw new ProgramFailed(program, ending, said.trim());
      } finally {
        clearTimeout(timer);
        signal.removeEventListener("abort", kill);
        await lowering;
      }
    },
  };
}

export type LimitedProcess = ReturnType<typeof createLimitedProcess>;
