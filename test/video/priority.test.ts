import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "@jest/globals";
import { createLimitedProcess } from "../../src/ffmpeg/limitedProcess.ts";
import { createLogger } from "../../src/utils/logger.ts";
import { eventually } from "../support/eventually.ts";

const missing = existsSync("/proc/self/autogroup") ? null : "no scheduling groups of sessions on this system";
const log = createLogger({ level: "silent", pretty: false, program: "test" });
const limits = { wallSeconds: 120, cpuSeconds: 120, memoryMb: 2_048, fileMb: 1 };
const ENDLESS = [
  "-nostdin",
  "-loglevel",
  "error",
  "-re",
  "-f",
  "lavfi",
  "-i",
  "testsrc2=size=64x64:rate=5",
  "-f",
  "null",
  "-",
];

/** What /proc/…/stat says (proc_pid_stat(5)), by the names of that page. */
async function statOf(pid: string | number) {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ""); // it may have ended meanwhile
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [program] = /(?<=\().*(?=\))/.exec(stat) ?? [];
  return { program, ppid: Number(fields[1]), session: Number(fields[3]), nice: Number(fields[16]) };
}

/** The ffmpeg that this process started. */
async function ownFfmpeg(): Promise<number | null> {
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const { program, ppid } = await statOf(name);
    if (program === "ffmpeg" && ppid === process.pid) return Number(name);
  }
  return null;
}

(missing ? describe.skip : describe)(`a running ffmpeg${missing ? ` (skipped: ${missing})` : ""}`, () => {
  it("comes after everything else, although its session is its own", async () => {
    const stop = new AbortController();
    const limited = createLimitedProcess({ searchPath: process.env.PATH!, cores: null, log });
    const running = limited.run({ program: "ffmpeg", args: ENDLESS, limits, signal: stop.signal });
    const ended = expect(running).rejects.toThrow("enough");
    try {
      const pid = await eventually("it runs", ownFfmpeg);
      expect(await statOf(pid)).toMatchObject({ session: pid, nice: 19 });
      await eventually("its session gives way", async () =>
        (await readFile(`/proc/${pid}/autogroup`, "utf8")).includes("nice 10"),
      );
    } finally {
      stop.abort(new Error("enough"));
      await ended;
    }
  });
});
