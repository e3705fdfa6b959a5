import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { ConfigError, readConfig } from "../../src/config.ts";
import { type AlertRule, thresholdsOf } from "../../src/monitor/alerts/alertRule.ts";
import { alertRules, foundWithinSeconds, withOverrides } from "../../src/monitor/alerts/alertRules.ts";
import { noAlerts } from "../../src/monitor/alerts/alertState.ts";
import type { QueueFigures, RedisFigures, ScheduleFigures, Snapshot } from "../../src/monitor/snapshot.ts";
import { healthy, run, withQueue } from "./support.ts";

const page = readFileSync(new URL("../../docs/alerts.md", import.meta.url), "utf8");
const timing = { repeatSeconds: 600, groupSeconds: 60, calmSeconds: 30 };

/** The page's row about a rule. */
function rowOf(rule: AlertRule): string {
  const { name, severity, meaning, unit, raise, clear, forSeconds, remedy } = rule;
  const sign = { percent: " %", count: "", "yes or no": "", seconds: " s", "seconds waited": " s" }[unit];
  const thresholds = unit === "yes or no" ? "" : `${raise}${sign}, ${clear}${sign}`;
  const found = foundWithinSeconds(rule, { raise, clear, forSeconds });
  return `| \`${name}\` | ${severity} | ${meaning} | ${thresholds} | ${found} s | ${remedy} |`;
}

describe("docs/alerts.md", () => {
  it.each(alertRules)("has the row of $name as the code has it", (rule) => {
    const row = page.split("\n").find((line) => line.startsWith(`| \`${rule.name}\` |`));
    expect(row).toBe(rowOf(rule));
  });

  it("has no other rules", () => {
    const named = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(named).toEqual(alertRules.map(({ name }) => name));
  });

  it.each(alertRules.filter(({ subjects }) => subjects))(
    "says where $name has other thresholds",
    ({ name, subjects }) => {
      for (const [subject, { raise, clear }] of Object.entries(subjects!)) {
        expect(page).toContain(`\`${name}:${subject}\` ${raise} s, ${clear} s`);
      }
    },
  );
});

describe("the catalogue", () => {
  const redis = healthy().redis as RedisFigures;
  const away = { away: "connect ECONNREFUSED" };
  const withRedis = (change: Partial<RedisFigures>) => (now: Snapshot) => ({ ...now, redis: { ...redis, ...change } });
  const ofQueue = (name: string, change: Partial<QueueFigures>) => (now: Snapshot) => withQueue(now, name, change);
  const slow = (p95: number) => ({ run: { p50: p95 / 2, p95, p99: p95 * 2 } });
  const allQueuesOf = (change: Partial<QueueFigures>) => (now: Snapshot) => ({
    ...now,
    queues: (now.queues as QueueFigures[]).map((queue) => ({ ...queue, ...change })),
  });

  it.each<[string, string, (now: Snapshot, seconds: number) => Snapshot]>([
    ["redisAway", "redis", (now) => ({ ...now, redis: away, queues: away, schedules: away })],
    ["postgresAway", "postgres", (now) => ({ ...now, outbox: away })],
    ["outboxStuck", "outbox", (now, seconds) => ({ ...now, outbox: { waiting: 3, oldestSeconds: seconds } })],
    ["redisFull", "redis", withRedis({ usedMemoryBytes: 95e6 })],
    ["redisMayEvict", "redis", withRedis({ maxMemoryPolicy: "allkeys-lru" })],
    ["redisEvicts", "redis", withRedis({ evictedKeys: 12 })],
    ["redisForgets", "redis", withRedis({ appendOnly: "off" })],
    ["redisCannotWrite", "redis", withRedis({ appendOnly: "failing" })],
    ["noWorker", "exam", ofQueue("exam", { workers: 0 })],
    ["workerLost", "workers", allQueuesOf({ workers: 1 })],
    ["queuePaused", "exam", ofQueue("exam", { isPaused: true })],
    ["queueAge", "exam", (now, seconds) => withQueue(now, "exam", { oldestWaitingSeconds: seconds })],
    ["deadLetters", "exam", ofQueue("exam", { dead: 1 })],
    ["failureRate", "exam", ofQueue("exam", { failedPerMinute: 6 })],
    ["mailsFail", "email", ofQueue("email", { failedPerMinute: 6 })],
    ["mailsSlow", "email", ofQueue("email", slow(8_000))],
    ["jobsSlow", "exam", ofQueue("exam", slow(45_000))],
    ["jobStalled", "exam", ofQueue("exam", { stalledPerMinute: 0.2 })],
    [
      "scheduleMissed",
      "exam/sweepAttempts",
      (now) => ({ ...now, schedules: (now.schedules as ScheduleFigures[]).map((late) => ({ ...late, isLate: true })) }),
    ],
  ])("finds %s of %s, and nothing else, within the time it states", (name, subject, break_) => {
    const rule = alertRules.find((known) => known.name === name)!;
    const before = Array.from({ length: 6 }, (_, index) => healthy(-60 + index * 10));
    const found = foundWithinSeconds(rule, thresholdsOf(rule, subject));
    const broken = Array.from({ length: found / 10 }, (_, index) =>
      break_(healthy((index + 1) * 10), (index + 1) * 10),
    );
    const policy = { rules: alertRules, silences: [], timing };
    const { notices } = run([...before, ...broken], policy, noAlerts);
    expect(notices.map(({ began }) => began.map((alert) => [alert.rule, alert.subject]))).toEqual([[[name, subject]]]);
    expect(notices[0]!.began[0]).toMatchObject({ remedy: rule.remedy, severity: rule.severity });
    const after = Array.from({ length: 70 }, (_, index) => healthy(found + 10 + index * 10));
    const { notices: all } = run([...before, ...broken, ...after], policy, noAlerts);
    if (name !== "redisEvicts") expect(all.at(-1)!.over.map((alert) => alert.rule)).toEqual([name]);
  });

  it("has no alarm in a quiet hour, nor for what an ordinary hour brings", () => {
    const hour = Array.from({ length: 361 }, (_, index) => {
      const now = healthy(index * 10);
      const isBusy = index % 60 < 3; // an exam begins
      return withQueue(
        withQueue(now, "exam", isBusy ? { waiting: 400, oldestWaitingSeconds: 25, completedPerMinute: 900 } : {}),
        "transcode",
        { workers: 2, oldestWaitingSeconds: index * 10, run: { p50: 6e5, p95: 9e5, p99: 9e5 } },
      );
    });
    const { notices } = run(hour, { rules: alertRules, silences: [], timing }, noAlerts);
    expect(notices).toEqual([]);
  });

  it("says less when a cause hides the rest: queues are unknown while Redis is away, not without workers", () => {
    const gone = Array.from({ length: 60 }, (_, index) => ({
      ...healthy(index * 10),
      ...{ redis: away, queues: away, schedules: away },
    }));
    const { notices } = run(gone, { rules: alertRules, silences: [], timing }, noAlerts);
    expect(notices.flatMap(({ began }) => began.map(({ rule }) => rule))).toEqual(["redisAway"]);
  });

  it("tells a worker's deployment from its loss", () => {
    const course = (restarted: number) =>
      Array.from({ length: 40 }, (_, index) => {
        const now = healthy(index * 10);
        const workers = index >= 3 && index < restarted ? 1 : 2;
        return { ...now, queues: (now.queues as QueueFigures[]).map((queue) => ({ ...queue, workers })) };
      });
    const policy = { rules: alertRules, silences: [], timing };
    expect(run(course(8), policy, noAlerts).notices).toEqual([]);
    expect(run(course(30), policy, noAlerts).notices[0]!.began[0]!.says).toBe("1 of 2 workers are gone.");
  });
});

