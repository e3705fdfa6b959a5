// `npm run dev`: everything on one machine under one command. Embeds PostgreSQL and Redis unless DATABASE_URL or REDIS_URL say
// where they are, catches all mails unless SMTP_URL says where to send them, migrates, fills an empty database with the demo school,
// runs the three programs, and stops what it started.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import getPort, { portNumbers } from "get-port";
import pg from "pg";
import { DEMO_LOGINS } from "../prisma/demoLogins.ts";
import { migrate } from "../prisma/migrate.ts";
import { banner } from "./banner.ts";
import { startMailCatcher } from "./mailCatcher.ts";
import { record, recordedPid, startProcess, stopLeftover } from "./ownProcess.ts";
import { keptPrivateKey, keptSecretsKey } from "./privateKey.ts";
import { startPrivatePostgres } from "./privatePostgres.ts";
import { startPrivateRedis } from "./privateRedis.ts";
import { createLineView } from "./showLines.ts";

/** Something the person at the terminal can put right: shown as it is, without a stack. */
class Refusal extends Error {}

interface Part {
  name: string;
  exited(): Promise<string>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDER = path.resolve(process.env.LECTERN_DATA_DIR ?? path.join(ROOT, ".lectern"));
const RUN_RECORD = path.join(FOLDER, "dev.json");
const recordOf = (program: string) => path.join(FOLDER, `${program}.json`);

const view = createLineView(process.stdout);
const say = (line: string) => view.show("lectern", line);
const parts: Part[] = []; // in the order of starting
const remarks: string[] = [];
const interrupted = new AbortController();

async function main(): Promise<void> {
  claimFolder();
  try {
    await start();
    const end = await Promise.race([
      ...parts.map(async ({ name, exited }) => `${name} ended: ${await exited()}`),
      untilInterrupted(),
    ]);
    if (end) throw new Refusal(`${end}. Stopping the rest.`);
  } catch (error) {
    if (!interrupted.signal.aborted) {
      say(error instanceof Refusal ? error.message : String((error as Error).stack ?? error));
      process.exitCode = 1;
    }
  }
  await stopAll();
  rmSync(RUN_RECORD, { force: true });
  say("Everything is stopped.");
}

async function start(): Promise<void> {
  makeGeneratedCode();
  await stopWhatWasLeft();
  const { DATABASE_URL, REDIS_URL, SMTP_URL, APP_URL, PUBLIC_URL, MAIL_FROM, JWT_PRIVATE_KEY, SECRETS_KEY } =
    process.env;
  const databaseUrl = DATABASE_URL || (await embedPostgres());
  const redisUrl = REDIS_URL || (await embedRedis());
  const port = await choosePort("PORT", 4000);
  const workerPort = await choosePort("WORKER_PORT", 4001, port);
  const catcher = SMTP_URL ? undefined : await catchMails();
  const ownUrl = `http://localhost:${port}`;
  goOn();
  await migrate(databaseUrl, say).catch((error) => {
    throw new Refusal(`The database could not be brought up to date: ${error.message}`);
  });

  const env = {
    HOST: "127.0.0.1", // the demo school's passwords are no secret
    SANDBOX: "true",
    INTROSPECTION: "true",
    ...process.env,
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    PORT: String(port),
    WORKER_PORT: String(workerPort),
    LOG_PRETTY: "false", // the lines are made readable here, all alike
    JWT_PRIVATE_KEY: JWT_PRIVATE_KEY || keptPrivateKey(path.join(FOLDER, "jwt-private-key.pem")),
    STORAGE_DIR: process.env.STORAGE_DIR || path.join(FOLDER, "files"),
    SECRETS_KEY: SECRETS_KEY || keptSecretsKey(path.join(FOLDER, "secrets-key")),
    APP_URL: APP_URL || ownUrl, // without a front end the server itself shows the pages that links in mails lead to
    PUBLIC_URL: PUBLIC_URL || ownUrl,
    SMTP_URL: catcher?.smtpUrl ?? SMTP_URL,
    MAIL_FROM: MAIL_FROM || "Lectern <lectern@lectern.example>",
  };
  goOn();
  if (!(await hasUser(databaseUrl))) await runSeed(env);
  await startProgram("server", [], env);
  await startProgram("worker", [], env);
  await untilReady("server", port);
  await untilReady("worker", workerPort);
  await startProgram("monitor", ["--lines"], env);

  const logins = (await hasUser(databaseUrl, DEMO_LOGINS[0]?.email)) ? DEMO_LOGINS : [];
  const dataFolder = DATABASE_URL && REDIS_URL ? undefined : FOLDER;
  const mails = catcher?.webUrl ?? `sent through ${new URL(SMTP_URL as string).host}`;
  process.stdout.write(banner({ port, workerPort, mails, databaseUrl, redisUrl, dataFolder, logins, remarks }));
}

function claimFolder(): void {
  mkdirSync(FOLDER, { recursive: true });
  const other = recordedPid(RUN_RECORD);
  if (other !== undefined) {
    say(
      `npm run dev is already running here, as process ${other}. Stop that one, or give another folder in LECTERN_DATA_DIR.`,
    );
    process.exit(1);
  }
  record(RUN_RECORD, process.pid);
}

/** `npm ci` generates this code; an installation without scripts does not. */
function makeGeneratedCode(): void {
  if (existsSync(path.join(ROOT, "src/generated/prisma/client.ts"))) return;
  say("Generating code (npm run generate).");
  execFileSync("npm", ["run", "generate"], { cwd: ROOT, stdio: "ignore" });
}

/** After a kill -9 of an earlier run: the ports below must be free again, and two servers must not share one folder. */
async function stopWhatWasLeft(): Promise<void> {
  await Promise.all(["seed", "server", "worker"].map((program) => stopLeftover(recordOf(program), "SIGTERM")));
  await stopLeftover(recordOf("monitor"), "SIGTERM");
  await stopLeftover(path.join(FOLDER, "redis", "redis.json"), "SIGTERM");
  await stopLeftover(path.join(FOLDER, "postgres", "postgres.json"), "SIGINT");
}

async function embedPostgres(): Promise<string> {
  goOn();
  const port = await getPort({ port: portNumbers(54320, 54420) });
  const postgres = await startPrivatePostgres({ folder: path.join(FOLDER, "postgres"), port });
  parts.push({ name: "postgres", ...postgres });
  return postgres.url("lectern");
}

async function embedRedis(): Promise<string> {
  goOn();
  const port = await getPort({ port: portNumbers(63790, 63890) });
  const redis = await startPrivateRedis({ folder: path.join(FOLDER, "redis"), port, say });
  parts.push({ name: "redis", ...redis });
  return redis.url;
}

/** It lives in this process and so ends with it, however that ends. */
async function catchMails() {
  goOn();
  const smtpPort = await getPort({ port: portNumbers(1025, 1125) });
  const webPort = await getPort({ port: portNumbers(8025, 8125) });
  const catcher = await startMailCatcher({ folder: path.join(FOLDER, "mails"), smtpPort, webPort });
  const never = new Promise<string>(() => {});
  parts.push({ name: "mails", exited: () => never, stop: catcher.stop, kill: catcher.stop });
  return catcher;
}

/** The port that was asked for, or none other; without a wish the usual one or the next that is free. */
async function choosePort(variable: string, usual: number, taken?: number): Promise<number> {
  const asked = process.env[variable];
  if (asked === "0") return getPort();
  const from = asked ? Number(asked) : usual;
  if (!(Number.isInteger(from) && from > 0 && from < 65_536)) throw new Refusal(`${variable}=${asked} is no port.`);
  const port = await getPort({ port: asked ? from : portNumbers(from, from + 100), exclude: taken ? [taken] : [] });
  if (port === from) return port;
  if (asked)
    throw new Refusal(
      `${variable}=${asked}: this port is taken. Free it, or leave ${variable} out to get the next free one.`,
    );
  remarks.push(`Port ${from} was taken, so it is ${port}.`);
  return port;
}

async function startProgram(name: string, args: string[], env: NodeJS.ProcessEnv): Promise<Part> {
  goOn();
  const file = { server: "server.ts", worker: "worker.ts", monitor: "queueMonitor.ts", seed: "prisma/seed.ts" }[name];
  const program = await startProcess({
    command: process.execPath,
    args: ["--import", "tsx", path.join(ROOT, file as string), ...args],
    stopSignal: "SIGTERM",
    recordFile: recordOf(name),
    cwd: ROOT,
    env,
  });
  for (const stream of [program.child.stdout, program.child.stderr]) if (stream) view.follow(name, stream);
  const part = { name, exited: () => program.exited, stop: () => program.stop(30_000), kill: program.kill };
  parts.push(part);
  return part;
}

async function runSeed(env: NodeJS.ProcessEnv): Promise<void> {
  say("The database is empty: making a demo school.");
  const seed = await startProgram("seed", [], env);
  const end = await seed.exited();
  parts.splice(parts.indexOf(seed), 1);
  if (end !== "exit code 0") throw new Refusal(`The demo school could not be made: ${end}.`);
}

async function hasUser(databaseUrl: string, email?: string): Promise<boolean> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    const { rowCount } = await client.query("SELECT 1 FROM users WHERE $1::text IS NULL OR email = $1 LIMIT 1", [
      email ?? null,
    ]);
    return rowCount === 1;
  } finally {
    await client.end();
  }
}

