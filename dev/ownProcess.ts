import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";

export interface ProcessOptions {
  command: string;
  args: string[];
  /** Asks the program to finish. SIGKILL follows when it does not. */
  stopSignal: NodeJS.Signals;
  /** Remembers the process here, so that the next start finds one that was left behind. */
  recordFile: string;
  /** Takes standard output and error; without it both are pipes of `child`. */
  logFile?: string;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
}

export interface OwnProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  /** What the program ended with, as a sentence can say it ("exit code 1", "SIGKILL"); resolves when it ends. */
  readonly exited: Promise<string>;
  readonly isRunning: boolean;
  /** Asks the program to finish, and kills it after `limitMs`. Calling it twice, or after the end, is harmless. */
  stop(limitMs?: number): Promise<void>;
  /** `kill -9`, for failure tests and for a stop that must not wait. */
  kill(): Promise<void>;
}

// Reads from the parent until it says goodbye; end of file without a word means that the parent died, even by kill -9.
const GUARD = 'trap "" INT TERM HUP; read -r word || kill -s "$0" "$1"';

/**
 * Starts a program that lives exactly as long as we want: in a process group of its own, so that the terminal's Ctrl-C
 * reaches only us and we stop things in order; and watched by a guard that stops it when we are gone without having done so.
 * A process left behind by an earlier run under the same record is stopped first.
 */
export async function startProcess(options: ProcessOptions): Promise<OwnProcess> {
  const { command, args, stopSignal, recordFile, logFile, cwd, env, uid, gid } = options;
  await stopLeftover(recordFile, stopSignal);

  const log = logFile === undefined ? "pipe" : openSync(logFile, "w");
  const child = spawn(command, args, { cwd, env, uid, gid, detached: true, stdio: ["ignore", log, log] });
  if (typeof log === "number") closeSync(log);
  const exited = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const started = new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => reject(new Error(`${command} could not be started: ${cause.message}`, { cause })));
  });
  if (child.pid === undefined) await started; // fails with the reason
  const pid = child.pid as number;

  // In the same tick as the program itself: nothing can end us in between.
  const guard = spawn("sh", ["-c", GUARD, stopSignal.slice(3), String(pid)], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  guard.stdin?.on("error", () => {}); // the guard may have been killed: nothing to say goodbye to
  guard.once("error", () => {}); // no `sh`, no guard; the record below still finds the process
  record(recordFile, pid);
  const ended = exited.then(() => {
    guard.stdin?.end("goodbye\n");
    rmSync(recordFile, { force: true });
  });

  await started;
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  return {
    pid,
    child,
    exited,
    get isRunning() {
      return isRunning();
    },
    async stop(limitMs = 15_000) {
      if (isRunning()) child.kill(stopSignal);
      const overdue = setTimeout(() => child.kill("SIGKILL"), limitMs);
      await ended;
      clearTimeout(overdue);
    },
    async kill() {
      if (isRunning()) child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Notes that the process `pid` belongs to `recordFile`. */
export function record(recordFile: string, pid: number): void {
  mkdirSync(path.dirname(recordFile), { recursive: true });
  writeFileSync(recordFile, `${JSON.stringify({ pid, start: startOf(pid) })}\n`);
}

/** The recorded process if it is still running; a number that now belongs to another process does not count. */
export function recordedPid(recordFile: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(recordFile, "utf8");
  } catch {
    return undefined; // never started, or ended as it should
  }
  const [, pid, start] = /^\{"pid":(\d+),"start":"(.+)"\}\n$/.exec(text) ?? [];
  return pid !== undefined && startOf(Number(pid)) === start ? Number(pid) : undefined;
}

/** Stops the recorded process of an earlier run, if there is one, and waits until it is gone. */
export async function stopLeftover(recordFile: string, signal: NodeJS.Signals, limitMs = 20_000): Promise<void> {
  const pid = recordedPid(recordFile);
  if (pid === undefined) return;
  process.kill(pid, signal);
  const killAt = Date.now() + limitMs;
  while (recordedPid(recordFile) !== undefined) {
    if (Date.now() > killAt) process.kill(pid, "SIGKILL");
    await pause(20);
  }
}

/** When a process began, as the system words it; undefined if there is none. Tells a process from a later one with its number. */
function startOf(pid: number): string | undefined {
  try {
    if (process.platform !== "linux") {
      return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || undefined;
    }
    const [state, ...fields] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return state === "Z" ? undefined : fields[18];
  } catch {
    return undefined; // no such process
  }
}
