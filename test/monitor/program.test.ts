import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import getPort from "get-port";
import { type Snapshot, takeSnapshot } from "../../src/monitor/snapshot.ts";
import { transcodeQueue } from "../../src/queues/transcode.queue.ts";
import { eventually } from "../support/eventually.ts";
import { openSite, type Site } from "../support/processes.ts";

const script = fileURLToPath(new URL("../../queueMonitor.ts", import.meta.url));
const command = [process.execPath, "--import", "tsx", script];
const limitMs = 60_000;

let site: Site;
let env: NodeJS.ProcessEnv;

/** A worker is up and has worked, and a job waits in a queue that is paused. */
beforeAll(async () => {
  site = await openSite();
  const { container } = site;
  const { PATH, HOME, TMPDIR } = process.env;
  env = { PATH, HOME, TMPDIR, ...site.env };
  await container.queues.untilConnected(limitMs);
  await container.queues.use(transcodeQueue.name, (queue) => queue.pause());
  await container.db.$transaction((tx) =>
    container.outbox.add(tx, transcodeQueue, "probeVideo", { videoId: randomUUID(), run: 1 }),
  );
  await site.start("worker");
  await eventually(
    "the worker has worked and said how it is",
    async () => {
      const { queues, processes } = (await takeSnapshot({ ...container, redis: container.queueRedis })) as Read;
      const figures = (name: string) => queues.find((queue) => queue.name === name)!;
      return processes.length === 1 && figures("video").run && figures("transcode").waiting === 1;
    },
    limitMs,
  );
}, 2 * limitMs);
afterAll(() => site?.close());

type Read = { [Part in keyof Snapshot]: Exclude<Snapshot[Part], { away: string }> };

