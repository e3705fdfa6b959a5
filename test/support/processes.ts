import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import getPort from "get-port";
import { type OwnProcess, startProcess } from "../../dev/ownProcess.ts";
import { type PrivatePostgres, startPrivatePostgres } from "../../dev/privatePostgres.ts";
import { type PrivateRedis, startPrivateRedis } from "../../dev/privateRedis.ts";
import { migrate } from "../../prisma/migrate.ts";
import { readConfig } from "../../src/config.ts";
import { type Container, createContainer } from "../../src/container.ts";
import { createLogger } from "../../src/utils/logger.ts";
import { eventually } from "./eventually.ts";
import { testEnvironment } from "./testApp.ts";
import { createTestDatabase, testRedis } from "./testDatabase.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Generous: other tests, and other people, use the machine too. */
const START_WITHIN_MS = 60_000;

/** `server.ts`, `worker.ts` or the pages of `queueMonitor.ts` in a process of its own, as an operator runs it. */
export interface Program {
  readonly url: string;
  readonly isRunning: boolean;
  /** What it ended with, e.g. "exit code 0" or "SIGKILL"; resolves when it ends. */
  readonly exited: Promise<string>;
  /** What it has written so far, to both of its outputs. */
  output(): string;
  /** `kill -9`; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with what it ended with. */
  terminate(): Promise<string>;
  /** The HTTP status and body of one of its health pages. */
  health(page: "healthz" | "readyz"): Promise<{ status: number; body: { status: string; problems?: string[] } }>;
}

const PROGRAMS = {
  server: { args: ["server.ts"], port: "PORT" },
  worker: { args: ["worker.ts"], port: "WORKER_PORT" },
  monitor: { args: ["queueMonitor.ts", "--serve"], port: "MONITOR_PORT" },
} as const;
export type ProgramName = keyof typeof PROGRAMS;

/** Runs a program with this environment and nothing of our own but where to find things. Not waited for. */
export async function runProgram(name: ProgramName, folder: string, env: Record<string, string>): Promise<Program> {
  const { PATH = "", HOME = "", TMPDIR = os.tmpdir() } = process.env;
  const running: OwnProcess = await startProcess({
    command: process.execPath,
    args: ["--import", "tsx", ...PROGRAMS[name].args],
    cwd: ROOT,
    env: { PATH, HOME, TMPDIR, ...env },
    stopSignal: "SIGTERM",
    recordFile: path.join(folder, `${name}-${env[PROGRAMS[name].port]}.json`),
  });
  let text = "";
  for (const stream of [running.child.stdout, running.child.stderr]) stream?.on("data", (chunk) => (text += chunk));
  const url = `http://127.0.0.1:${env[PROGRAMS[name].port]}`;
  return {
    url,
    exited: running.exited,
    get isRunning() {
      return running.isRunning;
    },
    output: () => text,
    kill: () => running.kill(),
    async terminate() {
      running.child.kill("SIGTERM");
      return running.exited;
    },
    async health(page) {
      const response = await fetch(`${url}/${page}`);
      return { status: response.status, body: (await response.json()) as { status: string; problems?: string[] } };
    },
  };
}

/** An installation of its own: a database, a Redis, and the programs that a test starts on them. */
export interface Site {
  /** The same services in the test's process, to set the scene and to look at what came of it. */
  container: Container;
  databaseUrl: string;
  /** The environment of its programs, without their ports. */
  env: Record<string, string>;
  /** Its own PostgreSQL and Redis, where the test asked for them; else it shares the test run's. */
  postgres: PrivatePostgres;
  redis: PrivateRedis;
  /** Starts a program and waits until it is ready. Given one that ended, starts it again on the same port. `own` is for its environment alone. */
  start(name: ProgramName, again?: Program, own?: Record<string, string>): Promise<Program>;
  /** Stops everything and removes it. */
  close(): Promise<void>;
}

/** Opens an installation; `own` names the servers that the test will stop or kill. */
export async function openSite({
  own = [],
  env: changes = {},
}: {
  own?: ("postgres" | "redis")[];
  env?: Record<string, string>;
} = {}): Promise<Site> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "lectern-site-"));
  chmodSync(folder, 0o711); // as root, PostgreSQL runs as another user
  const closers: (() => Promise<unknown>)[] = [async () => rmSync(folder, { recursive: true, force: true })];

  async function ownPostgres(): Promise<PrivatePostgres> {
    const server = await startPrivatePostgres({ folder: path.join(folder, "postgres") }); // with fsync: it is going to be killed
    closers.unshift(() => server.stop());
    await migrate(server.url("lectern"));
    return server;
  }
  async function ownRedis(): Promise<PrivateRedis> {
    const server = await startPrivateRedis({ folder: path.join(folder, "redis") });
    closers.unshift(() => server.stop());
    return server;
  }
  async function sharedDatabaseUrl(): Promise<string> {
    const database = await createTestDatabase();
    closers.unshift(() => database.drop());
    return database.url;
  }

  const postgres = own.includes("postgres") ? await ownPostgres() : undefined;
  const redis = own.includes("redis") ? await ownRedis() : undefined;
  const databaseUrl = postgres?.url("lectern") ?? (await sharedDatabaseUrl());
  const base = {
    ...testEnvironment(databaseUrl, redis ? { url: redis.url, prefix: "lectern" } : testRedis()),
    LOG_LEVEL: "warn", // what a program says is shown when it does not start
    STORAGE_DIR: path.join(folder, "files"),
    ...changes,
  };
  const config = readConfig(base);
  const container = await createContainer(config, createLogger({ level: "fatal", pretty: false, program: "test" }));
  closers.unshift(() => container.close());

  async function start(name: ProgramName, again?: Program, own: Record<string, string> = {}): Promise<Program> {
    const port = again ? new URL(again.url).port : String(await getPort());
    const program = await runProgram(name, folder, { ...base, ...own, [PROGRAMS[name].port]: port });
    closers.unshift(() => program.kill());
    await eventually(
      `the ${name} is ready`,
      async () => {
        if (!program.isRunning) throw new Error(`the ${name} ended with ${await program.exited}:\n${program.output()}`);
        return (await program.health("readyz").catch(() => null))?.status === 200; // refused until it listens
      },
      START_WITHIN_MS,
    );
    return program;
  }

  const owned = <T>(server: T | undefined, name: string): T => {
    if (!server) throw new Error(`the site shares the test run's ${name}, which must not be stopped`);
    return server;
  };

  return {
    container,
    databaseUrl,
    env: base,
    get postgres() {
      return owned(postgres, "PostgreSQL");
    },
    get redis() {
      return owned(redis, "Redis");
    },
    start,
    async close() {
      for (const close of closers) await close();
    },
  };
}
