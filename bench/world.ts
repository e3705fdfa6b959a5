import { execFileSync } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import getPort from "get-port";
import { type OwnProcess, startProcess } from "../dev/ownProcess.ts";
import { startPrivatePostgres } from "../dev/privatePostgres.ts";
import { startPrivateRedis } from "../dev/privateRedis.ts";
import { migrate } from "../prisma/migrate.ts";
import { readConfig } from "../src/config.ts";
import { type Container, createContainer } from "../src/container.ts";
import { createLogger } from "../src/utils/logger.ts";
import { cpuOf, cpuOfTree } from "./cpuTime.ts";
import { createProbe, type Probe } from "./profile.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SERVER_CORE = 0;
const DRIVER_CORE = 1;

export interface Program {
  pid: number;
  port: number;
  cpu(): number;
  stop(): Promise<void>;
  /** Stops it in its tracks, without a word to it, and lets it go on. */
  hold(): void;
  release(): void;
  probe?: Probe;
  profileFolder?: string;
}

export interface ProgramOptions {
  /** Which core it may use; without it, all. */
  core?: "server";
  env?: Record<string, string>;
  nodeArgs?: string[];
  /** Opens a way to its memory and its profiles. */
  probed?: boolean;
}

export type World = Awaited<ReturnType<typeof startWorld>>;

/**
 * A PostgreSQL (with fsync) and a Redis of our own, an empty school, and the programs as `npm run build` makes them.
 * Their data lies beside the checkout, on a real disk. `close` stops everything it started, and removes it.
 * @param profileFolder where CPU profiles of the programs go; without it none are taken
 */
