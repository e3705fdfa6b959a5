import { execFileSync } from "node:child_process";
import { accessSync, chmodSync, constants, existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import getPort from "get-port";
import { Redis } from "ioredis";
import { type OwnProcess, startProcess } from "./ownProcess.ts";

export interface PrivateRedis {
  readonly url: string;
  readonly port: number;
  /** Undefined while it is stopped. */
  readonly pid: number | undefined;
  /** Resolves when the server that runs now ends, for whatever reason. */
  exited(): Promise<string>;
  /** Starts it again after `stop` or `kill`: same port, same data. */
  start(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/**
 * Starts a Redis (or Valkey) of our own with its data in `folder`; a later start on the same folder finds everything again.
 * Listens on this machine only. Without `port` it takes a free one.
 * @throws Error with a sentence for the reader if there is no server program or it does not come up.
 */
export async function startPrivateRedis(options: { folder: string; port?: number; say?: (line: string) => void }) {
  const folder = path.resolve(options.folder);
  const program = findServer() ?? installServer(options.say ?? (() => {}));
  const data = path.join(folder, "data");
  mkdirSync(data, { recursive: true });
  chmodSync(data, 0o700); // it has no password: the files are as private as the port allows
  const port = options.port ?? (await getPort());
  const url = `redis://127.0.0.1:${port}`;
  const logFile = path.join(folder, "redis.log");
  let running: OwnProcess | undefined;

  async function start(): Promise<void> {
    if (running?.isRunning) return;
    running = await startProcess({
      command: program,
      args: [
        ...["--port", String(port), "--bind", "127.0.0.1", "--dir", data, "--daemonize", "no"],
        ...["--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction"],
      ],
      stopSignal: "SIGTERM",
      recordFile: path.join(folder, "redis.json"),
      logFile,
    });
    await untilReady(running, url, logFile);
  }

  const redis: PrivateRedis = {
    url,
    port,
    get pid() {
      return running?.isRunning ? running.pid : undefined;
    },
    exited: async () => running?.exited ?? "not started",
    start,
    stop: async () => running?.stop(),
    kill: async () => running?.kill(),
  };
  await start();
  return redis;
}

async function untilReady(server: OwnProcess, url: string, logFile: string, limitMs = 60_000): Promise<void> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0 });
  client.on("error", () => {}); // refused until it listens; the loop below decides when that is too long
  try {
    for (const deadline = Date.now() + limitMs; ; await pause(20)) {
      if (!server.isRunning || Date.now() > deadline) {
        const how = server.isRunning ? "does not answer" : `ended with ${await server.exited}`;
        await server.stop();
        throw new Error(
          `The private Redis ${how}. The end of ${logFile}:\n${readFileSync(logFile, "utf8").slice(-1500)}`,
        );
      }
      if (client.status === "wait" || client.status === "end") await client.connect().catch(() => {});
      if (client.status !== "ready") continue;
      // Another server on this port would answer too; and while the log is replayed the answer is an error.
      const info = await client.info("server").catch(() => "");
      if (info.includes(`process_id:${server.pid}\r\n`)) return;
    }
  } finally {
    client.disconnect();
  }
}

function findServer(): string | undefined {
  const folders = [
    ...(process.env.PATH ?? "").split(path.delimiter),
    "/usr/local/bin",
    "/opt/homebrew/bin",
    "/usr/bin",
  ];
  const programs = ["valkey-server", "redis-server"].flatMap((name) =>
    folders.map((folder) => path.join(folder, name)),
  );
  return programs.find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function installServer(say: (line: string) => void): string {
  const canInstall = existsSync("/etc/debian_version") && process.getuid?.() === 0;
  if (!canInstall) {
    const how = process.platform === "darwin" ? "brew install valkey" : "sudo apt-get install redis-server";
    throw new Error(`Neither valkey-server nor redis-server is installed: ${how}, or give REDIS_URL.`);
  }
  say("No valkey-server or redis-server here: installing redis-server with apt-get.");
  // RUNLEVEL=1 keeps the package from starting a service on the usual port: we run our own.
  const env = { ...process.env, RUNLEVEL: "1", DEBIAN_FRONTEND: "noninteractive" };
  try {
    execFileSync("apt-get", ["update", "-qq"], { env, stdio: ["ignore", "pipe", "pipe"] });
    execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "redis-server"], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (cause) {
    const output = String((cause as { stderr?: Buffer }).stderr ?? cause).trim();
    throw new Error(`apt-get could not install redis-server. Install it, or give REDIS_URL.\n${output}`, { cause });
  }
  const installed = findServer();
  if (!installed) throw new Error("apt-get installed redis-server, but the program is not on the PATH.");
  return installed;
}
