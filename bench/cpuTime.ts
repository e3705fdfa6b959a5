import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

interface Usage {
  parent: number;
  /** CPU the process has used, in seconds, and what its ended children had. */
  own: number;
  endedChildren: number;
}

const TICKS_PER_SECOND = 100; // what every Linux shows to programs, whatever its kernel counts in

/** CPU seconds a process has used since it began, on all its threads. */
export const cpuOf = (pid: number): number => usageOf(pid)?.own ?? 0;

/** The same for a process with all its children, those that have ended included. */
export function cpuOfTree(root: number): number {
  const all = new Map(pids().map((pid) => [pid, usageOf(pid)]));
  let seconds = 0;
  for (const [pid, usage] of all) {
    for (let at = pid; at > 1; at = all.get(at)?.parent ?? 0) {
      if (at !== root) continue;
      seconds += (usage?.own ?? 0) + (usage?.endedChildren ?? 0);
      break;
    }
  }
  return seconds;
}

/** CPU seconds of the children this process has had and that have ended. Zero where the system does not tell. */
export const cpuOfEndedChildren = (): number => usageOf(process.pid)?.endedChildren ?? 0;

/** CPU seconds of this process. */
export function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

const pids = (): number[] =>
  process.platform === "linux"
    ? readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .map(Number)
    : execFileSync("ps", ["-axo", "pid="], { encoding: "utf8" }).trim().split(/\s+/).map(Number);

function usageOf(pid: number): Usage | undefined {
  try {
    return process.platform === "linux" ? fromProc(pid) : fromPs(pid);
  } catch {
    return undefined; // the process has ended since
  }
}

function fromProc(pid: number): Usage {
  // The name, in brackets, may hold spaces; what follows is numbers: state, parent, …, user, system, children's user and system.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ").map(Number);
  return {
    parent: fields[1]!,
    own: (fields[11]! + fields[12]!) / TICKS_PER_SECOND,
    endedChildren: (fields[13]! + fields[14]!) / TICKS_PER_SECOND,
  };
}

function fromPs(pid: number): Usage {
  const [parent, time] = execFileSync("ps", ["-o", "ppid=,time=", "-p", String(pid)], { encoding: "utf8" })
    .trim()
    .split(/\s+/);
  const own = time!.split(":").reduce((seconds, part) => seconds * 60 + Number(part), 0);
  return { parent: Number(parent), own, endedChildren: 0 };
}
