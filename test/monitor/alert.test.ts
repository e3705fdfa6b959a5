import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it, jest } from "@jest/globals";
import { allQueues } from "../../src/queues/allQueues.ts";
import { eventually } from "../support/eventually.ts";
import { testEnvironment } from "../support/testApp.ts";
import { createTestDatabase, type TestDatabase, testRedis } from "../support/testDatabase.ts";

const script = fileURLToPath(new URL("../../queueMonitor.ts", import.meta.url));
const limitMs = 60_000;
/** Generous: programs start here, and the machine may be busy. */
jest.setTimeout(3 * limitMs);

let database: TestDatabase;
let env: NodeJS.ProcessEnv;
const posted: { text: string; alerts: { rule: string; subject: string }[] }[] = [];
const receiver = createServer(async (request, response) => {
  posted.push(JSON.parse(await text(request)));
  response.end();
});

beforeAll(async () => {
  database = await createTestDatabase();
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const { url, prefix } = testRedis();
  env = {
    PATH: process.env.PATH,
    ...{ DATABASE_URL: database.url, REDIS_URL: url, REDIS_PREFIX: prefix },
    ALERT_WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`,
    ALERT_RULES: '{"noWorker": {"forSeconds": 0}}',
  };
});
afterAll(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await database.drop();
});

function monitor(args: string[], change: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, ["--import", "tsx", script, ...args], {
    env: { ...env, ...change },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { out: "", error: "" };
  child.stdout.on("data", (chunk) => (said.out += chunk));
  child.stderr.on("data", (chunk) => (said.error += chunk));
  return { child, said, ended: new Promise<number | null>((resolve) => child.once("close", resolve)) };
}

it("queueMonitor --alert tells that there are no workers, but for the queue that was silenced, until it is told to stop", async () => {
  const silencing = monitor(["silence", "exam", "--for", "2h", "--reason", "no exams today"]);
  expect(await silencing.ended).toBe(0);
  expect(silencing.said.out).toMatch(/^\S+ {2}exam {2}until \S+ {2}no exams today \(cli:.+\)\n$/);

  const alerting = monitor(["--alert", "--interval", "0.2"]);
  await eventually("it is told", () => posted.length > 0, limitMs);
  const silenced = posted[0]!.alerts.filter(({ rule }) => rule === "noWorker").map(({ subject }) => subject);
  expect(silenced).toEqual(allQueues.map(({ name }) => name).filter((name) => name !== "exam"));
  await eventually("a line is logged", () => alerting.said.out.includes("exam no workers"), limitMs);
  alerting.child.kill("SIGTERM");
  expect(await alerting.ended).toBe(0);
});

it("queueMonitor --serve tells the same beside its pages", async () => {
  posted.length = 0;
  const serving = monitor(["--serve"], { ...testEnvironment(database.url, testRedis()), MONITOR_PORT: "0" });
  await eventually("it is told", () => posted.length > 0, limitMs);
  expect(posted[0]!.alerts.filter(({ rule }) => rule === "noWorker")).toHaveLength(allQueues.length);
  serving.child.kill("SIGTERM");
  expect(await serving.ended).toBe(0);
});

it("queueMonitor says what is wrong with a silence, or with the configuration of alerts", async () => {
  const runs = [
    monitor(["silence", "exams", "--for", "2h", "--reason", "x"]),
    monitor(["--alert"], { ALERT_RULES: '{"noWorkers": {"off": true}}' }),
    monitor(["--alert"], { ALERT_MAIL_TO: "ops@school.example" }),
  ];
  expect(await Promise.all(runs.map(({ ended }) => ended))).toEqual([64, 64, 64]);
  expect(runs[0]!.said.error).toContain("exams: there is no such rule or queue");
  expect(runs[1]!.said.error).toContain("noWorkers: there is no rule noWorkers");
  expect(runs[2]!.said.error).toContain("SMTP_URL: is missing");
});