export async function startWorld({ profileFolder }: { profileFolder?: string } = {}) {
  const base = path.join(ROOT, ".lectern");
  mkdirSync(base, { recursive: true });
  const folder = mkdtempSync(path.join(base, "bench-"));
  chmodSync(folder, 0o711); // as root, PostgreSQL runs as another user
  const opened: (() => Promise<void>)[] = [async () => rmSync(folder, { recursive: true, force: true })];
  let closing: Promise<void> | undefined;

  /** Stops everything in reverse. Safe to repeat. */
  const close = (): Promise<void> => {
    closing ??= (async () => {
      for (const end of opened.toReversed()) await end();
    })();
    return closing;
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    const leave = () => void close().finally(() => process.exit(130));
    process.once(signal, leave);
    opened.push(async () => void process.removeListener(signal, leave));
  }

  async function start() {
    const redis = await startPrivateRedis({ folder: path.join(folder, "redis") });
    opened.push(redis.stop);
    const postgres = await startPrivatePostgres({ folder: path.join(folder, "postgres") });
    opened.push(postgres.stop);
    const databaseUrl = postgres.url("lectern");
    await migrate(databaseUrl);
    return { redis, postgres, databaseUrl };
  }

  try {
    const { redis, postgres, databaseUrl } = await start();
    const env: Record<string, string> = {
      DATABASE_URL: databaseUrl,
      REDIS_URL: redis.url,
      JWT_PRIVATE_KEY: generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }) as string,
      SECRETS_KEY: randomBytes(32).toString("base64"),
      ACCESS_TOKEN_SECONDS: "86400",
      APP_URL: "https://school.example",
      PUBLIC_URL: "https://api.school.example",
      SMTP_URL: "smtp://127.0.0.1:1", // nobody listens, and nothing that is measured sends mail
      MAIL_FROM: "Lectern <lectern@school.example>",
      RATE_LIMIT_FACTOR: "1000", // one viewer asks here for hundreds
      HOST: "127.0.0.1",
    };
    const built = buildPrograms(path.join(folder, "dist"));

    /** Starts a Node program on a port of its own and waits until it listens. */
    async function startNode(name: string, args: string[], options: ProgramOptions = {}): Promise<Program> {
      const file = path.join(folder, `${name}-${opened.length}`); // a name of its own, for there may be two of them
      const logFile = `${file}.log`;
      const port = await getPort();
      const ports = { PORT: String(port), WORKER_PORT: String(port) }; // whichever of them it listens on
      const probe = options.probed || profileFolder ? createProbe(`${file}.sock`) : undefined;
      const nodeArgs = [...(probe?.nodeArgs ?? []), ...(options.nodeArgs ?? [])];
      const own = await startProcess({
        ...pinned(options.core, process.execPath, [...nodeArgs, ...args]),
        stopSignal: "SIGTERM",
        recordFile: `${file}.json`,
        logFile,
        cwd: ROOT,
        env: {
          ...process.env,
          NODE_ENV: "production",
          NODE_OPTIONS: "",
          ...env,
          ...ports,
          ...probe?.env,
          ...options.env,
        },
      });
      const stop = () => {
        own.child.kill("SIGCONT"); // a process that is held would not hear that it is to stop
        return own.stop();
      };
      opened.push(stop);
      await untilListening(own, port, logFile);
      return {
        pid: own.pid,
        port,
        probe,
        profileFolder,
        cpu: () => cpuOf(own.pid),
        stop,
        hold: () => void own.child.kill("SIGSTOP"),
        release: () => void own.child.kill("SIGCONT"),
      };
    }

    return {
      root: ROOT,
      folder,
      env,
      built,
      databaseUrl,
      redisUrl: redis.url,
      close,
      postgresCpu: () => cpuOfTree(postgres.pid!),
      redisCpu: () => cpuOf(redis.pid!),

      startServer: (options?: ProgramOptions) => startNode("server", [path.join(built, "server.js")], options),
      startWorker: (options?: ProgramOptions) => startNode("worker", [path.join(built, "worker.js")], options),
      /** One of the bare programs beside this file: what the limits are measured with. */
      startBare: (file: string, options?: ProgramOptions) =>
        startNode(path.basename(file, ".mjs"), [path.join(ROOT, "bench", "bare", file)], options),

      /** Runs something with the services in this process, to make a school; it is closed before anything is measured. */
      async prepare<T>(make: (container: Container) => Promise<T>): Promise<T> {
        const config = readConfig(env);
        const container = await createContainer(
          config,
          createLogger({ level: "warn", pretty: false, program: "bench" }),
        );
        try {
          return await make(container);
        } finally {
          await container.close();
        }
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Compiles the programs, as `npm run build` does, to a folder of our own, so that a build elsewhere does not disturb us. */
function buildPrograms(folder: string): string {
  execFileSync(
    process.execPath,
    [path.join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json", "--outDir", folder],
    { cwd: ROOT, stdio: ["ignore", 2, 2] },
  );
  for (const data of ["prisma/migrations", "src/apollo/typeDefs", "src/mails/templates"])
    cpSync(path.join(ROOT, data), path.join(folder, data), { recursive: true });
  return folder;
}

/** Waits until the program takes connections. */
async function untilListening(program: OwnProcess, port: number, logFile: string, limitMs = 30_000): Promise<void> {
  for (const deadline = Date.now() + limitMs; !(await takesConnections(port)); await pause(20)) {
    if (program.isRunning && Date.now() < deadline) continue;
    await program.stop();
    throw new Error(
      `A program did not come up. The end of ${logFile}:\n${readFileSync(logFile, "utf8").slice(-2_000)}`,
    );
  }
}

const takesConnections = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });

const canPin = process.platform === "linux" && os.availableParallelism() >= 2 && hasTaskset();

function hasTaskset(): boolean {
  try {
    execFileSync("taskset", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

type Core = "server" | "driver" | undefined;

const ALL_CORES = `0-${os.availableParallelism() - 1}`;
const coresFor = (core: Core): string =>
  core === undefined ? ALL_CORES : String(core === "server" ? SERVER_CORE : DRIVER_CORE);

/** The command, bound to a core of its own where the machine allows; without one it may use all, whatever we are bound to. */
export function pinned(core: Core, command: string, args: string[]): { command: string; args: string[] } {
  return canPin ? { command: "taskset", args: ["-c", coresFor(core), command, ...args] } : { command, args };
}

/** Binds this process, which drives the load, to its core, or frees it again; what it starts afterwards inherits that. */
export function pinDriver(core: "driver" | undefined): void {
  if (canPin) execFileSync("taskset", ["-a", "-c", "-p", coresFor(core), String(process.pid)], { stdio: "ignore" });
}