describe("ALERT_RULES", () => {
  const rulesBy = (text: string) => withOverrides(readConfig({ ALERT_RULES: text }, ["ALERT_RULES"]).ALERT_RULES);
  const thresholds = (text: string, name: string, subject: string) =>
    thresholdsOf(rulesBy(text).find((rule) => rule.name === name)!, subject);

  it("changes a rule, one of its subjects, or switches it off", () => {
    const text =
      '{"queueAge": {"raise": 90}, "queueAge:exam": {"raise": 40, "forSeconds": 0}, "jobsSlow": {"off": true}}';
    expect(thresholds(text, "queueAge", "user")).toEqual({ raise: 90, clear: 30, forSeconds: 30 });
    expect(thresholds(text, "queueAge", "exam")).toEqual({ raise: 40, clear: 30, forSeconds: 0 });
    expect(thresholds(text, "queueAge", "transcode")).toMatchObject({ raise: 7_200 });
    expect(thresholds(text, "jobsSlow", "exam").raise).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([
    ["{", "ALERT_RULES: is not JSON"],
    ['{"queueAge": {"raise": "many"}}', "queueAge.raise"],
    ['{"queueAge": {"above": 5}}', "queueAge"],
    ['{"queueAges": {"raise": 5}}', "queueAges: there is no rule queueAges"],
    ['{"queueAge": {"raise": 20}}', "queueAge: clear (30) has to be below raise (20)"],
    ['{"queueAge:exam": {"clear": 90}}', "queueAge:exam: clear (90) has to be below raise (60)"],
  ])("that is wrong is refused: %s", (text, message) => {
    expect(() => rulesBy(text)).toThrow(ConfigError);
    expect(() => rulesBy(text)).toThrow(message);
  });

  it("is empty if not set", () => {
    expect(rulesBy("")).toEqual(alertRules);
  });
});

it("every rule begins above where it ends", () => {
  for (const rule of alertRules) {
    for (const subject of ["any", ...Object.keys(rule.subjects ?? {})]) {
      const { raise, clear } = thresholdsOf(rule, subject);
      expect(raise).toBeGreaterThan(clear);
    }
  }
});
