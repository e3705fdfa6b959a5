import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import getPort from "get-port";

const RECORDS = [
  "dev.json",
  "server.json",
  "worker.json",
  "monitor.json",
  "redis/redis.json",
  "postgres/postgres.json",
];

const KEYS = ["jwt-private-key.pem", "secrets-key"];

interface DevRun {
  child: ChildProcess;
  output(): string;
  exited: Promise<number | null>;
}

jest.setTimeout(300_000); // a start compiles three programs, and the machine may be busy

let folder: string;
const runs: DevRun[] = [];

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "lectern-dev-"));
  chmodSync(folder, 0o755);
});

afterAll(async () => {
  for (const { child } of runs) child.kill("SIGTERM");
  await Promise.all(runs.map(({ exited }) => exited));
  await eventually(() => expect(runningPids()).toEqual([]));
  rmSync(folder, { recursive: true, force: true });
});

function startDev(env: NodeJS.ProcessEnv = {}): DevRun {
  const { DATABASE_URL: _, REDIS_URL: __, PORT: ___, SMTP_URL: ____, ...rest } = process.env;
  const child = spawn("npm", ["run", "dev"], {
    env: { ...rest, NODE_OPTIONS: "", LECTERN_DATA_DIR: folder, LOAD_SHEDDING: "false", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (text += chunk));
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  const run = { child, output: () => text, exited };
  runs.push(run);
  return run;
}

/** As the terminal does it: the whole group gets the signal, npm included. */
function pressCtrlC({ child }: DevRun): void {
  process.kill(-(child.pid as number), "SIGINT");
}

async function banner(run: DevRun): Promise<{ api: string; curl: string }> {
  return eventually(() => {
    const curl = /^ {2}(curl .*)$/m.exec(run.output())?.[1];
    const api = /GraphQL +(http:\S+)/.exec(run.output())?.[1];
    if (!curl || !api) throw new Error(`no banner yet:\n${run.output()}`);
    return { api, curl };
  });
}

async function ask(api: string, query: string): Promise<{ data?: Record<string, unknown>; errors?: unknown }> {
  const body = JSON.stringify({ query });
  const response = await fetch(api, { method: "POST", headers: { "content-type": "application/json" }, body });
  return response.json() as Promise<{ data?: Record<string, unknown> }>;
}

const pidOf = (record: string): number => JSON.parse(readFileSync(path.join(folder, record), "utf8")).pid;

function runningPids(): number[] {
  return RECORDS.flatMap((record) => {
    try {
      process.kill(pidOf(record), 0);
      return [pidOf(record)];
    } catch {
      return []; // no record, or no such process
    }
  });
}

async function eventually<T>(check: () => T | Promise<T>, limitMs = 120_000): Promise<T> {
  for (const deadline = Date.now() + limitMs; ; await pause(50)) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function occupy(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return server;
}

describe("npm run dev", () => {
  it("brings up a school to play with, and stops all of it on Ctrl-C", async () => {
    const run = startDev();
    const { curl } = await banner(run);
    const { stdout } = await promisify(execFile)("sh", ["-c", curl]);
    expect(JSON.parse(stdout)).toMatchObject({ data: { login: { accessToken: expect.any(String) } } });

    const pids = RECORDS.map(pidOf);
    expect(pids.every(isAlive)).toBe(true);
    pressCtrlC(run);
    expect(await run.exited).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(run.output()).toMatch(/server +\| .* stopped\n/);
    expect(run.output()).toContain("Everything is stopped.");
  });

  it("catches all mails, and the links in them work", async () => {
    const run = startDev();
    const { api } = await banner(run);
    const mails = /Mails +(http:\S+)/.exec(run.output())![1]!;
    await ask(api, 'mutation { requestPasswordReset(email: "teacher@lectern.example") { jobId } }');
    const textOf = async (url: string | URL) => (await fetch(url)).text();
    const mail = await eventually(async () => {
      const [, page] = /teacher@lectern\.example<\/td><td><a href="([^"]+)">Set a new password/.exec(
        await textOf(mails),
      )!;
      return textOf(new URL(page!, mails));
    });
    const [link] = /http:\/\/localhost:\d+\/reset-password\?token=[\w-]+/.exec(mail)!;
    expect(new URL(link).origin).toBe(new URL(api).origin);
    expect(await textOf(link)).toContain("<h1>Set a new password</h1>");
    pressCtrlC(run);
    expect(await run.exited).toBe(0);
    await expect(fetch(mails)).rejects.toThrow();
  });

  it("keeps its data and its keys over a restart, also when it is killed", async () => {
    const first = startDev();
    const { api } = await banner(first);
    const account = '(input: { email: "kept@lectern.example", password: "a long password", name: "Kept" })';
    expect((await ask(api, `mutation { register${account} { jobId } }`)).errors).toBeUndefined();
    for (const key of KEYS) expect(statSync(path.join(folder, key)).mode & 0o777).toBe(0o600);
    const keys = KEYS.map((key) => readFileSync(path.join(folder, key), "utf8"));
    const pids = RECORDS.map(pidOf);
    process.kill(pidOf("dev.json"), "SIGKILL");
    await first.exited;

    const second = startDev(); // at once: what the first one started may still be stopping
    const again = await banner(second);
    expect(again.api).toBe(api); // the ports are free again
    expect(pids.filter(isAlive)).toEqual([]);
    const login = 'mutation { login(email: "kept@lectern.example", password: "a long password") { user { name } } }';
    expect(await ask(again.api, login)).toMatchObject({ data: { login: { user: { name: "Kept" } } } });
    expect(KEYS.map((key) => readFileSync(path.join(folder, key), "utf8"))).toEqual(keys);
    second.child.kill("SIGTERM"); // to npm, as a supervisor would
    await second.exited;
    await eventually(() => expect(runningPids()).toEqual([]));
  });

  it("takes the next port where the usual one is taken, and refuses a second run on the same data", async () => {
    const taken = await occupy(await getPort({ port: 4000 })).catch(() => undefined);
    const run = startDev({ SMTP_URL: "smtp://user:secret@mail.school.example:587" });
    const { api } = await banner(run);
    expect(api).not.toContain(":4000/");
    expect(run.output()).toMatch(/Port 4000 was taken, so it is \d+\./);
    expect(run.output()).toMatch(/Mails +sent through mail\.school\.example:587\n/); // and none is caught

    const other = startDev();
    expect(await other.exited).toBe(1);
    expect(other.output()).toContain(`already running here, as process ${pidOf("dev.json")}`);
    expect((await ask(api, "{ __typename }")).data).toEqual({ __typename: "Query" });
    pressCtrlC(run);
    expect(await run.exited).toBe(0);
    taken?.close();
  });

  it("does not take another port than the one that was asked for", async () => {
    const taken = await occupy(await getPort());
    const { port } = taken.address() as { port: number };
    const run = startDev({ PORT: String(port) });
    expect(await run.exited).toBe(1);
    expect(run.output()).toContain(`PORT=${port}: this port is taken`);
    expect(runningPids()).toEqual([]);
    taken.close();
  });

  it("stops everything and says so when a program dies", async () => {
    const run = startDev({ PORT: "0", WORKER_PORT: "0" });
    await banner(run);
    const pids = RECORDS.map(pidOf);
    process.kill(pidOf("worker.json"), "SIGKILL");
    expect(await run.exited).toBe(1);
    expect(run.output()).toContain("worker ended: SIGKILL. Stopping the rest.");
    expect(pids.filter(isAlive)).toEqual([]);
  });
});
