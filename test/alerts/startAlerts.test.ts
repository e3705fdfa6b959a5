import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { uuidv7 } from "uuidv7";
import { readConfig } from "../../src/config.ts";
import { startAlerts } from "../../src/monitor/alerts/startAlerts.ts";
import { createRedis, type Redis } from "../../src/redis/redis.ts";
import { createLogger } from "../../src/utils/logger.ts";
import { eventually } from "../support/eventually.ts";
import { type MailServer, startMailServer } from "../support/mailServer.ts";
import { testRedis } from "../support/testDatabase.ts";
import { healthy, withQueue } from "./support.ts";

const log = createLogger({ level: "silent", pretty: false, program: "test" });
const { url, prefix } = testRedis();
const posted: { text: string; alerts: { status: string; rule: string; subject: string }[] }[] = [];
const receiver = createServer(async (request, response) => {
  posted.push(JSON.parse(await text(request)));
  response.end();
});
let mails: MailServer;
let redis: Redis;

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  mails = await startMailServer();
  redis = createRedis(url, { role: "queue", log });
  await eventually("Redis is there", () => redis.status === "ready");
});
afterAll(async () => {
  redis.disconnect();
  await mails.close();
  receiver.closeAllConnections();
  receiver.close();
});

it("a monitor tells by webhook and mail what begins and what is over; the next one goes on at once", async () => {
  const names = [
    "ALERT_WEBHOOK_URL",
    "ALERT_WEBHOOK_SECRET",
    "ALERT_MAIL_TO",
    "ALERT_RULES",
    "ALERT_REPEAT_MINUTES",
  ] as const;
  const environment = {
    ALERT_WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`,
    ALERT_MAIL_TO: "ops@school.example, head@school.example",
    ALERT_RULES: '{"noWorker": {"forSeconds": 20}}',
    ...{ SMTP_URL: mails.url, MAIL_FROM: "Lectern <lectern@school.example>" },
  };
  const config = readConfig(environment, [...names, "SMTP_URL", "MAIL_FROM"]);
  let seconds = 0;
  let workers = 0;
  const takeSnapshot = async () => {
    seconds += 10;
    return withQueue(healthy(seconds), "exam", { workers });
  };
  const aMonitor = () => startAlerts({ config, redis, prefix, takeSnapshot, newId: uuidv7, log, everyMs: 10 });

  const first = aMonitor();
  await eventually("it is posted", () => posted.length === 1);
  await eventually("it is mailed to both", () => mails.mails.length === 2);
  await first.close();
  expect(posted[0]!.alerts).toMatchObject([{ status: "began", rule: "noWorker", subject: "exam" }]);
  expect(posted[0]!.text).toContain("exam: no workers.");
  expect(mails.mails.map(({ recipients }) => recipients[0]).sort()).toEqual([
    "head@school.example",
    "ops@school.example",
  ]);

  workers = 2;
  const second = aMonitor();
  await eventually("it is posted", () => posted.length === 2);
  await second.close();
  expect(posted[1]!.alerts).toMatchObject([{ status: "over", rule: "noWorker", subject: "exam" }]);
});
