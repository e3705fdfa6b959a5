import { readFileSync } from "node:fs";

/** The numbers in a list such as `0-2,5`. */
export function coresInList(list: string): number[] {
  return list.split(",").flatMap((part) => {
    const [from, to = from] = part.split("-").map(Number);
    return Number.isInteger(from) ? Array.from({ length: to! - from! + 1 }, (_, at) => from! + at) : [];
  });
}

/**
 * The cores that ffmpeg is kept to: so many of those this process may use, the last ones, because most else begins at the first.
 * Null for all of them, and where the system does not tell.
 */
export function coresFor(threads: number, status: string = ownStatus()): string | null {
  const allowed = coresInList(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? "");
  if (threads === 0 || allowed.length <= threads) return null;
  return allowed.slice(-threads).join(",");
}

function ownStatus(): string {
  try {
    return readFileSync("/proc/self/status", "utf8");
  } catch {
    return ""; // not a Linux
  }
}