/** Waits until a program can work; gives up when any part has ended, or after two minutes. */
async function untilReady(name: string, port: number): Promise<void> {
  let ended: string | undefined;
  for (const part of parts) void part.exited().then((end) => (ended ??= `${part.name} ended: ${end}`));
  let answer = "no answer";
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await pause(100)) {
    goOn();
    if (ended) throw new Refusal(`${ended}. Stopping the rest.`);
    try {
      const response = await fetch(`http://127.0.0.1:${port}/readyz`);
      if (response.ok) return;
      answer = await response.text();
    } catch {
      answer = "no answer"; // it does not listen yet
    }
  }
  throw new Refusal(`The ${name} is not ready after two minutes: ${answer}`);
}

/** Leaves the start where it is when somebody wants to stop. */
function goOn(): void {
  interrupted.signal.throwIfAborted();
}

function untilInterrupted(): Promise<undefined> {
  return new Promise((resolve) => {
    if (interrupted.signal.aborted) resolve(undefined);
    interrupted.signal.addEventListener("abort", () => resolve(undefined));
  });
}

/** Who makes work before who does it, and both before what they stand on. */
async function stopAll(): Promise<void> {
  for (const names of [["seed", "server", "worker"], ["monitor"], ["mails"], ["redis"], ["postgres"]]) {
    await Promise.all(parts.filter(({ name }) => names.includes(name)).map(({ stop }) => stop()));
  }
}

let firstSignalAt = Number.POSITIVE_INFINITY;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (!interrupted.signal.aborted) {
      firstSignalAt = performance.now();
      say("Stopping. Ctrl-C once more stops at once.");
      interrupted.abort();
    } else if (performance.now() - firstSignalAt > 500) {
      // Sooner it is the same Ctrl-C: the terminal sends it to us and to npm, and npm passes it on.
      say("Stopping at once.");
      void Promise.all(parts.map(({ kill }) => kill())).then(() => process.exit(1));
    }
  });
}

await main();
process.exit();
