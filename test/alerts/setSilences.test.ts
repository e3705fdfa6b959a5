import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { uuidv7 } from "uuidv7";
import { createDb, type Db } from "../../prisma/client.ts";
import { createAlertStore } from "../../src/monitor/alerts/alertStore.ts";
import { createSilences, silenceLines } from "../../src/monitor/alerts/setSilences.ts";
import { createRedis, type Redis } from "../../src/redis/redis.ts";
import { createLogger } from "../../src/utils/logger.ts";
import { eventually } from "../support/eventually.ts";
import { createTestDatabase, type TestDatabase, testRedis } from "../support/testDatabase.ts";
import { at } from "./support.ts";

let database: TestDatabase;
let db: Db;
let redis: Redis;
let now = 0;
let silences: ReturnType<typeof createSilences>;

beforeAll(async () => {
  database = await createTestDatabase();
  db = createDb({ url: database.url, poolMax: 1 });
  const { url, prefix } = testRedis();
  redis = createRedis(url, { role: "queue", log: createLogger({ level: "silent", pretty: false, program: "test" }) });
  await eventually("Redis is there", () => redis.status === "ready");
  const clock = () => new Date(at(now));
  silences = createSilences({ db, store: createAlertStore({ redis, prefix }), clock, newId: uuidv7 });
});
afterAll(async () => {
  redis.disconnect();
  await db.$disconnect();
  await database.drop();
});

it("an operator sets, lists and lifts silences, which is in the audit log, and they end by themselves", async () => {
  const via = "cli:root";
  const set = (what: string, lasts: string) => silences.set({ what, lasts, reason: "marking by hand", via });
  const queue = await set("exam", "2h");
  const rule = await set("queueAge:user", "90m");
  expect(queue).toMatchObject({ what: "exam", until: at(7_200), reason: "marking by hand", by: via });
  expect(await silences.list()).toEqual([rule, queue]);
  expect(silenceLines(await silences.list())).toContain(
    `${queue.id}  exam  until ${at(7_200)}  marking by hand (cli:root)`,
  );

  expect(await silences.lift({ what: "queueAge:user", via })).toEqual([rule]);
  expect(await silences.lift({ what: "queueAge:user", via })).toEqual([]);
  expect(await silences.list()).toEqual([queue]);

  const lines = await db.auditEntry.findMany({ where: { entityType: "Silence" }, orderBy: { id: "asc" } });
  expect(lines.map(({ action, entityId, after }) => ({ action, entityId, after }))).toMatchObject([
    { action: "alert.silence", entityId: queue.id, after: { what: "exam", via, reason: "marking by hand" } },
    { action: "alert.silence", entityId: rule.id },
    { action: "alert.unsilence", entityId: rule.id },
  ]);

  now = 7_200;
  expect(await silences.list()).toEqual([]);
  expect(silenceLines([])).toBe("Nothing is silenced.");
});

it.each([
  ["exams", "2h", "x", "exams: there is no such rule or queue"],
  ["exam", "2 hours", "x", "a time such as 90m, 2h or 3d"],
  ["exam", "31d", "x", "at most 30d"],
  ["exam", "0m", "x", "a time such as"],
  ["exam", "2h", " ", "A reason is wanted"],
])("a silence of %s for %s because “%s” is refused", async (what, lasts, reason, message) => {
  await expect(silences.set({ what, lasts, reason, via: "cli:root" })).rejects.toThrow(message);
});