function monitor(args: string[], change: NodeJS.ProcessEnv = {}) {
  const child = spawn(command[0]!, [...command.slice(1), ...args], {
    env: { ...env, ...change },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { out: "", error: "" };
  child.stdout.on("data", (text) => (said.out += text));
  child.stderr.on("data", (text) => (said.error += text));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, said, ended };
}

describe("queueMonitor", () => {
  it("shows a running system once: as a table, as a document, and as a line for Nagios", async () => {
    const [once, json, check] = [monitor(["--once"]), monitor(["--json"]), monitor(["--check"])];
    expect(await Promise.all([once.ended, json.ended, check.ended])).toEqual([1, 1, 1]); // paused is a warning

    expect(once.said.out).toMatch(/^transcode +1 .* paused 1\b/m);
    expect(once.said.out).toMatch(/^worker +\S+ +\d+ /m);
    expect(once.said.out).not.toContain("\u001b");

    const document = JSON.parse(json.said.out) as Read & { problems: string[] };
    expect(document.problems).toEqual(["transcode: paused."]);
    expect(document.outbox).toEqual({ waiting: 0, oldestSeconds: null });
    expect(document.redis).toMatchObject({ maxMemoryPolicy: "noeviction", appendOnly: "on", evictedKeys: 0 });
    expect(document.queues.find(({ name }) => name === "video")).toMatchObject({
      completedPerMinute: expect.any(Number),
      run: { p50: expect.any(Number), p95: expect.any(Number), p99: expect.any(Number) },
      wait: { p50: expect.any(Number) },
      workers: 1,
      isPaused: false,
    });
    expect(document.processes).toEqual([
      expect.objectContaining({
        program: "worker",
        pool: { max: 12, open: expect.any(Number), busy: expect.any(Number), waiting: expect.any(Number) },
        cache: { hits: expect.any(Number), misses: expect.any(Number) },
      }),
    ]);
    const flush = document.schedules.find(({ job }) => job === "flushWatchProgress");
    expect(flush).toMatchObject({ queue: "video", everyMs: 2_000, isLate: false });
    expect(flush?.lastFinishedAt).not.toBeNull();

    expect(check.said.out).toMatch(
      /^LECTERN WARNING - transcode: paused\. \| exam_waiting=0;;;0 .* transcode_waiting=1;;;0 .*\n$/,
    );
  });

  it("writes lines where there is no terminal, of words or of JSON, until it is told to stop", async () => {
    const [lines, documents] = [monitor(["--interval", "0.1"]), monitor(["--watch-json", "--interval", "0.1"])];
    const isSaidTwice = ({ out }: { out: string }) => out.split("\n").length > 2;
    await eventually("two lines of each", () => isSaidTwice(lines.said) && isSaidTwice(documents.said), limitMs);
    for (const { child } of [lines, documents]) child.kill("SIGTERM");
    expect(await Promise.all([lines.ended, documents.ended])).toEqual([0, 0]);
    expect(lines.said.out).toContain("transcode 1 waiting, paused");
    expect(lines.said.out).not.toContain("\u001b");
    for (const line of documents.said.out.trim().split("\n"))
      expect(JSON.parse(line).problems).toEqual(["transcode: paused."]);
  });

  it("says that Redis cannot be reached, with exit code 2", async () => {
    const nowhere = { REDIS_URL: `redis://127.0.0.1:${await getPort()}` };
    const [once, check] = [monitor(["--once"], nowhere), monitor(["--check"], nowhere)];
    expect(await Promise.all([once.ended, check.ended])).toEqual([2, 2]);
    expect(once.said.out).toContain("! Redis is away: ");
    expect(once.said.out).toContain("outbox    empty");
    expect(check.said.out).toMatch(/^LECTERN CRITICAL - Redis is away: [^\n]* \| outbox_waiting=0;;;0 [^\n]*\n$/);
  });

  it("tells a wrong configuration and a wrong option from a system that is not well", async () => {
    const missing = monitor(["--once"], { DATABASE_URL: "" });
    const unknown = monitor(["--forever"]);
    const check = monitor(["--check"], { DATABASE_URL: "" });
    expect(await Promise.all([missing.ended, unknown.ended, check.ended])).toEqual([64, 64, 3]);
    expect(missing.said.error).toContain("DATABASE_URL: is missing");
    expect(missing.said.error).not.toContain("JWT_PRIVATE_KEY");
    expect(unknown.said.error).toMatch(/--forever[\s\S]*--once/);
    expect(check.said.out).toMatch(/^LECTERN UNKNOWN - .*DATABASE_URL: is missing.*\n$/);
  });
});

const hasTmux = (() => {
  try {
    execFileSync("tmux", ["-V"]);
    return true;
  } catch {
    return false;
  }
})();
if (!hasTmux) process.stderr.write("The live view is not tested: tmux is not installed.\n");

(hasTmux ? describe : describe.skip)("the live view, in tmux", () => {
  const socket = `lectern-${randomUUID()}`;
  const tmux = (...args: string[]) =>
    execFileSync("tmux", ["-L", socket, "-f", "/dev/null", "-u", ...args], { env, encoding: "utf8" });
  const screen = () => tmux("capture-pane", "-p", "-t", "view").trimEnd().split("\n");
  const quoted = [...command, "--interval", "0.5"].map((part) => `'${part}'`).join(" ");

  it("is refreshed in place, follows the window, and gives the terminal back", async () => {
    try {
      tmux(
        "new-session",
        "-d",
        "-s",
        "view",
        "-x",
        "80",
        "-y",
        "40",
        `echo before; ${quoted}; echo "left with $?"; exec sleep 600`,
      );
      await eventually("the table", () => screen().some((line) => /^transcode +1 .* paused 1$/.test(line)), limitMs);
      const first = screen();
      expect(first[0]).toMatch(/^Lectern .* WARNING$/);
      expect(first.some((line) => line.startsWith("worker "))).toBe(true);
      expect(first).not.toContain("before"); // a screen of its own
      expect(tmux("capture-pane", "-p", "-e", "-t", "view")).toContain("\u001b[33mWARNING");
      await eventually("a newer time in the same place", () => screen()[0] !== first[0], limitMs);

      tmux("resize-window", "-t", "view", "-x", "60", "-y", "12");
      await eventually("a smaller table", () => screen().at(-1)?.includes("more lines in a taller window"), limitMs);
      expect(screen().length).toBeLessThanOrEqual(12);
      expect(screen()[0]).toMatch(/^Lectern .* WARNING$/);

      tmux("send-keys", "-t", "view", "q");
      await eventually("the end", () => screen().includes("left with 0"), limitMs);
      expect(screen()).toEqual(["before", "left with 0"]);
    } finally {
      tmux("kill-server");
    }
  });
});
